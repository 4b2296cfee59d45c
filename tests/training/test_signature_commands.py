"""`emotus signature` and `emotus run --signature` from the command line: answers, and bad input in one line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.movers import style

from emotus.__main__ import main
from emotus.engine.clock import NS_PER_S
from emotus.engine.errors import InputError
from emotus.engine.signature_definition import Definition
from emotus.training.signature_commands import expand
from emotus.training.signature_files import at_rate, read_references, read_take, rows_of, stem_of, unique_names

HAPPY, SAD, ANGRY = (f"synthetic:{name}?rate=30&seconds=6" for name in ("happy", "sad", "angry"))


def told(capfd, *words):
    """Return what a command says on standard output, once it has ended well."""
    with pytest.raises(SystemExit) as ended:
        main([str(word) for word in words])
    out = capfd.readouterr()
    assert ended.value.code == 0, out.err
    return out.out


def refused(capfd, *words):
    """Return the one line of a command that ends with 2."""
    with pytest.raises(SystemExit) as ended:
        main([str(word) for word in words])
    out = capfd.readouterr()
    assert ended.value.code == 2, out.err
    assert out.out == ""
    (line,) = (line for line in out.err.splitlines() if line.strip())
    return line


def test_a_distance_is_told(capfd):
    """As a line for a person and as an object for a program; nothing to itself."""
    values = json.loads(told(capfd, "signature", "distance", HAPPY, SAD, "--json"))
    assert values["low"] < values["wasserstein"] < values["high"]
    assert set(values["parts"]) == {"trunk", "left-arm", "right-arm", "left-leg", "right-leg"}
    same = json.loads(told(capfd, "signature", "distance", HAPPY, HAPPY, "--json", "--quantity", "speed"))
    assert (same["wasserstein"], same["jensen-shannon"], same["l2"]) == (0, 0, 0)
    assert "h/s2 apart" in told(capfd, "signature", "distance", HAPPY, SAD, "--keep", "raw")


def test_a_map_is_drawn(capfd, tmp_path):
    """One report and six tables in the folder named."""
    pytest.importorskip("matplotlib")
    values = json.loads(told(capfd, "signature", "map", HAPPY, SAD, ANGRY, "-o", tmp_path / "out", "--json"))
    assert values["takes"] == 3
    assert {path.name for path in (tmp_path / "out").iterdir()} >= {"report.html", "distances.csv", "tests.csv"}


def test_bad_input_is_refused_in_one_line(capfd, tmp_path):
    """With what is wrong and its mend."""
    (tmp_path / "x.txt").write_text("x")
    (tmp_path / "empty").mkdir()
    for words, part in (
        (("distance", HAPPY, tmp_path / "x.txt"), "no recording that can be read"),
        (("distance", HAPPY, tmp_path / "none.bvh"), "none.bvh"),
        (("distance", "synthetic:happy?rate=30&seconds=0.05", SAD), "no part has the 30 samples"),
        (("distance", HAPPY, SAD, "--quantity", "mood"), "one of"),
        (("distance", HAPPY, SAD, "--keep", "all"), "no such way to compare"),
        (("distance", "synthetic:happy?speed=1", SAD), "is live"),
        (("map", HAPPY, "-o", tmp_path / "out"), "nothing to compare it with"),
        (("map", "-o", tmp_path / "out"), "no recording is named"),
        (("map", tmp_path / "empty", "-o", tmp_path / "out"), "without a BVH file"),
        (("map", HAPPY, SAD, "--group", "(", "-o", tmp_path / "out"), "no regular expression"),
    ):
        assert part in refused(capfd, "signature", *words)


def test_a_run_tells_the_nearest_reference(capfd, tmp_path):
    """Of three references named on the command line, live, on the wire; and none unless asked for."""
    out = tmp_path / "out.jsonl"
    run = (
        "run",
        "-s",
        "synthetic:sad?rate=30&speed=0&seconds=8&seed=4",
        "-b",
        f"jsonl:{out}",
        "--context",
        "workplace",
    )
    told(capfd, *run, "--signature", f"joy={HAPPY}", "--signature", f"grief={SAD}", "--signature", ANGRY)
    events = [json.loads(line) for line in out.read_text().splitlines()]
    last = [event for event in events if event["type"] == "signature"][-1]
    assert last["nearest"] == "grief"
    assert set(last["distances"]) == {"joy", "grief", stem_of(ANGRY)}
    out.unlink()
    told(capfd, *run)
    assert not any(json.loads(line)["type"] == "signature" for line in out.read_text().splitlines())


def test_a_file_is_read_as_it_would_be_live():
    """At 30 Hz whatever it has; holes are holes; a take of one name is told from its namesake."""
    definition = Definition()
    fast = style("happy", 3.0, rate_hz=120.0)
    frames = at_rate(fast, 30.0)
    assert len(frames) == pytest.approx(90, abs=1)
    late = [pose for pose in style("happy", 4.0) if not NS_PER_S < pose.t_ns < 2 * NS_PER_S]
    rows = rows_of(at_rate(late, 30.0), definition)
    assert len(rows) == pytest.approx(90, abs=1)
    assert (rows[:, 0] != rows[:, 0]).sum() == 12  # six at the start, six after the hole
    assert read_take(HAPPY, definition).rows.shape[1] == 20
    assert unique_names(["a/x.bvh", "b/x.bvh", "y.tsv.xz", "y.tsv.xz"]) == ["a/x", "b/x", "y", "y (2)"]


def test_folders_are_searched_and_references_have_names(tmp_path):
    """Every BVH below a folder, in order; equal names are refused, since nobody could tell them apart."""
    for name in ("b.bvh", "a.bvh", "c.txt"):
        (tmp_path / name).write_text("")
    assert [Path(place).name for place in expand([str(tmp_path)])] == ["a.bvh", "b.bvh"]
    with pytest.raises(InputError, match="given twice"):
        read_references([f"x={HAPPY}", f"x={SAD}"], Definition())
