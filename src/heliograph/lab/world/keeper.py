"""The first process of a lab: makes the networks, starts what runs in them, and takes all with it when it ends.

It is process 1 of a process namespace, so the kernel kills whatever else lives there at the moment it ends; a network
namespace vanishes with its last process, an interface with its namespace, and the files it writes lie in a memory file
system of its own. It ends when its line to the owner does, or when the owner does, in whatever way. So there is nothing
to sweep, not even after ``kill -9``.

Requests are JSON datagrams, each with a socket for the answer and what else it needs as file descriptors.
"""

from __future__ import annotations

import json
import os
import selectors
import signal
import socket
import subprocess
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from heliograph.lab.censor.engine import Engine, interface
from heliograph.lab.censor.library import from_plain
from heliograph.lab.censor.line import Line
from heliograph.lab.world import kernel
from heliograph.lab.world.papers import certificate
from heliograph.lab.world.plan import FOLDER, GATEWAY4, GATEWAY6, LARGEST, MOST_HANDLES

_IPV6, _IPV4 = "net/ipv6/conf", "net/ipv4"


class Keeper:
    """The lab's networks and processes."""

    def __init__(self, control: socket.socket, owner: int, settings: Mapping[str, str]) -> None:
        self._control, self._owner, self._settings = control, owner, settings
        self._networks: dict[str, int] = {}
        self._children: dict[int, socket.socket] = {}  # who wants to know when they end
        self._links = 0
        self._does: dict[str, Callable[[Mapping[str, Any], list[int]], Any]] = {
            "place": self._place,
            "reader": self._reader,
            "gate": self._gate,
            "spawn": self._spawn,
            "kill": self._kill,
            "listens": self._listens,
            "write": self._write,
            "certificate": self._certificate,
            "serve": self._serve,
        }
        kernel.mount("heliograph-lab", "/dev/shm", "tmpfs")  # noqa: S108 - private to this namespace
        FOLDER.mkdir(mode=0o755)
        (FOLDER / "nsswitch.conf").write_text("hosts: files dns\n", encoding="ascii")
        core = self._new("core")
        with kernel.inside(core):
            kernel.setting(f"{_IPV4}/ip_forward", "1")
            kernel.setting(f"{_IPV6}/all/forwarding", "1")
            _ip("route add blackhole default", "-6 route add blackhole default metric 4096")

    def run(self) -> None:
        """Serve the owner until he is gone."""
        woken, wake = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        with selectors.DefaultSelector() as waiting:
            for watched in (self._control.fileno(), self._owner, woken):
                waiting.register(watched, selectors.EVENT_READ)
            while True:
                ready = {key.fd for key, _ in waiting.select()}
                if self._owner in ready:
                    return
                if woken in ready:
                    os.read(woken, 4096)
                    self._reap()
                if self._control.fileno() in ready and not self._listen():
                    return

    def _listen(self) -> bool:
        data, handles, _, _ = socket.recv_fds(self._control, LARGEST, MOST_HANDLES)
        if not data:
            return False
        reply = socket.socket(fileno=handles.pop(0))
        try:
            asked = json.loads(data)
            told = {"done": self._does[asked["do"]](asked, [reply.fileno(), *handles])}
        except subprocess.CalledProcessError as error:
            told = {"error": f"{' '.join(error.cmd)}: {error.stderr.strip()}"}
        except (OSError, ValueError, KeyError) as error:
            told = {"error": f"{type(error).__name__}: {error}"}
        with suppress(OSError):
            reply.sendall(json.dumps(told).encode() + b"\n")
        if isinstance(told.get("done"), int) and asked["do"] in ("spawn", "serve", "reader"):
            self._children[told["done"]] = reply
        else:
            reply.close()
        for handle in handles:
            os.close(handle)
        return True

    # --- networks

    def _new(self, name: str) -> int:
        network = kernel.new_network()
        self._networks[name] = network
        with kernel.inside(network):
            for family in ("all", "default"):
                kernel.setting(f"{_IPV6}/{family}/accept_dad", "0")
                kernel.setting(f"{_IPV6}/{family}/router_solicitations", "0")
                kernel.setting(f"{_IPV4}/conf/{family}/rp_filter", "0")
            for path, value in self._settings.items():
                kernel.setting(path, value)
            _ip("link set lo up")
        return network

    def _cable(self, one: int, one_name: str, two: int, two_name: str) -> None:
        """Two interfaces joined to each other, each in its network, up and without offloads."""
        with kernel.inside(one):
            _ip(f"link add name {one_name} type veth peer name {two_name} netns /proc/self/fd/{two}", handles=[two])
        for network, name in ((one, one_name), (two, two_name)):
            with kernel.inside(network):
                kernel.plain_card(name)
                _ip(f"link set {name} up")

    def _home(self, network: int, name: str, addresses: Sequence[str]) -> None:
        """Addresses and the way out, for whoever lives in ``network``."""
        lines = [_family(address, f"addr add {address} dev {name} nodad", "nodad") for address in addresses]
        if any(":" not in address for address in addresses):
            lines.append(f"route add default via {GATEWAY4} dev {name} onlink")
        if any(":" in address for address in addresses):
            lines.append(f"-6 route add default via {GATEWAY6} dev {name}")
        with kernel.inside(network):
            _ip(*lines)

    def _uplink(self, addresses: Sequence[str]) -> str:
        """A name for the core's end of a new cable, once ``_routes`` was called."""
        self._links += 1
        return f"p{self._links}"

    def _routes(self, link: str, addresses: Sequence[str]) -> None:
        """Let the core know the way to ``addresses``."""
        with kernel.inside(self._networks["core"]):
            _ip(
                f"addr add {GATEWAY4}/32 dev {link}",
                f"-6 addr add {GATEWAY6}/64 dev {link} nodad",
                *(_family(address, f"route add {address} dev {link}") for address in addresses),
            )

    def _place(self, asked: Mapping[str, Any], _: list[int]) -> None:
        """A host of its own in the world."""
        network, link = self._new(asked["name"]), self._uplink(asked["addresses"])
        self._cable(self._networks["core"], link, network, "eth0")
        self._home(network, "eth0", asked["addresses"])
        self._routes(link, asked["addresses"])

    def _reader(self, asked: Mapping[str, Any], handles: list[int]) -> int:
        """A reader's host behind a censor; the process id of the censor. Takes the censor's line of control."""
        name, addresses = asked["name"], asked["addresses"]
        network, middle = self._new(name), self._new(f"{name} box")
        with kernel.inside(middle):
            kernel.setting(f"{_IPV6}/default/disable_ipv6", "1")  # the box itself says nothing
        link = self._uplink(addresses)
        self._cable(network, "eth0", middle, "in")
        self._cable(self._networks["core"], link, middle, "out")
        self._home(network, "eth0", addresses)
        self._routes(link, addresses)
        with kernel.inside(middle):
            inner, outer = interface("in"), interface("out")
        profile, line = from_plain(asked["profile"]), Line(**asked["line"])

        def work() -> None:
            kernel.enter(middle, kernel.NET)
            control = socket.socket(fileno=handles[1])
            Engine(profile, line, inner=inner, outer=outer, control=control, seed=asked["seed"]).run()

        child = self._fork(work, keep={handles[1], inner.fileno(), outer.fileno(), middle})
        inner.close()
        outer.close()
        return child

    def _gate(self, asked: Mapping[str, Any], _: list[int]) -> str:
        """A host where intercepted connections end, whatever their address; its MAC for the box."""
        name, addresses = asked["name"], asked["addresses"]
        reader, middle, network = self._networks[name], self._networks[f"{name} box"], self._new(f"{name} gate")
        link = self._uplink(addresses)
        self._cable(self._networks["core"], link, network, "eth0")
        self._home(network, "eth0", addresses)
        self._routes(link, addresses)
        self._cable(middle, "gate", network, "gate0")
        with kernel.inside(reader):
            theirs = kernel.hardware_address("eth0").hex(":")
        with kernel.inside(network):
            ours = kernel.hardware_address("gate0").hex()
            _ip(
                *(
                    line
                    for family, everything in (("", "0.0.0.0/0"), ("-6 ", "::/0"))
                    for line in (
                        f"{family}rule add iif gate0 lookup 100",
                        f"{family}route add local {everything} dev lo table 100",
                    )
                ),
                *(_family(address, f"route add {address} dev gate0") for address in asked["readers"]),
                *(f"neigh add {address} lladdr {theirs} dev gate0 nud permanent" for address in asked["readers"]),
            )
        return ours

    # --- processes

    def _spawn(self, asked: Mapping[str, Any], handles: list[int]) -> int:
        network, streams = self._networks[asked["where"]], handles[1:4]

        def work() -> None:
            if not asked["foreground"]:
                os.setpgid(0, 0)
            for number, handle in enumerate(streams):
                os.dup2(handle, number + 200)  # out of the way of 0, 1 and 2
            for number in range(3):
                os.dup2(number + 200, number)
                os.close(number + 200)
            try:
                self._settle(network)
                os.chdir(asked["cwd"])
                os.execvpe(asked["argv"][0], asked["argv"], asked["env"])  # noqa: S606
            except OSError as error:
                os.write(2, f"{asked['argv'][0]}: {error.strerror or error}\n".encode())
                os._exit(127)

        return self._fork(work, keep={network, *streams})

    def _settle(self, network: int) -> None:
        """Move this process to where names are resolved as in the lab, and nowhere else."""
        kernel.enter(network, kernel.NET)
        kernel.unshare(kernel.MOUNT)
        kernel.mount(str(FOLDER / "resolv.conf"), "/etc/resolv.conf", bind=True)
        if Path("/etc/nsswitch.conf").exists():
            kernel.mount(str(FOLDER / "nsswitch.conf"), "/etc/nsswitch.conf", bind=True)
        for cache in ("/run/nscd", "/var/run/nscd"):  # would ask the host's resolver through a socket file
            if Path(cache).is_dir():
                kernel.mount("none", cache, "tmpfs")

    def _serve(self, asked: Mapping[str, Any], handles: list[int]) -> int:
        """One of the lab's own servers in a place, with a line of control."""
        network = self._networks[asked["where"]]

        def work() -> None:
            from heliograph.lab.world.servers import SERVERS

            kernel.enter(network, kernel.NET)
            SERVERS[asked["kind"]](asked["given"], socket.socket(fileno=handles[1]))

        return self._fork(work, keep={network, handles[1]})

    def _fork(self, work: Callable[[], None], keep: set[int]) -> int:
        child = os.fork()
        if child:
            return child
        code = 1
        try:
            signal.set_wakeup_fd(-1)
            for number in (signal.SIGCHLD, signal.SIGINT, signal.SIGTERM):
                signal.signal(number, signal.SIG_DFL)
            for handle in map(int, os.listdir("/proc/self/fd")):  # noqa: PTH208 - numbers, not paths
                if handle > 2 and handle not in keep:
                    with suppress(OSError):
                        os.close(handle)
            work()
            code = 0
        except BaseException:  # noqa: BLE001 - the end of a process of its own
            traceback.print_exc()
        finally:
            os._exit(code)

    def _kill(self, asked: Mapping[str, Any], _: list[int]) -> bool:
        pid, number = asked["pid"], asked["signal"]
        if pid not in self._children:
            return False
        with suppress(ProcessLookupError):
            os.killpg(pid, number)
            return True
        with suppress(ProcessLookupError):  # in the foreground it has no group of its own
            os.kill(pid, number)
            return True
        return False

    def _reap(self) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if not pid:
                return
            if (reply := self._children.pop(pid, None)) is not None:
                with suppress(OSError):
                    reply.sendall(json.dumps({"ended": os.waitstatus_to_exitcode(status)}).encode() + b"\n")
                reply.close()

    # --- small services

    def _listens(self, asked: Mapping[str, Any], _: list[int]) -> bool:
        """Whether somebody in a place accepts connections on a port."""
        wanted = f":{asked['port']:04X}"
        with kernel.inside(self._networks[asked["where"]]):
            lines = [
                line.split()
                for name in ("tcp", "tcp6")
                if (file := Path("/proc/thread-self/net", name)).exists()
                for line in file.read_text(encoding="ascii").splitlines()[1:]
            ]
        return any(words[1].endswith(wanted) and words[3] == "0A" for words in lines)

    def _certificate(self, asked: Mapping[str, Any], _: list[int]) -> list[str]:
        """A certificate for the lab's names: the file with its key, and the one without."""
        file = FOLDER / f"host-{len(list(FOLDER.glob('host-*.pem')))}.pem"
        return [str(file), str(certificate(asked["names"], file, "The lab"))]

    def _write(self, asked: Mapping[str, Any], _: list[int]) -> str:
        """A file that only this lab sees; its path."""
        path = FOLDER / Path(asked["name"]).name
        path.write_text(asked["text"], encoding="utf-8")
        return str(path)


