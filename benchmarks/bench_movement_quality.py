"""How well three sensors agree on the same movement: optical markers, a Kinect and four accelerometers.

The recordings lie beside the checkout (../shared/data/movement-quality); the figures are centimetres, degrees and
correlations, not milliseconds, so they stand in the names of the rows. What each sensor allows: the optical system
places markers within a millimetre, and joints lie between markers; the Kinect guesses joints from one depth picture 30
times a second, centimetres off and blind to what the body hides; accelerometers without gyroscopes tell how strongly a
wrist is shaken and not where it is, so their body has no known joint and only the magnitude can be compared.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from emotus.sensors.imu import load_imu
from emotus.sensors.imu_mapping import ImuMapping, understand
from emotus.sensors.mapping_file import parse_mapping
from emotus.sensors.points import load_points
from emotus.training.agreement import Agreement, Jolts, Track, compare, compare_jolts, load_jolts, track_of

DATA = Path(__file__).parents[2] / "shared" / "data" / "movement-quality"
TRIALS = {"trial11": "smooth", "trial12": "not smooth", "trial22": "light"}
HANDS = ("LeftHand", "RightHand")
FARTHEST_CM, LEAST_R, LEAST_SHAKE_R = 12.0, 0.6, 0.85
ACCELEROMETERS = b"""
[segments]
LeftHand = "LWristIn"
RightHand = "RWristIn"
LeftFoot = "RAnkleOut"  # exchanged in the recordings: crosswise r is 0.88 and 0.98 in trial 22, as named 0.17 and 0.11
RightFoot = "LAnkleOut"
[fields]
kind = "acceleration"
acceleration = ["{sensor} X", "{sensor} Y", "{sensor} Z"]
acceleration_unit = "g"
time = "Time"
"""


def accelerometers() -> ImuMapping:
    """Return how the four accelerometers' tables are read."""
    return understand(parse_mapping(ACCELEROMETERS, "bench_movement_quality.py"))


def run() -> list[dict[str, Any]]:
    """Compare each pair of sensors in each trial; one row a pair."""
    if not DATA.exists():
        return [row("movement-quality: ../shared/data is not beside this checkout", "-", None)]
    rows: list[dict[str, Any]] = []
    for trial, how in TRIALS.items():
        optical, kinect = (track_of(load_points(DATA / kind / f"{trial}.tsv.xz")) for kind in ("qualisys", "kinect"))
        jolts = load_jolts(DATA / "imu" / f"{trial}.tsv.xz", accelerometers())
        rows.append(bodies(f"{trial} ({how}): optical ~ Kinect", compare(optical, kinect)))
        rows.append(shaken(f"{trial} ({how}): optical ~ accelerometers", optical, jolts, LEAST_SHAKE_R))
        rows.append(shaken(f"{trial} ({how}): Kinect ~ accelerometers", kinect, jolts, None))
        known = int((load_imu(DATA / "imu" / f"{trial}.tsv.xz", accelerometers()).confidence > 0).sum())
        name = f"{trial} ({how}): joints that accelerometers alone know: {known}"
        rows.append(row(name, "none invented", known == 0))
    return rows


def bodies(name: str, found: Agreement) -> dict[str, Any]:
    """Return the row of two bodies."""
    hands = ", ".join(f"{found.speed_r[hand]:.2f}" for hand in HANDS)
    told = f"{found.distance_cm:.1f} cm, {found.angle_deg:.1f} deg, speed of hands r {hands}, lag {found.lag_s:.2f} s"
    print(f"{name}: speed of each joint that moves: {rounded(found.speed_r)}")
    met = found.distance_cm <= FARTHEST_CM and min(found.speed_r[hand] for hand in HANDS) >= LEAST_R
    return row(f"{name}: {told}", f"<= {FARTHEST_CM:g} cm, r >= {LEAST_R:g}", met)


def shaken(name: str, body: Track, jolts: Jolts, least_r: float | None) -> dict[str, Any]:
    """Return the row of a body and accelerometers: the magnitude of the hands' acceleration."""
    lag_s, found = compare_jolts(body, jolts)
    shown = {joint: (round(r, 2), round(ratio, 2)) for joint, (r, ratio) in found.items()}
    print(f"{name}: correlation and ratio of the magnitudes of acceleration: {shown}")
    told = f"acceleration of {', '.join(f'{joint} r {r:.2f}' for joint, (r, _) in found.items())}, lag {lag_s:.2f} s"
    met = None if least_r is None else min(r for r, _ in found.values()) >= least_r
    return row(f"{name}: {told}", "-" if least_r is None else f"r >= {least_r:g}", met)


def rounded(values: dict[str, float]) -> dict[str, float]:
    """Return correlations with two digits."""
    return {name: round(value, 2) for name, value in values.items()}


def row(name: str, goal: str, met: bool | None) -> dict[str, Any]:
    """Return a row that has no time."""
    empty = dict.fromkeys(("ours_ms", "ours_p99_ms", "peer", "peer_ms", "peer_p99_ms", "ratio"))
    return {"name": name, **empty, "goal": goal, "met": met}
