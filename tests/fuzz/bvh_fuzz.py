"""Count what becomes of mutated BVH texts in the reader: python tests/fuzz/bvh_fuzz.py --count N --seed S."""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))

from bvh_mutator import texts

from emotus.engine.errors import BvhError
from emotus.sensors.bvh import Bvh, forward, parse_bvh
from emotus.sensors.bvh_follow import BvhFollower
from emotus.sensors.bvh_numbers import LIMIT
from emotus.sensors.bvh_writer import write_bvh

ALLOWED_S_PER_MB = 1.0
OVERHEAD_S = 0.05  # what even an empty text may take
DEEPER = 20  # each so manieth text is also followed in pieces, and written and read again


@dataclass
class Counts:
    """Hold what became of the texts; found: the first few that broke the rule."""

    texts: int = 0
    megabytes: float = 0.0
    accepted: int = 0
    refused: int = 0
    undocumented: int = 0
    not_finite: int = 0
    too_slow: int = 0
    not_the_same: int = 0
    slowest_ms: float = 0.0
    slowest_s_per_mb: float = 0.0
    seconds: float = 0.0
    found: list[str] = field(default_factory=list)

    @property
    def clean(self) -> bool:
        """Tell whether every text was accepted or refused as documented."""
        return not (self.undocumented or self.not_finite or self.too_slow or self.not_the_same)


def fuzz(count: int, seed: int, *, progress: bool = False) -> Counts:
    """Parse so many texts of a seed."""
    counts = Counts()
    start_s = time.monotonic()
    for data in texts(count, seed):
        take(data, counts)
        if progress and counts.texts % 50_000 == 0:
            print(f"{counts.texts} texts, {counts.accepted} accepted", file=sys.stderr, flush=True)
    counts.seconds = round(time.monotonic() - start_s, 1)
    return counts


def take(data: bytes, counts: Counts) -> None:
    """Parse one text and count the outcome."""
    counts.texts += 1
    counts.megabytes += len(data) / 1e6
    start_s = time.thread_time()
    try:
        bvh = parse_bvh(data, "fuzz.bvh")
        counts.accepted += 1
    except BvhError as error:
        bvh = None
        counts.refused += 1
        if "\n" in str(error) or not error.mend or len(str(error)) > 300:
            note(counts, "undocumented", f"message {str(error)[:80]!r}", data)
    except Exception as error:
        bvh = None
        note(counts, "undocumented", f"{type(error).__name__}: {error}", data)
    watch(time.thread_time() - start_s, data, counts)
    if bvh is not None:
        check(bvh, data, counts)
    if counts.texts % DEEPER == 0:
        go_deeper(bvh, data, counts)


def watch(took_s: float, data: bytes, counts: Counts) -> None:
    """Count a text that took more than a second a megabyte."""
    counts.slowest_ms = max(counts.slowest_ms, round(took_s * 1e3, 2))
    if len(data) > 50_000:
        counts.slowest_s_per_mb = max(counts.slowest_s_per_mb, round(took_s / len(data) * 1e6, 3))
    if took_s > OVERHEAD_S + ALLOWED_S_PER_MB * len(data) / 1e6:
        note(counts, "too_slow", f"{took_s:.2f} s for {len(data)} bytes", data)


def check(bvh: Bvh, data: bytes, counts: Counts) -> None:
    """Count an accepted text with anything in it that is not finite or of another shape than it says."""
    width = sum(map(len, bvh.channels))
    try:
        positions, rotations = forward(bvh, end_sites=True)
        good = (
            bvh.motion.shape == (len(bvh.motion), width)
            and len(bvh.motion) > 0
            and bool(np.all(np.abs(bvh.motion) <= LIMIT))
            and bool(np.all(np.abs(bvh.skeleton.offsets) <= LIMIT))
            and 1e-5 < bvh.frame_time_s < 100
            and bool(np.isfinite(positions).all() and np.isfinite(rotations).all())
        )
        if not good:
            note(counts, "not_finite", "a number", data)
    except Exception as error:
        note(counts, "undocumented", f"forward: {type(error).__name__}: {error}", data)


def go_deeper(bvh: Bvh | None, data: bytes, counts: Counts) -> None:
    """Follow the text in pieces, and write it and read it again."""
    try:
        follower = BvhFollower("fuzz.bvh")
        for at in range(0, len(data), 1 + len(data) // 7):
            rows = follower.feed(data[at : at + 1 + len(data) // 7])
            if not np.isfinite(rows).all():
                note(counts, "not_finite", "a followed row", data)
        follower.finish()
    except BvhError:
        pass
    except Exception as error:
        note(counts, "undocumented", f"follow: {type(error).__name__}: {error}", data)
    if bvh is None:
        return
    try:
        back = parse_bvh(write_bvh(bvh), "back")
        if back.motion.tobytes() != bvh.motion.tobytes() or back.skeleton.names != bvh.skeleton.names:
            note(counts, "not_the_same", "read back", data)
    except Exception as error:
        note(counts, "not_the_same", f"write: {type(error).__name__}: {error}", data)


def note(counts: Counts, kind: str, what: str, data: bytes) -> None:
    """Count one that broke the rule; keep the first few."""
    setattr(counts, kind, getattr(counts, kind) + 1)
    if len(counts.found) < 5:
        counts.found.append(f"{kind}: {what}: {data[:400]!r}")


def main() -> int:
    """Run and print the counts as JSON; exit 1 when any text broke the rule."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    counts = fuzz(options.count, options.seed, progress=sys.stderr.isatty())
    print(json.dumps({"seed": options.seed, **asdict(counts)}, indent=1, ensure_ascii=False))
    return 0 if counts.clean else 1


if __name__ == "__main__":
    sys.exit(main())
