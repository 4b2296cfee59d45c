"""Every published format, and any folder with a table of labels, becomes a data set; what misleads is refused."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest
import scipy.io
from hypothesis import given, settings
from hypothesis import strategies as st
from support import data_sets
from support.data_sets import write_actor, write_walk

from emotus.engine.body import JOINT_INDEX
from emotus.engine.errors import DataError
from emotus.training.data_folder import survey_folder
from emotus.training.data_labels import Row, read_labels
from emotus.training.data_motion import read_motion
from emotus.training.data_set import DataSet, open_data_set
from emotus.training.splits import splits_of

XYZ = slice(0, 63)


def table(folder: Path, *rows: str, head: str = "file,label,performer", name: str = "labels.csv") -> Path:
    """Write a table of labels."""
    path = folder / name
    path.write_text("\n".join((head, *rows)) + "\n")
    return path


def refused(uri: str, folds: str = "trial") -> str:
    """Return the one line with which a set is refused."""
    with pytest.raises(DataError) as caught:
        open_data_set(uri, folds)
    line = str(caught.value)
    assert "\n" not in line
    assert "(" in line, "the mend is missing"
    return line


def height_of(data: DataSet, joint: str) -> float:
    """Return how high a joint is over the lowest foot, in body lengths, over the first sample."""
    places = data.samples[0].frames[:, XYZ].reshape(-1, 21, 3)
    feet = places[:, [JOINT_INDEX["LeftFoot"], JOINT_INDEX["RightFoot"]], 1].min(axis=1)
    return float(np.median(places[:, JOINT_INDEX[joint], 1] - feet))


def stands(data: DataSet) -> bool:
    """Tell whether the body stands upright with its head on top and its left on the left."""
    places = data.samples[0].frames[:, XYZ].reshape(-1, 21, 3)
    left = places[:, JOINT_INDEX["LeftUpperArm"], 0] - places[:, JOINT_INDEX["RightUpperArm"], 0]
    heights = [height_of(data, joint) for joint in ("LeftLowerLeg", "Hips", "Neck", "Head")]
    return heights == sorted(heights) and 1.0 < heights[-1] < 1.7 and float(np.median(left)) > 0.1


@pytest.fixture
def walks(tmp_path: Path) -> Path:
    """Return a folder of four walks of two performers, with their table."""
    for name, speed in (("a", 1.0), ("b", 2.0), ("c", 1.1), ("d", 2.1)):
        write_walk(tmp_path / f"{name}.bvh", speed=speed)
    table(
        tmp_path,
        "a.bvh,calm,ann,walk,0.5,-0.25",
        "b,wild,ann,walk,,",
        "c.bvh,calm,bo,run,,",
        "d.bvh,wild,bo,run,,",
        head="file,label,performer,content,valence,arousal",
    )
    return tmp_path


def test_any_folder_with_a_table_is_a_data_set(walks: Path) -> None:
    """Names with and without ending, valence, contents and performers arrive; performers can be left out."""
    data = open_data_set(f"folder:{walks}", "performer")
    assert [sample.name for sample in data.samples] == ["a.bvh", "b.bvh", "c.bvh", "d.bvh"]
    assert data.labels == ("calm", "wild")
    first, second = data.samples[:2]
    assert (first.performer, first.content, first.valence, first.arousal) == ("ann", "walk", 0.5, -0.25)
    assert second.valence is None
    assert first.frames.shape == (90, 90)
    assert stands(data)
    assert len(splits_of(data, "performer")) == 2


def test_bvh_mvnx_and_points_may_lie_in_one_folder(tmp_path: Path) -> None:
    """Formats are told by their endings; rates may differ where that is asked for, and only there."""
    write_walk(tmp_path / "a.bvh")
    data_sets.write_mvnx(tmp_path / "b.mvnx", 120)
    table(tmp_path, "a.bvh,calm,ann", "b.mvnx,wild,ann")
    assert "b.mvnx: 240 frames a second, where a.bvh has 30" in refused(f"folder:{tmp_path}")
    data = open_data_set(f"folder:{tmp_path}?rates=mixed", "trial")
    assert [len(sample.frames) for sample in data.samples] == [90, 15]


def test_broken_missing_and_unnamed_files_are_listed(walks: Path) -> None:
    """Whatever is not read is counted and named with its reason; the rest is read."""
    (walks / "b.bvh").write_text("HIERARCHY\nnothing of the kind")
    write_walk(walks / "extra" / "e.bvh")
    with (walks / "labels.csv").open("a") as file:
        file.write("gone.bvh,calm,ann\n")
    data = open_data_set(f"folder:{walks}", "trial")
    assert [sample.name for sample in data.samples] == ["a.bvh", "c.bvh", "d.bvh"]
    assert len(data.skipped) == 3
    told = " | ".join(data.skipped)
    assert "gone.bvh: in line 6" in told
    assert "extra/e.bvh: no row" in told
    assert "b.bvh: " in told


@pytest.mark.parametrize(
    ("uri", "said"),
    [
        ("?label=mood", r"labels.csv:1: unknown label column 'mood' (its columns: file, label, performer"),
        ("?labels=no.csv", "no.csv: no such file or directory (a CSV with the columns"),
        ("?colour=red", "unknown option 'colour'"),
        ("?rates=all", "rates=all (rates=mixed"),
        ("/nowhere", "nowhere: is no folder"),
    ],
)
def test_a_wrong_address_is_one_line(walks: Path, uri: str, said: str) -> None:
    """The table, the column or the option is named with what would be right."""
    assert said in refused(f"folder:{walks}{uri}")


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (("a.bvh,calm,", "b.bvh,wild,bo"), "labels.csv:2: no performer of a.bvh (name who moves in it"),
        (("a.bvh,calm,ann", "b.bvh,calm,bo"), "holds only the class 'calm'"),
        (("a.bvh,calm,ann", "a.bvh,wild,bo"), "labels.csv:3: a.bvh stands in line 2 already"),
        (("../a.bvh,calm,ann", "b.bvh,wild,bo"), "lies outside the folder"),
        (("a.bvh,calm,ann", ",wild,bo"), "labels.csv:3: a row without a file"),
        ((), "has no row below its column names"),
    ],
)
def test_a_wrong_table_is_one_line(walks: Path, rows: tuple[str, ...], said: str) -> None:
    """The line of the table is named, and the mend."""
    table(walks, *rows)
    assert said in refused(f"folder:{walks}")


def test_two_files_of_one_name_are_told_apart_by_their_folder(walks: Path) -> None:
    """A bare name that two files have is refused; their paths are taken."""
    write_walk(walks / "x" / "a.bvh")
    write_walk(walks / "y" / "e.bvh")
    write_walk(walks / "x" / "e.bvh")
    table(walks, "a.bvh,calm,ann", "e.bvh,wild,ann")
    assert "two files have the name e.bvh: x/e.bvh and y/e.bvh" in refused(f"folder:{walks}")
    table(walks, "a.bvh,calm,ann", "x/e.bvh,wild,ann", "y/e.bvh,wild,bo")
    assert len(open_data_set(f"folder:{walks}", "trial").samples) == 3


@pytest.mark.parametrize("degree", ["2", "nan", "much"])
def test_valence_outside_its_range_is_refused(walks: Path, degree: str) -> None:
    """Valence and arousal are numbers from -1 to 1."""
    table(walks, f"a.bvh,calm,ann,{degree}", head="file,label,performer,valence")
    assert f"labels.csv:2: valence '{degree}' of a.bvh (a number from -1 to 1)" in refused(f"folder:{walks}")


def test_a_performer_whom_nobody_knows_cannot_be_left_out(walks: Path) -> None:
    """A dash stands for nobody knows: by trial the set is read, by performer it is refused."""
    table(walks, "a.bvh,calm,-", "b.bvh,wild,-")
    data = open_data_set(f"folder:{walks}", "trial")
    with pytest.raises(DataError, match=r"a\.bvh: nobody said the performer"):
        splits_of(data, "performer")


def test_names_of_the_kinematic_actors_tell_all(tmp_path: Path) -> None:
    """Performer, emotion and scenario come from names such as F01SA0V1; 125 Hz and 59 joints come to the body."""
    for name in ("F01A0V1", "F01SA0V1", "M02SU3V2", "M02H10V1"):
        write_actor(tmp_path / "BVH" / name[:3] / f"{name}.bvh")
    write_actor(tmp_path / "BVH" / "test.bvh")
    (tmp_path / "file-info.csv").write_text(
        "filename,actor_ID,emotion\nF01A0V1,F01,Angry\nM02SU3V2,M02,sad\nF09N0V1,F09,neutral\n"
    )
    data = open_data_set(f"kinematic-actors:{tmp_path}", "performer")
    told = {sample.name: (sample.performer, sample.label, sample.content) for sample in data.samples}
    assert told == {
        "F01A0V1.bvh": ("F01", "angry", "scenario 0"),
        "F01SA0V1.bvh": ("F01", "sad", "scenario 0"),
        "M02H10V1.bvh": ("M02", "happy", "scenario 10"),
    }
    assert stands(data)
    assert abs(len(data.samples[0].frames) - 30) <= 1
    skipped = " | ".join(data.skipped)
    for part in ("test.bvh: its name", "M02SU3V2.bvh: its name says surprise", "f09n0v1: in the table"):
        assert part in skipped


def test_emokine_reads_the_same_from_both_of_its_formats(tmp_path: Path) -> None:
    """MVNX and position.csv of one take give the same joints; explanations are listed; all is one dancer's."""
    suits, tables = tmp_path / "Data" / "MVNX", tmp_path / "other" / "Data" / "CSV"
    for emotion in ("angry", "joy"):
        data_sets.write_emokine_mvnx(suits, 1, emotion)
        data_sets.write_emokine_csv(tables / f"CSV_seq1_{emotion}", frames=120)
    data_sets.write_emokine_mvnx(suits / "explanation", 1, "explanation")
    by_suit = open_data_set(f"emokine:{tmp_path / 'Data'}", "trial")
    by_table = open_data_set(f"emokine:{tmp_path / 'other'}", "trial")
    assert [(s.label, s.content, s.performer) for s in by_suit.samples] == [
        ("angry", "seq1", "dancer"),
        ("joy", "seq1", "dancer"),
    ]
    assert any("explanation" in line for line in by_suit.skipped)
    assert stands(by_suit)
    for one, other in zip(by_suit.samples, by_table.samples, strict=True):
        np.testing.assert_allclose(one.frames[:, XYZ], other.frames[:, XYZ], atol=2e-3)


