"""LSL in: a stream of a body's points on the Lab Streaming Layer, `lsl:NAME`."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np

from ..engine.clock import NS_PER_S, Clock
from ..engine.errors import MissingPackageError, PacketError, UriError
from .base import Health
from .imu_decoder import ImuRowDecoder
from .info import Option, SensorInfo, stream_option
from .lsl_decoder import LslDecoder
from .lsl_layout import MAX_CHANNELS, Channel, layout_of
from .options import check_keys, number, stream_name
from .packet_sensor import PacketSensor
from .packets import STALE_AFTER_MS
from .replay import stream_of

SCOPES: Final = ("machine", "link", "site")
INFOS: Final = (
    SensorInfo(
        "lsl",
        "lsl:NAME",
        "a stream of a body's points on the Lab Streaming Layer, channels such as Hips_x or MoCap's own; * takes any",
        (
            Option("scope", "how far to look: machine, link (this network), site", "machine"),
            Option("up", "the upward axis: x, y, z, -x, -y, -z; y for the body's own names, else guessed"),
            Option("unit", "m, cm or mm; overrules what the stream says"),
            stream_option("NAME"),
            Option("timeout", "seconds of silence after which it has ended; 0 is never", "0"),
            Option("stale", "milliseconds of silence after which it is stale", f"{STALE_AFTER_MS:g}"),
        ),
        "lsl:MyMocap",
        packages=(("pylsl", "lsl"),),
        gives="the joints whose points are in the stream",
    ),
)
_OPTIONS: Final = ("scope", "up", "unit", "stream", "timeout", "stale")
_UNITS: Final = {"m": 1.0, "cm": 0.01, "mm": 0.001}
_UPS: Final = ("x", "y", "z", "-x", "-y", "-z")
_LOOK_S: Final = 0.02  # between two looks at what was found
_BUFFER_S: Final = 2  # of samples that the library holds for us; of more the oldest fall out
_AT_ONCE: Final = 256
_INFO_S: Final = 0.05  # to ask a stream for its channels; asked again where that was too short
_CONFIG: Final = "[ports]\nIPv6 = {ipv6}\n[multicast]\nResolveScope = {scope}\n[log]\nlevel = -3\n"


class LslSensor(PacketSensor):
    """Hear one LSL stream by its name, or "*" for the first of type MoCap.

    The stream may begin later, and begin again: it is looked for until it is there. scope: how far to look; LSL finds
    streams by calling out on the network, so that nobody is asked beyond this machine unless told. It holds for the
    whole process, and the first sensor's counts; a configuration file that LSLAPICFG names counts before it. library:
    what is imported as pylsl. understand: what makes the decoder's layout of the channels, or raises PacketError.

    open raises MissingPackageError without pylsl, or where the library it needs is not there.
    """

    def __init__(
        self,
        name: str,
        *,
        clock: Clock,
        decoder: LslDecoder | ImuRowDecoder | None = None,
        scope: str = "machine",
        stale_after_ms: float = STALE_AFTER_MS,
        end_after_s: float = 0.0,
        library: Any = None,
        understand: Callable[[list[Channel]], Any] = layout_of,
    ) -> None:
        self._learner = decoder or LslDecoder()
        super().__init__(
            f"lsl:{name}", self._learner, clock, stale_after_ms=stale_after_ms, end_after_s=end_after_s, hint="start it"
        )
        self._name = name
        self._understand = understand
        self._scope = scope
        self._lsl: Any = library
        self._resolver: Any = None
        self._inlet: Any = None
        self._trouble = ""

    def open(self) -> None:
        """Load the library and begin to look for the stream."""
        self.close()
        if self._lsl is None:
            self._lsl = load_library(self._scope)
        wanted = ("type", "MoCap") if self._name == "*" else ("name", self._name)
        with self._busy:
            self._resolver = self._lsl.ContinuousResolver(*wanted, forget_after=2.0)
            self._trouble = ""
        self._pump.open()

    def _hear(self, wait_s: float) -> bool:
        if self._resolver is None:
            return False
        if self._inlet is None and not self._find():
            threading.Event().wait(min(wait_s, _LOOK_S))
        elif self._inlet is not None:
            self._take(self._inlet, wait_s)
        return True

    def _find(self) -> bool:
        """Connect to the stream if it is there; return False where it is not, or makes up no body."""
        found = self._resolver.results()
        if not found:
            return False
        flags = self._lsl.proc_clocksync | self._lsl.proc_monotonize
        inlet = self._lsl.StreamInlet(found[0], max_buflen=_BUFFER_S, recover=True, processing_flags=flags)
        try:
            info = inlet.info(timeout=_INFO_S)
            self._learner.learn(self._understand(channels_of(info)), info.nominal_srate())
        except (TimeoutError, RuntimeError):  # pylsl has either for a stream that went away
            return False
        except PacketError as problem:
            self._trouble = f"the stream {self._name} cannot be read: {problem}"
            return False
        self._inlet, self._trouble = inlet, ""
        return True

    def _take(self, inlet: Any, wait_s: float) -> None:
        """Take the samples that wait, or come within wait_s, and decode them."""
        try:
            sample, stamp_s = inlet.pull_sample(timeout=wait_s)
            samples, stamps_s = inlet.pull_chunk(timeout=0.0, max_samples=_AT_ONCE) if sample else ([], [])
        except (RuntimeError, TimeoutError) as problem:
            self._trouble = f"the stream {self._name} broke: {problem}"
            self._inlet = None
            return
        if sample is None:
            return
        now_ns = self._clock.now_ns()
        offset_ns = now_ns - round(self._lsl.local_clock() * NS_PER_S)
        for each, at_s in zip((sample, *samples), (stamp_s, *stamps_s), strict=True):
            self._pump.count("samples")
            made_ns = min(round(at_s * NS_PER_S) + offset_ns, now_ns)  # clocks that disagree make no future
            self._pump.take(np.asarray(each, dtype="<f4").tobytes(), made_ns)

    def _let_go(self) -> None:
        if self._inlet is not None:
            self._inlet.close_stream()
        self._inlet = self._resolver = None

    def health(self) -> Health:
        """Return the state, what was matched, and the counters."""
        farther = "; with scope=link streams of other machines are found" if self._scope == "machine" else ""
        return self._pump.health(f"LSL stream {self._name}", self._hint + farther, (self._trouble,))


def load_library(scope: str) -> Any:
    """Import pylsl and keep it to the given scope; raises MissingPackageError."""
    try:
        import pylsl
    except (ImportError, RuntimeError) as error:  # RuntimeError: pylsl is there, its library is not
        raise MissingPackageError("pylsl", "lsl") from error
    if not os.environ.get("LSLAPICFG") and hasattr(pylsl, "set_config_content"):
        ipv6 = "disable" if scope == "machine" else "allow"
        pylsl.set_config_content(_CONFIG.format(scope=scope, ipv6=ipv6))
    return pylsl


def channels_of(info: Any) -> list[Channel]:
    """Return what a stream's description says of its channels; those it does not describe are blank."""
    channels: list[Channel] = []
    each = info.desc().child("channels").child("channel")
    while not each.empty() and len(channels) < MAX_CHANNELS:
        point = each.child_value("marker") or each.child_value("object")
        channels.append(Channel(each.child_value("label"), point, each.child_value("type"), each.child_value("unit")))
        each = each.next_sibling("channel")
    return channels + [Channel("")] * max(0, min(info.channel_count(), MAX_CHANNELS + 1) - len(channels))


def from_uri(path: str, options: Mapping[str, str], clock: Clock) -> LslSensor:
    """Make the sensor of `lsl:NAME?scope=machine&up=y&unit=m&stream=NAME&timeout=0&stale=200`; raises UriError."""
    place = f"lsl:{path}"
    check_keys(place, options, _OPTIONS)
    if not path:
        raise UriError(place, "no stream is named", mend="write lsl:NAME, or lsl:* for the first of type MoCap")
    for key, known in (("scope", SCOPES), ("up", _UPS), ("unit", tuple(_UNITS))):
        if key in options and options[key] not in known:
            raise UriError(place, f"{key}={options[key][:40]}", mend=f"one of {', '.join(known)}")
    stream = stream_name(place, options, "lsl" if path == "*" else stream_of(path))
    return LslSensor(
        path,
        clock=clock,
        decoder=LslDecoder(stream=stream, up=options.get("up"), unit_m=_UNITS.get(options.get("unit", ""))),
        scope=options.get("scope", "machine"),
        stale_after_ms=number(place, options, "stale", STALE_AFTER_MS, 20.0, 60_000.0),
        end_after_s=number(place, options, "timeout", 0.0, 0.0, 86_400.0),
    )
