"""Write docs/operating/config.md from the configuration's own fields: ``python scripts/write_config_manual.py``."""

from __future__ import annotations

import json
from pathlib import Path

from heliograph.config import fields

TARGET = Path(__file__).resolve().parents[1] / "docs" / "operating" / "config.md"
HEAD = """# The configuration file

`heliograph init` writes a `heliograph.toml` in which every field below stands with its explanation; those that have a
default are commented out. Paths are relative to the folder of the file. A field that does not exist is an error that
suggests the right one. `[[source]]`, `[[mirror]]`, `[[host]]`, `[[channel]]` and
`[[link]]` may stand any number of times.

The least that works:

```toml
[newsroom]
title = "Полуостров"
language = "ru"
zone = "Europe/Kyiv"

[[source]]
kind = "sitemap"
url = "https://peninsula.example/sitemap.xml"

[[mirror]]
name = "first"
path = "mirrors/first"
```
"""


def manual() -> str:
    """The text of the page."""
    lines, table = [HEAD], ""
    for name, words, default in fields():
        place, _, field = name.rpartition(".")
        if place != table:
            table = place
            of, _, kind = place.partition(":")
            header = f"`[[{of}]]`" if of in {"source", "mirror", "host", "link", "channel", "vantage"} else f"`[{of}]`"
            header += f' with `kind = "{kind}"`' if kind else ""
            lines.append(f"\n## {header}\n\n| field | what it says | default |\n|---|---|---|")
        shown = "" if default is None else f"`{json.dumps(default, ensure_ascii=False)}`"
        lines.append(f"| `{field}` | {words} | {shown} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    TARGET.write_text(manual(), encoding="utf-8")