def _family(address: str, line: str, only6: str = "") -> str:
    if ":" in address:
        return f"-6 {line}"
    return line.removesuffix(only6).rstrip() if only6 else line


def _ip(*lines: str, handles: Sequence[int] = ()) -> None:
    """Run lines of the ``ip`` command in this network. Raises CalledProcessError."""
    for family in ("", "-6 "):
        chosen = [line.removeprefix("-6 ") for line in lines if line.startswith("-6 ") == bool(family)]
        if not chosen:
            continue
        for handle in handles:
            os.set_inheritable(handle, True)
        command = ["ip", *family.split(), "-batch", "-"]
        text = "\n".join(chosen) + "\n"
        done = subprocess.run(  # noqa: S603 - the lines are ours
            command, input=text, capture_output=True, text=True, pass_fds=list(handles), check=False
        )
        if done.returncode:
            raise subprocess.CalledProcessError(done.returncode, [*command, *chosen], stderr=done.stderr)


def main() -> None:
    """``keeper CONTROL OWNER SETTINGS``: two file descriptors and sysctls as JSON."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with socket.socket(fileno=int(sys.argv[1])) as control:
        try:
            keeper = Keeper(control, int(sys.argv[2]), json.loads(sys.argv[3]))
        except (OSError, subprocess.CalledProcessError) as error:
            reason = getattr(error, "stderr", "") or str(error)
            control.sendall(json.dumps({"error": reason}).encode())
            return
        control.sendall(b'{"ready": true}')
        keeper.run()


if __name__ == "__main__":
    main()
