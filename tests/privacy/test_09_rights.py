"""PRIVACY.md 9: what is held can be read and taken away, goes when it is asked to, and goes by itself."""

from __future__ import annotations

import json
import signal
import stat
from pathlib import Path

import numpy as np
import pytest

from emotus.bridges.recorder import RecorderBridge, recorder_of
from emotus.bridges.retention import DAY_S, kept_until, tidy
from emotus.engine import vault
from emotus.engine.baseline import CONTEXTS, Baseline
from emotus.engine.clock import MonotonicClock
from emotus.engine.errors import InputError, UriError, VaultError
from emotus.engine.events import PoseEvent
from emotus.engine.profile import Profile
from emotus.engine.swap import BONE_NAMES, BONES, Proportions
from emotus.engine.taught import TaughtTake
from emotus.training import privacy_commands, profiles
from emotus.training.held import held_of
from emotus.training.performer_commands import forget

WORDS = "correct horse"
MARKER = 0.8123459


@pytest.fixture(autouse=True)
def at_home(tmp_path, monkeypatch):
    """Work in an empty folder, with a passphrase that costs little to try."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(profiles.VARIABLE, WORDS)
    monkeypatch.setattr(profiles, "_key_ring", lambda: None)
    monkeypatch.setattr(vault.seal, "__kwdefaults__", vault.seal.__kwdefaults__ | {"cost": vault.Cost(10, 1)})


def somebody() -> Profile:
    """Return a profile with something in every part of it."""
    known = np.full((len(CONTEXTS), 3), MARKER)
    bones = np.full(BONES, np.log(0.25))
    wavers = np.full(BONES, 0.01)
    bones[0] = wavers[0] = np.nan  # never seen
    rows = np.full((2, 3), MARKER, dtype=np.float32)
    take = TaughtTake("storm", rows, "features-1", "hash", "storm-1.bvh", 4.5)
    return Profile(
        subject="s" * 16,
        created_s=0.0,
        updated_s=DAY_S,
        model="bandai-stgcn",
        sha256="a1" * 32,
        baseline=Baseline("features-1", known, known**2, np.arange(len(CONTEXTS), dtype=float), 1.0),
        body=Proportions(bones, wavers, 120),
        takes=(take,),
        thresholds={"unknown": 0.4},
        signature=b"\x00\xff",
    )


def test_she_can_read_everything_that_is_held(tmp_path: Path, capsys) -> None:
    """The export has every part of the profile in plain numbers with names, and is for her eyes alone."""
    profiles.save(somebody(), tmp_path / "anna.emotus", WORDS)
    privacy_commands.export_held("anna", tmp_path / "anna.json")
    told = json.loads((tmp_path / "anna.json").read_text())
    assert set(told) - {"format", "about", "made", "changed"} == {
        "subject", "model", "baseline", "body", "takes", "thresholds", "signature",
    }  # fmt: skip
    assert told == held_of(somebody())
    assert told["made"] == "1970-01-01T00:00:00+00:00"
    assert told["body"]["bones"][BONE_NAMES[0]] == {"length_m": None, "deviation": None}
    assert told["body"]["bones"][BONE_NAMES[1]]["length_m"] == pytest.approx(0.25)
    assert set(told["baseline"]["kinds"]) == set(CONTEXTS)
    assert told["takes"][0]["rows"][1] == pytest.approx([MARKER] * 3, abs=1e-6)
    assert stat.S_IMODE((tmp_path / "anna.json").stat().st_mode) == 0o600
    assert "not sealed" in capsys.readouterr().out


def test_nothing_of_a_profile_is_left_out_of_the_export() -> None:
    """Whatever field a profile gets one day has to have its place in it."""
    fields = set(Profile.__dataclass_fields__)
    kept = {"created_s": "made", "updated_s": "changed", "sha256": "model"}
    assert {kept.get(name, name) for name in fields} <= set(held_of(somebody()))


@pytest.mark.parametrize(
    ("name", "out", "error", "said"),
    [
        ("nobody", "out.json", InputError, "there is no such profile"),
        ("anna", "anna.emotus", InputError, "is there already"),
        ("anna", "no/folder.json", InputError, "cannot be written"),
    ],
)
def test_what_cannot_be_exported_is_one_sentence(tmp_path: Path, name, out, error, said) -> None:
    """Nothing is overwritten, and nobody is asked for a passphrase in vain."""
    profiles.save(somebody(), tmp_path / "anna.emotus", WORDS)
    with pytest.raises(error, match=said):
        privacy_commands.export_held(name, tmp_path / out)


def test_only_who_has_the_passphrase_exports(tmp_path: Path, monkeypatch) -> None:
    """With another one nothing is written."""
    profiles.save(somebody(), tmp_path / "anna.emotus", WORDS)
    monkeypatch.setenv(profiles.VARIABLE, "another passphrase")
    with pytest.raises(VaultError, match="the passphrase is wrong"):
        privacy_commands.export_held("anna", tmp_path / "out.json")
    assert not (tmp_path / "out.json").exists()


def test_who_is_forgotten_has_left_nothing(tmp_path: Path) -> None:
    """After `emotus forget` no file of the folder holds a number, a label or a pseudonym of hers, sealed or not."""
    profiles.save(somebody(), tmp_path / "anna.emotus", WORDS)
    sealed = (tmp_path / "anna.emotus").read_bytes()
    forget("anna")
    assert list(tmp_path.iterdir()) == []
    marks = (b"storm", b"s" * 16, np.float32(MARKER).tobytes(), np.float64(MARKER).tobytes())
    assert [mark for mark in marks if mark in sealed] == []


def recording(path: Path, *, keep_s: float | None, wall_s: float) -> None:
    """Make a recording of one pose at a wall time."""
    made = RecorderBridge(path, clock=MonotonicClock(), keep_s=keep_s, wall=lambda: round(wall_s * 1e9))
    made.start()
    made.send(PoseEvent("anna", 0, 0, np.zeros((21, 3), np.float32), np.ones(21, np.float32)))
    made.close()


def test_recordings_go_when_their_days_are_over(tmp_path: Path, capsys) -> None:
    """What said 7 days goes after 7, what said 30 stays, what said nothing stays, and so does what is none of ours."""
    pytest.importorskip("mcap", reason="mcap is not installed (pip install 'emotus[record]')")
    recording(tmp_path / "week.mcap", keep_s=7 * DAY_S, wall_s=0)
    recording(tmp_path / "month.mcap", keep_s=30 * DAY_S, wall_s=0)
    recording(tmp_path / "ever.mcap", keep_s=None, wall_s=0)
    (tmp_path / "other.mcap").write_bytes(b"something else")
    assert kept_until(tmp_path / "week.mcap") == 7 * DAY_S
    assert tidy(tmp_path, 7 * DAY_S - 1) == []
    assert [path.name for path in tidy(tmp_path, 7 * DAY_S)] == ["week.mcap"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["ever.mcap", "month.mcap", "other.mcap"]
    privacy_commands.tidy([tmp_path])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["ever.mcap", "other.mcap"]
    assert "month.mcap: removed, its days are over" in capsys.readouterr().out


def test_who_records_again_lets_the_old_ones_go(tmp_path: Path) -> None:
    """No command is needed: the next recording into the folder removes what is over."""
    pytest.importorskip("mcap", reason="mcap is not installed (pip install 'emotus[record]')")
    recording(tmp_path / "old.mcap", keep_s=DAY_S, wall_s=0)
    recording(tmp_path / "new.mcap", keep_s=DAY_S, wall_s=10 * DAY_S)
    assert [path.name for path in tmp_path.iterdir()] == ["new.mcap"]


def test_the_days_are_said_on_the_command_line(tmp_path: Path) -> None:
    """`mcap:PATH?keep=30`; nonsense is one sentence."""
    assert recorder_of("mcap:x", f"{tmp_path}/x.mcap?keep=30", MonotonicClock())._keep_s == 30 * DAY_S
    assert recorder_of("mcap:x", f"{tmp_path}/x.mcap", MonotonicClock())._keep_s is None
    with pytest.raises(UriError, match="keep=DAYS, above 0"):
        recorder_of("mcap:x", f"{tmp_path}/x.mcap?keep=never", MonotonicClock())


def test_nothing_is_kept_unless_somebody_names_a_file(tmp_path: Path, monkeypatch) -> None:
    """The default is zero days: a run without --record, --learn, --audit or a file bridge leaves no file behind."""
    from emotus.__main__ import main

    monkeypatch.setattr(signal, "signal", lambda *_: None)  # this process's own stay as they are
    with pytest.raises(SystemExit):
        main(["run", "-s", "synthetic:sad?speed=0", "--context", "workplace", "--seconds", "1"])
    assert list(tmp_path.rglob("*")) == []
