"""A mail server that a newsroom may have: Exim, with mailboxes as folders and the newsroom's door by LMTP."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import pytest

MANUAL = Path(__file__).resolve().parents[2] / "docs" / "operating" / "mail.md"  # its lines are used as they stand
_EXIM = "/usr/sbin/exim4"
_CONFIG = """
primary_hostname = post.example
spool_directory = {place}/spool
log_file_path = {place}/spool/%slog
pid_file_path = {place}/spool/exim.pid
exim_user = Debian-exim
exim_group = Debian-exim
local_interfaces = 127.0.0.1
daemon_smtp_ports = {port}
acl_smtp_rcpt = rcpt
acl_smtp_data = accept
keep_environment =
never_users =
smtp_accept_max = 20
begin acl
rcpt:
  accept domains = paper.example
         local_parts = news
  accept domains = mail.example
         local_parts = anna : boris : ghost
  deny message = nobody of this name
begin routers
{router}
nobody:
  driver = redirect
  domains = mail.example
  local_parts = ghost
  allow_fail
  data = :fail: nobody of this name any more
box:
  driver = accept
  domains = mail.example
  transport = box
begin transports
{transport}
box:
  driver = appendfile
  directory = {place}/box/${{if eq{{$local_part}}{{anna}}{{anna}}{{boris}}}}
  maildir_format
  create_directory
  return_path_add
  user = Debian-exim
begin retry
* * F,1h,1m
"""


def need_exim() -> None:
    """Skip where it cannot run, saying why."""
    if not Path(_EXIM).exists():
        pytest.skip("exim is not installed: apt-get install exim4-daemon-light")
    if os.geteuid() != 0:
        pytest.skip("exim takes another configuration from root alone")


def furnished(place: Path, port: int, door: int) -> list[str]:
    """The command that runs the server in this folder, with its configuration written."""
    place.chmod(0o711)  # it works as a user of its own
    for name in ("spool", "box"):
        (place / name).mkdir()
        shutil.chown(place / name, "Debian-exim", "Debian-exim")
    config = place / "exim.conf"
    router, transport = re.findall(r"^```exim\n(.*?)^```", MANUAL.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    transport = transport.replace("port = 8024", f"port = {door}")
    config.write_text(_CONFIG.format(place=place, port=port, router=router, transport=transport))
    return [_EXIM, "-C", str(config), "-bdf", "-q1m"]


@asynccontextmanager
async def exim(place: Path, port: int, door: int) -> AsyncIterator[None]:
    """The server while the block lasts; each reader has a mailbox in ``box`` of its folder."""
    command = furnished(place, port, door)
    process = await anyio.open_process(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.terminate()
        await process.aclose()
        await _quiet(place)


async def _quiet(place: Path) -> None:
    """Wait until no process works there: deliveries go on after the server has ended."""
    with anyio.fail_after(30):
        while any(str(place) in _command(folder) for folder in Path("/proc").glob("[0-9]*")):  # noqa: ASYNC110, ASYNC240
            await anyio.sleep(0.05)


def _command(folder: Path) -> str:
    try:
        return (folder / "cmdline").read_bytes().decode("utf-8", "replace")
    except OSError:  # it has ended meanwhile
        return ""
