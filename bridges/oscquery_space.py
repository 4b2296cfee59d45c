"""The address space as OSCQuery tells it: every OSC address with its type, its range, what it means and its value."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from fnmatch import fnmatchcase
from typing import Any, Final

from ..engine.control import WORDS, fields_of
from ..engine.errors import OscError
from ..engine.events import Event
from ..engine.osc_codec import OscMessage, OscValue, decode
from .osc_control import NUMBERS
from .osc_frame import FrameEncoder
from .osc_template import ROOT

READ, WRITE = 1, 2
Node = dict[str, Any]

_UNIT: Final = {"MIN": 0.0, "MAX": 1.0}
_SIGNED: Final = {"MIN": -1.0, "MAX": 1.0}
# What addresses mean, the first pattern that fits: description and range of each argument (none where it has none).
_MEANINGS: Final[Sequence[tuple[str, str, Sequence[dict[str, Any]]]]] = (
    ("*/emotion/*", "calibrated probability that the movement resembles this acted emotion", (_UNIT,)),
    ("*/valence", "apparent valence", (_SIGNED,)),
    ("*/arousal", "apparent arousal", (_SIGNED,)),
    ("*/confidence", "probability of the best label", (_UNIT,)),
    ("*/label", "the most probable label, unknown while nothing is sure", ()),
    ("*/quality/*", "movement quality, from which no emotion is inferred", (_UNIT,)),
    ("*/signature/*", "distance of the movement's signature to this reference", ({"MIN": 0.0},)),
    ("*/joint/*", "px py pz qx qy qz qw: metres, right-handed, Y up, Z ahead, X left; rotation local", ()),
    ("*/frame", "counter of the frame, and seconds since the first", ()),
    ("*/synthetic", "1: this body is generated", ()),
    ("*/status", "code and message", ()),
)
_TAGS: Final = {float: "f", int: "i", str: "s", bytes: "b"}


def latest_messages(events: Iterable[Event]) -> Iterator[OscMessage]:
    """Yield what the OSC bridge says of events at its usual addresses; what cannot be said is left out."""
    encoder = FrameEncoder()
    for event in events:
        try:
            elements = encoder.elements(event)
        except OscError:
            continue
        for element in elements:
            yield from decode(element[4:])


def build(messages: Iterable[OscMessage]) -> Node:
    """Return the whole tree: what is said, and what can be told to the show."""
    root: Node = {"FULL_PATH": "/", "ACCESS": 0, "CONTENTS": {}, "DESCRIPTION": "emotus"}
    for message in messages:
        _hang(root, message.address, _told(message.address, message.args))
    for word in WORDS:
        _hang(root, f"{ROOT}/control/{word}", _command(word))
    return root


def find(root: Node, path: str) -> Node | None:
    """Return the node of a path, None where there is none."""
    node: Node | None = root
    for part in [part for part in path.split("/") if part]:
        node = node.get("CONTENTS", {}).get(part) if node is not None else None
    return node


def _hang(root: Node, address: str, leaf: Node) -> None:
    node, path = root, ""
    for part in address.split("/")[1:]:
        path = f"{path}/{part}"
        node = node.setdefault("CONTENTS", {}).setdefault(part, {"FULL_PATH": path, "ACCESS": 0})
    node.update(leaf)


def _told(address: str, args: tuple[OscValue, ...]) -> Node:
    leaf: Node = {"ACCESS": READ, "TYPE": "".join(_TAGS.get(type(arg), "s") for arg in args), "VALUE": list(args)}
    for pattern, description, ranges in _MEANINGS:
        if fnmatchcase(address, pattern):
            leaf["DESCRIPTION"] = description
            if ranges:
                leaf["RANGE"] = list(ranges)
            break
    return leaf


def _command(word: str) -> Node:
    fields = fields_of(word)
    tags = "".join("f" if name in NUMBERS else "s" for name in fields) or "N"
    described = f"tells the show: {word}" + (
        f" ({', '.join(fields)}; those at the end may be left out)" if fields else ""
    )
    return {"ACCESS": WRITE, "TYPE": tags, "DESCRIPTION": described}
