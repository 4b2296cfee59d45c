"""A take is recorded frame by frame in bounded memory, and refused in one line where it shows nothing to learn."""

from __future__ import annotations

import numpy as np
import pytest

from emotus.engine.errors import TeachError
from emotus.engine.features import FRAME_SIZE
from emotus.engine.taking import LEAST_S, MAX_LABEL, TakeRecorder, check_label
from emotus.engine.taught import MOST_ROWS

D = 5


def frames(count: int, *, moves: float = 0.05, seen: bool = True, seed: int = 0) -> np.ndarray:
    """Return network frames of somebody who moves so much a frame."""
    rng = np.random.default_rng(seed)
    out = np.zeros((count, FRAME_SIZE), dtype=np.float32)
    out[:, :63] = rng.normal(size=63) + moves * np.cumsum(rng.choice([-1.0, 1.0], size=(count, 63)), axis=0)
    out[:, 63:84] = float(seen)
    return out


def record(shown: np.ndarray, *, streams: tuple[str, ...] = ("anna",), holes: int = 10**9) -> TakeRecorder:
    """Return a recorder that has heard the frames; the evidence begins anew every `holes` frames."""
    recorder = TakeRecorder("storm", "test 1", "one.bvh")
    for i, frame in enumerate(shown):
        described = np.concatenate((np.full(D, i), np.full(D + 1, -1.0))).astype(np.float32)
        recorder.add(streams[i % len(streams)], frame, described, i % holes + 1)
    return recorder


def test_a_take_holds_rows_evenly_over_all_of_it() -> None:
    """Rows come from half a second on to the end, evenly, and only the features that are the performer's own."""
    take = record(frames(300)).finish()
    assert take.rows.shape[1] == D
    at = take.rows[:, 0]
    assert at[0] == 14.0
    assert at[-1] >= 290.0
    assert set(np.diff(at).round()) <= set(range(int(np.diff(at).min()), int(np.diff(at).min()) + 7))
    assert (take.label, take.features, take.name, take.seconds) == ("storm", "test 1", "one.bvh", 10.0)


@pytest.mark.parametrize("count", [60, 300, 4000])
def test_memory_is_bounded_however_long_it_lasts(count: int) -> None:
    """Five minutes give as many rows as one, and never more are held on the way than twice that."""
    recorder = record(frames(count))
    assert len(recorder._rows) < 2 * MOST_ROWS
    assert len(recorder.finish().rows) <= MOST_ROWS


def test_rows_after_a_hole_wait_for_the_evidence() -> None:
    """Where the evidence begins anew, its first half second gives no row."""
    at = record(frames(200), holes=50).finish().rows[:, 0]
    assert (at % 50 >= 14).all()


def test_the_same_movement_has_the_same_hash_and_another_has_another() -> None:
    """A take is known by what was moved, not by its name or the label."""
    one, again, other = record(frames(90)).finish(), record(frames(90)).finish(), record(frames(90, seed=1)).finish()
    assert one.take_id == again.take_id
    assert one.take_id != other.take_id


REFUSED = {
    "lasts 0.5 s": record(frames(15)),
    "shows two people": record(frames(90), streams=("anna", "ben")),
    "shows nobody": record(frames(90, seen=False)),
    "shows no movement": record(frames(90, moves=0.0)),
}


@pytest.mark.parametrize("why", REFUSED)
def test_a_take_that_shows_nothing_is_refused_in_one_line(why: str) -> None:
    """Half a second, two people, nobody, a statue: a TeachError naming the take and what is wrong."""
    with pytest.raises(TeachError, match=why) as caught:
        REFUSED[why].finish()
    assert str(caught.value).startswith("one.bvh: ")
    assert "\n" not in str(caught.value)


def test_nothing_recorded_is_nobody() -> None:
    """A take that was stopped before anything came is refused, and a reset recorder is as new."""
    recorder = record(frames(90))
    recorder.reset()
    assert recorder.seconds == 0.0
    with pytest.raises(TeachError, match="shows nobody"):
        recorder.finish()


@pytest.mark.parametrize("label", ["", "  ", "unknown", "a\x00b", "x" * (MAX_LABEL + 1)])
def test_labels_that_are_none_are_refused(label: str) -> None:
    """Blank, reserved, unprintable and endless labels are refused when the take begins."""
    with pytest.raises(TeachError):
        TakeRecorder(label, "test 1")


def test_labels_are_any_words() -> None:
    """Blanks are tidied; everything else stays as it was said."""
    assert check_label("  my   grandmother ") == "my grandmother"
    assert check_label("Sturm & Drang, öfter") == "Sturm & Drang, öfter"
    assert LEAST_S > 0.5
