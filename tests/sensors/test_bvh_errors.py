"""BVH texts that cannot be read: one line that names the place, the line, the problem and a mend."""

from __future__ import annotations

import pytest
from support.bvh_texts import ROWS, TWO_JOINTS, rows_text, text

from emotus.engine.errors import BvhError
from emotus.sensors.bvh import parse_bvh, read_bvh


def parse(words: str | bytes):
    return parse_bvh(words if isinstance(words, bytes) else words.encode(), "take.bvh")


ERRORS = {
    "empty": (b"", None, "is empty"),
    "blank": (b" \n\t ", None, "is empty"),
    "binary": (bytes(range(256)), 1, "NUL"),
    "picture": (b"\x89PNG\r\n\x1a\n" + b"\xff" * 99, None, "is no BVH text"),
    "no MOTION": (TWO_JOINTS, None, "has no MOTION"),
    "no rows": (text(motion=""), 19, "has no frames"),
    "many frames, no rows": (text(motion="", frames="Frames: 100000000"), 19, "has no frames"),
    "wrong channel count": (text(motion="1 2 3 4 5 6 7 8\n" * 3), 19, "8 numbers in a row where the hierarchy has 9"),
    "one number too many": (
        text(motion=rows_text(ROWS) + "1 2 3 4 5 6 7 8 9 10\n" + rows_text(ROWS)),
        21,
        "10 numbers",
    ),
    "one number missing": (text(motion=rows_text(ROWS) + "1 2 3 4 5 6 7 8\n" + rows_text(ROWS)), 21, "8 numbers"),
    "short only row": (text(motion="1 2 3\n"), 19, "3 numbers in a row"),
    "1e400": (text(motion=rows_text(ROWS) + "1 2 3 1e400 5 6 7 8 9"), 21, "'1e400' is out of range"),
    "too large": (text(motion="1 2 3 4 5 6 7 8 -2000000000"), 19, "'-2000000000' is out of range"),
    "a word": (text(motion=rows_text(ROWS) + "1 2 3 four 5 6 7 8 9"), 21, "'four' is no number"),
    "hexadecimal": (text(motion="1 2 3 0x10 5 6 7 8 9"), 19, "'0x10' is no number"),
    "underscore": (text(motion="1 2 3 1_0 5 6 7 8 9"), 19, "'1_0' is no number"),
    "json": (text(motion="[1, 2] true"), 19, "is no number"),
    "NUL": (text(motion="1 2\0 3"), 19, "NUL"),
    "offset nan": (text(TWO_JOINTS.replace("10.5", "nan")), 8, "'nan' in an OFFSET"),
    "offset 1e400": (text(TWO_JOINTS.replace("10.5", "1e400")), 8, "'1e400' in an OFFSET"),
    "offset of two": (text(TWO_JOINTS.replace("10.5 0.25", "10.5")), 9, "'CHANNELS' in an OFFSET"),
    "brace missing": (text(TWO_JOINTS[:-2]), 14, "1 braces are not closed"),
    "brace too many": (text(TWO_JOINTS + "}\n"), 16, "'}' does not belong here"),
    "no opening brace": (text(TWO_JOINTS.replace("\n\t{", "", 1)), 7, "where '{' opens a joint"),
    "channel unknown": (text(TWO_JOINTS.replace("Xposition", "Xpos")), 5, "'Xpos' is no channel (0 of 6 read)"),
    "too few channels": (text(TWO_JOINTS.replace("6 X", "7 X")), 6, "'JOINT' is no channel (6 of 7 read)"),
    "too many channels": (text(TWO_JOINTS.replace("6 X", "5 X")), 5, "'Yrotation' does not belong here"),
    "channel count": (text(TWO_JOINTS.replace("6 X", "600 X")), 5, "'600' channels"),
    "joint outside": (text("HIERARCHY\nJOINT a { OFFSET 0 0 0 }\n"), 2, "JOINT 'a' in the wrong place"),
    "root inside": (text(TWO_JOINTS.replace("JOINT", "ROOT")), 6, "ROOT 'Spine' in the wrong place"),
    "site outside": (text("HIERARCHY\nEnd Site { OFFSET 0 0 0 }\n"), 2, "an End Site outside a joint"),
    "end of what": (text(TWO_JOINTS.replace("End Site", "End")), 11, "End without Site"),
    "channels twice": (text(TWO_JOINTS.replace("\tJOINT", "\tCHANNELS 0\n\tJOINT")), 6, "in the wrong place"),
    "no channels at all": (text("HIERARCHY\nROOT a { OFFSET 0 0 0 CHANNELS 0 }\n"), None, "no joint has a channel"),
    "no root": (text("HIERARCHY\n"), None, "no ROOT"),
    "deep": (text("HIERARCHY\nROOT a {\n" + "JOINT a {\n" * 10_000 + "}" * 10_001), 1002, "more than 1000 joints"),
    "many sites": (text("HIERARCHY\nROOT a {\n" + "End Site { }\n" * 10_000 + "}"), 2003, "more than 2000 End Sites"),
}


@pytest.mark.parametrize("case", ERRORS)
def test_what_cannot_be_read_is_one_line_with_place_line_and_mend(case):
    """Each error names the file, the line where there is one, the problem and a mend, in one short line."""
    words, line, problem = ERRORS[case]
    with pytest.raises(BvhError) as caught:
        parse(words)
    error = caught.value
    assert error.line == line or line is None
    assert problem in error.problem
    assert error.mend
    assert str(error).startswith("take.bvh:" if error.line is None else f"take.bvh:{error.line}: ")
    assert "\n" not in str(error)
    assert len(str(error)) < 250


@pytest.mark.parametrize("case", ERRORS)
def test_files_fail_as_their_bytes_do(case, tmp_path):
    """Streaming a file ends in the same error as parsing its bytes."""
    words = ERRORS[case][0]
    path = tmp_path / "take.bvh"
    path.write_bytes(words if isinstance(words, bytes) else words.encode())
    with pytest.raises(BvhError) as streamed:
        read_bvh(path)
    with pytest.raises(BvhError) as parsed:
        parse_bvh(path.read_bytes(), str(path))
    assert str(streamed.value) == str(parsed.value)


def test_what_is_no_file_is_named(tmp_path):
    """A missing file, a directory, a device and an impossible name are one line each."""
    for path, problem in (
        (tmp_path / "gone.bvh", "no such file"),
        (tmp_path, "is a directory"),
        ("/dev/zero", "is not a regular file"),
        ("a\0b.bvh", "embedded null"),
    ):
        with pytest.raises(BvhError, match=problem) as caught:
            read_bvh(path)
        assert "\n" not in str(caught.value)


def test_lines_are_counted_however_they_end():
    """The line of an error is right with LF, CRLF, CR and blank lines."""
    bad = text(motion=rows_text(ROWS) + "1 2 3 four 5 6 7 8 9\n")
    for ending in ("\n", "\r\n", "\r"):
        with pytest.raises(BvhError) as caught:
            parse(bad.replace("\n", ending))
        assert caught.value.line == 21
