"""Tables of points: read, mapped to the body, played, and refused in one line where they are none."""

from __future__ import annotations

import gzip
import lzma
from pathlib import Path

import numpy as np
import pytest
from support.reading import read_all
from support.tables import performed, places, write_points

from emotus.engine.body import JOINT_INDEX
from emotus.engine.clock import ManualClock
from emotus.engine.errors import EmotusError, MappingError, SkeletonError, TableError, UriError
from emotus.sensors.points import PointsSensor, load_points
from emotus.sensors.points_map import PRESETS, points_map
from emotus.sensors.table_file import read_table
from emotus.sensors.uri import open_sensor

DATA = Path(__file__).parents[2] / ".." / "shared" / "data" / "movement-quality"
needs_data = pytest.mark.skipif(not DATA.exists(), reason="../shared/data is not beside this checkout")


@pytest.fixture(scope="module")
def poses():
    """Return two seconds of a synthetic performer."""
    return performed(60)


@pytest.mark.parametrize("unit_m", [1.0, 0.01, 0.001, 0.0254])
def test_points_come_back_where_they_were(tmp_path, poses, unit_m):
    """A table in any unit plays as the body it was written from, to the last digit of the table."""
    recording = load_points(write_points(tmp_path / "a.tsv", poses, unit_m=unit_m))
    assert recording.rate_hz == pytest.approx(30.0, rel=1e-3)
    assert recording.positions == pytest.approx(places(poses), abs=2e-3)
    assert (recording.confidence == 1.0).all()


@pytest.mark.parametrize(("packer", "name"), [(lzma.compress, "a.tsv.xz"), (gzip.compress, "a.tsv.gz")])
def test_packed_tables_are_unpacked(tmp_path, poses, packer, name):
    """A table packed with xz or gzip is the same table."""
    plain = write_points(tmp_path / "a.tsv", poses)
    (tmp_path / name).write_bytes(packer(plain.read_bytes()))
    assert np.array_equal(read_table(tmp_path / name).rows, read_table(plain).rows)


def test_a_point_that_is_not_seen_has_no_confidence_and_moves_along(tmp_path, poses):
    """Three zeros or empty cells are no place: the joint keeps its place to the hips, with confidence 0."""
    path = write_points(tmp_path / "a.tsv", poses)
    lines = path.read_text().splitlines()
    cells = lines[20].split("\t")
    at = 2 + 3 * JOINT_INDEX["LeftHand"]
    cells[at : at + 3] = ["0.000", "0.000", "0.000"]
    lines[20] = "\t".join(cells)
    path.write_text("\n".join(lines))
    recording = load_points(path)
    hand = JOINT_INDEX["LeftHand"]
    assert np.flatnonzero(recording.confidence[:, hand] == 0).tolist() == [18]
    away = recording.positions[:, hand] - recording.positions[:, 0]
    assert away[18] == pytest.approx(away[17], abs=1e-6)


def test_rows_without_hips_are_left_out_and_counted(tmp_path, poses):
    """Where nobody knows where the performer is there is no pose, and the numbers of the rows keep the gap."""
    path = write_points(tmp_path / "a.tsv", poses)
    lines = path.read_text().splitlines()
    for row in (2, 3, 30):
        lines[row] = "\t".join(lines[row].split("\t")[:2] + ["0"] * 63)
    path.write_text("\n".join(lines))
    recording = load_points(path)
    assert recording.counters == {"dropped_unseen": 3}
    assert len(recording.seq) == 57
    assert sorted(set(range(58)) - set(recording.seq.tolist())) == [26]


def test_a_clock_that_stumbles_is_not_believed(tmp_path, poses):
    """A time column that jumps back is replaced by the file's own rate, and that is said."""
    path = write_points(tmp_path / "a.tsv", poses)
    lines = path.read_text().splitlines()
    cells = lines[30].split("\t")
    lines[30] = "\t".join([cells[0], "0.0", *cells[2:]])
    path.write_text("\n".join(lines))
    recording = load_points(path)
    assert np.diff(recording.t_ns) == pytest.approx(1e9 / 30, abs=2)
    assert any("goes back" in note for note in recording.notes)


def test_a_mapping_file_says_which_points_are_which_joint(tmp_path, poses):
    """Blends, units and the clock's column come from the file."""
    path = write_points(tmp_path / "a.tsv", poses)
    mapping = tmp_path / "map.toml"
    mapping.write_text(
        '[file]\nunit = "mm"\nup = "y"\ntime = "Time"\n[points]\n'
        'Hips = "0.5 LeftUpperLeg + 0.5 RightUpperLeg"\nHead = "Head"\n'
        + "".join(f'{side}{part} = "{side}{part}"\n' for side in ("Left", "Right") for part in
                  ("UpperLeg", "LowerLeg", "Foot", "Toes", "UpperArm", "LowerArm", "Hand"))
    )  # fmt: skip
    sensor = open_sensor(f"points:{path}?map={mapping}&speed=0", ManualClock())
    sensor.open()
    played = read_all(sensor)
    assert len(played) == len(poses)
    middle = (poses[9].positions[JOINT_INDEX["LeftUpperLeg"]] + poses[9].positions[JOINT_INDEX["RightUpperLeg"]]) / 2
    assert played[9].positions[0] == pytest.approx(middle, abs=1e-4)
    assert played[9].stream == "a"


