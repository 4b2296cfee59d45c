"""What the engine knows of one performer while she is there: her baseline, what she taught, and whether she is she.

The baseline lives in the recogniser's evidence and is updated there, frame by frame. Here it is carried over holes, set
aside when somebody else takes her place, and given back to her: a stranger neither uses it nor feeds it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Protocol

from .baseline import Baseline, vouch
from .control import BaselineFreeze, BaselineResume, Calibrate, Command, TeachStart, TeachStop, TeachUndo
from .errors import EmotusError
from .events import StatusEvent
from .notices import Notices
from .pose import Pose
from .profile import Profile
from .recognise import Evidence, Reading, Recogniser
from .skeleton import Float32
from .streams import MODEL_RATE_HZ
from .swap import SwapGuard, Verdict
from .taught import TaughtHead, blend
from .teaching import Fitter, Teaching

KEEP_EVERY = round(MODEL_RATE_HZ)  # frames from one kept copy of the baseline to the next
SWAP = "swap"


class Acquaintances(Protocol):
    """Keep what is known of each performer, whether she is on stage or not."""

    def meet(self, stream: str) -> Acquaintance:
        """Return what is known of a performer who enters."""
        ...

    def forget(self, stream: str) -> None:
        """Drop whatever is known of her."""
        ...


class Acquaintance:
    """Know one performer; `profile` and `head` are what was kept of her, None and nothing for somebody new.

    Reader and performer call, for each frame at the model's rate: `watch` with the pose, `read` with what the
    recogniser said of it, `speak` for what there is to say. State is the guard, the teaching, and two copies of the
    baseline: the older was made at least a second before any doubt whether it is she.
    """

    def __init__(
        self,
        stream: str,
        recogniser: Recogniser,
        fitter: Fitter,
        *,
        profile: Profile | None = None,
        head: TaughtHead | None = None,
    ) -> None:
        self._stream = stream
        self._recogniser = recogniser
        self._profile = profile
        self._head = head
        self._guard = SwapGuard(None if profile is None else profile.body)
        self.teaching = Teaching(stream, recogniser.feature_set, fitter)
        self._notices = Notices(stream)
        self.reset()

    def reset(self) -> None:
        """Know of her what the profile says, and no more."""
        self._guard.reset()
        self.teaching.reset()
        self._notices.reset()
        if self._profile is not None:
            self.teaching.adopt(self._profile.takes, self._head)
        known = None if self._profile is None else self._profile.baseline
        self._kept: tuple[Baseline | None, Baseline | None] = (known, known)  # older, newer
        self._verdict: Verdict = "unknown"
        self._frozen = known is not None and known.frozen
        self._warm_up_s: float | None = None  # of usual movement that a new baseline is being made of
        self._frames = 0
        self._news: list[StatusEvent] = []

    @property
    def is_suspended(self) -> bool:
        """Tell whether somebody else stands where she did."""
        return self._verdict == "stranger"

    @property
    def baseline(self) -> Baseline | None:
        """Return what is usual for her, as far as it is certain that it is hers."""
        return self._kept[0] if self._verdict in ("suspect", "stranger") else self._kept[1]

    def start(self) -> Evidence:
        """Return the evidence to begin with, after a hole too: her baseline, or nothing for a stranger."""
        self._guard.interrupt()
        if self.is_suspended or self.baseline is None:
            return self._recogniser.start()
        return self._recogniser.start(self.baseline, freeze=self._frozen)

    def watch(self, pose: Pose, evidence: Evidence) -> Evidence:
        """Look who stands there; return the evidence to go on with."""
        before, self._verdict = self._verdict, self._guard.step(pose)
        if self._verdict == before:
            return self._warm_up(evidence, pose.t_ns)
        if self._verdict == "stranger":
            self._say(pose.t_ns, "warning", "somebody else has taken over: the profile is set aside, not fed")
            self._news += self.teaching.interrupt(pose.t_ns, "for somebody else took over")
            self._warm_up_s = None
            return self._recogniser.start()
        if before == "stranger":
            self._say(pose.t_ns, "info", "she is back: her profile is in use again")
            return self.start_again()
        return self._hold(evidence)

    def start_again(self) -> Evidence:
        """Return the evidence of her baseline and nothing of whoever was there in between."""
        baseline = self._kept[0]
        self._kept = (baseline, baseline)
        self._frames = 0
        return self._recogniser.start(baseline, freeze=self._frozen)

    def read(self, reading: Reading, frame: Float32, evidence: Evidence, t_ns: int) -> Reading:
        """Return the answer with what she taught taken into account; record the frame where a take is under way."""
        if self.is_suspended:
            return reading
        self._keep(evidence)
        head = self.teaching.head
        if head is None and not self.teaching.is_recording:
            return reading
        described = self._recogniser.describe(evidence)
        self._news += self.teaching.hear(frame, described, evidence.frames, t_ns)
        return reading if head is None else blend(reading, head, described, evidence.frames)

    def obey(self, command: Command, evidence: Evidence, t_ns: int) -> Evidence:
        """Carry out a command about her; return the evidence to go on with."""
        match command:
            case TeachStart(label=label):
                if self.is_suspended:
                    self._say(t_ns, "warning", "nothing is taught while somebody else stands there", code="teach")
                else:
                    self._teach(label, t_ns)
            case TeachStop():
                self._news += self.teaching.stop(t_ns)
            case TeachUndo():
                self._news += self.teaching.undo(t_ns)
            case Calibrate(seconds=seconds):
                return self._calibrate(seconds, evidence, t_ns)
            case BaselineFreeze() | BaselineResume():
                self._frozen = isinstance(command, BaselineFreeze)
                words = "is frozen" if self._frozen else "follows her"
                self._say(t_ns, "info", f"the baseline {words}", code="baseline")
                return self._hold(evidence)
            case _:
                self._say(t_ns, "warning", f"{type(command).__name__} is not for a performer", code="control")
        return evidence

    def speak(self, t_ns: int) -> Iterator[StatusEvent]:
        """Yield what there is to say since the last time."""
        yield from self.teaching.poll(t_ns)
        news, self._news = self._news, []
        yield from news

    def to_profile(self, new: Profile, now_s: float) -> Profile:
        """Return what is to be kept of her; new: the profile to begin one with where she has none."""
        return replace(
            self._profile or new,
            updated_s=now_s,
            baseline=self.baseline,
            takes=self.teaching.takes,
            body=self._profile.body if self._profile is not None and self._profile.body else self._guard.known,
        )

    def _teach(self, label: str, t_ns: int) -> None:
        try:
            self._news += self.teaching.start(label, t_ns)
        except EmotusError as error:
            self._say(t_ns, "warning", str(error), code="teach")

    def _calibrate(self, seconds: float, evidence: Evidence, t_ns: int) -> Evidence:
        """Begin a new baseline; what was known of her until now no longer counts."""
        if self.is_suspended:
            self._say(t_ns, "warning", "nobody is calibrated while somebody else stands there", code="calibrate")
            return evidence
        self._kept, self._frozen, self._frames, self._warm_up_s = (None, None), False, 0, seconds
        self._say(t_ns, "info", f"calibrating for {seconds:.0f} s: move as you usually do", code="calibrate")
        return self._recogniser.start()

    def _warm_up(self, evidence: Evidence, t_ns: int) -> Evidence:
        """Vouch for the baseline once the warm-up is over, and begin with it; tell of the seconds on the way."""
        gathered = self._kept[1]
        if self._warm_up_s is None or gathered is None or self._frames % KEEP_EVERY:
            return evidence
        if gathered.evidence_s < self._warm_up_s:
            message = f"calibrating: {gathered.evidence_s:.0f} of {self._warm_up_s:.0f} s"
            self._say(t_ns, "info", message, code="calibrate")
            return evidence
        made = vouch(gathered)
        self._kept, self._warm_up_s = (made, made), None
        self._say(t_ns, "info", f"calibrated: the baseline is made of {made.evidence_s:.0f} s", code="calibrated")
        return self._recogniser.start(made, freeze=self._frozen)

    def _hold(self, evidence: Evidence) -> Evidence:
        """Return the evidence with its baseline followed or left, as doubt and command have it."""
        return self._recogniser.frozen(evidence, freeze=self._frozen or self._verdict == "suspect")

    def _keep(self, evidence: Evidence) -> None:
        """Keep a copy of the baseline once a second, and the one before it, while there is no doubt."""
        self._frames += 1
        if self._frames % KEEP_EVERY == 0 and self._verdict != "suspect":
            self._kept = (self._kept[1], self._recogniser.baseline(evidence))

    def _say(self, t_ns: int, level: str, message: str, *, code: str = SWAP) -> None:
        grade = "warning" if level == "warning" else "info"
        self._news += self._notices.say(grade, code, message, t_ns)
