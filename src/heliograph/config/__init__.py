"""One TOML file whose fields are its manual.

Rule 1: secrets are paths, never values. Rule 2: no value can contradict another. Rule 3: an unknown field is an error
that suggests the right one, because a silently ignored typing slip is how a newsroom loses a mirror. Paths are relative
to the folder of the file.
"""

from heliograph.config.channels import (
    ChannelTable,
    FacebookChannel,
    InstagramChannel,
    MailChannel,
    TelegramChannel,
    ViberChannel,
    WebhookChannel,
)
from heliograph.config.mirrors import (
    AzureMirror,
    CloudFrontHost,
    CloudFrontSiteHost,
    FolderMirror,
    GcsMirror,
    GitMirror,
    GivenHost,
    HostTable,
    MirrorTable,
    PullMirror,
    Rotate,
    RsyncMirror,
    S3Mirror,
    SftpMirror,
    StoreTable,
    WebdavMirror,
)
from heliograph.config.reading import fields, load, parse
from heliograph.config.tables import VantageTable, Watch
from heliograph.config.whole import Config

__all__ = [
    "AzureMirror",
    "ChannelTable",
    "CloudFrontHost",
    "CloudFrontSiteHost",
    "Config",
    "FacebookChannel",
    "FolderMirror",
    "GcsMirror",
    "GitMirror",
    "GivenHost",
    "HostTable",
    "InstagramChannel",
    "MailChannel",
    "MirrorTable",
    "PullMirror",
    "Rotate",
    "RsyncMirror",
    "S3Mirror",
    "SftpMirror",
    "StoreTable",
    "TelegramChannel",
    "VantageTable",
    "ViberChannel",
    "Watch",
    "WebdavMirror",
    "WebhookChannel",
    "fields",
    "load",
    "parse",
]
