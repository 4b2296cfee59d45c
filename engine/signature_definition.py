"""What a motor signature is made of: the quantity, the joints, the smoothing, the grid. Every default with its reason.

The instantaneous velocity gradient of a joint is the time derivative of its velocity. Two recordings whose gradients
differ in length and course cannot be laid upon each other, so each is characterised by the distribution of its
gradient, and distributions are compared by optimal transport (Slowinski et al., Dynamic similarity promotes
interpersonal coordination in joint action, J. R. Soc. Interface 2016: velocity distribution, earth mover's distance,
multidimensional scaling; Lozano-Goupil, Bardy & Marin, Toward an emotional individual motor signature, Front.
Psychol. 2021). Lengths are in body heights, so a gradient is in heights per second squared.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, Literal, cast, get_args

import numpy as np

from .body import JOINT_COUNT, JOINT_INDEX, JOINT_NAMES
from .errors import InputError
from .skeleton import Float64
from .streams import MODEL_RATE_HZ

Quantity = Literal["gradient", "velocity", "speed", "acceleration", "jerk", "angular"]
About = Literal["hips", "world"]
Pool = Literal["part", "joint", "body"]
Smoothing = Literal["savgol", "butterworth", "none"]
Scale = Literal["linear", "log"]

_SIDE: Final = ("Shoulder", "UpperArm", "LowerArm", "Hand")
_LEG: Final = ("UpperLeg", "LowerLeg", "Foot", "Toes")
PARTS: Final[dict[str, tuple[str, ...]]] = {
    "trunk": ("Hips", "Spine", "Chest", "Neck", "Head"),
    "left-arm": tuple(f"Left{name}" for name in _SIDE),
    "right-arm": tuple(f"Right{name}" for name in _SIDE),
    "left-leg": tuple(f"Left{name}" for name in _LEG),
    "right-leg": tuple(f"Right{name}" for name in _LEG),
}

# Of each quantity: its unit (h: body heights), the order of its derivative, whether it has a sign, the value below
# which it drowns in a sensor's trembling, and the value that no body reaches.
_KINDS: Final[dict[str, tuple[str, int, bool, float, float]]] = {
    "gradient": ("h/s2", 2, False, 0.05, 500.0),
    "velocity": ("h/s", 1, True, 0.005, 50.0),
    "speed": ("h/s", 1, False, 0.005, 50.0),
    "acceleration": ("h/s2", 2, True, 0.05, 500.0),
    "jerk": ("h/s3", 3, False, 1.0, 20_000.0),
    "angular": ("rad/s", 1, False, 0.02, 200.0),
}
SAVGOL_FRAMES: Final = (3, 5, 7, 9, 11, 13, 15)


@dataclass(frozen=True, slots=True)
class Definition:
    """State which samples a signature is the distribution of; signatures of different definitions never meet.

    quantity: "gradient", the magnitude of the time derivative of the velocity (the definition); "velocity", its three
    components, outward, up and forward of where the body faces; "speed", its magnitude (the individual motor signature
    of Slowinski et al. 2016); "acceleration", the rate of the speed, negative when braking; "jerk", the magnitude of
    the third derivative; "angular", how fast a bone's direction turns. about: "hips", joints as seen from the hips, so
    that sensors that know no place in the room (Kinect-like webcams, IMU suits) give the same samples as those that
    do; "world" keeps the travelling. pool: "part", the samples of the joints of each of five parts put together (a
    hand moves ten times as fast as a spine: one pool for all would be a signature of the hands), or "joint", or "body"
    (the document's own plain reading). smoothing: "savgol", a least-squares parabola or cubic over `frames` frames
    (Savitzky & Golay, Anal. Chem. 1964), whose derivative is taken at its middle: no phase error, an answer half a
    window late (7 frames at 30 Hz: 0.1 s), and live the very same numbers as offline; or "butterworth", second order,
    one causal pass at cutoff_hz, 0.04 s late at 6 Hz (6 Hz holds human gait: Winter, Biomechanics and Motor Control
    of Human Movement, ch. 3), then central differences; or "none". 7 frames and order 3 pass half the amplitude of a
    sine's second derivative at about 5.5 Hz, the same as Winter's. by_height: in body heights, or else two sizes
    of body would be told apart instead of two ways to move; "angular" has no length in it. scale: "linear", or "log",
    asinh(x / noise): relative differences count, also between slow movements. rate_hz: of the frames: the model's.
    """

    quantity: Quantity = "gradient"
    about: About = "hips"
    pool: Pool = "part"
    smoothing: Smoothing = "savgol"
    frames: int = 7
    order: int = 3
    cutoff_hz: float = 6.0
    by_height: bool = True
    scale: Scale = "linear"
    rate_hz: float = MODEL_RATE_HZ

    def __post_init__(self) -> None:
        """Refuse what cannot be computed, naming what can."""
        for name, kinds in _CHOICES.items():
            if getattr(self, name) not in kinds:
                raise InputError(f"signature {name}", f"'{getattr(self, name)}' is none", mend=f"one of {kinds}")
        if self.smoothing == "savgol" and (self.frames not in SAVGOL_FRAMES or not self.derivative <= self.order < 6):
            problem = f"{self.frames} frames of order {self.order} give no derivative of order {self.derivative}"
            raise InputError("signature smoothing", problem, mend=f"frames of {SAVGOL_FRAMES}, order 2 to 5")
        if self.smoothing == "savgol" and self.order >= self.frames:
            raise InputError("signature smoothing", f"order {self.order} needs more than {self.frames} frames")
        if not (math.isfinite(self.rate_hz) and self.rate_hz > 0 and 0 < self.cutoff_hz < self.rate_hz / 2):
            problem = f"{self.cutoff_hz:g} Hz of {self.rate_hz:g} Hz"
            raise InputError("signature smoothing", problem, mend="a cut-off below half the rate")

    @property
    def unit(self) -> str:
        """Return the unit of a sample: h is one body height."""
        unit = _KINDS[self.quantity][0]
        unit = unit if self.by_height else unit.replace("h", "m")
        return unit if self.scale == "linear" else f"asinh({unit})"

    @property
    def derivative(self) -> int:
        """Return the order of the derivative taken."""
        return _KINDS[self.quantity][1]

    @property
    def signed(self) -> bool:
        """Tell whether samples may be negative."""
        return _KINDS[self.quantity][2]

    @property
    def noise(self) -> float:
        """Return the value below which a sample tells of the sensor rather than of the body."""
        return _KINDS[self.quantity][3]

    @property
    def top(self) -> float:
        """Return the largest sample there is: what no body reaches, on the definition's scale."""
        top = _KINDS[self.quantity][4]
        return top if self.scale == "linear" else math.asinh(top / self.noise)

    @property
    def span(self) -> int:
        """Return how many frames one sample spans."""
        return self.frames if self.smoothing == "savgol" else (1, 3, 3, 5)[self.derivative]

    @property
    def groups(self) -> tuple[str, ...]:
        """Return the names of the pools, each with a distribution of its own."""
        if self.pool == "body":
            return ("body",)
        return tuple(PARTS) if self.pool == "part" else tuple(JOINT_NAMES[j] for j in self.joints)

    @property
    def joints(self) -> tuple[int, ...]:
        """Return the joints that give samples, part by part; the hips do not move about themselves."""
        every = [JOINT_INDEX[name] for names in PARTS.values() for name in names]
        return tuple(j for j in every if j > 0 or (self.about == "world" and self.quantity != "angular"))

    @property
    def id(self) -> str:
        """Return the definition in a line: equal for equal definitions only."""
        words = [self.quantity, f"about {self.about}", f"by {self.pool}", self._smoothed()]
        words += ["per height" if self.by_height else "in metres", self.scale, f"{self.rate_hz:g} Hz"]
        return ", ".join(words)

    def _smoothed(self) -> str:
        if self.smoothing == "savgol":
            return f"savgol {self.frames}/{self.order}"
        return f"butterworth {self.cutoff_hz:g} Hz" if self.smoothing == "butterworth" else "unsmoothed"

    def columns(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Return of every sample of a frame its joint and its pool; a velocity has three samples a joint."""
        part_of = {JOINT_INDEX[name]: i for i, names in enumerate(PARTS.values()) for name in names}
        pools = {"part": part_of, "body": dict.fromkeys(range(JOINT_COUNT), 0)}
        pool_of = pools.get(self.pool) or {joint: i for i, joint in enumerate(self.joints)}
        each = 3 if self.quantity == "velocity" else 1
        joints = tuple(joint for joint in self.joints for _ in range(each))
        return joints, tuple(pool_of[joint] for joint in joints)

    def squash(self, samples: Float64) -> Float64:
        """Return samples clipped to what a body can reach, on the definition's scale; NaN stays NaN."""
        top = _KINDS[self.quantity][4]
        clipped = np.clip(samples, -top if self.signed else 0.0, top)
        return clipped if self.scale == "linear" else np.arcsinh(clipped / self.noise)

    def position(self, samples: Float64) -> Float64:
        """Return where squashed samples lie on the grid, in 0..1: even steps near zero, even ratios above the noise."""
        reach = math.asinh(_KINDS[self.quantity][4] / self.noise)
        at = samples / reach if self.scale == "log" else np.arcsinh(samples / self.noise) / reach
        return (at + 1) / 2 if self.signed else at

    def value(self, position: Float64) -> Float64:
        """Return the squashed samples at positions of the grid: the inverse of `position`."""
        reach = math.asinh(_KINDS[self.quantity][4] / self.noise)
        at = (position * 2 - 1 if self.signed else position) * reach
        return at if self.scale == "log" else np.sinh(at) * self.noise

    def to_dict(self) -> dict[str, object]:
        """Return the definition as plain values."""
        return {name: getattr(self, name) for name in self.__slots__}


def definition_from(values: object, place: str = "signature") -> Definition:
    """Return the definition of plain values; raises InputError naming the place where they are none."""
    if not isinstance(values, dict) or set(cast("dict[str, object]", values)) != set(Definition.__slots__):
        raise InputError(place, "its definition is not one of this version")
    try:
        return Definition(**cast("dict[str, object]", values))  # type: ignore[arg-type]  # __post_init__ checks
    except TypeError:
        raise InputError(place, "its definition has values of another kind") from None


def refuse_mixture(name: str, one: Definition, other_name: str, other: Definition) -> None:
    """Raise InputError, naming both, where two signatures are of different definitions."""
    if one != other:
        problem = f"its signature is of another definition ({one.id}) than that of {other_name} ({other.id})"
        raise InputError(name, problem, mend="make both with the same options")


_CHOICES: Final[dict[str, tuple[str, ...]]] = {
    "quantity": get_args(Quantity),
    "about": get_args(About),
    "pool": get_args(Pool),
    "smoothing": get_args(Smoothing),
    "scale": get_args(Scale),
}
