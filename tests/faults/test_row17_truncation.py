"""FAULTS.md 3, row 17: a recording that ends anywhere, and one with a bit that has turned."""

from __future__ import annotations

import io
import os
import random

import pytest
from faults.figures import figure
from support.sayings import emotion, frame, wait_for

from emotus.bridges.recorder import RecorderBridge
from emotus.engine.clock import MonotonicClock
from emotus.engine.recording_reader import MAGIC, RecordingError, RecordingReader

pytest.importorskip("mcap", reason="mcap is not installed (pip install 'emotus[record]')")
EVERY = int(os.environ.get("EMOTUS_CUTS", "97"))  # bytes from one cut to the next; 1 with `make faults`
FLIPS = int(os.environ.get("EMOTUS_FLIPS", "400"))


@pytest.fixture(scope="module")
def recording(tmp_path_factory) -> bytes:
    path = tmp_path_factory.mktemp("recorded") / "show.mcap"
    bridge = RecorderBridge(path, clock=MonotonicClock())
    bridge.start()
    for seq in range(120):
        for event in [*frame(seq), emotion(seq, stream="ben")]:
            bridge.send(event)
        if seq % 10 == 9:  # so that there are several chunks
            wait_for(lambda: bridge.stats().waiting == 0)
            wait_for(lambda: False, 0.21)
    bridge.close()
    return path.read_bytes()


def read(data: bytes) -> tuple[list[bytes], RecordingReader]:
    reader = RecordingReader(io.BytesIO(data), "show.mcap")
    return [message.data for message in reader], reader


def test_the_recording_itself_is_sound(recording):
    """Nothing is said to be torn where nothing is."""
    found, reader = read(recording)
    assert len(found) == 120 * (len(frame(0)) + 1)
    assert (reader.torn, reader.damaged) == ("", 0)
    assert reader.chunks > 5


def test_cut_anywhere_it_gives_a_beginning_of_the_truth_and_says_so(recording):
    """No cut crashes the reader, invents a message or passes for whole."""
    truth, _ = read(recording)
    cuts = range(0, len(recording), EVERY)
    for cut in cuts:
        if cut < len(MAGIC):
            with pytest.raises(RecordingError):
                read(recording[:cut])
            continue
        found, reader = read(recording[:cut])
        assert found == truth[: len(found)]
        assert reader.torn, cut
    print(f"row 17: cut at {len(cuts)} places of {len(recording)} bytes: always a beginning of the truth, always told")
    figure(17, f"cuts of {len(recording)} bytes that gave a beginning of the truth", len(cuts), len(cuts), better="==")


def test_a_turned_bit_is_found_wherever_it_is(recording):
    """No message that is given differs from the truth; and that something is wrong is always told."""
    truth = set(read(recording)[0])
    rng = random.Random(2)
    told = 0
    for _ in range(FLIPS):
        at = rng.randrange(len(MAGIC), len(recording) - len(MAGIC))
        turned = bytearray(recording)
        turned[at] ^= 1 << rng.randrange(8)
        found, reader = read(bytes(turned))
        assert set(found) <= truth
        told += bool(reader.torn)
    print(f"row 17: {told} of {FLIPS} turned bits found")
    figure(17, "turned bits found", told / FLIPS, 1, better="==")
    assert told == FLIPS
