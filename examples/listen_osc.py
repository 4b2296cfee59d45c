"""Hear emotus over OSC with Python's standard library alone.

emotus run -s synthetic:tour -b osc:127.0.0.1:9000
python listen_osc.py [9000] [--count 100] [--joints]
"""

import argparse
import socket
import struct


def text(data: bytes, at: int) -> tuple[str, int]:
    """Return the string at a place and where the next thing begins."""
    end = data.index(b"\0", at)
    return data[at:end].decode("ascii"), (end + 4) & ~3


def message(data: bytes) -> tuple[str, list]:
    """Return address and arguments; emotus sends i, f and s only."""
    address, at = text(data, 0)
    tags, at = text(data, at)
    args = []
    for tag in tags[1:]:
        if tag == "s":
            value, at = text(data, at)
        else:
            (value,) = struct.unpack_from(f">{tag}", data, at)
            at += 4
        args.append(value)
    return address, args


def messages(datagram: bytes) -> list[tuple[str, list]]:
    """Return what is in a datagram: one message, or a bundle of them."""
    if not datagram.startswith(b"#bundle\0"):
        return [message(datagram)]
    found, at = [], 16
    while at < len(datagram):
        (size,) = struct.unpack_from(">i", datagram, at)
        found.append(message(datagram[at + 4 : at + 4 + size]))
        at += 4 + size
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("port", nargs="?", type=int, default=9000)
    parser.add_argument("--count", type=int, default=0, help="end after so many datagrams; 0: never")
    parser.add_argument("--joints", action="store_true", help="show positions and rotations too")
    asked = parser.parse_args()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
        listener.bind(("127.0.0.1", asked.port))
        heard = 0
        while asked.count == 0 or heard < asked.count:
            for address, args in messages(listener.recv(65536)):
                if asked.joints or "/joint/" not in address:
                    print(address, *(f"{arg:.3f}" if isinstance(arg, float) else arg for arg in args), flush=True)
            heard += 1


if __name__ == "__main__":
    main()
