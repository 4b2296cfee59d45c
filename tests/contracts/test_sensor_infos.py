"""Every scheme of sensors is described, and its description is what its code accepts."""

from __future__ import annotations

import json
import re

import pytest

from emotus.__main__ import main
from emotus.engine.clock import ManualClock
from emotus.engine.errors import UriError
from emotus.sensors.info import SensorInfo
from emotus.sensors.options import parse_uri
from emotus.sensors.uri import open_sensor, sensor_infos, sensor_schemes

INFOS = {info.scheme: info for info in sensor_infos()}


@pytest.fixture(params=sensor_schemes())
def info(request) -> SensorInfo:
    """Offer the description of each scheme in turn."""
    assert request.param in INFOS, f"the module of {request.param}: offers no INFOS"
    return INFOS[request.param]


def test_its_example_can_be_taken(info):
    """The example is of its scheme, parses, and makes a sensor that is not yet open."""
    assert parse_uri(info.example).scheme == info.scheme
    sensor = open_sensor(info.example, ManualClock())
    assert sensor.health().state == "closed"
    sensor.close()


def test_every_option_that_is_accepted_is_described_and_no_other(info):
    """The options that an unknown one is told of are those of the description."""
    path = parse_uri(info.example).path
    with pytest.raises(UriError) as told:
        open_sensor(f"{info.scheme}:{path}?no-such-option=1", ManualClock())
    known = re.search(r"unknown option no-such-option \(known are (.*)\)", str(told.value))
    assert known, f"{told.value}: says nothing of the options it knows"
    assert {option.name for option in info.options} == set(known[1].split(", "))


def test_its_words_are_short_and_whole(info):
    """One line for the sensor and each option, with the address as its scheme begins."""
    assert info.address.startswith(f"{info.scheme}:")
    assert info.summary
    assert len({option.name for option in info.options}) == len(info.options)
    for text in (info.address, info.summary, info.gives, *(option.meaning for option in info.options)):
        assert "\n" not in text
        assert len(text) < 160
    assert all(option.meaning for option in info.options)


def test_the_command_lists_them_all(capsys):
    """`emotus sensors` shows every scheme with its options and example."""
    with pytest.raises(SystemExit) as ended:
        main(["sensors"])
    assert ended.value.code == 0
    out = capsys.readouterr().out
    for info in INFOS.values():
        assert info.example in out
        assert all(f"{option.name}=" in out for option in info.options)


def test_the_command_speaks_json(capsys):
    """`--json` gives one whole object a line, and a named scheme alone when asked for."""
    with pytest.raises(SystemExit):
        main(["sensors", "--json"])
    read = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [each["scheme"] for each in read] == list(INFOS)
    with pytest.raises(SystemExit):
        main(["sensors", "bvh", "--json"])
    (bvh,) = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert bvh["example"] == INFOS["bvh"].example
    assert {option["name"] for option in bvh["options"]} == {option.name for option in INFOS["bvh"].options}


def test_an_unknown_scheme_is_refused(capsys):
    """A scheme there is not ends with 2 and one line that names those there are."""
    with pytest.raises(SystemExit) as ended:
        main(["sensors", "kinect"])
    assert ended.value.code == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert "no such sensor" in told.err
    assert "synthetic" in told.err