def test_diem_a_needs_its_table(tmp_path: Path) -> None:
    """Thirteen words are known; a table is asked for, and columns by other names are told."""
    write_walk(tmp_path / "bvh" / "train" / "x1.bvh")
    write_walk(tmp_path / "bvh" / "train" / "x2.bvh", speed=2.0)
    assert "train_data.csv: no such file" in refused(f"diem-a:{tmp_path}")
    table(tmp_path, "x1,Joy,JP01", "x2,guilt,TW02", head="filename,emotion,who", name="train_data.csv")
    assert "no column 'performer'" in refused(f"diem-a:{tmp_path}")
    data = open_data_set(f"diem-a:{tmp_path}?performer=who", "performer")
    assert [(sample.label, sample.performer) for sample in data.samples] == [("joy", "JP01"), ("guilt", "TW02")]
    assert len(data.labels) == 13
    table(tmp_path, "x1,hunger,JP01", head="filename,emotion,actor", name="train_data.csv")
    assert "unknown emotion 'hunger' (one of joy" in refused(f"diem-a:{tmp_path}")


def test_xem_is_read_from_both_kinds_of_matlab_files(tmp_path: Path) -> None:
    """MATLAB 5 through scipy and 7.3 through HDF5 hold the same set; empty cells are listed."""
    cells = data_sets.xem_cells()
    scipy.io.savemat(tmp_path / "five.mat", {"Data": cells})
    with h5py.File(tmp_path / "seven.mat", "w", userblock_size=512) as file:
        places = np.empty(cells.shape[::-1], dtype=h5py.ref_dtype)
        for place in np.ndindex(cells.shape):
            rows = file.create_dataset("#refs#/{}_{}_{}".format(*place), data=cells[place].T)
            places[place[::-1]] = rows.ref
        file.create_dataset("Data", data=places, dtype=h5py.ref_dtype)
    five = open_data_set(f"xem:{tmp_path / 'five.mat'}", "performer")
    seven = open_data_set(f"xem:{tmp_path / 'seven.mat'}", "performer")
    assert [s.name for s in five.samples] == [s.name for s in seven.samples]
    assert five.samples[0].name == "walk-01-01"
    assert [s.label for s in five.samples[:4]] == ["angry", "neutral", "happy", "sad"]
    assert {s.performer for s in five.samples} == {"participant 1", "participant 2"}
    assert {s.content for s in five.samples} == {"walk"}
    assert len(five.skipped) == 200 - 8
    assert stands(five)
    for one, other in zip(five.samples, seven.samples, strict=True):
        np.testing.assert_array_equal(one.frames, other.frames)


