"""A newsroom whose journal is on a server, by its commands."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from tests.cli.test_commands import STORY, heliograph
from tests.cli.test_posts import code_of, emulated, newsroom, on
from tests.postgres import PASSWORD, Server


def test_a_newsroom_publishes_and_posts_from_a_journal_on_a_server(server: Server, tmp_path: Path) -> None:
    with emulated() as rehearsal, newsroom(tmp_path, rehearsal, server.empty()) as config:
        assert server.run("SELECT count(*) FROM story", database=server.made[-1]) == [(2,)]
        code = code_of(config, "Мост открыт")
        heliograph("post", "send", code, "--channel", "telegram", "--config", config)
        assert [post.text[:11] for post in on(rehearsal, "telegram")] == ["Мост открыт"]
        rows = json.loads(heliograph("post", "outbox", "--all", "--json", "--config", config).stdout)["entries"]
        assert [row["state"] for row in rows if row["channel"] == "telegram"] == ["posted"]

        (tmp_path / "texts/three.md").write_text(STORY.format(title="Новый паром", day=2), encoding="utf-8")
        heliograph("publish", "--config", config)
        told = json.loads(heliograph("status", "--json", "--config", config).stdout)
        assert told["languages"] == {"ru": 3}
        assert told["waiting"] == 0
        mirror, root = config.parent / "mirrors/first", config.parent / "keys/tuf/1.root.json"
        assert f"{code_of(config, 'Новый паром')}.html" in {path.name for path in (mirror / "a").iterdir()}
        heliograph("verify", mirror, "--root", root)  # every file of it


@pytest.mark.parametrize(
    ("url", "said"),
    [
        (f"postgresql://me:{PASSWORD}@localhost/news", "name its file"),
        ("postgresql:///news?password=hidden", "name its file"),
        ("mysql://localhost/news", "such as postgresql://"),
        ("postgresql:///news?host=/nowhere&user=me", "server runs"),
    ],
)
def test_a_journal_that_cannot_be_is_told_with_a_remedy(url: str, said: str, tmp_path: Path) -> None:
    pytest.importorskip("psycopg")
    (tmp_path / "texts").mkdir()
    heliograph("init", tmp_path / "room", "--source", tmp_path / "texts", "--title", "Полуостров")
    file = tmp_path / "room/heliograph.toml"
    text = re.sub(r'^# journal = ""$', f'journal = "{url}"', file.read_text("utf-8"), flags=re.MULTILINE)
    file.write_text(text, encoding="utf-8")
    run = heliograph("status", "--config", file, code=1 if "nowhere" in url else 2)
    told = " ".join(run.stderr.split())
    assert said in told
    assert PASSWORD not in told
    assert "hidden" not in told
