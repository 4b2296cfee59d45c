"""PRIVACY.md 13: nothing to rank, alert on or decide about people with; what can be asked and told is written down.

SURFACE.json holds every command, word of control, event, field and bridge there is. Who adds one looks here, asks
whether it ranks, watches or judges persons, and writes the list anew: EMOTUS_SURFACE=write make test ARGS=tests/privacy
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

from support import sayings
from typer.main import get_command

from emotus.__main__ import app
from emotus.bridges import wire
from emotus.bridges.uri import SCHEMES
from emotus.engine.control import ALL_PURPOSES, WORDS, fields_of
from emotus.engine.events import EVENT_TYPES, EmotionEvent

STORED = Path(__file__).with_name("SURFACE.json")
JUDGES = re.compile(
    r"rank|score_of|alert|alarm|grade|hire|blame|watch_?list|productiv|attentive|engagement|\blie\b|stress|threat|suspicio"
    r"|diagnos|risk|punish|reward_person|attendance",
    re.IGNORECASE,
)
SAMPLES = [
    sayings.emotion(),
    sayings.qualities(),
    sayings.signature(),
    sayings.pose(),
    sayings.motion(),
    sayings.status(),
]


def options(command: Any) -> list[str]:
    """Return the long options and arguments of a command."""
    return sorted(str(each.name) for each in command.params if each.name != "help")


def commands(group: Any, before: str = "") -> dict[str, list[str]]:
    """Return every command with its options, those of groups under both names."""
    found: dict[str, list[str]] = {}
    for name, each in group.commands.items():
        if hasattr(each, "commands"):
            found |= commands(each, f"{before}{name} ")
        else:
            found[f"{before}{name}"] = options(each)
    return found


def surface() -> dict[str, object]:
    """Return what can be asked of emotus and what it tells."""
    return {
        "commands": sorted(commands(get_command(app))),
        "control": {word: list(fields_of(word)) for word in sorted(WORDS)},
        "events": {event.type: list(wire.to_dict(event)) for event in SAMPLES},
        "bridges": sorted(SCHEMES),
        "purposes": list(ALL_PURPOSES),
    }


def named(value: object) -> list[str]:
    """Return every name in the surface."""
    if isinstance(value, dict):
        return [name for key, each in value.items() for name in (str(key), *named(each))]
    return [str(each) for each in value] if isinstance(value, list) else [str(value)]


def test_what_can_be_asked_and_told_is_what_is_written_down() -> None:
    """Nothing was added to the surface without somebody looking at it here."""
    found = surface()
    if os.environ.get("EMOTUS_SURFACE") == "write":
        STORED.write_text(json.dumps(found, indent=1) + "\n")
    stored = json.loads(STORED.read_text())
    for part, names in found.items():
        assert names == stored[part], f"{part}: see the first lines of {Path(__file__).name}"


def test_every_event_is_in_it() -> None:
    """A new type of event has to be among the samples."""
    assert {type(event) for event in SAMPLES} == set(EVENT_TYPES)


def test_no_name_of_it_ranks_watches_or_judges() -> None:
    """No command, option, word or field speaks of ranking, alerting, grading or diagnosing."""
    found = [*named(surface()), *named(commands(get_command(app)))]
    assert [name for name in found if JUDGES.search(name)] == []
    assert JUDGES.search("rank_performers")


def test_an_emotion_is_always_of_one_stream() -> None:
    """Nothing adds up the emotions of several people: an emotion event names one stream, and no list of them."""
    fields = EmotionEvent.__dataclass_fields__
    assert fields["stream"].type == "str"
    assert not {"streams", "group", "members", "people"} & set(fields)


def test_a_room_of_people_is_told_of_by_movement_only() -> None:
    """`--group` tells how performers move together; no emotion is told of the group, with three of them either."""
    from support.performers import CountingRecogniser, walker

    from emotus.engine.clock import ManualClock
    from emotus.engine.group import STREAM, Group
    from emotus.engine.pipeline import Engine

    engine = Engine(CountingRecogniser(), ManualClock(), live=False, group=Group(), may_sign=lambda _: True)
    rows = zip(*(walker(400, stream=name) for name in ("p1", "p2", "p3")), strict=True)
    events = [event for row in rows for pose in row for event in engine.step(pose)]
    of_the_room = [event for event in events if event.stream == STREAM]
    assert {event.type for event in of_the_room} == {"qualities"}
    assert {event.stream for event in events if event.type == "emotion"} == {"p1", "p2", "p3"}
