"""VRChat: avatar parameters that follow the apparent expression, and trackers that follow the body.

`vrchat:HOST:9000`. VRChat hears `/avatar/parameters/NAME` (one int, float or bool) and, in its tracker slots 1 to 8,
`/tracking/trackers/N/position` and `/rotation` (three floats each: metres, and degrees about X, Y, Z, turned Z, X, Y in
its own left-handed frame). The slots here are those that SlimeVR fills.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import numpy as np

from ..engine import quaternion
from ..engine.body import JOINT_INDEX
from ..engine.clock import Clock
from ..engine.errors import OscError, UriError
from ..engine.events import EmotionEvent, Event, MotionEvent, PoseEvent, QualitiesEvent
from ..engine.options import choice, number, switch
from ..engine.quaternion import Floats
from .coordinates import AXES
from .glide import Glide
from .local_pose import turns_of
from .osc import StreamChoice
from .osc_frame import packed, safe_name
from .osc_gate import MAX_RATE, OscGate
from .osc_link import Target
from .osc_sender import OscSender, Said, sayable
from .osc_uri import split_udp, streams_of
from .vmc_frame import element

if TYPE_CHECKING:
    from .uri import Wish

PREFIX: Final = "Emotus"
RATE_HZ: Final = 10.0  # of each parameter: what VRChat passes on to others, a few times a second
CHANGE: Final = 0.01  # its floats have 8 bits on the way to others
SMOOTH_S: Final = 0.2
# slot: what is worn where, the joint at whose place the tracker sits, the bone that turns it
SLOTS: Final = {
    1: ("hip", "Hips", "Hips"),
    2: ("feet", "LeftFoot", "LeftFoot"),
    3: ("feet", "RightFoot", "RightFoot"),
    4: ("knees", "LeftLowerLeg", "LeftUpperLeg"),
    5: ("knees", "RightLowerLeg", "RightUpperLeg"),
    6: ("chest", "Chest", "Chest"),
    7: ("elbows", "LeftLowerArm", "LeftUpperArm"),
    8: ("elbows", "RightLowerArm", "RightUpperArm"),
}
WORN: Final = ("hip", "chest", "feet", "knees", "elbows")
HEADS: Final = ("position", "full", "off")
_UNITY: Final = AXES["unity"]
_OPTIONS: Final = ("stream", "prefix", "parameters", "trackers", "head", "rate", "changes", "smooth", "bundle")


@dataclass(frozen=True, slots=True)
class VrchatSettings:
    """Say whose body and expression are told, under which names, and which trackers are worn.

    head: "position" aligns VRChat's space with ours; "full" sends its rotation too, which turns the space with it.
    """

    streams: tuple[str, ...] = ()
    prefix: str = PREFIX
    parameters: bool = True
    worn: tuple[str, ...] = WORN
    head: str = "position"
    rate_hz: float = RATE_HZ
    change: float = CHANGE
    smooth_s: float = SMOOTH_S
    bundle: bool = True


class VrchatBridge(OscSender):
    """Send one performer's parameters and trackers; of several the first that is heard."""

    def __init__(
        self,
        targets: Sequence[Target],
        *,
        labels: Sequence[str] = (),
        clock: Clock,
        expose: bool = False,
        settings: VrchatSettings | None = None,
    ) -> None:
        uri = f"vrchat:{','.join(target.text for target in targets)}"
        super().__init__(uri, targets, labels=labels, clock=clock, expose=expose)
        self._settings = settings or VrchatSettings()
        self._labels = tuple(labels)
        self._choice = StreamChoice(self._settings.streams, only_one=True)
        self._glides = {kind: Glide(self._settings.smooth_s) for kind in (EmotionEvent, QualitiesEvent)}
        self._slots = [(n, at, turned) for n, (worn, at, turned) in SLOTS.items() if worn in self._settings.worn]
        every = "/avatar/parameters/*"
        self._gate = OscGate([(every, self._settings.rate_hz)], [(every, self._settings.change)])

    def begin(self) -> None:
        """Forget an earlier show."""
        self.erase_memory(None)

    def erase_memory(self, stream: str | None) -> None:
        """Forget whose parameters they were."""
        del stream
        self._choice.reset()
        for glide in self._glides.values():
            glide.reset()
        self._gate.reset()

    def encode(self, events: Sequence[Event]) -> Said:
        """Return parameters and trackers of one frame; what VRChat has no word for is left out."""
        told = [event for event in events if isinstance(event, PoseEvent | MotionEvent | EmotionEvent | QualitiesEvent)]
        if not told or not self._choice.takes(told[0]):
            return Said((), 0)
        elements, encoded, errors = sayable(told, self._elements)
        admitted = self._gate.admit(elements, told[0].t_ns)
        return Said(packed(admitted, bundle=self._settings.bundle), encoded, errors)

    def _elements(self, event: PoseEvent | MotionEvent | EmotionEvent | QualitiesEvent) -> list[bytes]:
        if isinstance(event, EmotionEvent):
            return self._parameters(event) if self._settings.parameters else []
        if isinstance(event, QualitiesEvent):
            return self._floats({name.capitalize(): value for name, value in event.values.items()}, event)
        return self._trackers(event)

    def _parameters(self, event: EmotionEvent) -> list[bytes]:
        """Return floats for each label, valence and arousal; which label as an int from 0, -1 for none; and a bool."""
        numbers = {"Valence": event.valence, "Arousal": event.arousal, "Confidence": event.confidence}
        numbers |= {safe_name(label).capitalize(): value for label, value in event.probs.items()}
        order = self._labels or tuple(event.probs)
        label = order.index(event.label) if event.label in order else -1
        path = f"/avatar/parameters/{self._settings.prefix}"
        told = [element(f"{path}Label", label), element(f"{path}Known", not event.abstain)]
        return self._floats(numbers, event) + told

    def _floats(self, numbers: Mapping[str, float], event: EmotionEvent | QualitiesEvent) -> list[bytes]:
        if not self._settings.parameters:
            return []
        if not all(map(math.isfinite, numbers.values())):
            raise OscError("a parameter is not finite: only finite numbers go on the wire")
        path = f"/avatar/parameters/{self._settings.prefix}"
        smooth = self._glides[type(event)].to(numbers, event.t_ns)
        return [element(f"{path}{safe_name(name)}", min(max(value, -1.0), 1.0)) for name, value in smooth.items()]

    def _trackers(self, event: PoseEvent | MotionEvent) -> list[bytes]:
        if not self._slots and self._settings.head == "off":
            return []
        _, turned = turns_of(event)
        placed = event.joints * _UNITY.factor[:3]  # (21, 3)
        degrees = euler_degrees(turned)  # (21, 3)
        told: list[bytes] = []
        for slot, at, turns in self._slots:
            told += _tracker(str(slot), placed[JOINT_INDEX[at]], degrees[JOINT_INDEX[turns]])
        if self._settings.head != "off":
            head = JOINT_INDEX["Head"]
            told += _tracker("head", placed[head], degrees[head])[: 2 if self._settings.head == "full" else 1]
        return told


