"""Reading BVH: every dialect seen in the wild, and one line for whatever cannot be read."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from support.bvh_texts import DATA, REAL, ROWS, TWO_JOINTS, rows_text, text

from emotus.sensors.bvh import parse_bvh, read_bvh
from emotus.sensors.bvh_file import EndSite


def parse(words: str | bytes):
    return parse_bvh(words if isinstance(words, bytes) else words.encode(), "take.bvh")


def same(words: str | bytes, rows: np.ndarray = ROWS) -> bool:
    """Tell whether a text holds the two joints and these rows."""
    bvh = parse(words)
    return (
        bvh.skeleton.names == ("Hips", "Spine") and bvh.motion.shape == rows.shape and np.array_equal(bvh.motion, rows)
    )


def test_a_plain_file_is_read_as_it_stands():
    """Names, parents, offsets, channels, end sites, rows and rate are those of the text, without a warning."""
    bvh = parse(text())
    assert bvh.skeleton.names == ("Hips", "Spine")
    assert bvh.skeleton.parents == (-1, 0)
    assert bvh.skeleton.offsets.tolist() == [[0, 90, 0], [0, 10.5, 0.25]]
    assert bvh.channels[0] == ("Xposition", "Yposition", "Zposition", "Zrotation", "Xrotation", "Yrotation")
    assert bvh.channels[1] == ("Zrotation", "Xrotation", "Yrotation")
    assert bvh.end_sites == (EndSite(1, (0.0, 5.0, 0.0)),)
    assert np.array_equal(bvh.motion, ROWS)
    assert bvh.frame_time_s == 0.05
    assert bvh.rate_hz == 20.0
    assert bvh.warnings == ()


DIALECTS = {
    "byte order mark": b"\xef\xbb\xbf" + text().encode(),
    "utf-16": text().encode("utf-16"),
    "crlf": text().replace("\n", "\r\n"),
    "lone cr": text().replace("\n", "\r"),
    "tabs between numbers": text(motion=rows_text(ROWS, blank="\t")),
    "blanks at line ends": text(motion=rows_text(ROWS, line=" \t \n")),
    "blanks at line starts": text(motion="  " + rows_text(ROWS, line="\n  ")),
    "two blanks between numbers": text(motion=rows_text(ROWS, blank="  ")),
    "blank lines anywhere": text().replace("\n", "\n\n \n"),
    "no final newline": text().rstrip(),
    "blank lines at the end": text() + "\n \n\n",
    "mixed case": text().replace("HIERARCHY", "Hierarchy").replace("ROOT", "Root").replace("End Site", "End SITE"),
    "lower case": text(TWO_JOINTS.lower().replace("hips", "Hips").replace("spine", "Spine")).replace(
        "MOTION", "motion"
    ),
    "brace on the same line": text(TWO_JOINTS.replace("\n{", " {").replace("\n\t{", "{").replace("\n\t\t{", " {")),
    "everything on one line": " ".join(text(motion="").split()) + " " + rows_text(ROWS, line=" "),
    "named end site": text(TWO_JOINTS.replace("End Site", "End Site Spine_End")),
    "no end site": text(TWO_JOINTS.replace("\t\tEnd Site\n\t\t{\n\t\t\tOFFSET 0.0 5.0 0.0\n\t\t}\n", "")),
    "frames without blank": text(frames="Frames:2"),
    "frames with tab": text(frames="Frames:\t2"),
    "frames without colon": text(frames="Frames 2"),
    "rows wrapped over lines": text(motion=rows_text(ROWS.reshape(-1, 3))),
    "rows of unequal parts": text(motion="1 91\n2 10.5 -20.25 30\n1 2 3\n1.5 91 2.5 11 -21 31\n\n4 5 -6.5\n"),
    "two rows on one line": text(motion=rows_text(ROWS.reshape(1, -1))),
    "scientific notation": text(motion="1e0 9.1E+1 2 1.05e1 -2025e-2 30 1 2 3\n1.5 91 2.5 11 -21 31 4 5 -0.65e1\n"),
    "glued negatives": text(motion="1 91 2 10.5-20.25 30 1 2 3\n1.5 91 2.5 11.0-21 31 4 5-6.5\n"),
    "decimal commas": text(motion=rows_text(ROWS).replace(".", ","), time="0,05"),
    "bare fractions": text(motion="01 +91 2. 10.50 -20.25 30 1 2 3\n1.5 91 2.5 11 -21 31 4 5 -6.5\n"),
    "frame time before frames": text().replace("Frames: 2\nFrame Time: 0.05", "Frame Time: 0.05\nFrames: 2"),
    "no HIERARCHY": text().replace("HIERARCHY\n", ""),
    "form feeds and other control characters": text(motion=rows_text(ROWS, blank="\x0c\x1f")),
}


@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_dialect_gives_the_same_rows(dialect):
    """However exporters write it, the same joints and numbers come out."""
    assert same(DIALECTS[dialect])


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_file_is_read_as_its_bytes_are(dialect, tmp_path):
    """read_bvh, which streams plain files, and parse_bvh agree on every dialect, warnings included."""
    data = DIALECTS[dialect]
    data = data if isinstance(data, bytes) else data.encode()
    path = tmp_path / "take.bvh"
    path.write_bytes(data)
    streamed, parsed = read_bvh(path), parse_bvh(data, str(path))
    assert streamed.motion.tobytes() == parsed.motion.tobytes()
    assert (streamed.channels, streamed.end_sites) == (parsed.channels, parsed.end_sites)
    assert (streamed.warnings, streamed.frame_time_s) == (parsed.warnings, parsed.frame_time_s)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("mixamorig:Hips", "mixamorig:Hips"),
        ("Left Upper Arm", "Left Upper Arm"),
        ("a.b_End", "a.b_End"),
        ("Hüfte", "Hüfte"),
        ("JOINT", "JOINT"),
        ("Motion", "Motion"),
        ("MOTION of hips", "MOTION of hips"),
    ],
)
def test_names_are_kept_whole(written, read):
    """Colons, dots, blanks, letters of any script and keywords are parts of names."""
    assert parse(text(TWO_JOINTS.replace("Spine", written))).skeleton.names[1] == read
    joined = TWO_JOINTS.replace("JOINT Spine\n\t{", f"JOINT {written} {{")
    assert parse(text(joined)).skeleton.names[1] == read


def test_names_in_other_encodings_are_decoded():
    """Shift-JIS and Latin-1 names are read, although bytes of Shift-JIS letters may look like braces."""
    japanese = text(TWO_JOINTS.replace("Spine", "ボーン")).encode("cp932")
    assert b"\x83{" in japanese
    assert parse(japanese).skeleton.names[1] == "ボーン"
    assert parse(text(TWO_JOINTS.replace("Spine", "Hüfte")).encode("latin-1")).skeleton.names[1] == "Hüfte"


def test_names_are_made_unique_and_named():
    """A second joint of the same name gets a number that is free, and a warning says so."""
    twice = TWO_JOINTS.replace("Spine", "Hips")
    bvh = parse(text(twice))
    assert bvh.skeleton.names == ("Hips", "Hips_2")
    assert str(bvh.warnings[0]) == "take.bvh:6: the name 'Hips' is empty or taken ('Hips_2' is used)"


CHANNELS = {
    "position on every joint": ("6 Xposition Yposition Zposition Yrotation Xrotation Zrotation", 12),
    "no channels": ("0", 6),
    "one channel": ("1 Xrotation", 7),
    "scale": ("9 Xposition Yposition Zposition Xrotation Yrotation Zrotation Xscale Yscale Zscale", 15),
    "upper case": ("3 ZROTATION XROTATION YROTATION", 9),
}


@pytest.mark.parametrize("case", CHANNELS)
def test_joints_have_any_channels(case):
    """Counts and orders of channels differ from joint to joint; only scale is warned of."""
    words, width = CHANNELS[case]
    hierarchy = TWO_JOINTS.replace("3 Zrotation Xrotation Yrotation\n\t\tEnd", f"{words}\n\t\tEnd")
    bvh = parse(text(hierarchy, rows_text(np.ones((2, width)))))
    assert [len(channels) for channels in bvh.channels] == [6, width - 6]
    assert all(channel[0] in "XYZ" and channel[1:].islower() for channel in bvh.channels[1])
    assert [("scale" in str(warning)) for warning in bvh.warnings] == ([True] if case == "scale" else [])


def test_several_roots_are_all_read():
    """A second ROOT, a prop or another actor, is a tree of its own."""
    second = TWO_JOINTS.replace("HIERARCHY\n", "").replace("Hips", "Sword").replace("Spine", "Tip")
    bvh = parse(text(TWO_JOINTS + second, rows_text(np.ones((2, 18)))))
    assert bvh.skeleton.names == ("Hips", "Spine", "Sword", "Tip")
    assert bvh.skeleton.parents == (-1, 0, -1, 2)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("0.033333", 1 / 30), (".0083333", 1 / 120), ("0.008333", 1 / 120), ("0,0333", 1 / 30), ("0.041667", 1 / 24),
        ("0.0417083", 1001 / 24000), ("0.0166667", 1 / 60), ("0.01", 0.01), ("0.04", 0.04), ("0.008", 0.008),
        ("0.033366", 1001 / 30000), ("3.3333e-2", 1 / 30), ("0.0313", 0.0313),
    ],
)  # fmt: skip
def test_rounded_frame_times_are_snapped(written, meant):
    """A frame time within 0.1 % of a film or capture rate is that rate; any other stays."""
    bvh = parse(text(time=written))
    assert bvh.frame_time_s == meant
    assert bvh.warnings == ()


@pytest.mark.parametrize("written", ["0", "0.0", "-0.1", "nan", "inf", "1e400", "abc", "", "33.333"])
def test_no_frame_time_is_a_thirtieth_with_a_warning(written):
    """A frame time that is zero, absent or none is taken as 1/30 s, and told of with its line."""
    bvh = parse(text(time=written))
    assert bvh.frame_time_s == 1 / 30
    assert [str(w).startswith("take.bvh:18: Frame Time:") for w in bvh.warnings] == [True]


def test_an_absent_frame_time_is_a_thirtieth():
    """Without the line Frame Time the rows are read all the same."""
    bvh = parse(text().replace("Frame Time: 0.05\n", ""))
    assert bvh.frame_time_s == 1 / 30
    assert np.array_equal(bvh.motion, ROWS)
    assert len(bvh.warnings) == 1


@pytest.mark.parametrize(
    "frames", ["Frames: 1", "Frames: 3", "Frames: 100000000", "Frames: -5", "Frames: x", "Frames:"]
)
def test_the_rows_are_trusted_more_than_their_stated_number(frames):
    """Too many, too few, absurd or no stated frames: those that are there are read, with one warning."""
    bvh = parse(text(frames=frames))
    assert np.array_equal(bvh.motion, ROWS)
    assert len(bvh.warnings) == 1
    assert "Frames" in str(bvh.warnings[0])


@pytest.mark.parametrize("wrap", [9, 3])
def test_a_row_that_was_cut_off_is_left_out(wrap):
    """The last row of a recording that broke off is dropped with a warning, in one line or several."""
    rows = rows_text(ROWS[0].reshape(-1, wrap)) + "1.5 91 2.5 11"
    bvh = parse(text(motion=rows, frames="Frames: 1"))
    assert np.array_equal(bvh.motion, ROWS[:1])
    assert [str(w).endswith("numbers (it is left out; was the recording cut off?)") for w in bvh.warnings] == [True]


@pytest.mark.parametrize(
    "word", ["nan", "NaN", "-nan", "inf", "-Infinity", "-1.#IND", "1.#QNAN0", "1.#INF", "nan(ind)"]
)
def test_values_that_are_none_are_held(word):
    """The value before is held; at the beginning that of the rest pose: the offset of a position, 0 of an angle."""
    rows = [f"1 {word} 2 10 20 30 1 2 3", f"1 91 2 {word} 20 30 1 {word} 3", "1 92 2 12 20 30 1 2 3"]
    bvh = parse(text(motion="\n".join(rows), frames="Frames: 3"))
    assert bvh.motion[:, 1].tolist() == [90, 91, 92]
    assert bvh.motion[:, 3].tolist() == [10, 10, 12]
    assert bvh.motion[:, 7].tolist() == [2, 2, 2]
    assert "3 values that are no numbers, the first in frame 1" in str(bvh.warnings[0])
    first = parse(text(motion=f"1 91 2 {word} 20 30 1 2 3"))
    assert first.motion[0, 3] == 0.0


def test_a_thousand_joints_in_each_other_are_read():
    """The deepest chain that is allowed is read without recursion."""
    chain = "".join(f"JOINT j{i} {{ OFFSET 0 1 0 CHANNELS 1 Xrotation\n" for i in range(999))
    bvh = parse(
        text(f"HIERARCHY\nROOT r {{ CHANNELS 1 Xrotation\n{chain}{'}' * 1000}\n", rows_text(np.ones((1, 1000))))
    )
    assert bvh.skeleton.parents[-1] == 998


def test_missing_offsets_are_zero_and_told():
    """A joint without OFFSET stands at its parent, with a warning."""
    bvh = parse(text(TWO_JOINTS.replace("\t\tOFFSET 0.0 10.5 0.25\n", "")))
    assert bvh.skeleton.offsets[1].tolist() == [0, 0, 0]
    assert "1 joints or End Sites without OFFSET" in str(bvh.warnings[0])


@pytest.mark.parametrize("path", REAL, ids=lambda path: path.stem)
def test_real_files_are_read_as_pybvh_reads_them(path):
    """Rows and rates of real recordings are those of another reader."""
    pybvh = pytest.importorskip("pybvh")
    ours = read_bvh(path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = pybvh.read_bvh_file(path)
    assert ours.motion.shape[0] == theirs.root_pos.shape[0]
    assert list(ours.skeleton.names) == [node.name for node in theirs.nodes if not node.is_end_site()]
    columns = [ours.starts[0] + i for i, word in enumerate(ours.channels[0]) if word.endswith("position")]
    assert np.allclose(ours.motion[:, columns], theirs.root_pos, atol=1e-9)
    turning = [i for i in range(ours.motion.shape[1]) if i not in columns]
    angles = np.rad2deg(theirs.joint_angles).reshape(len(ours.motion), -1)
    assert np.allclose(ours.motion[:, turning], angles, atol=1e-9)
    assert ours.rate_hz == pytest.approx(1 / theirs.frame_time, rel=1e-3)
    assert ours.warnings == ()


def test_the_real_files_are_there_or_not_at_all():
    """The five recordings of the shared data take part, unless the folder is missing."""
    if not (DATA / "bvh").exists():
        pytest.skip("../shared/data/bvh is missing")
    assert len(REAL) == 5
