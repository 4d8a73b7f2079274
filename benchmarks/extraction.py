"""How well and how fast pages are read, beside other libraries on the same pages in the same run.

    python -m benchmarks.extraction [--json] [--stories N] [--learn N]

Real pages: the 181 of the public article-extraction-benchmark, each of another site, so that no template can be
learnt. F1 is that benchmark's: shingles of four words counted with multiplicity, precision and recall averaged over
the pages. The published bodies hold neither titles nor captions nor leads that a page only declares, so a story's body
alone is compared.

Synthetic site: a template is learnt from the first pages and applied to the others. The truth is the lead and the
paragraphs of the generator; a story's lead counts with its body, since other libraries do not tell them apart.

Time is this process's CPU time for HTML in, text out; the libraries take turns every few pages, so that a busy machine
slows all of them alike.
"""

from __future__ import annotations

import argparse
import gzip
import json
import logging
import re
import statistics
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from rich.console import Console
from rich.progress import track
from selectolax.lexbor import LexborHTMLParser

from benchmarks import sites
from benchmarks.report import Figure, Section, Table, show, to_plain
from heliograph.capture import article, template
from heliograph.capture.template import Templates
from heliograph.model import Answer, Story, Tip
from heliograph.model.story import block_texts

_SHINGLE = 4  # words
_TURN = 25  # pages a library reads before the next has its turn
_WORD = re.compile(r"\w+")
_NOW = datetime(2027, 1, 1, tzinfo=UTC)
_COMMAND = "python -m benchmarks.extraction"
_OURS, _CEILING = "heliograph", "lexbor, parse only"

