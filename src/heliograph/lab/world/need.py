"""What a lab needs of the machine, and what to do where it is missing."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import Final

from heliograph.model.errors import HeliographError

_SWITCHES: Final = (
    ("kernel/unprivileged_userns_clone", "0", "1"),
    ("kernel/apparmor_restrict_unprivileged_userns", "1", "0"),
    ("user/max_user_namespaces", "0", "10000"),
)
_ROOTS: Final = ["--net", "--mount", "--pid", "--fork", "--kill-child=KILL", "--mount-proc"]
_OTHERS: Final = ["--user", "--map-root-user"]


class LabError(HeliographError):
    """The lab cannot be built here, or something in it cannot be done."""


def unshare(*, rootless: bool = False) -> list[str]:
    """The command that starts something in namespaces of its own, as root or as anybody else. Raises LabError."""
    if not sys.platform.startswith("linux"):
        raise LabError("the lab needs network namespaces", where=sys.platform, remedy="run it on Linux")
    for tool, package in (("unshare", "util-linux"), ("ip", "iproute2")):
        if shutil.which(tool, path=path()) is None:
            raise LabError(f"{tool} is not installed", where="lab", remedy=f"apt-get install {package}")
    found = shutil.which("unshare", path=path()) or "unshare"
    return [found, *([] if os.geteuid() == 0 and not rootless else _OTHERS), *_ROOTS]


def path() -> str:
    """The search path with the places where system tools lie, which an ordinary user's may lack."""
    return os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin", "/usr/bin", "/bin"])


def refusal(said: str) -> LabError:
    """Why namespaces were refused, out of what the machine says about itself."""
    for name, bad, good in _SWITCHES:
        file = Path("/proc/sys", name)
        if file.exists() and file.read_text(encoding="ascii").strip() == bad and os.geteuid() != 0:
            setting = name.replace("/", ".")
            return LabError(
                f"this system forbids namespaces to ordinary users ({setting} = {bad})",
                where=str(file),
                remedy=f"as root: sysctl -w {setting}={good}; or run the lab as root",
            )
    remedy = "run it as root" if os.geteuid() else "in a container: give it CAP_SYS_ADMIN and CAP_NET_ADMIN"
    return LabError(f"namespaces were refused: {said.strip() or 'no reason given'}", where="unshare", remedy=remedy)
