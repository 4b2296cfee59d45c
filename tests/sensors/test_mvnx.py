"""MVNX files are read whole, or told apart from what is none, however they are written; DOM and FK are the oracles."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from support.mvnx_texts import SEVENTEEN, frame_text, head_text, mvnx_text, performed, write_mvnx
from support.reading import read_all

from emotus.engine.body import JOINT_INDEX
from emotus.engine.clock import ManualClock, MonotonicClock
from emotus.engine.errors import EmotusError
from emotus.engine.kinematics import forward_kinematics, locals_from_globals
from emotus.engine.quaternion import angle_between
from emotus.engine.skeleton import Skeleton
from emotus.engine.skeleton_tables import XSENS_NAMES, XSENS_PARENTS
from emotus.sensors import mvnx_frames
from emotus.sensors.files import open_recording
from emotus.sensors.mvnx import MvnxError, read_mvnx
from emotus.sensors.mvnx_source import MvnxSensor
from emotus.sensors.uri import open_sensor
from emotus.sensors.xsens_body import offsets_of, parents_of
from emotus.sensors.xsens_writer import segments_of

REAL = Path(__file__).parents[3] / "shared" / "data" / "mvnx" / "Meri-020.mvnx"
POSES = performed(50)
real_file = pytest.mark.skipif(not REAL.is_file(), reason="the real file lies in ../shared/data/mvnx")


def by_dom(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Return positions and orientations of the frames of movement as lxml's tree has them."""
    etree = pytest.importorskip("lxml.etree")
    space = "{http://www.xsens.com/mvn/mvnx}"
    frames = [f for f in etree.parse(str(path)).iter(f"{space}frame") if f.get("type") == "normal"]
    texts = [[f.find(space + tag).text.split() for f in frames] for tag in ("position", "orientation")]
    positions, rotations = (np.array(each, dtype=float) for each in texts)
    return positions.reshape(len(frames), -1, 3), rotations.reshape(len(frames), -1, 4)


def fk_error_m(positions: np.ndarray, rotations: np.ndarray, still: tuple[np.ndarray, np.ndarray]) -> float:
    """Return how far positions are from those of the still pose's bones, turned as the orientations say."""
    offsets = offsets_of(parents_of(range(23)), *still)
    offsets[0] = 0.0
    local = locals_from_globals(XSENS_PARENTS, rotations.astype(np.float64))
    placed = forward_kinematics(Skeleton(XSENS_NAMES, XSENS_PARENTS, offsets), local, positions[:, 0])
    return float(np.linalg.norm(placed - positions, axis=-1).max())


@real_file
def test_the_real_file_is_what_lxml_reads_in_it():
    """Version 3, 240 Hz, 23 segments: every number of every frame, and the poses at rest are left out."""
    mvnx = read_mvnx(REAL)
    positions, rotations = by_dom(REAL)
    assert (mvnx.version, mvnx.rate_hz, mvnx.segments, mvnx.dropped) == ("3", 240.0, tuple(range(23)), 0)
    assert np.abs(mvnx.positions - positions).max() < 1e-6
    assert np.abs(mvnx.rotations - rotations).max() < 1e-6
    assert mvnx.times_ms.tolist() == [0, 4, 8, 12]
    assert not mvnx.cut_short


@real_file
def test_positions_and_orientations_of_the_real_file_agree():
    """Forward kinematics of the bones of its own pose at rest gives its positions, to the millimetre."""
    mvnx = read_mvnx(REAL)
    error = fk_error_m(mvnx.positions, mvnx.rotations, mvnx.still)
    print(f"Meri-020.mvnx: positions and FK of its own rest pose agree to {1000 * error:.3f} mm")
    assert error < 1e-3


@real_file
def test_the_real_file_plays():
    """A standing person in the house frame, at 240 Hz."""
    sensor = MvnxSensor(REAL, speed=0, clock=ManualClock())
    sensor.open()
    poses = read_all(sensor)
    assert len(poses) == 4
    assert sensor.rate_hz == 240
    for pose in poses:
        height = pose.positions[:, 1]
        assert height[JOINT_INDEX["Head"]] > height[0] > height[JOINT_INDEX["LeftFoot"]] > 0
        assert (pose.confidence == 1).all()


