"""A real sshd on a loopback port: own host key, own list of keys, nothing of the machine's."""

from __future__ import annotations

import contextlib
import os
import pwd
import signal
import socket
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

from heliograph.lab.loopback import free_port

CONFIG = """
ListenAddress 127.0.0.1
Port {port}
HostKey {folder}/host
AuthorizedKeysFile {folder}/authorized
PidFile none
UsePAM no
StrictModes no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
MaxStartups 100
SetEnv PATH={path}
{subsystem}
{more}
"""


@dataclass
class Sshd:
    """``folder`` has the keys; ``more`` are further lines of its configuration."""

    program: str
    folder: Path
    more: str = ""
    path: str = "/usr/bin:/bin"
    subsystem: str = "Subsystem sftp internal-sftp"
    login: str = ""  # another user than the one that runs the test
    options: str = ""  # before the key in the list of keys
    port: int = field(default_factory=lambda: free_port())
    process: subprocess.Popen[bytes] | None = None

    @property
    def user(self) -> str:
        return self.login or pwd.getpwuid(os.getuid()).pw_name

    @property
    def key(self) -> Path:
        return self.folder / "key"

    @property
    def known_hosts(self) -> Path:
        return self.folder / "known_hosts"

    def start(self) -> None:
        self.folder.mkdir(exist_ok=True)
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # it insists
        for name in ("host", "key"):
            if not (self.folder / name).exists():
                make_key(self.folder / name)
        public = (self.folder / "key.pub").read_text()
        (self.folder / "authorized").write_text(f"{self.options} {public}".lstrip())
        if not self.known_hosts.exists():
            self.note_host_key()
        config = self.folder / "config"
        more, path = self.more, self.path
        text = CONFIG.format(port=self.port, folder=self.folder, more=more, path=path, subsystem=self.subsystem)
        config.write_text(text, encoding="utf-8")
        words = [self.program, "-D", "-f", str(config), "-E", str(self.folder / "log")]
        self.process = subprocess.Popen(words, stdin=subprocess.DEVNULL)
        until_open(self.port)

    def note_host_key(self) -> None:
        """Write the list of known hosts anew."""
        kind, key, *_ = (self.folder / "host.pub").read_text().split()
        self.known_hosts.write_text(f"[127.0.0.1]:{self.port} {kind} {key}\n")

    def logins(self) -> int:
        """How many connections were let in so far."""
        return (self.folder / "log").read_text().count("Accepted publickey")

    def sessions(self) -> list[int]:
        """The processes that serve a connection."""
        assert self.process is not None
        return below(self.process.pid)

    def settle(self) -> None:
        """Wait until there is no connection."""
        for _ in range(200):
            if not self.sessions():
                return
            time.sleep(0.05)
        raise TimeoutError

    def hang_up(self) -> None:
        """End all connections, as a server does that dies."""
        for pid in self.sessions():
            _signal(pid, signal.SIGKILL)

    def stop(self) -> None:
        if self.process is not None:
            self.hang_up()
            self.process.kill()
            self.process.wait()
            self.hang_up()
            self.process = None


def make_key(path: Path) -> None:
    """Write a new key pair."""
    for old in (path, path.with_name(f"{path.name}.pub")):
        old.unlink(missing_ok=True)
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(path)], check=True)


def until_open(port: int) -> None:
    """Wait until somebody listens there."""
    for _ in range(200):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=5).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise TimeoutError(port)


def below(pid: int) -> list[int]:
    """All descendants of a process."""
    parents = {}
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            words = status.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        except OSError:  # it ended
            continue
        parents[int(status.parent.name)] = int(words[1])
    found, level = [], [pid]
    while level:
        level = [child for child, parent in parents.items() if parent in level]
        found += level
    return found


def _signal(pid: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)
