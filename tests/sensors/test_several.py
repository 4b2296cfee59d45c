"""Several sensors at once: each its own stream, or two fused into one performer, from the command line to the wire."""

from __future__ import annotations

import json
from collections import Counter

import pytest
from support.tables import performed, write_points
from support.wearer import wear

from emotus.__main__ import main


def run(capfd, *words):
    """Run the command in this process, without the recogniser, which is not what is tested; return its events."""
    with pytest.raises(SystemExit) as ended:
        main(["run", *map(str, words), "-b", "jsonl:-", "--context", "workplace"])
    told = capfd.readouterr()
    assert ended.value.code == 0, told.err
    return [json.loads(line) for line in told.out.splitlines()]


def test_several_sensors_are_several_performers(tmp_path, capfd):
    """Points, inertial sensors and a synthetic performer at once: each has poses and qualities under its own name."""
    points = write_points(tmp_path / "anna.tsv", performed(60))
    table, _ = wear(tmp_path)
    events = run(
        capfd,
        "-s", f"points:{points}?speed=0",
        "-s", f"imu:{table}?map={tmp_path / 'map.toml'}&hold=0.3&speed=0&stream=cleo",
        "-s", "synthetic:sad?speed=0&seconds=2&stream=ben",
        "--seconds", 60,
    )  # fmt: skip
    poses = Counter(event["stream"] for event in events if event["type"] == "pose")
    assert set(poses) >= {"anna", "ben", "cleo"}
    assert min(poses[name] for name in ("anna", "ben", "cleo")) >= 15
    for name in ("anna", "ben", "cleo"):
        times = [event["t_ns"] for event in events if event["type"] == "pose" and event["stream"] == name]
        assert times == sorted(times)


def test_two_sensors_on_one_performer_are_one_stream(tmp_path, capfd):
    """A camera's points and a suit's sensors of the same wearer become one stream, named as asked."""
    for name in ("a", "b"):
        write_points(tmp_path / f"{name}.tsv", performed(60))
    uri = f"fuse:(points:{tmp_path}/a.tsv?speed=0)(points:{tmp_path}/b.tsv?speed=0)?stream=anna"
    events = run(capfd, "-s", uri, "--seconds", 60)
    assert {event["stream"] for event in events if event["type"] == "pose"} == {"anna"}
    assert sum(event["type"] == "pose" for event in events) >= 50