@pytest.mark.parametrize("version", [3, 4])
def test_a_file_gives_the_performance_it_was_made_of(version, tmp_path):
    """Positions to the micrometre and rotations to a hundredth of a degree of what was written."""
    path = write_mvnx(tmp_path / "a.mvnx", 50, version=version, more=60)
    sensor = MvnxSensor(path, speed=0, clock=ManualClock())
    sensor.open()
    poses = read_all(sensor)
    assert len(poses) == len(POSES)
    for pose, true in zip(poses, POSES, strict=True):
        assert np.abs(pose.positions - true.positions).max() < 2e-6
        assert np.degrees(angle_between(pose.rotations, true.rotations)).max() < 0.05
    steps_ms = np.diff([pose.t_ns for pose in poses]) / 1e6
    assert steps_ms == pytest.approx(np.full(49, 1000 / 240), abs=1e-3)
    mvnx = read_mvnx(path)
    assert fk_error_m(mvnx.positions, mvnx.rotations, (mvnx.positions[0], mvnx.rotations[0])) < 1e-4


def test_seventeen_segments_leave_joints_unknown(tmp_path):
    """What a suit does not track is derived or has confidence 0."""
    path = write_mvnx(tmp_path / "a.mvnx", 10, segments=SEVENTEEN)
    sensor = open_recording(path, ManualClock())
    sensor.open()
    poses = read_all(sensor)
    known = [JOINT_INDEX[name] for name in ("Hips", "Chest", "Head", "LeftHand", "RightFoot")]
    for pose, true in zip(poses, POSES, strict=False):
        assert np.abs(pose.positions[known] - true.positions[known]).max() < 2e-6
        assert (pose.confidence[known] == 1).all()
        assert (pose.confidence[[JOINT_INDEX["LeftToes"], JOINT_INDEX["Spine"]]] < 1).all()


VARIANTS = {
    "comments": lambda text: text.replace('<frame time="8"', '<!-- <frame type="normal"></frame> -->\n<frame time="8"'),
    "entities": lambda text: text.replace("<position>", "<position>&#32;"),
    "blanks in tags": lambda text: text.replace("<orientation>", "<orientation >").replace("</frame>", "</frame >"),
    "positions first": lambda text: re.sub(r"(<ori[^/]*/orientation>\n)(<position>[^/]*/position>)", r"\2\1", text),
    "a prefix": lambda text: re.sub(r"<(/?)([a-z])", r"<\1m:\2", text).replace("xmlns=", "xmlns:m="),
    "line breaks": lambda text: text.replace(" -0.", "\n  -0."),
    "one long line": lambda text: text.replace("\n", " "),
    "cdata": lambda text: text.replace("<position>", "<position><![CDATA[").replace("</position>", "]]></position>"),
}  # fmt: skip


@pytest.mark.parametrize("chunk", [700, 1 << 20])
@pytest.mark.parametrize("variant", VARIANTS)
def test_any_way_of_writing_it_reads_the_same(variant, chunk, tmp_path, monkeypatch):
    """Comments, entities, CDATA, prefixes, blanks: what is not written as MVN writes is read by expat all the same."""
    monkeypatch.setattr(mvnx_frames, "CHUNK", chunk)
    plain, varied = tmp_path / "plain.mvnx", tmp_path / "varied.mvnx"
    text = mvnx_text(POSES[:12])
    plain.write_text(text)
    varied.write_text(VARIANTS[variant](text))
    assert VARIANTS[variant](text) != text
    a, b = read_mvnx(plain), read_mvnx(varied)
    assert np.array_equal(a.positions, b.positions)
    assert np.array_equal(a.rotations, b.rotations)
    assert a.times_ms.tolist() == b.times_ms.tolist()


