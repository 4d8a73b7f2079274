"""What worker processes do: pages to drafts, and jobs to staged files. Plain functions of picklable values."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256
from zoneinfo import ZoneInfo

from heliograph import render
from heliograph.capture import article, cut, folder
from heliograph.capture.template import Templates, learn
from heliograph.model import Answer, Brief, Cut, Issue, Material, Problem, Rendered, SheetKey, Shown, Source, Story, Tip
from heliograph.model.ledger import Draft, Entry, Job, Sheeted
from heliograph.model.names import link_keys, section_key
from heliograph.model.wire import digest, pack, unpack
from heliograph.ports import Stage
from heliograph.render import search
from heliograph.render.look import Look


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """One tip read: its draft if there is a story in it, and how it was read."""

    url: str  # of the tip
    draft: Draft | None
    method: str
    problems: tuple[Problem, ...]
    withdrawn: bool = False  # the text itself says so: a draft again, or taken back


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """How stories are read in one pass."""

    source: Source
    templates: str  # JSON of the site's learnt templates, "" while there are none
    zone: str
    lang: str
    now: datetime


def read_pages(batch: Sequence[tuple[Tip, Answer | None]], style: Style) -> list[Read]:
    """Read each tip with what was fetched for it; one bad page never stops the others."""
    templates = _templates(style.templates)
    return [_read_page(tip, answer, style, templates) for tip, answer in batch]


def learn_templates(pages: Sequence[Answer]) -> str:
    """The site's templates as JSON, "" if they cannot be told from these pages."""
    templates = learn(pages)
    return templates.to_json() if templates else ""


def follows(tips: Sequence[Tip], pages: Sequence[Answer], style: Style) -> bool:
    """Whether the pages behind these tips have clearly more text than the tips carry, for most of them."""
    fuller = 0
    for tip, page in zip(tips, pages, strict=True):
        carried = article.read(tip, None, None, style.now, style.zone, style.lang).story
        bare = replace(tip, body="", body_kind="")
        whole = article.read(bare, page, None, style.now, style.zone, style.lang).story
        fuller += whole is not None and (carried is None or article.fuller(carried, whole))
    return fuller * 2 > len(tips)


def press_jobs(
    jobs: Sequence[Job], look: Look, rules: cut.Rules, made: Issue, dense: bool, stage: Stage
) -> list[tuple[Sheeted, tuple[Problem, ...]]]:
    """Render each job and stage its files.

    Raises:
        StoreError: the stage cannot be written.
    """
    work, cuts = [], []
    for job in jobs:
        material, cut_out = _material(job, rules, made)
        work.append((job.key, material))
        cuts.append(cut_out)
    done = []
    for rendered, cut_out in zip(render.batch(work, look, dense), cuts, strict=True):
        entries = _stage(rendered, stage)
        done.append((Sheeted(key=rendered.key, entries=entries, dense=dense, cuts=cut_out), rendered.problems))
    return done


def brief_of(story: Story, zone: str) -> Brief:
    """The line about ``story`` in lists; its day is the newsroom's."""
    return Brief(
        code=story.code,
        url=story.url,
        lang=story.lang,
        title=story.title,
        lead=story.lead,
        section=story.section,
        published=story.published,
        updated=story.updated,
        section_key=section_key(story.lang, story.section),
        day=story.published.astimezone(ZoneInfo(zone)).date().isoformat(),
        words=story.words,
        bylines=story.bylines,
        tags=story.tags,
    )


def _read_page(tip: Tip, answer: Answer | None, style: Style, templates: Templates | None) -> Read:
    problems: tuple[Problem, ...] = ()
    asked = tip.url
    if answer is not None and answer.url.startswith("file:"):
        tip, problems = folder.opened(style.source, tip, answer, style.zone)
        answer = None
        if tip.withdrawn:
            return Read(url=asked, draft=None, method="file", problems=problems, withdrawn=True)
    reading = article.read(tip, answer, templates, style.now, style.zone, style.source.lang or style.lang)
    problems += reading.problems
    if reading.story is None:
        return Read(url=asked, draft=None, method=reading.method, problems=problems)
    story = reading.story
    if not story.section and style.source.section:
        story = replace(story, section=style.source.section)
    story = replace(story, source=style.source.url)
    return Read(url=asked, draft=drafted(story, (tip.url, asked), style.zone), method=reading.method, problems=problems)


def drafted(story: Story, told_at: tuple[str, ...], zone: str) -> Draft:
    """A story as the journal takes it; ``told_at`` are further addresses under which it was found."""
    brief = brief_of(story, zone)
    addresses = (story.url, *told_at, *story.aliases)
    return Draft(
        brief=brief,
        wire=pack(story),
        digest=digest(story),
        source=story.source,
        keys=tuple(dict.fromkeys(key for address in addresses for key in link_keys(address))),
        links=tuple((href, key) for href in render.links(story) for key in link_keys(href)),
        edges=cut.edges(story),
        terms=tuple(sorted(search.terms(brief))),
        pictures=tuple(dict.fromkeys(picture.url for picture in story.pictures)),
    )


@functools.lru_cache(maxsize=8)
def _templates(text: str) -> Templates | None:
    return Templates.from_json(text) if text else None


def _material(job: Job, rules: cut.Rules, made: Issue) -> tuple[Material, tuple[Cut, ...]]:
    stories: list[Story] = []
    cuts: list[Cut] = []
    for wire in job.stories:
        story, cut_out = cut.cut(unpack(wire), rules)
        stories.append(story)
        cuts += cut_out
    shown = {
        url: Shown(pid=pid, width=width, height=height, colours=(one, two), avif=avif, webp=webp)
        for url, (pid, width, height, one, two, avif, webp) in job.pictures.items()
    }
    material = Material(
        issue=made,
        stories=tuple(stories),
        briefs=job.briefs,
        tally=job.tally,
        labels=job.labels,
        codes=job.codes,
        shown=shown,
        gone=job.gone,
    )
    return material, tuple(cuts)


def _stage(rendered: Rendered, stage: Stage) -> tuple[Entry, ...]:
    """Stage the files of a sheet with their encodings; encodings first, so that none is older than its file."""
    named = []
    for file in rendered.files:
        encodings = ((".br", file.brotli), (".gz", file.gzip), ("", file.body))
        named += [(file.path + suffix, data) for suffix, data in encodings if data is not None]
    stage.put(named)
    return tuple(_entry(name, data, rendered.key) for name, data in named)


def _entry(name: str, data: bytes, key: SheetKey) -> Entry:
    return Entry(name=name, sheet=key, digest=sha256(data).hexdigest(), size=len(data))