def test_left_handed_points_are_told_and_turned(tmp_path, poses):
    """A mirrored table is refused with the mend, and plays with handed=left."""
    path = write_points(tmp_path / "a.tsv", poses)
    table = path.read_text().splitlines()
    mirrored = []
    for line in table[2:]:
        cells = line.split("\t")
        cells[2::3] = [str(-float(x)) for x in cells[2::3]]
        mirrored.append("\t".join(cells))
    path.write_text("\n".join(table[:2] + mirrored))
    with pytest.raises(SkeletonError, match="mirrored"):
        open_sensor(f"points:{path}", ManualClock()).open()
    sensor = open_sensor(f"points:{path}?handed=left&speed=0", ManualClock())
    sensor.open()
    assert places(read_all(sensor)) == pytest.approx(places(poses), abs=2e-3)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no row of numbers"),
        ("a,b\n1,x\n", "no row of numbers"),
        ("a b c\n", "no row of numbers"),
        ("H X,H Y,H Z\n1,2,3\n4,5\n", r":3: 2 cells under 3 columns"),
        ("H X,H Y,H Z\n1,2,3\n4,five,6\n", r":3: 'five' in column 'H Y' is no number"),
        ("H X,H X,H Z\n1,2,3\n", r":1: two columns are named 'H X'"),
        ("1,2,3\n4,5,6\n", "no column names"),
        ("Time,a,b\n0,1,2\n0.1,2,3\n", "no named points"),
        ("Head X,Head Y,Head Z\n1,2,3\n2,3,4\n", "neither a time column nor a rate"),
        ("Time,Head X,Head Y,Head Z\n0,1,2,3\n0.1,2,3,4\n", "no human body"),
    ],
)
def test_what_is_no_table_of_a_person_is_refused_in_one_line(tmp_path, text, said):
    """The message names the file, the line and what is wrong."""
    path = tmp_path / "a.csv"
    path.write_text(text)
    with pytest.raises(EmotusError, match=said) as told:
        load_points(path)
    assert str(path) in str(told.value)
    assert "\n" not in str(told.value)


def test_a_missing_or_broken_file_says_so(tmp_path):
    """No file, a folder, and a packed file that is cut off."""
    (tmp_path / "cut.tsv.xz").write_bytes(lzma.compress(b"a b c" * 1000)[:40])
    for name in ("missing.tsv", "", "cut.tsv.xz"):
        with pytest.raises(TableError, match="cannot be read"):
            load_points(tmp_path / name)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[points]\nHips = "A"\nKnee = "B"\n', r"map.toml:3: points.Knee: unknown key"),
        ('[points]\nHead = "A"\n', r"map.toml:1: points.Hips: is not mapped"),
        ('[points]\nHips = 3\n', r"map.toml:2: points.Hips: 3 is no text"),
        ('[points]\nHips = "A"\n[file]\nunit = "feet"\n', r"map.toml:4: file.unit: 'feet' \(one of m, cm"),
        ('[points]\nHips = "A"\n[file]\nrate = "fast"\n', r"map.toml:4: file.rate: 'fast'"),
        ("[points\n", r"map.toml:1: no TOML"),
    ],
)  # fmt: skip
def test_a_mapping_that_cannot_be_understood_names_line_and_key(tmp_path, text, said):
    """Every complaint leads to its line."""
    path = tmp_path / "map.toml"
    path.write_text(text)
    with pytest.raises(MappingError, match=said):
        points_map(str(path))


def test_a_mapping_that_does_not_fit_the_table_names_the_points_there_are(tmp_path, poses):
    """A point that the file lacks is told with some that it has."""
    mapping = tmp_path / "map.toml"
    mapping.write_text('[points]\nHips = "Pelvis"\n')
    sensor = PointsSensor(write_points(tmp_path / "a.tsv", poses), clock=ManualClock(), told=points_map(str(mapping)))
    with pytest.raises(MappingError, match=r"map.toml:2: points.Hips: no such point: Pelvis \(there are Hips, Spine"):
        sensor.open()


@pytest.mark.parametrize(
    ("uri", "said"),
    [
        ("points:", "no file is named"),
        ("points:a.tsv?unit=ell", "unit=ell"),
        ("points:a.tsv?up=w", "up=w"),
        ("points:a.tsv?handed=both", "handed=both"),
        ("points:a.tsv?rate=0", "rate=0"),
        ("points:a.tsv?map=vicon", "no such mapping"),
    ],
)
def test_options_are_checked_before_the_file_is_read(uri, said):
    """A wrong option is refused at once."""
    with pytest.raises((UriError, MappingError), match=said):
        open_sensor(uri, ManualClock())


def test_every_preset_maps_a_whole_body():
    """A preset knows hips, head and all four limbs."""
    limbs = ("UpperArm", "LowerArm", "Hand", "UpperLeg", "LowerLeg", "Foot")
    for preset in PRESETS.values():
        assert {"Hips", "Head", *(side + part for side in ("Left", "Right") for part in limbs)} <= set(preset.joints)


@needs_data
@pytest.mark.parametrize(("kind", "preset", "rows"), [("qualisys", "markers41", 3498), ("kinect", "kinect", 3100)])
def test_the_movement_quality_recordings_play(kind, preset, rows):
    """Both cameras' files give a person of a believable size with all joints known, facing the same way up."""
    recording = load_points(DATA / kind / "trial11.tsv.xz")
    assert preset in recording.notes[0]
    assert len(recording.t_ns) >= rows
    assert recording.rate_hz == pytest.approx(100.0)
    body = recording.positions[500]
    assert 1.4 < np.ptp(body[:, 1]) < 1.9
    assert body[JOINT_INDEX["Head"], 1] > body[0, 1] > body[JOINT_INDEX["LeftFoot"], 1]
    assert (recording.confidence[500] > 0).all()
