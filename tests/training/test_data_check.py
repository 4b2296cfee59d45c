"""`emotus data check` tells what is in a set, lists what is broken, and finds the traps that were laid for it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support import data_sets
from support.acted import frames_of
from support.data_sets import write_walk
from typer.testing import CliRunner

from emotus.engine.errors import DataError
from emotus.engine.skeleton import Float32
from emotus.training import clips
from emotus.training.data_check import report, surveys_of, traps
from emotus.training.data_commands import app
from emotus.training.data_motion import Motion
from emotus.training.data_takes import Said, Survey, Take
from emotus.training.data_twins import twins_in

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
needs_gaits = pytest.mark.skipif(not (DATA / "emotion_gait.npz").is_file(), reason="../shared/data is missing")
needs_bandai = pytest.mark.skipif(not (DATA / "bandai-1.tar.xz").is_file(), reason="../shared/data is missing")


def take(number: int, label: str, performer: str = "", content: str = "", frames: Float32 | None = None) -> Take:
    """Return a recording of 90 frames that moves as no other does."""
    moved = frames_of(number % 3, number, 90) if frames is None else frames
    return Take(Said(f"{number}.bvh", label, performer, content), Motion(moved, 30.0, len(moved) / 30.0))


def survey(*takes: Take) -> Survey:
    """Return recordings as a set."""
    return Survey("made", "made", tuple(sorted({each.said.label for each in takes})), takes)


def sound() -> list[Take]:
    """Return a set without any trap: two performers, two labels, two contents, all crossed."""
    return [
        take(4 * who + 2 * label + content, f"label {label}", f"performer {who}", ("walk", "bow")[content])
        for who in range(2)
        for label in range(2)
        for content in range(2)
    ]


def in_session(each: Take, session: str) -> Take:
    """Return a recording with the offsets of a session."""
    return replace(each, motion=replace(each.motion, session=session))


def test_a_sound_set_has_no_trap() -> None:
    """Where there is nothing to warn of, nothing is said."""
    assert traps(survey(*sound())) == []


def test_labels_that_lie_in_one_session_each_are_told() -> None:
    """Two sessions, each with labels of its own, are readable; sessions across labels are not."""
    takes = [take(i, f"label {i % 2}") for i in range(8)]
    tied = [in_session(each, f"0 {each.said.label[-1]}") for each in takes]
    crossed = [in_session(each, f"0 {i // 4}") for i, each in enumerate(takes)]
    own = [in_session(each, f"0 {i}") for i, each in enumerate(takes)]
    assert any("sessions readable from offsets: 2 of 2 labels" in line for line in traps(survey(*tied)))
    assert not any("sessions" in line for line in traps(survey(*crossed)))
    assert not any("sessions" in line for line in traps(survey(*own)))


@pytest.mark.parametrize("noise", [0.0, 0.002])
def test_near_twins_are_found_and_others_are_not(noise: float) -> None:
    """The same movement, a little shaken and a little longer, is a twin; another performer's is none."""
    rng = np.random.default_rng(5)
    frames = [frames_of(label, seed, 90) for label in range(3) for seed in range(4)]
    assert twins_in(frames) == []
    twin = np.repeat(frames[6], 2, axis=0)[:186:2]
    twin = np.concatenate((twin, twin[-1:].repeat(90 - len(twin), axis=0))) if len(twin) < 90 else twin
    twin = twin + rng.normal(0, noise, twin.shape).astype(np.float32)
    assert twins_in([*frames, twin]) == [(6, 12)]


def test_who_stands_still_is_nobodys_twin() -> None:
    """Two who do not move are alike in nothing that was done."""
    still = np.repeat(frames_of(0, 0, 1), 90, axis=0)
    assert twins_in([still, still.copy()]) == []


def test_twins_of_two_performers_are_counted() -> None:
    """Twins that a split by performer would part are what matters most."""
    takes = sound()
    copy = take(99, "label 0", "performer 1", "walk", takes[0].motion.frames.copy())
    line = next(line for line in traps(survey(*takes, copy)) if "near-twins" in line)
    assert "1 pairs of near-twins, 1 of them of two performers: 0.bvh and 99.bvh" in line


def test_labels_with_activities_of_their_own_are_told() -> None:
    """An activity that one label alone has gives it away, and so does a performer with one label."""
    takes = [*sound(), *(take(20 + i, "label 2", "performer 9", "kick") for i in range(3))]
    told = " | ".join(traps(survey(*takes)))
    assert "3 of 3 recordings of 'label 2' are kick, which no other label has" in told
    assert "1 of 3 performers show one label only (performer 9)" in told


