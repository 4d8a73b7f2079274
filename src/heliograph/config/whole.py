"""The whole configuration."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import Field, model_validator

from heliograph.config.channels import Announce, ChannelTable, TelegramChannel
from heliograph.config.fields import Table
from heliograph.config.mirrors import (
    CloudFrontSiteHost,
    FolderMirror,
    HostTable,
    MirrorTable,
    PullMirror,
    Rotate,
    StoreTable,
)
from heliograph.config.tables import (
    Capture,
    Edition,
    Keys,
    LinkTable,
    Newsroom,
    Run,
    SourceTable,
    State,
    Trust,
    VantageTable,
    Watch,
)
from heliograph.model import Source
from heliograph.model.mirror import SitePage


class Config(Table):
    """The whole file."""

    newsroom: Newsroom
    source: Annotated[tuple[SourceTable, ...], Field(description="Where the stories come from.")] = ()
    mirror: Annotated[tuple[MirrorTable, ...], Field(description="Where the edition goes.")] = ()
    host: Annotated[tuple[HostTable, ...], Field(description="What can raise mirrors.")] = ()
    rotate: Rotate = Rotate()
    link: Annotated[tuple[LinkTable, ...], Field(description="Other ways to read the newsroom.")] = ()
    channel: Annotated[tuple[ChannelTable, ...], Field(description="Where posts go.")] = ()
    announce: Announce = Announce()
    capture: Capture = Capture()
    edition: Edition = Edition()
    run: Run = Run()
    state: State = State()
    keys: Keys = Keys()
    trust: Trust = Trust()
    watch: Watch = Watch()
    vantage: Annotated[tuple[VantageTable, ...], Field(description="Who else measures, and where.")] = ()
    folder: Path = Field(default=Path(), exclude=True)  # of the file itself; set by load

    @model_validator(mode="after")
    def _distinct(self) -> Config:
        for what, values in (
            ("mirror names", [mirror.name for mirror in self.mirror]),
            ("mirror paths", [self.mirror_place(mirror) for mirror in self.mirror]),
            ("host names", [host.name for host in self.host]),
            ("channel names", [channel.name for channel in self.channel]),
            ("sources", [f"{source.kind} {source.url}" for source in self.source]),
            ("vantage names", [self.watch.name, *(vantage.name for vantage in self.vantage)]),
        ):
            twice = sorted({value for value in values if values.count(value) > 1})
            if twice:
                raise ValueError(f"two {what} are the same: {twice[0]}")
        if sum(link.edition for link in self.link) > 1:
            raise ValueError("two links are onion mirrors of the edition: Tor Browser can offer one")
        bots = [channel.token for channel in self.channel if isinstance(channel, TelegramChannel) and channel.readers]
        if twice := sorted({token for token in bots if bots.count(token) > 1}):
            raise ValueError(f"two channels answer readers by one bot, {twice[0]}: set readers = false for one of them")
        if self.mirror and not self.stores:
            raise ValueError("all mirrors are pulled from another one, and there is none: add a folder, for instance")
        known = {mirror.name for mirror in self.mirror}
        if self.announce.shelf and self.announce.shelf not in known:
            raise ValueError(f'announce.shelf is a mirror "{self.announce.shelf}", and there is none')
        for vantage in self.vantage:
            if strange := sorted(set(vantage.mirrors) - known):
                raise ValueError(f'vantage {vantage.name} looks at a mirror "{strange[0]}", and there is none')
        return self

    @property
    def state_folder(self) -> Path:
        return self.folder / self.state.folder

    @property
    def keys_folder(self) -> Path:
        return self.folder / self.keys.folder

    @property
    def journal_url(self) -> str:
        return self.state.journal or f"sqlite:///{self.state_folder / 'journal.sqlite'}"

    @property
    def stores(self) -> tuple[StoreTable, ...]:
        """The mirrors to which the edition is brought; the others fetch it."""
        return tuple(mirror for mirror in self.mirror if not isinstance(mirror, PullMirror))

    def sources(self) -> tuple[Source, ...]:
        """The sources as the stages know them, paths made absolute."""
        return tuple(_source(table, self.folder) for table in self.source)

    def site_page(self, host: str) -> SitePage | None:
        """How the newsroom's own site is known through mirrors of ``host``; None where they show the edition."""
        for table in self.host:
            if table.name == host and isinstance(table, CloudFrontSiteHost):
                return SitePage(path=table.page, text=table.shows or self.newsroom.title)
        return None

    def file(self, path: str) -> Path:
        """A file that a table names, relative to the configuration's folder."""
        return (self.folder / Path(path).expanduser()).resolve()

    def mirror_path(self, mirror: FolderMirror) -> Path:
        return (self.folder / mirror.path).resolve()

    def mirror_reach(self, mirror: MirrorTable) -> str:
        """Where it is read: its directory or its address, "" where it has neither."""
        return str(self.mirror_path(mirror)) if isinstance(mirror, FolderMirror) else mirror.url

    def mirror_place(self, mirror: MirrorTable) -> str:
        """Where it is, in words that tell two places apart."""
        return str(self.mirror_path(mirror)) if isinstance(mirror, FolderMirror) else mirror.place


def _source(table: SourceTable, folder: Path) -> Source:
    url = table.url
    if urlsplit(url).scheme not in {"http", "https", "file"}:
        path = (folder / url).resolve()
        url = path.as_uri() + ("/" if table.kind == "folder" else "")
    return Source(
        kind=table.kind,
        url=url,
        lang=table.language,
        section=table.section,
        include=table.include,
        exclude=table.exclude,
        urls=table.stories,
        follow=table.follow,
        depth=table.depth,
        newest=table.newest,
    )