def test_what_is_no_such_matlab_file_is_named(tmp_path: Path) -> None:
    """Another file, another variable and another shape are refused in one line."""
    wrong = tmp_path / "x.mat"
    assert "x.mat: no such file" in refused(f"xem:{wrong}")
    wrong.write_bytes(b"no matlab" * 99)
    assert "is no MATLAB file" in refused(f"xem:{wrong}")
    scipy.io.savemat(wrong, {"Other": np.zeros(3)})
    assert "holds no cells named Data" in refused(f"xem:{wrong}")
    scipy.io.savemat(wrong, {"Data": np.full((6, 1, 20), 0.0, dtype=object)})
    assert "is 6 x 1 x 20 cells" in refused(f"xem:{wrong}")
    whole = tmp_path / "cut.mat"
    scipy.io.savemat(whole, {"Data": data_sets.xem_cells(1, 5)}, do_compression=True)
    whole.write_bytes(whole.read_bytes()[:-200])
    assert "cut.mat" in refused(f"xem:{whole}")


def test_the_published_gaits_come_with_shares(tmp_path: Path) -> None:
    """Counted labels, shares of annotators and labels in names are read; what is neither is listed."""
    features, labels = tmp_path / "features_ELMD.h5", tmp_path / "labels_ELMD.h5"
    with h5py.File(features, "w") as file:
        for name in ("0001", "0002", "0003_Happy", "0004", "0005"):
            file[name] = data_sets.gait()
        file["0006"] = np.zeros((75, 47))
    with h5py.File(labels, "w") as file:
        file["0001"], file["0002"], file["0004"], file["0009"] = 3, [1.0, 6.0, 2.0, 1.0], 7, 1
    data = open_data_set(f"emotion-gait:{features}", "perceived")
    told = {sample.name: (sample.label, sample.soft) for sample in data.samples}
    assert told == {
        "0001": ("sad", ()),
        "0002": ("neutral", (0.1, 0.6, 0.2, 0.1)),
        "0003_Happy": ("happy", ()),
        "0005": ("", ()),
    }
    assert len(data.skipped) == 3
    assert stands(data)
    features.write_bytes(b"nothing")
    assert "cannot be read" in refused(f"emotion-gait:{features}")


