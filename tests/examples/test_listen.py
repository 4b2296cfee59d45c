"""The listeners of examples/ hear a real bridge, and need nothing of emotus."""

from __future__ import annotations

import ast
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from support.sayings import emotion, frame, free_port, status

from emotus.bridges.base import Bridge
from emotus.bridges.osc import OscBridge
from emotus.bridges.websocket import WebSocketBridge
from emotus.engine.clock import MonotonicClock

EXAMPLES = Path(__file__).parents[2] / "examples"


@contextmanager
def talking(bridge: Bridge) -> Iterator[None]:
    """Start a bridge and let it speak 30 frames a second."""
    bridge.start()
    over = threading.Event()

    def talk() -> None:
        seq = 0
        while not over.wait(1 / 30):
            for event in (*frame(seq), emotion(seq), status(seq)):
                bridge.send(event)
            seq += 1

    thread = threading.Thread(target=talk)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
        bridge.close()


def hear(example: str, *words: str) -> str:
    """Run an example away from emotus; return what it prints."""
    command = [sys.executable, str(EXAMPLES / example), *words]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False, cwd="/", env=environment)
    assert done.stderr == ""
    assert done.returncode == 0
    return done.stdout


def test_the_websocket_listener_tells_what_it_hears():
    """Hello first, then emotions and statuses."""
    bridge = WebSocketBridge("127.0.0.1", 0, labels=("happy",), clock=MonotonicClock())
    with talking(bridge):
        told = hear("listen_ws.py", bridge.address, "--count", "20")
    hello, _, _ = told.partition("\n")
    assert hello.startswith("emotus, labels happy")  # and those that were heard before it called
    assert "; apparent expression" in hello
    assert "p1 appears happy" in told
    assert "engine warning: no frame for 0.2 s" in told


def test_the_osc_listener_tells_what_it_hears():
    """Every address of a frame, with its values."""
    port = free_port(socket.SOCK_DGRAM)
    with talking(OscBridge("127.0.0.1", port, labels=("happy",), clock=MonotonicClock())):
        told = hear("listen_osc.py", str(port), "--count", "20", "--joints")
    assert "/emotus/p1/emotion/happy 0.500" in told
    assert "/emotus/p1/label happy" in told
    assert "/emotus/p1/joint/LeftHand" in told


@pytest.mark.parametrize("example", ["listen_ws.py", "listen_osc.py"])
def test_a_listener_does_not_import_emotus(example):
    """It can be copied to any machine."""
    tree = ast.parse((EXAMPLES / example).read_text())
    imports = [alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
    imports += [node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    assert not [name for name in imports if name.startswith("emotus")]
