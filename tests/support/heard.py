"""Receivers of examples/ as processes of their own: started, asked whether they listen, and what they said."""

from __future__ import annotations

import os
import re
import socket
import subprocess
from html import escape
from pathlib import Path

LINE = re.compile(r"(?P<performer>\S+) appears (?P<label>[^\s\"]+) (?P<confidence>[\d.]+)")


class Receiver:
    """Run one program with its output in a file, so that nothing ever waits for a full pipe."""

    def __init__(self, name: str, command: list[str], folder: Path, **environment: str) -> None:
        self.name, self._out = name, folder / f"{name}.txt"
        home = {"HOME": str(folder), "XDG_DATA_HOME": str(folder), "LC_ALL": "C.UTF-8", "PYTHONUNBUFFERED": "1"}
        with self._out.open("wb") as out:
            told = {**os.environ, **home, **environment}
            self._process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, cwd=folder, env=told)

    def said(self) -> str:
        """Return all that it has printed."""
        return self._out.read_text(errors="replace")

    def end(self) -> None:
        """End it, kindly at first."""
        self._process.terminate()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(5)


def is_taken(port: int) -> bool:
    """Tell whether somebody listens at a UDP port of this machine."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False


def card(command: str, lines: list[str]) -> str:
    """Return what a receiver printed as a small picture: an SVG of a terminal."""
    rows = "".join(
        f'<text x="16" y="{44 + 18 * i}" fill="{"#e6e9ef" if i else "#48d1b2"}">{escape(line[:88])}</text>'
        for i, line in enumerate([f"$ {command}", *lines])
    )
    height = 60 + 18 * len(lines)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 720 {height}" width="720" height="{height}" role="img"'
        ' font-family="ui-monospace,monospace" font-size="13" xml:space="preserve">'
        f'<rect width="720" height="{height}" rx="8" fill="#0b0d12"/>{rows}</svg>\n'
    )
