"""The pages about bridges name every kind there is, by addresses that can be opened, and tables that are the code's."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from emotus.bridges.midi_map import DEFAULT, FIRST_LABEL
from emotus.bridges.osc_template import KINDS, TEMPLATES
from emotus.bridges.uri import SCHEMES, make_bridge
from emotus.bridges.viewer_colors import emotion_color
from emotus.bridges.vrchat import SLOTS
from emotus.engine.clock import ManualClock
from emotus.engine.errors import MissingPackageError

DOCS = Path(__file__).parents[2] / "docs" / "bridges"
PAGES = {path.name: path.read_text() for path in sorted(DOCS.glob("*.md"))}
OVERVIEW = PAGES["overview.md"]
ROWS = re.findall(r"^\| [^|]+ \| `([^`]+)`[^|]* \|", OVERVIEW, flags=re.MULTILINE)
COMMANDS = sorted(
    {quoted or plain for text in PAGES.values() for quoted, plain in re.findall(r'-b (?:"([^"]+)"|([^\s`")]+))', text)}
)


def test_every_scheme_is_in_the_overview() -> None:
    """A new bridge is in the table, and none that there is not."""
    assert {scheme for scheme in SCHEMES if f"`{scheme}:" not in OVERVIEW} == set()
    assert {uri.partition(":")[0] for uri in ROWS} <= set(SCHEMES)


@pytest.mark.parametrize("uri", sorted({*ROWS, *COMMANDS}))
def test_every_address_of_the_pages_can_be_taken(uri: str) -> None:
    """Each makes a bridge that is not yet open."""
    if uri.partition(":")[0] not in SCHEMES or "..." in uri:
        pytest.skip("no whole address")
    try:
        bridge = make_bridge(uri, labels=("happy",), expose=True, clock=ManualClock())
    except MissingPackageError as missing:
        pytest.skip(str(missing))
    assert (bridge.stats().received, bridge.stats().clients) == (0, 0)
    bridge.close()


def test_every_page_is_reached_from_the_overview() -> None:
    """No page is lost, and no link leads nowhere."""
    links = set(re.findall(r"\]\(([a-z]+\.md)\)", OVERVIEW))
    assert links == set(PAGES) - {"overview.md"}


def test_templates_and_kinds_are_told() -> None:
    """Each template has a row, each kind of address is named."""
    text = PAGES["osc.md"]
    assert [name for name in TEMPLATES if f"`{name}`" not in text and name != "emotus"] == []
    assert [kind for kind in KINDS if f"`{kind}`" not in text and f"`{kind}=" not in text] == []


def test_the_lamps_colours_are_the_pages() -> None:
    """The table of lights.md is what lamps show."""
    told = re.findall(r"\| (\w+) \| `([0-9a-f]{6})`", PAGES["lights.md"])
    assert len(told) == 6
    assert {label: bytes(emotion_color(label)).hex() for label, _ in told} == dict(told)


def test_the_controllers_are_the_maps() -> None:
    """The table of midi.md is what is sent."""
    told = {int(number): words for number, words in re.findall(r"\| (\d+) \| ([a-z]+)", PAGES["midi.md"])}
    assert told == {number: name for name, number in DEFAULT.items()}
    assert f"| {FIRST_LABEL}, {FIRST_LABEL + 1}, ..." in PAGES["midi.md"]


def test_the_trackers_are_told() -> None:
    """Every place where one can be worn is named."""
    assert [worn for worn, _, _ in SLOTS.values() if worn not in PAGES["vrchat.md"]] == []