def test_kin_mixed_rates_short_and_mirrored_recordings_are_told() -> None:
    """Each trap has its line, and each line its recordings."""
    takes = sound()
    takes[1] = replace(takes[1], motion=replace(takes[1].motion, rate_hz=120.0, mirrored=True))
    takes[2] = replace(takes[2], motion=replace(takes[2].motion, frames=takes[2].motion.frames[:20]))
    takes[3] = replace(takes[3], said=replace(takes[3].said, content="walk-left"))
    told = " | ".join(traps(survey(*takes)))
    for part in (
        "mixed rates: 1.bvh (120 Hz)",
        "1 mirrored bodies, knees or feet back to front: 1.bvh",
        "1 shorter than half a window of 64 frames at 30 Hz, refused by train: 2.bvh",
        "activities that are kin: walk, walk-left",
    ):
        assert part in told


def test_one_class_is_told_without_failing() -> None:
    """A set of one class can be looked at; what is wrong with it is said."""
    assert "one class only, 'label 0'" in traps(survey(take(0, "label 0"), take(1, "label 0")))[0]


def test_the_command_tells_everything(tmp_path: Path) -> None:
    """Classes, performers, rates, lengths, broken files and sessions stand in the report of a folder."""
    rows = ["file,label,performer,content"]
    for i in range(8):
        lift = 0.0 if i % 2 else -3.0
        write_walk(tmp_path / f"{i}.bvh", speed=0.8 + 0.1 * i, lift=lift)
        rows.append(f"{i}.bvh,{'calm' if i % 2 else 'wild'},p{i // 4},walk")
    (tmp_path / "8.bvh").write_text("HIERARCHY")
    rows.append("8.bvh,calm,p1,walk")
    (tmp_path / "labels.csv").write_text("\n".join(rows) + "\n")
    for place in (f"folder:{tmp_path}", str(tmp_path)):
        ran = CliRunner().invoke(app, ["check", place])
        assert ran.exit_code == 0, ran.output
        for part in (
            "8 recordings read, 1 skipped",
            "classes 2: calm 4, wild 4",
            "performers 2: p0 4, p1 4",
            "rates 1: 30 Hz 8",
            "lengths: 3.00 to 3.00 s",
            "skipped: 8.bvh: ",
            "trap: sessions readable from offsets: 2 of 2 labels lie in one of 2 sessions",
        ):
            assert part in ran.output


def test_a_folder_without_labels_can_be_looked_at(tmp_path: Path) -> None:
    """Rates, lengths and broken files need no labels."""
    write_walk(tmp_path / "deep" / "a.bvh")
    data_sets.write_mvnx(tmp_path / "b.mvnx", 60)
    (tmp_path / "c.bvh").write_bytes(b"\0\1")
    lines = report(surveys_of(str(tmp_path))[0])
    assert lines[1] == "  2 recordings read, 1 skipped"
    assert any("rates 2: " in line and "240 Hz 1" in line for line in lines)


@pytest.mark.parametrize("place", ["nothing:x", "/nowhere", "folder:/nowhere", "xem:/nowhere", "emokine:/nowhere"])
def test_what_cannot_be_looked_at_is_one_line(place: str) -> None:
    """The place is named with what would be right."""
    with pytest.raises(DataError) as caught:
        surveys_of(place)
    assert "nowhere" in str(caught.value) or "nothing" in str(caught.value)


def test_an_empty_folder_is_named(tmp_path: Path) -> None:
    """A folder without a recording is no set."""
    with pytest.raises(DataError, match="holds no recording"):
        surveys_of(str(tmp_path))


@needs_gaits
def test_the_traps_of_emotion_gait_are_found() -> None:
    """The one near-duplicate that was found by hand, and the mirrored sources: all Scene, none of BML."""
    found = surveys_of(f"emotion-gait:{DATA}")[0]
    pairs = twins_in([each.motion.frames for each in found.takes])
    assert [{found.takes[i].said.name[:3] for i in pair} for pair in pairs] == [{"din", "dun"}]
    mirrored = {each.said.performer for each in found.takes if each.motion.mirrored}
    scene = [each for each in found.takes if each.said.performer.startswith("SCENE")]
    assert all(each.motion.mirrored for each in scene)
    assert not any(who.startswith("BML") for who in mirrored)


@needs_bandai
@pytest.mark.skipif(not (Path.home() / ".cache/emotus/bandai-1/.complete").is_file(), reason="the set is not unpacked")
def test_the_traps_of_bandai_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sessions, the half activity of normal, and the walks that are near twins are what its README warns of."""
    still = np.zeros((90, 90), dtype=np.float32)
    monkeypatch.setattr(clips, "_frames", lambda *_, **__: still)  # these traps lie in names and offsets
    told = " | ".join(traps(surveys_of(f"bandai-1:{DATA}")[0]))
    assert "sessions readable from offsets: 14 of 15 labels" in told
    assert "recordings of 'normal' are call, dance-short, kick" in told
    assert "walk, walk-back, walk-left, walk-right" in told
