"""Following a text that is still being written: cut anywhere, the rows are those of the whole file."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.bvh_texts import ROWS, TWO_JOINTS, body_text, rows_text, text

from emotus.engine.errors import BvhError
from emotus.sensors.bvh import parse_bvh
from emotus.sensors.bvh_follow import BvhFollower

WHOLE = {
    "plain": text(),
    "crlf": text().replace("\n", "\r\n"),
    "lone cr": text().replace("\n", "\r"),
    "wrapped": text(motion=rows_text(ROWS.reshape(-1, 3))),
    "two rows a line": text(motion=rows_text(ROWS.reshape(1, -1))),
    "no final newline": text().rstrip(),
    "blank lines": text().replace("\n", "\n\n"),
    "decimal commas": text(motion=rows_text(ROWS).replace(".", ","), time="0,05"),
    "nan": text(motion=rows_text(ROWS) + "nan 1 2 3 inf 5 6 7 nan\n"),
    "glued": text(motion="1 91 2 10.5-20.25 30 1 2 3\n"),
    "on one line": " ".join(text(motion="").split()) + " 1 2 3 4 5 6 7 8 9\n",
    "byte order mark": "\ufeff" + text(),
}


def follow(data: bytes, cuts: list[int]) -> tuple[np.ndarray, BvhFollower]:
    """Feed a text in pieces; return all rows."""
    follower = BvhFollower("live")
    places = [0, *sorted(cuts), len(data)]
    rows = [follower.feed(data[a:b]) for a, b in zip(places[:-1], places[1:], strict=True)]
    rows.append(follower.finish())
    return np.concatenate([r for r in rows if r.size]), follower


@pytest.mark.parametrize("case", WHOLE)
def test_cut_at_every_byte_the_rows_are_the_same(case):
    """Two pieces, cut at each byte, and byte by byte: always the rows that the whole text has."""
    data = WHOLE[case].encode()
    expected = parse_bvh(data, "x").motion.tobytes()
    for cut in range(len(data)):
        assert follow(data, [cut])[0].tobytes() == expected
    assert follow(data, list(range(len(data))))[0].tobytes() == expected


@given(st.lists(st.integers(0, 5000), max_size=12))
def test_cut_anywhere_the_rows_are_the_same(cuts):
    """A longer text in a few pieces gives every row once and in order."""
    data = body_text(30).encode()
    rows, follower = follow(data, [cut % len(data) for cut in cuts])
    assert rows.tobytes() == parse_bvh(data, "x").motion.tobytes()
    assert follower.dropped == 0


def test_a_row_comes_as_soon_as_its_line_ends():
    """No row waits for the next one."""
    follower = BvhFollower("live")
    assert follower.feed(text(motion="").encode()).shape == (0, 0)
    for i in range(3):
        assert follower.feed(b"1 2 3 4 5 6 7 8").size == 0
        assert follower.feed(b" %d\n" % i).tolist() == [[1, 2, 3, 4, 5, 6, 7, 8, i]]
    assert follower.header is not None
    assert follower.header.frame_time_s == 0.05


def test_lines_that_cannot_be_read_are_counted_and_skipped():
    """A word that is no number or a number too many costs its row, and no other."""
    good = "1 2 3 4 5 6 7 8 9\n"
    motion = (
        good + "1 2 three 4 5 6 7 8 9\n" + good + "1 2 3 4 5 6 7 8 9 10\n" + good + "1e400 2 3 4 5 6 7 8 9\n" + good
    )
    rows, follower = follow(text(motion=motion).encode(), [])
    assert rows.tolist() == [[1, 2, 3, 4, 5, 6, 7, 8, 9]] * 4
    assert follower.dropped == 3


def test_a_short_line_costs_only_itself():
    """After a line that lacks a number, the next whole line is a row again."""
    good = "1 2 3 4 5 6 7 8 9\n"
    rows, follower = follow(text(motion=good + "1 2 3 4\n" + good * 3).encode(), [])
    assert rows.tolist() == [[1, 2, 3, 4, 5, 6, 7, 8, 9]] * 4
    assert follower.dropped == 1


def test_a_recording_that_breaks_off_counts_its_last_part():
    """What stands of a last row is dropped and counted."""
    rows, follower = follow(text(motion=rows_text(ROWS) + "1 2 3").encode(), [])
    assert np.array_equal(rows, ROWS)
    assert follower.dropped == 1


ERRORS = {
    "empty": (b"", "is empty"),
    "no motion": (TWO_JOINTS.encode(), "has no MOTION"),
    "no rows": (text(motion="").encode(), "has no frames"),
    "bad header": (text(TWO_JOINTS.replace("6 X", "9 X")).encode(), "is no channel"),
    "wrong width": (text(motion="1 2 3 4 5 6 7 8\n1 2 3 4 5 6 7 8\n").encode(), "live:19: 8 numbers in a row"),
    "a word": (text(motion="1 2 3 4 5 6 7 eight 9\n").encode(), "live:19: 'eight' is no number"),
    "NUL": (text().encode() + b"\0", "NUL"),
    "endless line": (text(motion=rows_text(ROWS) + "1 " * 600_000).encode(), "a line of more than"),
    "endless header": (b"HIERARCHY\n" + b"# a comment\n" * 400_000, "has no MOTION"),
}


@pytest.mark.parametrize("case", ERRORS)
def test_what_is_no_bvh_text_is_said_in_one_line(case):
    """A stream that cannot be read raises one documented error, whether at once or at its end."""
    data, problem = ERRORS[case]
    with pytest.raises(BvhError) as caught:
        follow(data, [len(data) // 2])
    assert problem in str(caught.value)
    assert "\n" not in str(caught.value)


def test_after_reset_another_text_can_be_followed():
    """reset forgets header, rows and counts."""
    follower = BvhFollower("live")
    follower.feed(body_text(3).encode())
    follower.reset()
    assert follower.header is None
    assert follower.feed(text().encode()).shape == (2, 9)