def euler_degrees(turned: Floats) -> Floats:
    """Return degrees about X, Y, Z (..., 3) as Unity has them (q = qY qX qZ) of rotations in the house (..., 4)."""
    unity = turned * np.array([1.0, 1.0, -1.0, -1.0], dtype=turned.dtype)
    return np.degrees(quaternion.to_euler(unity, "YXZ"))[..., [1, 0, 2]]


@lru_cache(maxsize=2 * (len(SLOTS) + 1))
def _head(address: str) -> bytes:
    return element(address, 0.0, 0.0, 0.0)[:-12]


def _tracker(slot: str, place: Floats, degrees: Floats) -> list[bytes]:
    path = f"/tracking/trackers/{slot}"
    told = (("position", place), ("rotation", degrees))
    return [_head(f"{path}/{what}") + struct.pack(">3f", *three) for what, three in told]


def make_vrchat(wish: Wish) -> VrchatBridge:
    """Make the bridge of `vrchat:HOST:9000?prefix=Emotus&trackers=hip,feet&head=position`; raises UriError."""
    targets, options = split_udp(wish.uri, wish.rest, _OPTIONS)
    prefix = options.get("prefix", PREFIX)
    if prefix != safe_name(prefix):
        raise UriError(wish.uri, f"prefix={prefix[:40]}", mend="letters, digits, - and _, such as prefix=Emotus")
    settings = VrchatSettings(
        streams=streams_of(wish.uri, options),
        prefix=prefix,
        parameters=switch(wish.uri, options, "parameters", default=True),
        worn=_worn(wish.uri, options),
        head=choice(wish.uri, options, "head", "position", HEADS),
        rate_hz=number(wish.uri, options, "rate", RATE_HZ, 0.0, MAX_RATE),
        change=number(wish.uri, options, "changes", CHANGE, 0.0, 1.0),
        smooth_s=number(wish.uri, options, "smooth", SMOOTH_S, 0.0, 5.0),
        bundle=switch(wish.uri, options, "bundle", default=True),
    )
    return VrchatBridge(targets, labels=wish.labels, clock=wish.clock, expose=wish.expose, settings=settings)


def _worn(uri: str, options: Mapping[str, str]) -> tuple[str, ...]:
    """Return what trackers=hip,feet names; "off" is none."""
    text = options.get("trackers", ",".join(WORN))
    words = () if text == "off" else tuple(text.split(","))
    for word in words:
        choice(uri, {"trackers": word}, "trackers", word, (*WORN, "off"))
    return words