Extract = Callable[[Answer], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One page and the text that is its article."""

    page: Answer
    truth: str


@dataclass(slots=True)
class Result:
    """What one library made of the pages."""

    seconds: float = 0.0
    precision: list[float] = field(default_factory=list)
    recall: list[float] = field(default_factory=list)

    @property
    def scores(self) -> tuple[float, float, float]:
        """Precision, recall, F1 of their means."""
        if not self.precision or not self.recall:
            return 0.0, 0.0, 0.0
        precision, recall = statistics.mean(self.precision), statistics.mean(self.recall)
        return precision, recall, 2 * precision * recall / max(1e-9, precision + recall)


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="one line of JSON instead of tables")
    parser.add_argument("--stories", type=int, default=300, help="pages of the synthetic site")
    parser.add_argument("--learn", type=int, default=24, help="pages to learn the template from")
    args = parser.parse_args()
    logging.disable(logging.CRITICAL)  # trafilatura warns of each page it finds nothing on
    console = Console(stderr=args.json, width=80)
    try:
        real = real_pages()
        synthetic, truth = synthetic_pages(args.stories)
    except sites.BenchError as error:
        console.print(str(error), style="red", markup=False)
        return 2
    on_real = run(real, {_OURS: ours(None, lead=False), **peers()}, console, "real pages")
    start = time.process_time()
    templates = template.learn([sample.page for sample in synthetic[: args.learn]])
    learning = time.process_time() - start
    rest = synthetic[args.learn :]
    on_site = run(rest, {_OURS: ours(templates, lead=True), **peers()}, console, "synthetic site")
    right = fields_right(rest, truth[args.learn :], templates)
    found = section(on_real, len(real), on_site, len(rest), args.learn, learning, right)
    if args.json:
        print(json.dumps({"sections": [to_plain(found)]}, ensure_ascii=False))
    else:
        for table in found.tables:
            show(table, console)
    return 0


# ---------------------------------------------------------------- pages


def real_pages() -> list[Sample]:
    """The pages of the public benchmark. Raises BenchError if they are not there."""
    folder = sites.data_folder() / "data" / "articles"
    if not (folder / "ground-truth.json").is_file():
        raise sites.BenchError(f"no ground-truth.json in {folder}; set HELIOGRAPH_TEST_DATA to the folder of test data")
    truth = json.loads((folder / "ground-truth.json").read_text(encoding="utf-8"))
    samples = []
    for key, known in sorted(truth.items()):
        html = gzip.decompress((folder / "html" / f"{key}.html.gz").read_bytes())
        page = Answer(url=known["url"], status=200, body=html, media_type="text/html")
        samples.append(Sample(page=page, truth=known["articleBody"]))
    return samples


def synthetic_pages(stories: int) -> tuple[list[Sample], list[dict[str, Any]]]:
    """The pages of the generated site, newest first, and the generator's own word on each."""
    site = sites.make(stories, pictures=False)
    known = list(site.articles())
    samples = []
    for one in known:
        page = Answer(url=one["url"], status=200, body=(site.www / one["path"]).read_bytes(), media_type="text/html")
        samples.append(Sample(page=page, truth="\n".join([one["lead"], *one["paragraphs"]])))
    return samples, known


# ---------------------------------------------------------------- libraries


def ours(templates: Templates | None, *, lead: bool) -> Extract:
    """This project's reader, as a pass over a source uses it; its body, with the lead before it if that is asked."""

    def extract(page: Answer) -> str:
        story = _read(page, templates)
        if story is None:
            return ""
        return "\n".join([*([story.lead] if lead else []), *block_texts(story.blocks)])

    return extract


def _read(page: Answer, templates: Templates | None) -> Story | None:
    return article.read(Tip(url=page.url), page, templates, _NOW, "UTC", "en").story


def peers() -> dict[str, Extract]:
    """The other libraries, each as its documentation says, comments left out where it can."""
    import trafilatura
    from readability import Document
    from resiliparse.extract.html2text import extract_plain_text
    from resiliparse.parse.encoding import bytes_to_str, detect_encoding

    def readability(page: Answer) -> str:
        from lxml import html

        return "".join(map(str, html.fromstring(Document(page.body).summary()).itertext()))

    def resiliparse(page: Answer) -> str:
        return str(
            extract_plain_text(bytes_to_str(page.body, detect_encoding(page.body) or "utf-8"), main_content=True)
        )

    def parse_only(page: Answer) -> str:
        LexborHTMLParser(page.body)
        return ""

    return {
        "trafilatura": lambda page: trafilatura.extract(page.body, include_comments=False) or "",
        "trafilatura, precision": lambda page: (
            trafilatura.extract(page.body, include_comments=False, favor_precision=True) or ""
        ),
        "readability-lxml": readability,
        "resiliparse": resiliparse,
        _CEILING: parse_only,
    }


def run(samples: Sequence[Sample], libraries: Mapping[str, Extract], console: Console, what: str) -> dict[str, Result]:
    """Each library on each page, in turns."""
    results = {name: Result() for name in libraries}
    for extract in libraries.values():
        _measured(extract, samples[:1])  # imports and tables are paid once, not by the first pages
    chunks = [samples[at : at + _TURN] for at in range(0, len(samples), _TURN)]
    for chunk in track(chunks, description=what, console=console):
        for name, extract in libraries.items():
            texts, seconds = _measured(extract, chunk)
            results[name].seconds += seconds
            for sample, text in zip(chunk, texts, strict=True):
                score(results[name], sample.truth, text)
    return results


def _measured(extract: Extract, samples: Sequence[Sample]) -> tuple[list[str], float]:
    texts = []
    start = time.process_time()
    for sample in samples:
        try:
            texts.append(extract(sample.page))
        except Exception:  # noqa: BLE001  # a library that fails on a page found nothing on it
            texts.append("")
    return texts, time.process_time() - start


# ---------------------------------------------------------------- scores


def score(result: Result, truth: str, text: str) -> None:
    """Counts one page: a page without any prediction has no precision, one without truth no recall."""
    wanted, found = _shingles(truth), _shingles(text)
    both = (wanted & found).total()
    if found:
        result.precision.append(both / found.total())
    if wanted:
        result.recall.append(both / wanted.total())


def _shingles(text: str) -> Counter[tuple[str, ...]]:
    words = _WORD.findall(text)
    if not words:
        return Counter()
    return Counter(tuple(words[at : at + _SHINGLE]) for at in range(max(1, len(words) - _SHINGLE + 1)))


def fields_right(
    samples: Sequence[Sample], known: Sequence[Mapping[str, Any]], templates: Templates | None
) -> dict[str, float]:
    """The share of stories of which each field is exactly the generator's."""
    right: Counter[str] = Counter()
    for sample, one in zip(samples, known, strict=True):
        story = _read(sample.page, templates)
        if story is None:
            continue
        right["title"] += story.title == one["title"]
        right["lead"] += story.lead == one["lead"]
        right["author"] += story.bylines == (one["author"],)
        right["date"] += story.published == datetime.fromisoformat(one["published"])
        right["section"] += story.section == one["section_name"]
        right["language"] += story.lang == one["lang"]
        right["pictures"] += len(story.pictures) == len(one["images"])
    return {name: count / max(1, len(samples)) for name, count in right.items()}


# ---------------------------------------------------------------- report


def section(
    on_real: Mapping[str, Result],
    real: int,
    on_site: Mapping[str, Result],
    site: int,
    learnt: int,
    learning: float,
    right: Mapping[str, float],
) -> Section:
    """The tables and the README's lines."""
    best = max(on_real[name].scores[2] for name in on_real if name.startswith("trafilatura"))
    best_site = max(on_site[name].scores[2] for name in on_site if name.startswith("trafilatura"))
    faster = _rate(on_site[_OURS], site) / _rate(on_site["trafilatura"], site)
    ceiling = _rate(on_site[_OURS], site) / _rate(on_site[_CEILING], site)
    exact = ", ".join(f"{name} {share:.1%}" for name, share in right.items())
    return Section(
        name="Reading pages",
        date="",
        tables=(
            _table(f"Real pages: {real} of as many sites, no template", on_real, real, ()),
            _table(
                f"Synthetic site: {site} pages, template learnt from {learnt} others",
                on_site,
                site,
                (
                    f"learning took {learning:.1f} s of CPU time, once for a site",
                    f"fields of heliograph's stories exactly right: {exact}",
                    f"heliograph reads {faster:.1f} times as fast as trafilatura, at {ceiling:.0%} of the bare parser",
                ),
            ),
        ),
        figures=(
            Figure(
                what="text found on real pages, F1",
                value=f"{on_real[_OURS].scores[2]:.3f}",
                goal=">= trafilatura",
                beside=f"trafilatura {best:.3f}",
                command=_COMMAND,
            ),
            Figure(
                what="pages read by a learnt template, per CPU second",
                value=f"{_rate(on_site[_OURS], site):,.0f}, {faster:.1f} times trafilatura's",
                goal=">= 10 times",
                beside=f"F1 {on_site[_OURS].scores[2]:.3f}, trafilatura {best_site:.3f}",
                command=_COMMAND,
            ),
        ),
    )


def _table(title: str, results: Mapping[str, Result], pages: int, notes: tuple[str, ...]) -> Table:
    rows = []
    for name, result in results.items():
        scores = [None] * 3 if name == _CEILING else [f"{value:.3f}" for value in result.scores]
        rows.append((name, round(_rate(result, pages)), *scores))
    columns = ("", "pages per CPU second", "precision", "recall", "F1")
    return Table(title=title, columns=columns, rows=tuple(rows), command=_COMMAND, notes=notes)


def _rate(result: Result, pages: int) -> float:
    return pages / max(1e-9, result.seconds)


if __name__ == "__main__":
    sys.exit(main())