@pytest.mark.parametrize("chunk", [3000, 20_000, 1 << 20])
@pytest.mark.parametrize("lengths", [(9000,), (9000, 9000, 0, 0, 9000), (0, 9000, 0), (9000, 9100, 8900, 9050, 4000)])
def test_leaping_misses_nothing(lengths, chunk, tmp_path, monkeypatch):
    """Frames alike, and frames much shorter or longer than the one before: the same as without leaping."""
    monkeypatch.setattr(mvnx_frames, "CHUNK", chunk)
    texts = [head_text(range(23))]
    for i, pose in enumerate(POSES[:40]):
        ballast = f"<velocity>{'1.5 ' * (lengths[i % len(lengths)] // 4)}</velocity>\n"
        texts.append(frame_text("normal", i, 4 * i, *segments_of(pose), ballast))
    (tmp_path / "a.mvnx").write_text("".join((*texts, "</frames></subject></mvnx>")))
    leapt = read_mvnx(tmp_path / "a.mvnx")
    monkeypatch.setattr(mvnx_frames, "leap", lambda *_: None)
    looked = read_mvnx(tmp_path / "a.mvnx")
    assert leapt.times_ms.tolist() == looked.times_ms.tolist() == [4 * i for i in range(40)]
    assert np.array_equal(leapt.positions, looked.positions)
    assert np.array_equal(leapt.rotations, looked.rotations)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig", "latin-1"])
def test_other_encodings_are_read(encoding, tmp_path):
    """UTF-16, a byte order mark and Latin-1 are as good as UTF-8."""
    text = mvnx_text(POSES[:5]).replace('encoding="UTF-8"', f'encoding="{encoding.removesuffix("-sig")}"')
    (tmp_path / "a.mvnx").write_bytes(text.replace("Anna", "Änne").encode(encoding))
    mvnx = read_mvnx(tmp_path / "a.mvnx")
    assert mvnx.name == "Änne"
    assert mvnx.positions == pytest.approx(np.array([segments_of(p)[0] for p in POSES[:5]]), abs=1e-5)


