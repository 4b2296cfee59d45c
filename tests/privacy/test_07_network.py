"""PRIVACY.md 7: emotus stays on loopback, and sends nothing off this machine by itself."""

from __future__ import annotations

import functools
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from support.sayings import free_port

# A network of its own with a way out that counts: a route over a pair of linked devices, to a neighbour that is known,
# so that whatever is sent anywhere leaves the first device at once and is counted by the kernel.
OPEN = """
set -e
ip link set lo up
ip link add out0 type veth peer name far0
ip addr add 10.99.0.1/24 dev out0
echo 1 > /proc/sys/net/ipv6/conf/out0/disable_ipv6
echo 1 > /proc/sys/net/ipv6/conf/far0/disable_ipv6
ip link set out0 up
ip link set far0 up
ip neigh add 10.99.0.254 lladdr 02:00:00:00:00:01 dev out0 nud permanent
ip route add default via 10.99.0.254
"""
COUNT = "\necho; cat /proc/net/dev >&2\n"
LISTENING = "0A"  # of /proc/net/tcp
UDP_BOUND = "07"
LOOPBACK = {"0100007F", "00000000000000000000000001000000"}


def in_a_network_of_its_own(script: str, timeout: float = 90) -> tuple[str, str, dict[str, int]]:
    """Run a script of the shell behind the counter; return what it says, and packets sent by device."""
    words = ["unshare", "-rnm", "bash", "-c", OPEN + script + COUNT]
    done = subprocess.run(words, capture_output=True, text=True, timeout=timeout)
    assert done.returncode == 0, done.stderr
    said, _, table = done.stderr.rpartition("Inter-|")
    rows = [line.split(":") for line in table.splitlines() if ":" in line]
    return done.stdout, said, {name.strip(): int(numbers.split()[9]) for name, numbers in rows}


@functools.cache
def why_not() -> str:
    """Return why no network of its own can be made here, "" where it can."""
    missing = [name for name in ("unshare", "ip", "bash") if shutil.which(name) is None]
    if missing:
        return f"not installed: {', '.join(missing)}"
    tried = subprocess.run(["unshare", "-rnm", "bash", "-c", OPEN], capture_output=True, text=True)
    return tried.stderr.strip().replace("\n", "; ") if tried.returncode else ""


@pytest.fixture(autouse=True)
def _only_where_permitted() -> None:
    if why_not():
        pytest.skip(f"no network namespace: {why_not()}")


def test_the_counter_counts() -> None:
    """One datagram to an address elsewhere is seen, and so is a name that is looked up; without them it stays at 0."""
    knock = "import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('192.0.2.7', 9))"
    _, _, sent = in_a_network_of_its_own(f'"{sys.executable}" -c "{knock}"')
    assert sent["out0"] == 1
    ask = "import socket; socket.getaddrinfo('emotus.example', 80)"
    _, _, sent = in_a_network_of_its_own(f'timeout 1 "{sys.executable}" -c "{ask}" 2>/dev/null || true')
    assert sent["out0"] > 0
    _, _, sent = in_a_network_of_its_own("true")
    assert sent["out0"] == 0


def test_a_show_with_every_bridge_sends_nothing_off_loopback(tmp_path: Path) -> None:
    """A real run with every bridge that needs no program beside it: 0 packets off loopback, all doors on it."""
    ports = [free_port() for _ in range(8)]
    command = (
        f'"{sys.executable}" -m emotus run -s synthetic:sad -b osc:127.0.0.1:{ports[0]} -b ws:127.0.0.1:{ports[1]}'
        f" -b jsonl:{tmp_path}/events.jsonl --view 127.0.0.1:{ports[2]} --control osc:127.0.0.1:{ports[3]}"
        f" -b oscquery:{ports[4]} -b vmc:127.0.0.1:{ports[5]} -b vrchat:127.0.0.1:{ports[6]} -b artnet:127.0.0.1"
        f" -b sacn:127.0.0.1 -b rosbridge:ws://127.0.0.1:{ports[7]}"
        f" --record {tmp_path}/show.mcap --seconds 2"
    )
    look = (
        f" & show=$!; for _ in $(seq 300); do test -s {tmp_path}/events.jsonl && break; sleep 0.1; done;"
        " cat /proc/net/tcp /proc/net/tcp6 /proc/net/udp /proc/net/udp6; wait $show"
    )
    doors, said, sent = in_a_network_of_its_own(command + look)
    told = [json.loads(line)["type"] for line in (tmp_path / "events.jsonl").read_text().splitlines()]
    assert told.count("emotion") > 20, said
    assert (tmp_path / "show.mcap").stat().st_size > 10_000
    sockets = re.findall(r"^ *\d+: ([0-9A-F]+):([0-9A-F]{4}) [0-9A-F]+:[0-9A-F]{4} ([0-9A-F]{2})", doors, re.MULTILINE)
    waiting = {int(port, 16): address for address, port, state in sockets if state in (LISTENING, UDP_BOUND)}
    print(f"privacy 7: {sent['out0']} packets off loopback, {sent['lo']} on it, {len(waiting)} doors")
    assert sent["out0"] == 0
    assert sent["lo"] > 20
    assert set(ports[1:5]) <= set(waiting)
    assert {waiting[port] for port in ports[1:5]} <= LOOPBACK
