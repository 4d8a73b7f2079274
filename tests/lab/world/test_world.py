"""The lab's networks: who reaches whom, what a process there sees, and that nothing of it is ever left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.lab.world.lab import HOST, HOST6, Lab

from heliograph.lab.censor import Line
from heliograph.lab.world import LabError, World

pytestmark = pytest.mark.needs_netns

OWNER = """
import sys, time
import signal
from heliograph.lab.world import World
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell in the background has its children ignore it
cycles = int(sys.argv[1])
for _ in range(cycles):
    with World({"home": "curtain-25p", "by": "by"}, {"one": ["203.0.113.10"]}) as world:
        world.serve("one", "host", {})
        world.run("home", ["sh", "-c", "setsid sleep 1000 & setsid setsid sleep 1001 &"])
        world.spawn("one", ["sleep", "1002"])
        assert world.run("home", ["sh", "-c", "echo left > /dev/shm/left"]).returncode == 0
        if cycles == 1:
            print("ready", flush=True)
            time.sleep(1000)
print("done", flush=True)
"""


def marked(mark: str) -> list[int]:
    """The processes of this machine that inherited ``mark``."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdecimal() and mark.encode() in (entry / "environ").read_bytes():
                found.append(int(entry.name))
        except OSError:  # ended while we looked
            continue
    return found


def until(true: Callable[[], bool], seconds: float = 30.0) -> bool:
    end = time.monotonic() + seconds
    while not true():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


def owner(tmp_path: Path, mark: str, cycles: int) -> subprocess.Popen[str]:
    """Another process that owns a lab; its temporary files go to ``tmp_path``."""
    env = {**os.environ, "HELIOGRAPH_MARK": mark, "TMPDIR": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-c", OWNER, str(cycles)]
    return subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True)


def traces() -> set[str]:
    """What a lab could leave in the places where such things are left."""
    shown = {str(path) for folder in ("/run/netns", "/etc/netns", "/dev/shm") for path in Path(folder).glob("*")}
    return shown | {path.name for path in Path("/sys/class/net").iterdir()}


# --- nothing is left


def test_labs_that_end_leave_nothing(tmp_path: Path) -> None:
    mark, before = uuid.uuid4().hex, traces()
    with owner(tmp_path, mark, 3) as process:
        assert process.communicate(timeout=120)[0] == "done\n"
    assert marked(mark) == []
    assert list(tmp_path.iterdir()) == []
    assert {trace for trace in traces() - before if "heliograph" in trace or "left" in trace} == set()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_lab_dies_with_its_owner_however_he_ends(tmp_path: Path, number: int) -> None:
    mark, before = uuid.uuid4().hex, traces()
    with owner(tmp_path, mark, 1) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        assert len(marked(mark)) > 5
        process.send_signal(number)
        process.wait(60)
    assert until(lambda: marked(mark) == []), marked(mark)
    assert list(tmp_path.iterdir()) == []
    assert {trace for trace in traces() - before if "heliograph" in trace or "left" in trace} == set()


