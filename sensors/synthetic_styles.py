"""How each emotion shapes the synthetic performer's movement: one row of numbers an emotion.

The directions, not the exact figures, follow what acted and felt emotion was found to do to walking and posture:
Montepare, Goldstein and Clausen, The identification of emotions from gait information, 1987 (heavy angry tread, small
sad arm swing, bouncy happiness); Wallbott, Bodily expression of emotion, 1998 (head bent in sadness, head back and
shoulders back in pride, arms wide in joy, lateral jerky anger); Crane and Gross, Motion capture and emotion, 2007, and
Effort-shape characteristics of emotion-related body movement, 2013 (speed: anger and joy fast, sadness slow; trunk and
neck flexion; elbow and shoulder range); Roether, Omlor, Christensen and Giese, Critical features for the perception of
emotion from gait, 2009 (limb flexion in anger and fear, head inclination in sadness). The figures were set by eye,
beside acted walks and beside what a recogniser said of them: the performer shows emotus at work and proves nothing of
how well it recognises.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Final


@dataclass(frozen=True, slots=True)
class Style:
    """Say how one emotion moves. Angles in radians, lengths in metres, rates in Hz, shares in 0..1.

    A stride is two steps. lean, head_pitch and chest_pitch are positive forward and down. Arms: swing about flexion
    (forward), abduction (sideways, 0 hanging), twist (inward), elbow; the gesture_* row is the pose that an arm takes
    in a gesture, with its elbow beating at gesture_beat_hz. sharp: 0 a sine, 1 a snatched movement. hesitation: how
    much each double support is drawn out.
    """

    cadence_hz: float = 0.93
    stride_m: float = 1.25
    duty: float = 0.63
    step_width_m: float = 0.16
    toe_out: float = 0.12
    clearance_m: float = 0.05
    heel_rise: float = 0.72
    crouch_m: float = 0.012
    bounce_m: float = 0.0
    sway_m: float = 0.020
    pelvis_turn: float = 0.09
    lean: float = 0.03
    chest_pitch: float = 0.02
    chest_turn: float = 0.10
    head_pitch: float = 0.05
    head_wander: float = 0.06
    shoulder_raise: float = 0.0
    shoulder_forward: float = 0.0
    arm_flexion: float = -0.06
    arm_swing: float = 0.36
    arm_abduction: float = 0.18
    arm_twist: float = 0.10
    elbow: float = 0.28
    elbow_swing: float = 0.22
    sharp: float = 0.15
    hesitation: float = 0.0
    tremor: float = 0.004
    breath_hz: float = 0.27
    breath: float = 0.015
    gesture: float = 0.0
    gesture_both: float = 0.0
    gesture_flexion: float = 0.6
    gesture_abduction: float = 0.3
    gesture_twist: float = 0.3
    gesture_elbow: float = 1.2
    gesture_beat: float = 0.15
    gesture_beat_hz: float = 1.0


FIELDS: Final = tuple(each.name for each in fields(Style))

STYLES: Final[dict[str, Style]] = {
    "neutral": Style(),
    "happy": Style(
        cadence_hz=1.06,
        stride_m=1.28,
        duty=0.60,
        clearance_m=0.075,
        heel_rise=0.85,
        crouch_m=0.055,
        bounce_m=0.045,
        sway_m=0.040,
        pelvis_turn=0.12,
        lean=0.02,
        chest_pitch=-0.06,
        chest_turn=0.22,
        head_pitch=-0.12,
        head_wander=0.10,
        arm_swing=0.62,
        arm_abduction=0.26,
        elbow=1.2,
        elbow_swing=0.5,
        sharp=0.2,
        breath_hz=0.35,
        gesture=1.0,
        gesture_both=1.0,
        gesture_flexion=0.45,
        gesture_abduction=2.15,
        gesture_twist=-0.3,
        gesture_elbow=0.45,
        gesture_beat=0.28,
        gesture_beat_hz=2.1,
        arm_flexion=-0.08,
    ),
    "sad": Style(
        cadence_hz=0.72,
        stride_m=0.92,
        duty=0.68,
        step_width_m=0.15,
        toe_out=0.08,
        clearance_m=0.028,
        heel_rise=0.42,
        crouch_m=0.024,
        sway_m=0.030,
        pelvis_turn=0.05,
        lean=0.15,
        chest_pitch=0.30,
        chest_turn=0.04,
        head_pitch=0.66,
        head_wander=0.03,
        shoulder_raise=-0.06,
        shoulder_forward=0.22,
        arm_flexion=-0.05,
        arm_swing=0.11,
        arm_abduction=0.07,
        arm_twist=0.25,
        elbow=0.34,
        elbow_swing=0.05,
        sharp=0.0,
        breath_hz=0.20,
        breath=0.022,
        gesture=0.8,
        gesture_both=0.0,
        gesture_flexion=1.25,
        gesture_abduction=0.12,
        gesture_twist=0.55,
        gesture_elbow=2.30,
        gesture_beat=0.06,
        gesture_beat_hz=0.8,
    ),
    "angry": Style(
        cadence_hz=1.16,
        stride_m=1.38,
        duty=0.60,
        step_width_m=0.18,
        clearance_m=0.055,
        heel_rise=0.80,
        crouch_m=0.020,
        sway_m=0.022,
        pelvis_turn=0.13,
        lean=0.20,
        chest_pitch=0.10,
        chest_turn=0.20,
        head_pitch=0.20,
        head_wander=0.04,
        shoulder_raise=0.12,
        shoulder_forward=0.12,
        arm_flexion=-0.25,
        arm_swing=0.60,
        arm_abduction=0.38,
        arm_twist=0.30,
        elbow=0.98,
        elbow_swing=0.35,
        sharp=1.0,
        tremor=0.010,
        breath_hz=0.45,
        breath=0.030,
        gesture=1.0,
        gesture_both=0.15,
        gesture_flexion=1.15,
        gesture_abduction=0.35,
        gesture_twist=0.15,
        gesture_elbow=1.55,
        gesture_beat=0.55,
        gesture_beat_hz=2.9,
    ),
    "proud": Style(
        cadence_hz=0.86,
        stride_m=1.24,
        step_width_m=0.18,
        toe_out=0.22,
        clearance_m=0.055,
        heel_rise=0.68,
        crouch_m=0.006,
        bounce_m=0.006,
        sway_m=0.034,
        pelvis_turn=0.10,
        lean=-0.05,
        chest_pitch=-0.16,
        chest_turn=0.14,
        head_pitch=-0.20,
        head_wander=0.05,
        shoulder_raise=0.03,
        shoulder_forward=-0.20,
        arm_flexion=-0.06,
        arm_swing=0.40,
        arm_abduction=0.38,
        arm_twist=0.05,
        elbow=0.42,
        elbow_swing=0.18,
        sharp=0.1,
        breath_hz=0.24,
        breath=0.032,
        gesture=1.0,
        gesture_both=1.0,
        gesture_flexion=-0.30,
        gesture_abduction=0.75,
        gesture_twist=0.55,
        gesture_elbow=1.75,
        gesture_beat=0.0,
        gesture_beat_hz=0.5,
    ),
    "unsure": Style(
        cadence_hz=0.8,
        stride_m=0.8,
        duty=0.67,
        step_width_m=0.12,
        toe_out=-0.02,
        clearance_m=0.035,
        heel_rise=0.45,
        crouch_m=0.030,
        sway_m=0.036,
        pelvis_turn=0.05,
        lean=0.13,
        chest_pitch=0.2,
        chest_turn=0.05,
        head_pitch=0.48,
        head_wander=0.42,
        shoulder_raise=0.14,
        shoulder_forward=0.20,
        arm_flexion=-0.25,
        arm_swing=0.07,
        arm_abduction=0.06,
        arm_twist=0.6,
        elbow=1.5,
        elbow_swing=0.05,
        sharp=0.0,
        hesitation=0.5,
        tremor=0.010,
        breath_hz=0.40,
        breath=0.018,
        gesture=1.0,
        gesture_both=0.0,
        gesture_flexion=1.00,
        gesture_abduction=0.20,
        gesture_twist=0.70,
        gesture_elbow=2.30,
        gesture_beat=0.10,
        gesture_beat_hz=1.6,
    ),
}

TOUR: Final = ("happy", "sad", "angry", "proud", "unsure", "neutral")
TOUR_HOLD_S: Final = 8.0
TOUR_BLEND_S: Final = 1.6

ALIASES: Final[dict[str, str]] = {
    "joy": "happy",
    "happiness": "happy",
    "joyful": "happy",
    "sadness": "sad",
    "anger": "angry",
    "pride": "proud",
    "confident": "proud",
    "uncertain": "unsure",
    "not-confident": "unsure",
    "insecure": "unsure",
    "calm": "neutral",
    "normal": "neutral",
}


def known_emotions() -> tuple[str, ...]:
    """Return the emotions that can be performed, and `tour`."""
    return (*STYLES, "tour")


def canonical_emotion(name: str) -> str | None:
    """Return the emotion that a name of any case or an alias means; None when it means none."""
    key = name.strip().lower()
    key = ALIASES.get(key, key)
    return key if key in known_emotions() else None
