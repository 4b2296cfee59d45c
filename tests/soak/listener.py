"""Hear a show from outside, in a process of its own: one WebSocket client that stays, one that comes and goes, OSC.

It prints the OSC port it listens on, reads the WebSocket port to connect to, and prints its counts when its input ends.
"""

from __future__ import annotations

import json
import os
import socket
import sys
import threading
import time

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

COUNTS = {"ws": 0, "visits": 0, "osc": 0}
OVER = threading.Event()


def hear_ws(port: int) -> None:
    while not OVER.is_set():
        try:
            with connect(f"ws://127.0.0.1:{port}/", max_queue=64) as client:
                client.send(json.dumps({"type": "subscribe"}))
                for _ in client:
                    COUNTS["ws"] += 1
                    if OVER.is_set():
                        return
        except (OSError, ConnectionClosed):
            OVER.wait(0.5)


def visit(port: int) -> None:
    while not OVER.wait(10.0):
        try:
            with connect(f"ws://127.0.0.1:{port}/") as client:
                client.send(json.dumps({"type": "subscribe", "types": ["emotion"]}))
                client.recv(timeout=1.0)
                COUNTS["visits"] += 1
        except (OSError, ConnectionClosed, TimeoutError):
            continue


def hear_osc(heard: socket.socket) -> None:
    heard.settimeout(0.5)
    while not OVER.is_set():
        try:
            heard.recv(65_536)
            COUNTS["osc"] += 1
        except TimeoutError:
            continue


def main() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as heard:
        heard.bind(("127.0.0.1", 0))
        print(heard.getsockname()[1], flush=True)
        port = int(sys.stdin.readline())
        work = ((hear_ws, port), (visit, port), (hear_osc, heard))
        for each, told in work:
            threading.Thread(target=each, args=(told,), daemon=True).start()
        while os.read(0, 64):
            time.sleep(0.01)
        OVER.set()
        print(json.dumps(COUNTS), flush=True)
        os._exit(0)


if __name__ == "__main__":
    main()
