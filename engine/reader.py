"""The reader: poses of one performer at the model's rate -> emotion events, and silence where nothing is known."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace

from .acquaintance import Acquaintance
from .clock import NS_PER_MS, NS_PER_S, Clock
from .control import Command
from .events import UNKNOWN, EmotionEvent
from .features import KNOWN_FROM, Normaliser
from .flicker import Flicker
from .pose import Hole, Pose
from .recognise import Answer, Evidence, Question, Reading, Recogniser, silent
from .rigid import Rigid
from .ring import Ring
from .skeleton import Float32
from .steadiness import Steadiness

LATE_RUN = 3  # late frames in a row (100 ms) after which the evidence no longer hangs together
EXPLAIN_FRAMES = 60  # two seconds at the model's rate: what an explanation looks back on
LEAST_KNOWN = 4  # joints: by fewer nobody can be read, whatever the network makes of the places they had last
EXPLAIN_EVERY = 10  # frames: what 21 bodies without a joint would be answered costs many times an answer


class EmotionReader:
    """Read one performer; state is the features, the evidence and the last frames, all dropped at a hole.

    What flickers is noise and is answered with silence, over holes too; what moves as one piece is unknown. The label
    is held until another has led for long enough (`steadiness`).

    live: a frame later than usual by two strides when its turn comes is not recognised but counted in `late`, so that
    the age of the newest answer stays bounded however slow the network is; in a recording (live False) none is late.
    acquaintance: what is known of her beyond that, such as what she taught, and kept over holes.
    """

    def __init__(
        self,
        recogniser: Recogniser,
        clock: Clock,
        *,
        rate_hz: float,
        live: bool,
        explain: bool,
        acquaintance: Acquaintance | None = None,
    ) -> None:
        self._recogniser = recogniser
        self.acquaintance = acquaintance
        self._clock = clock
        self._live = live
        self._explain = explain
        self._late_ns = round(2 * NS_PER_S / rate_hz)
        self._normaliser = Normaliser(rate_hz)
        self._flicker = Flicker()
        self._rigid = Rigid()
        self._steadiness = Steadiness(rate_hz)
        self.reset()

    def reset(self) -> None:
        """Start as if nothing had been seen; the counts start again too. What is known of her outlives this."""
        self.recognised = 0
        self.late = 0
        self._flicker.reset()
        self._forget()

    def _forget(self) -> None:
        self._normaliser.reset()
        self._rigid.reset()
        self._steadiness.reset()
        known = self.acquaintance
        self._evidence: Evidence = self._recogniser.start() if known is None else known.start()
        self._ring: Ring | None = None
        self._shares: Float32 | None = None
        self._late_run = 0

    def step(
        self, pose: Pose, arrived_ns: int, behind_ns: int = 0
    ) -> Generator[Question, Answer | None, EmotionEvent | None]:
        """Return the emotion of one frame, or None where the frame came too late to be worth an answer.

        Yields what is to be asked of the recogniser, so that whoever drives several readers can ask for all at once.

        behind_ns: how much later than usual the pose was received that gave rise to this frame. Frames that bridge a
        gap are old and yet not late: the answer to the newest needs them.
        """
        since_ns = pose.t_ns if self._live else arrived_ns
        # Once behind, catch up wholly: stopping half way would make the queue that is left the usual one.
        allowed_ns = self._late_ns // 4 if self._late_run else self._late_ns
        if self._live and behind_ns > allowed_ns:
            self._skip()
            return None
        self._late_run = 0
        known = self.acquaintance
        if known is not None:
            self._evidence = known.watch(pose, self._evidence)
        frame = self._normaliser.step(pose)  # (D,)
        answer = yield Question(frame, self._evidence)
        assert answer is not None  # noqa: S101 - whoever drives a reader answers its questions
        reading, self._evidence = answer
        if known is not None:
            reading = known.read(reading, frame, self._evidence, pose.t_ns)
        self._flicker.step(pose.confidence)
        if self._flicker.is_wild or int((pose.confidence >= KNOWN_FROM).sum()) < LEAST_KNOWN:
            reading = silent(self._recogniser.labels)
        self._rigid.step(pose.positions, pose.confidence)
        if self._rigid.is_rigid:
            reading = replace(reading, label=UNKNOWN, confidence=0.0, abstain=True)
        reading = self._steadiness.step(reading)
        self.recognised += 1
        joints = self._carried(frame) if self._explain else None
        return self._event(pose.stream, pose.seq, pose.t_ns, reading, since_ns, joints)

    def obey(self, command: Command, t_ns: int) -> None:
        """Carry out a command about the performer, where anything is known of her; she tells of it herself."""
        if self.acquaintance is not None:
            self._evidence = self.acquaintance.obey(command, self._evidence, t_ns)

    def silence(self, hole: Hole, seq: int) -> EmotionEvent:
        """Forget the performer's movement and say so: unknown, confidence 0, just after the last moment known."""
        self._forget()
        t_ns = hole.from_ns + 1
        return self._event(hole.stream, seq, t_ns, silent(self._recogniser.labels), t_ns, None)

    def _skip(self) -> None:
        self.late += 1
        self._late_run += 1
        if self._late_run == LATE_RUN:
            run = self._late_run
            self._forget()
            self._late_run = run

    def _carried(self, frame: Float32) -> Float32:
        """Return which joints carried the answer to the last frames, (21,)."""
        if self._ring is None:
            self._ring = Ring(1, EXPLAIN_FRAMES, frame.shape)
        self._ring.push(0, frame)
        if self._shares is None or self.recognised % EXPLAIN_EVERY == 0:
            self._shares = self._recogniser.explain(self._ring.view(0))
        return self._shares

    def _event(
        self, stream: str, seq: int, t_ns: int, reading: Reading, since_ns: int, joints: Float32 | None
    ) -> EmotionEvent:
        return EmotionEvent(
            stream=stream,
            seq=seq,
            t_ns=t_ns,
            label=reading.label,
            probs=reading.probs,
            valence=reading.valence,
            arousal=reading.arousal,
            confidence=reading.confidence,
            abstain=reading.abstain,
            latency_ms=max(0.0, (self._clock.now_ns() - since_ns) / NS_PER_MS),
            disclosure=self._recogniser.disclosure,
            joints=joints,
        )