def test_frames_of_a_file_are_those_of_the_live_path(tmp_path: Path) -> None:
    """What is learnt from is what a run makes of the same file, to the last bit that floats allow."""
    from emotus.engine.clock import ManualClock
    from emotus.engine.features import Normaliser
    from emotus.engine.pose import Pose
    from emotus.engine.resample import Resampler
    from emotus.sensors.uri import open_sensor

    path = write_actor(tmp_path / "F01A0V1.bvh")
    sensor = open_sensor(f"bvh:{path}?speed=0", ManualClock())
    sensor.open()
    resampler, normaliser, live = Resampler(), Normaliser(30.0), []
    while sensor.health().state != "ended":
        pose = sensor.read()
        for due in resampler.push(pose) if pose is not None else ():
            assert isinstance(due, Pose)
            live.append(normaliser.step(due))
    sensor.close()
    frames = read_motion(path).frames
    assert len(frames) == len(live)
    np.testing.assert_allclose(frames, np.stack(live), atol=1e-4)


def test_a_folder_where_nothing_can_be_read_says_why(tmp_path: Path) -> None:
    """The first reason stands in the line."""
    (tmp_path / "a.bvh").write_text("no")
    table(tmp_path, "a.bvh,calm,ann")
    with pytest.raises(DataError, match=r"no recording in it could be read; the first: a\.bvh"):
        survey_folder(tmp_path)