def test_a_lab_dies_with_its_owner_even_if_a_copy_of_him_lives_on(tmp_path: Path) -> None:
    mark = uuid.uuid4().hex
    forks = OWNER.replace("import sys, time", "import os, sys, time").replace(
        'print("ready"', 'os.fork() or time.sleep(1000)\n            print("ready"'
    )
    env = {**os.environ, "HELIOGRAPH_MARK": mark, "TMPDIR": str(tmp_path)}
    with subprocess.Popen([sys.executable, "-c", forks, "1"], env=env, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        copies = [pid for pid in marked(mark) if f"PPid:\t{process.pid}\n" in Path(f"/proc/{pid}/status").read_text()]
        process.kill()
        process.wait(60)
        left = [pid for pid in copies if b"keeper" not in Path(f"/proc/{pid}/cmdline").read_bytes()]
        assert until(lambda: set(marked(mark)) == set(left)), "a copy holds every line to the lab, and no power over it"
        for pid in left:
            os.kill(pid, signal.SIGKILL)


def test_a_keeper_that_is_killed_takes_the_lab_with_it_and_the_owner_is_told() -> None:
    with World({"home": "none"}) as world:
        sleeping = world.spawn("home", ["sleep", "1000"])
        assert world._keeper is not None
        world._keeper.kill()
        assert sleeping.wait(30) == -signal.SIGKILL
        assert until(lambda: has_ended(world))


def has_ended(world: World) -> bool:
    try:
        world.box("home").stats()
    except LabError as error:
        return "ended" in str(error)
    return False


def test_a_lab_that_cannot_be_built_says_what_is_wrong_and_leaves_nothing() -> None:
    world = World({"home": "none"}, {"one": ["203.0.113.999"]})
    with pytest.raises(LabError, match=r"203\.0\.113\.999"):
        world.start()
    assert world._keeper is None
    with pytest.raises(LabError, match="taken"):
        World({"home": "none"}, {"home": ["203.0.113.1"]}).start()


# --- who reaches whom


def test_a_reader_reaches_hosts_by_name_and_address_and_nothing_else() -> None:
    with Lab("none") as lab:
        assert lab.get(1_000)["error"] == ""
        assert lab.get(1_000, address=HOST6)["error"] == ""
        assert lab.run("home", ["getent", "ahostsv6", "news.example"]).stdout.startswith(HOST6.encode())
        assert lab.run("home", ["getent", "hosts", "nowhere.example"]).returncode == 2
        routes = lab.run("home", ["ip", "route"]).stdout.decode()
        assert "169.254.0.1" in routes
        links = lab.run("home", ["ip", "-o", "link"]).stdout.decode().splitlines()
        assert len(links) == 2, "loopback and the line"


def test_names_and_places_can_change_under_way() -> None:
    with Lab("none") as lab:
        lab.add_place("two", ["203.0.113.77"])
        lab.name("news.example", "two")
        assert lab.run("home", ["getent", "ahostsv4", "news.example"]).stdout.startswith(b"203.0.113.77")
        lab.name("news.example")
        assert lab.run("home", ["getent", "hosts", "news.example"]).returncode == 2
        with pytest.raises(LabError, match="nobody listens"):
            lab.wait_for("two", 80, timeout=0.05)
        server = lab.spawn("two", [sys.executable, "-m", "http.server", "80", "--bind", "203.0.113.77"])
        lab.wait_for("two", 80)
        assert lab.get(0, address="203.0.113.77")["bytes"] > 0
        server.terminate()
        assert server.wait(10) == -signal.SIGTERM


def test_networks_have_censors_of_their_own_that_can_be_switched() -> None:
    with Lab("ip-blackhole:to=203.0.113.0/24", "none") as lab:
        assert lab.get(100)["error"] == "TimeoutError"
        assert lab.probe("get", HOST, 80, "/100", network="home1")["error"] == ""
        lab.box("home").switch("none")
        assert lab.get(100)["error"] == ""
        lab.box("home").switch("ip-rst:to=203.0.113.0/24")
        assert lab.get(100)["error"] == "ConnectionRefusedError"
        stats = lab.box("home").stats()
        assert stats["rules"]["ip-blackhole"]["dropped"] >= 1
        assert stats["rules"]["ip-rst"] == {"connections": 1, "dropped": 1, "forged": 1}
        with pytest.raises(LabError, match="there are: home, home1"):
            lab.box("elsewhere")


def test_a_line_can_become_long_and_its_clock_can_be_set_forward() -> None:
    with Lab("none") as lab:
        lab.box("home").line(Line(rtt=0.2))
        assert lab.get(100)["connect"] >= 0.2
        before = lab.box("home").stats()["clock"]
        lab.box("home").advance(1_000)
        assert lab.box("home").stats()["clock"] >= before + 1_000


def test_it_works_without_root() -> None:
    with World({"home": "curtain-16k"}, {"one": [HOST]}, rootless=True) as world:
        world.serve("one", "host", {})
        done = world.run("home", ["curl", "-s", "-m", "20", f"http://{HOST}/14000"])
        assert len(done.stdout) == 14_000


# --- processes


def test_a_process_has_the_environment_the_folder_and_its_output(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:1/")
    with World({"home": "none"}) as world:
        shell = world.spawn(
            "home", ["sh", "-c", "pwd; echo $A $https_proxy; echo b >&2; exit 3"], env={"A": "a"}, cwd=tmp_path
        )
        assert shell.wait(20) == 3
        assert (shell.output().decode(), shell.errors()) == (f"{tmp_path}\na\n", b"b\n")
        assert world.run("home", ["no-such-program"]).returncode == 127
        with pytest.raises(subprocess.TimeoutExpired):
            world.run("home", ["sh", "-c", "sleep 1000; true"], timeout=0.1)
        with pytest.raises(LabError, match="nowhere"):
            world.run("nowhere", ["true"])
    assert shell.output() != b"", "kept after the end of the lab"


def test_what_the_labs_own_processes_complain_of_is_told() -> None:
    with World({"home": "none"}, {"one": [HOST]}) as world:
        assert world.complaints() == ""
        with pytest.raises(LabError, match="No such file"):
            world.serve("one", "host", {"certificate": "/nowhere.pem"})


def test_many_threads_may_use_one_lab() -> None:
    with World({"home": "none"}) as world:
        found: list[bytes] = []
        threads = [
            threading.Thread(target=lambda n=number: found.append(world.run("home", ["echo", str(n)]).stdout))
            for number in range(12)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(int(one) for one in found) == list(range(12))


def test_a_lab_outside_a_with_statement_says_so() -> None:
    with pytest.raises(LabError, match="not running"):
        World({"home": "none"}).run("home", ["true"])
