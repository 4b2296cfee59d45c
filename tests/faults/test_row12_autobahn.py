"""FAULTS.md 3, row 12: the cases of the Autobahn suite, categories 1 to 10, each on a connection of its own.

`make autobahn` runs the suite itself (301 cases, a program of Python 2.7); these are its cases for a server that
answers and does not echo.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator

import pytest
from faults.figures import figure
from support.autobahn_cases import CASES, LIVES, PONG, Case, close
from support.raw_websocket import RawClient

from emotus.bridges.websocket import WebSocketBridge
from emotus.engine.clock import MonotonicClock


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """Offer the port of a started bridge."""
    bridge = WebSocketBridge("127.0.0.1", 0, clock=MonotonicClock())
    bridge.start()
    yield int(bridge.address.rpartition(":")[2].strip("/"))
    bridge.close()


class Witness(RawClient):
    """Note what the server does after a case was sent."""

    def play(self, case: Case) -> tuple[list[bytes], list[str], int]:
        """Send a case; return the pongs, the types of the answers and the code of the end, 0 while it lives."""
        assert self.ask() == 101
        assert self.hear()["type"] == "hello"
        pongs: list[bytes] = []
        answers: list[str] = []
        try:
            self._send(case)
            if case.ends == LIVES:
                while len(pongs) < len(case.pongs) or len(answers) < bool(case.answer):
                    self._note(*self.frame(), pongs, answers)
                self.socket.sendall(close(1000))
            while True:
                opcode, payload = self.frame()
                if opcode == 8:
                    code = struct.unpack(">H", payload[:2])[0] if payload else 1005
                    return pongs, answers, 0 if case.ends == LIVES and code == 1000 else code
                self._note(opcode, payload, pongs, answers)
        except ConnectionError:
            return pongs, answers, 1006

    def _send(self, case: Case) -> None:
        size = case.chop or len(case.sends)
        for at in range(0, len(case.sends), size):
            self.socket.sendall(case.sends[at : at + size])

    def _note(self, opcode: int, payload: bytes, pongs: list[bytes], answers: list[str]) -> None:
        if opcode == PONG:
            pongs.append(payload)
        else:
            answers.append(json.loads(payload)["type"])


@pytest.mark.parametrize("category", ["1", "2", "3", "4", "5", "6", "7", "9", "10"])
def test_the_cases_of_a_category_end_as_the_protocol_says(port, category):
    """Pongs, answers and codes of each; a case that is cut off without a code counts as failed."""
    wrong, count = [], 0
    for case in CASES:
        if case.name.partition(".")[0] != category:
            continue
        count += 1
        with Witness(port, timeout=10.0) as client:
            pongs, answers, end = client.play(case)
        told = answers[:1] == [case.answer] if case.answer else True
        if end not in case.ends or (case.ends == LIVES and (tuple(pongs) != case.pongs or not told)):
            wrong.append((case.name, end, case.ends, len(pongs), answers[:1]))
    print(f"row 12: category {category}: {count - len(wrong)} of {count} cases as RFC 6455 says")
    figure(12, f"Autobahn's cases of category {category}: not as RFC 6455 says", len(wrong), 0, better="==")
    assert wrong == []
    assert count