def test_films_without_eyes_to_see_them_stop_the_reading(walks: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A film is not broken because nothing is installed that sees films: that is said, and no film is left out."""
    from emotus.engine.errors import UriError
    from emotus.training import data_motion

    def blind(uri: str, _: object) -> None:
        raise UriError(uri, "OpenCV is not installed", mend="make webcam")

    monkeypatch.setattr(data_motion, "open_sensor", blind)
    (walks / "e.mp4").write_bytes(b"film")
    table(walks, "a.bvh,calm,ann", "e.mp4,wild,bo")
    with pytest.raises(UriError, match=r"e\.mp4\?speed=0: OpenCV is not installed"):
        open_data_set(f"folder:{walks}", "trial")


def test_numbers_that_no_body_has_are_listed(tmp_path: Path) -> None:
    """A place that is no number, or beyond the horizon, is a broken recording, and no warning of arithmetic."""
    cells = data_sets.xem_cells(1, 20)
    for example, wrong in ((0, np.nan), (5, 1e300)):
        cells[1, 0, example][3, 7] = wrong
    scipy.io.savemat(tmp_path / "x.mat", {"Data": cells})
    data = open_data_set(f"xem:{tmp_path / 'x.mat'}", "trial")
    assert [sample.name for sample in data.samples] == ["walk-01-11", "walk-01-16"]
    told = " | ".join(data.skipped)
    assert "Data{2,1,1}: holds a number that is not finite" in told
    assert "Data{2,1,6}: a position beyond 10000 m" in told


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 95), st.binary(max_size=3)), max_size=6))
def test_any_table_of_labels_is_read_or_refused_in_one_line(
    tmp_path_factory: pytest.TempPathFactory, changes: list[tuple[int, bytes]]
) -> None:
    """However a table is broken, there are rows with file and performer told, or one line that says what is wrong."""
    text = bytearray(
        b"file,label,performer,content,valence,arousal\na.bvh,calm,ann,walk,0.5,-0.25\nb,wild,ann,walk,,\n"
    )
    for at, new in changes:
        text[at : at + 1] = new
    path = tmp_path_factory.getbasetemp() / "any.csv"
    path.write_bytes(bytes(text))
    said = ""
    rows: list[Row] = []
    try:
        rows = read_labels(path)
    except DataError as error:
        said = str(error)
    assert bool(rows) != bool(said)
    assert not said or ("any.csv" in said and "\n" not in said)
    assert len({row.file for row in rows}) == len(rows)
    assert all(row.file for row in rows)
