"""The table of sensors in the documentation names every scheme there is, by addresses that can be opened."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from emotus.engine.clock import ManualClock
from emotus.sensors.imu_mapping import understand
from emotus.sensors.mapping_file import parse_mapping
from emotus.sensors.options import parse_uri
from emotus.sensors.points_map import map_from
from emotus.sensors.uri import open_sensor, sensor_schemes

DOCS = Path(__file__).parents[2] / "docs" / "sensors"
OVERVIEW = (DOCS / "overview.md").read_text()
ADDRESSES = re.findall(r"^\| [^|]+ \| `([^`]+)` \|", OVERVIEW, flags=re.MULTILINE)


def test_every_scheme_has_a_row() -> None:
    """A new sensor is in the table, and none that there is not."""
    assert {parse_uri(uri).scheme for uri in ADDRESSES} == set(sensor_schemes())


@pytest.mark.parametrize("uri", ADDRESSES)
def test_every_address_of_the_table_can_be_taken(uri: str) -> None:
    """Each makes a sensor that is not yet open."""
    sensor = open_sensor(uri, ManualClock())
    assert sensor.health().state == "closed"
    sensor.close()


def blocks(name: str) -> list[str]:
    """Return the TOML in a page."""
    return re.findall(r"^```toml\n(.*?)^```", (DOCS / name).read_text(), flags=re.MULTILINE | re.DOTALL)


def test_the_mapping_files_of_the_pages_are_understood() -> None:
    """What the pages show as a mapping file is one."""
    (inertial,) = blocks("imu.md")
    assert understand(parse_mapping(inertial.encode(), "imu.md")).kind == "inertial"
    (points,) = blocks("overview.md")
    assert map_from(parse_mapping(points.encode(), "overview.md")).unit_m == pytest.approx(0.001)
    assert tomllib.loads((DOCS / "movella-dot.toml").read_text())["segments"]


def test_links_of_the_pages_lead_somewhere() -> None:
    """Every link to a file finds it."""
    for page in DOCS.glob("*.md"):
        for link in re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text()):
            assert (page.parent / link).exists(), f"{page.name}: {link}"