BOMB = '<!DOCTYPE mvnx [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>\n'
FILES = '<!DOCTYPE mvnx [<!ENTITY secret SYSTEM "file:///etc/passwd">]>\n'
BROKEN = {
    "no xml": ("HIERARCHY\nROOT Hips\n", "broken XML"),
    "empty": ("", "broken XML"),
    "another document": ("<html><body/></html>", "begins with <html>"),
    "a bomb": (mvnx_text(POSES[:2]).replace("<mvnx", BOMB + "<mvnx", 1), "declares XML entities"),
    "a foreign entity": (mvnx_text(POSES[:2]).replace("<mvnx", FILES + "<mvnx", 1), "declares XML entities"),
    "no frames": (head_text(range(23)).replace("<frames", "<nothing"), "broken XML"),
    "no frames at all": (head_text(range(23)) + "</frames></subject></mvnx>", "no frames of movement"),
    "no rate": (mvnx_text(POSES[:2]).replace('frameRate="240"', 'frameRate="0"'), "frameRate"),
    "a rate of nan": (mvnx_text(POSES[:2]).replace('frameRate="240"', 'frameRate="nan"'), "frameRate"),
    "counts that differ": (
        mvnx_text(POSES[:2]).replace('<frames segmentCount="23"', '<frames segmentCount="22"'),
        "22",
    ),
    "a million segments": (mvnx_text(POSES[:2]).replace('segmentCount="23"', 'segmentCount="1000000"'), "1000000"),
    "no pelvis": (mvnx_text(POSES[:2]).replace('"Pelvis"', '"Pelvic"'), "no Pelvis"),
    "deep": ("<mvnx>" + "<a>" * 200, "deep"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_what_is_no_recording_is_refused_in_one_line(case, tmp_path):
    """The line names the file, what is wrong and the mend."""
    text, told = BROKEN[case]
    path = tmp_path / "odd.mvnx"
    path.write_text(text)
    for read in (read_mvnx, lambda p: open_recording(p, ManualClock()).open()):
        with pytest.raises(EmotusError) as error:
            read(path)
        assert told in str(error.value)
        assert str(path) in str(error.value)
        assert "\n" not in str(error.value)


def test_a_name_that_is_not_there_is_told(tmp_path):
    """A missing file and a folder are refused in one line; so is an ending that nobody knows."""
    for path in (tmp_path / "missing.mvnx", tmp_path):
        with pytest.raises(EmotusError, match=r"cannot be read|is a directory"):
            open_recording(path, ManualClock()).open()
    (tmp_path / "a.fbx").write_text("FBX")
    with pytest.raises(EmotusError, match="no ending of a recording"):
        open_recording(tmp_path / "a.fbx", ManualClock())
    with pytest.raises(MvnxError):
        read_mvnx(tmp_path / "missing.mvnx")


def test_broken_frames_are_left_out_and_counted(tmp_path):
    """Frames without positions, with a number too few, too many or none: counted; all others are read."""
    text = mvnx_text(POSES[:10])
    pieces = text.split("<frame ")
    short = pieces[5].replace("<position>", "<position>0.5 ")
    empty = pieces[7].partition("<position>")[0] + "</frame>\n"
    word = pieces[8].replace("<orientation>", "<orientation>banana ")
    nan = pieces[9].replace("<position>", "<position>nan ").replace(" ", "  ", 1)
    pieces[5], pieces[7], pieces[8], pieces[9] = short, empty, word, nan
    (tmp_path / "a.mvnx").write_text("<frame ".join(pieces))
    mvnx = read_mvnx(tmp_path / "a.mvnx")
    assert mvnx.dropped == 4
    whole = [i for i in range(10) if i + 3 not in (5, 7, 8, 9)]
    assert mvnx.positions == pytest.approx(np.array([segments_of(POSES[i])[0] for i in whole]), abs=1e-6)


def test_a_file_cut_short_gives_what_is_whole(tmp_path):
    """Cut anywhere within its frames: the frames before it, a note that it was cut, never half a frame."""
    text = mvnx_text(POSES[:6])
    start, end = text.index('type="normal"'), text.index("</frames>")
    for at in range(start, end, 997):
        (tmp_path / "a.mvnx").write_text(text[:at])
        whole = text[:at].count("</frame>") - 2
        if not whole:
            with pytest.raises(MvnxError):
                read_mvnx(tmp_path / "a.mvnx")
            continue
        mvnx = read_mvnx(tmp_path / "a.mvnx")
        assert mvnx.cut_short
        assert len(mvnx.positions) == whole
    sensor = open_sensor(f"mvnx:{tmp_path / 'a.mvnx'}?speed=0", MonotonicClock())
    sensor.open()
    assert "cut short" in sensor.health().message


def test_memory_does_not_grow_with_the_file(tmp_path):
    """Three times the frames, with the ballast of a real export: what is held beside the numbers stays below 64 MiB."""
    chosen = tuple(range(23))
    positions, rotations = segments_of(POSES[0])
    ballast = "<velocity>" + " ".join(["0.123456"] * 700) + "</velocity>\n"
    frame = frame_text("normal", 0, 0, positions, rotations, ballast)
    for count in (1500, 4500):
        with (tmp_path / f"{count}.mvnx").open("w") as file:
            file.write(head_text(chosen))
            file.writelines(frame for _ in range(count))
            file.write("</frames></subject></mvnx>")
    script = (
        "import resource, sys; from emotus.sensors.mvnx import read_mvnx;"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss;"
        "m = read_mvnx(sys.argv[1]);"
        "print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024,"
        " (m.positions.nbytes + m.rotations.nbytes) / 2**20)"
    )
    beyond = []
    for count in (1500, 4500):
        command = [sys.executable, "-c", script, str(tmp_path / f"{count}.mvnx")]
        grown, result = map(float, subprocess.run(command, capture_output=True, check=True, text=True).stdout.split())
        beyond.append(grown - result)
    size = (tmp_path / "4500.mvnx").stat().st_size / 2**20
    print(f"MVNX of {size:.0f} MB: {beyond[1]:.1f} MiB held beyond the result ({beyond[0]:.1f} for a third of it)")
    assert max(beyond) < 64
