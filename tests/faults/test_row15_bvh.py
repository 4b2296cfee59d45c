"""FAULTS.md 3, row 15: BVH texts made to crash, to stall or to fill the memory. `make fuzz` runs the million."""

from __future__ import annotations

import os
import time
import tracemalloc

import pytest
from faults.figures import figure
from fuzz.bvh_fuzz import fuzz
from support.bvh_texts import text

from emotus.engine.errors import BvhError
from emotus.sensors.bvh import parse_bvh

COUNT = int(os.environ.get("EMOTUS_BVH_TEXTS", "600"))
MEMORY_TIMES = 20
BASE_BYTES = 1 << 20  # what even the shortest text may take
GOOD = text()
HOSTILE = {
    "depth 10 000": "HIERARCHY\nROOT a\n{\nOFFSET 0 0 0\nCHANNELS 0\n"
    + "".join(f"JOINT j{i}\n{{\nOFFSET 0 1 0\nCHANNELS 0\n" for i in range(10_000))
    + "}\n" * 10_001
    + "MOTION\nFrames: 1\nFrame Time: 0.01\n\n",
    "Frames: 100 000 000": GOOD.replace("Frames: ", "Frames: 100000000 #", 1),
    "Frames: -1": GOOD.replace("Frames: ", "Frames: -1 #", 1),
    "1e400": GOOD.replace("0", "1e400", 1),
    "NUL": GOOD.replace("OFFSET", "OFF\0SET", 1),
    "no MOTION": GOOD.partition("MOTION")[0],
    "a word of a megabyte": "HIERARCHY ROOT " + "a" * 1_000_000,
    "a number of a megabyte": GOOD + "1" * 1_000_000,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_text_is_refused_soon_and_in_little_memory(name):
    """One documented error, within a second a megabyte, in at most twenty times the text's size."""
    data = HOSTILE[name].encode()
    took = []
    for _ in range(2):
        start = time.thread_time()
        with pytest.raises(BvhError) as told:
            parse_bvh(data, "hostile.bvh")
        took.append(time.thread_time() - start)
    tracemalloc.start()
    with pytest.raises(BvhError):
        parse_bvh(data, "hostile.bvh")
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert "\n" not in str(told.value)
    assert figure(
        15,
        f"{name}: memory, times the text's {len(data)} bytes and a megabyte",
        most / (len(data) + BASE_BYTES),
        MEMORY_TIMES,
    )
    assert figure(15, f"{name}: refused after", 1000 * min(took), 1000 * (0.05 + len(data) / 1e6), "ms")


def test_windows_line_ends_are_read_alike():
    """CRLF is no fault: the same numbers come out."""
    plain, windows = parse_bvh(GOOD.encode(), "a"), parse_bvh(GOOD.replace("\n", "\r\n").encode(), "b")
    assert plain.motion.tobytes() == windows.motion.tobytes()


def test_mutated_texts_are_accepted_or_refused_as_documented():
    """Nothing undocumented, nothing slower than a second a megabyte, nothing accepted that is not finite."""
    counts = fuzz(COUNT, seed=15)
    figure(15, "mutated texts", counts.texts, None)
    figure(15, "of them with an undocumented exception", counts.undocumented, 0, better="==")
    figure(15, "of them accepted with something not finite", counts.not_finite, 0, better="==")
    figure(15, "of them slower than 1 s/MB", counts.too_slow, 0, better="==")
    figure(15, "slowest of the large ones", counts.slowest_s_per_mb, 1, "s/MB")
    assert counts.clean, counts.found
    assert min(counts.accepted, counts.refused) > COUNT * 0.1
