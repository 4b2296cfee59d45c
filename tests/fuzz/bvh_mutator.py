"""BVH texts in every dialect, and what can happen to them: deterministic for each seed."""

from __future__ import annotations

import random
from collections.abc import Iterator

KEYWORDS = (
    "HIERARCHY",
    "ROOT",
    "JOINT",
    "End Site",
    "OFFSET",
    "CHANNELS",
    "MOTION",
    "Frames:",
    "Frame Time:",
    "{",
    "}",
)
CHANNELS = [axis + kind for kind in ("position", "rotation", "scale") for axis in "XYZ"]
NAMES = (
    "Hips",
    "Spine",
    "mixamorig:LeftArm",
    "left upper leg",
    "a.b",
    "Kopf_ö",
    "ボーン",
    "Hips",
    "x" * 300,
    "",
    "MOTION",
)
NUMBERS = (
    "0", "-0", "1.5", "-12.345678", "1e-05", "+3", ".5", "5.", "007", "1e400", "-1e999", "1e10", "nan", "-inf",
    "1.#QNAN", "-1.#IND", "0x10", "1_000", "1,5", "1.2.3", "--1", "1-2", "0.0-7.5", "1e", "e5", "999999999", "1" * 400,
    "4.9e-324", "\u0661\u0662", "infinity", "None", "[1]", "true", '"1"', "1/2", "", " ",
)  # fmt: skip
COUNTS = ("0", "1", "-1", "2.0", "100000000", "9" * 40, "nan", "x", "", "3 4")
HOSTILE = (
    "\0",
    "\ufeff",
    "\x1a",
    "\r",
    "\x85",
    "\u2028",
    "\ud7ff",
    "\xff",
    "{",
    "}",
    "}}}}",
    "{{{{",
    "#",
    "//",
    "\x0b",
)
BREAKS = ("\n", "\n", "\n", "\r\n", "\r", " \n", "\n\n", "\t\n")


def text(rng: random.Random) -> str:
    """Write a good text of a few joints and rows in a dialect drawn by lot."""
    brace = rng.choice((" {", "\n{", "{", "\n\t{\n"))
    lines: list[str] = [rng.choice(("HIERARCHY", "HIERARCHY", "hierarchy", ""))]
    width, depth, joints = 0, 0, rng.randint(1, 5)
    for joint in range(joints):
        while depth and rng.random() < 0.3:
            lines.append("}")
            depth -= 1
        name = rng.choice(NAMES) if rng.random() < 0.2 else f"J{joint}"
        words = rng.choice((CHANNELS[3:6], CHANNELS[:6], [], CHANNELS, rng.sample(CHANNELS, rng.randint(0, 9))))
        words = words if joint else CHANNELS[:3] + rng.sample(CHANNELS[3:6], 3)
        width += len(words)
        lines.append(f"{'JOINT' if depth else 'ROOT'} {name}{brace}\nOFFSET {rng.uniform(-9, 9):.4f} 1.5 -2")
        lines.append(" ".join(["CHANNELS", str(len(words)), *words]))
        if rng.random() < 0.4:
            lines.append(f"End Site{brace}\nOFFSET 0 1 0\n}}")
        depth += 1
    lines += ["}"] * depth
    rows = rng.randint(1, 4)
    lines += ["MOTION", f"Frames: {rows}", f"Frame Time: {rng.choice(('0.0333333', '0.008333', '0.01'))}"]
    form = rng.choice(("%.6f", "%.4f", "%g", "%d", "%.3e"))
    lines += [
        rng.choice((" ", " ", "\t")).join(form % rng.uniform(-180, 180) for _ in range(width)) for _ in range(rows)
    ]
    return rng.choice(BREAKS).join(lines) + rng.choice(("\n", ""))


def mutate(words: str, rng: random.Random) -> str:
    """Change one thing: a word, a number, a line, a character or the length."""
    kind = rng.randrange(9)
    if kind < 4:  # a word for another one
        parts = words.split(" ")
        at = rng.randrange(len(parts))
        parts[at] = rng.choice(rng.choice((NUMBERS, NUMBERS, COUNTS, KEYWORDS, NAMES, HOSTILE, CHANNELS)))
        return " ".join(parts)
    if kind < 6:  # a line twice, gone, or elsewhere
        lines = words.splitlines(keepends=True) or [""]
        line = lines.pop(rng.randrange(len(lines)))
        for _ in range(rng.choice((0, 1, 2, 3))):
            lines.insert(rng.randint(0, len(lines)), line)
        return "".join(lines)
    at = rng.randint(0, len(words))
    if kind == 6:  # cut off, at either end
        return words[:at] if rng.random() < 0.7 else words[at:]
    if kind == 7:  # a piece more
        return words[:at] + rng.choice(rng.choice((HOSTILE, KEYWORDS, NUMBERS))) + words[at:]
    end = at + rng.randint(1, 12)
    return words[:at] + rng.choice(("", words[at:end].swapcase(), words[at:end] * 3)) + words[end:]


def encode(words: str, rng: random.Random) -> bytes:
    """Write it in an encoding drawn by lot, at times with bytes that belong to none."""
    encoding = rng.choice(("utf-8",) * 8 + ("latin-1", "cp932", "utf-16", "utf-8-sig"))
    data = words.encode(encoding, "replace")
    if rng.random() < 0.05 and data:
        at = rng.randrange(len(data))
        data = data[:at] + bytes([rng.randrange(256)]) + data[at + 1 :]
    return data


def special() -> Iterator[bytes]:
    """Yield what is known to stop readers: depth, promises, sizes, and no text at all."""
    good = text(random.Random(1))
    head, _, motion = good.partition("MOTION")
    for depth in (999, 1000, 1001, 10_000, 100_000):
        opened = "HIERARCHY\nROOT a {\nOFFSET 0 0 0\nCHANNELS 1 Xrotation\n" + "JOINT a {\nOFFSET 0 0 0\n" * depth
        yield (opened + "}" * (depth + 1) + "\nMOTION\nFrames: 1\nFrame Time: 0.1\n1\n").encode()
        yield opened.encode()
    yield good.replace("Frames: ", "Frames: 100000000").encode()
    yield (head + "MOTION\nFrames: 100000000\nFrame Time: 0.1\n").encode()
    yield (head + "MOTION\nFrames: 1\nFrame Time: 0.1\n" + "1e400 " * 50).encode()
    yield (head + "MOTION\nFrames: 1\nFrame Time: 0.1\n" + "nan " * 50).encode()
    yield head.encode()
    yield motion.encode()
    for piece in (
        b"{",
        b"}",
        b"ROOT ",
        b"\n",
        b" ",
        b"1",
        b"-",
        b"\0",
        b"\r",
        b"End Site ",
        b"MOTION\n",
        b"CHANNELS 9 ",
    ):
        yield piece * (200_000 // len(piece))
        yield b"HIERARCHY\nROOT a {" + piece * (200_000 // len(piece))
        yield head.encode() + b"MOTION\nFrames: 1\nFrame Time: 0.1\n" + piece * (200_000 // len(piece))
    yield bytes(range(256)) * 500


def texts(count: int, seed: int) -> Iterator[bytes]:
    """Yield so many texts: the special ones first, then good ones changed in one to four places, some not at all."""
    rng = random.Random(seed)
    given = 0
    for data in special():
        if given < count:
            yield data
            given += 1
    while given < count:
        good = text(rng)
        for _ in range(min(20, count - given)):
            words = good
            for _ in range(rng.choice((0, 1, 1, 1, 2, 4))):
                words = mutate(words, rng)
            yield encode(words, rng)
            given += 1
