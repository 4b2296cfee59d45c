"""VMC out: an avatar that moves as the performer does, or as generated motion, and wears what it appears to express.

`vmc:HOST:39539` to VSeeFace, Warudo, VNyan, VMagicMirror, EVMC4U (Unity), VMC4UE (Unreal), Blender or Godot.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ..engine.clock import NS_PER_S, Clock
from ..engine.events import EmotionEvent, Event, MotionEvent, PoseEvent
from ..engine.options import choice, number, switch
from .glide import Glide, Pace
from .osc import StreamChoice
from .osc_frame import packed
from .osc_gate import MAX_RATE
from .osc_link import Target
from .osc_sender import OscSender, Said, sayable
from .osc_uri import split_udp, streams_of
from .vmc_frame import ROOT_ELEMENT, SHAPES, blend, bones, shape_targets, thru, tick

if TYPE_CHECKING:
    from .uri import Wish

THRU: Final = "/VMC/Thru/emotus"  # what the protocol leaves to programs; performers relay it, others pass over it
LOST_NS: Final = NS_PER_S // 2  # without a pose for so long nobody is tracked
TICK_NS: Final = NS_PER_S
SMOOTH_S: Final = 0.15
_OPTIONS: Final = ("stream", "shapes", "bones", "bundle", "rate", "smooth")


@dataclass(frozen=True, slots=True)
class VmcSettings:
    """Say whose body is shown (names, * for anything), which blend shapes, and how the bones are told."""

    streams: tuple[str, ...] = ()
    shapes: tuple[str, ...] = ("vrm0",)
    measured: bool = True
    bundle: bool = True
    rate_hz: float = 0.0
    smooth_s: float = SMOOTH_S


class VmcBridge(OscSender):
    """Send one performer's body, or a generated one, as a VMC performer does; of several the first that is heard.

    Everything the model reads is worn as a blend shape, weighed by its probability; nothing while it abstains.
    """

    def __init__(
        self,
        targets: Sequence[Target],
        *,
        labels: Sequence[str] = (),
        clock: Clock,
        expose: bool = False,
        settings: VmcSettings | None = None,
    ) -> None:
        uri = f"vmc:{','.join(target.text for target in targets)}"
        super().__init__(uri, targets, labels=labels, clock=clock, expose=expose, prefix=THRU)
        self._settings = settings or VmcSettings()
        self._choice = StreamChoice(self._settings.streams, only_one=True)
        self._pace = Pace(self._settings.rate_hz)
        self._glide = Glide(self._settings.smooth_s)
        self.begin()

    def begin(self) -> None:
        """Forget an earlier show."""
        self._choice.reset()
        self._pace.reset()
        self._glide.reset()
        self._origin_ns: int | None = None
        self._posed_ns: int | None = None
        self._tick_due_ns = 0

    def erase_memory(self, stream: str | None) -> None:
        """Forget whose face it was."""
        del stream
        self._choice.reset()
        self._glide.reset()

    def encode(self, events: Sequence[Event]) -> Said:
        """Return ticks, root, bones and blend shapes of one frame; what VMC has no word for is left out."""
        told = [event for event in events if isinstance(event, PoseEvent | MotionEvent | EmotionEvent)]
        if not told or not self._choice.takes(told[0]) or not self._pace.admits(told[0].t_ns):
            return Said((), 0)
        if self._origin_ns is None or told[0].t_ns < self._origin_ns:
            self._origin_ns = told[0].t_ns
        elements, encoded, errors = sayable(told, self._elements)
        return Said(self._packed(elements, told[0].t_ns) if elements else (), encoded, errors)

    def idle(self, now_ns: int) -> Sequence[bytes]:
        """Say once a second that nobody is tracked, while nobody is."""
        lost = self._posed_ns is None or now_ns - self._posed_ns >= LOST_NS
        if not lost or now_ns < self._tick_due_ns:
            return ()
        self._tick_due_ns = now_ns + TICK_NS
        return packed(tick(0.0, tracked=False), bundle=self._settings.bundle)

    def _elements(self, event: PoseEvent | MotionEvent | EmotionEvent) -> list[bytes]:
        if isinstance(event, EmotionEvent):
            probs = dict.fromkeys(event.probs, 0.0) if event.abstain else event.probs
            worn = thru(f"{THRU}/emotion", event.label, event.confidence)
            return [*self._blend(probs, event.t_ns), worn]
        told = bones(event, measured=self._settings.measured)
        self._posed_ns = self._clock.now_ns()
        if isinstance(event, MotionEvent):
            asked = {event.emotion: min(event.intensity, 1.0)}
            told += [*self._blend(asked, event.t_ns), thru(f"{THRU}/synthetic", event.emotion, 1.0)]
        return told

    def _blend(self, probs: Mapping[str, float], t_ns: int) -> list[bytes]:
        return blend(self._glide.to(shape_targets(probs, self._settings.shapes), t_ns))

    def _packed(self, elements: list[bytes], t_ns: int) -> list[bytes]:
        seconds = (t_ns - (self._origin_ns or 0)) / NS_PER_S
        tracked = self._posed_ns is not None and self._clock.now_ns() - self._posed_ns < LOST_NS
        whole = [*tick(seconds, tracked=tracked), ROOT_ELEMENT, *elements]
        return packed(whole, bundle=self._settings.bundle)


def make_vmc(wish: Wish) -> VmcBridge:
    """Make the bridge of `vmc:HOST:PORT?stream=NAME&shapes=vrm0,labels&bones=measured&rate=60`; raises UriError."""
    targets, options = split_udp(wish.uri, wish.rest, _OPTIONS)
    shapes = tuple(options.get("shapes", "vrm0").split(","))
    for kind in shapes:
        choice(wish.uri, {"shapes": kind}, "shapes", kind, SHAPES)
    settings = VmcSettings(
        streams=streams_of(wish.uri, options),
        shapes=shapes,
        measured=choice(wish.uri, options, "bones", "measured", ("measured", "rest")) == "measured",
        bundle=switch(wish.uri, options, "bundle", default=True),
        rate_hz=number(wish.uri, options, "rate", 0.0, 0.0, MAX_RATE),
        smooth_s=number(wish.uri, options, "smooth", SMOOTH_S, 0.0, 5.0),
    )
    return VmcBridge(targets, labels=wish.labels, clock=wish.clock, expose=wish.expose, settings=settings)
