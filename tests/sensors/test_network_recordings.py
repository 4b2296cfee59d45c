"""Real motion through each format: what it tells arrives exactly, what it does not is off by the proportions."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from support.network_senders import as_rokoko, as_trackers, as_vmc
from support.vmc_bytes import bones as vmc_bones
from support.vmc_bytes import bundles, root, tick

from emotus.engine import quaternion
from emotus.engine.body import BODY
from emotus.engine.clock import ManualClock
from emotus.engine.kinematics import globals_from_locals
from emotus.engine.pose import Pose
from emotus.sensors.bvh_source import BvhSensor
from emotus.sensors.rokoko import RokokoDecoder
from emotus.sensors.trackers import TrackerDecoder
from emotus.sensors.vmc import VmcDecoder

FOLDER = Path(__file__).parents[3] / "shared" / "data" / "bvh"
FILES = sorted(FOLDER.glob("*.bvh"))[:3]
FRAMES = 40
STEP_NS = 16_666_667

needs_data = pytest.mark.skipif(not FILES, reason=f"{FOLDER} is missing: real recordings are not part of the project")


@pytest.fixture(scope="module", params=FILES, ids=[file.stem for file in FILES])
def recorded(request) -> list[Pose]:
    """Offer the first frames of each recording, on the body."""
    sensor = BvhSensor(request.param, clock=ManualClock(), speed=0)
    sensor.open()
    poses = [pose for _ in range(FRAMES) if (pose := sensor.read()) is not None]
    sensor.close()
    return poses


def through(decoder, pack, recorded: list[Pose]) -> list[Pose]:
    """Return what a decoder makes of the recording's packets."""
    out: list[Pose] = []
    for i, pose in enumerate(recorded):
        for packet in pack(i, pose.positions, pose.rotations, i / 60):
            out += decoder.feed(packet, 10**9 + i * STEP_NS)
    return out


def off_mm(sent: list[Pose], got: list[Pose], joints: np.ndarray) -> float:
    """Return how far the joints are off at most."""
    apart = np.array([a.positions - b.positions for a, b in zip(sent, got, strict=True)])
    return 1000.0 * float(np.linalg.norm(apart[:, joints], axis=-1).max())


@needs_data
def test_rokoko_keeps_every_joint(recorded):
    """Its positions are global: within a hundredth of a millimetre."""
    got = through(RokokoDecoder(), as_rokoko, recorded)
    assert off_mm(recorded, got, np.arange(21)) < 0.01


@needs_data
def test_trackers_keep_the_points_they_have(recorded):
    """Nine of them, within a hundredth of a millimetre."""
    got = through(TrackerDecoder(), as_trackers, recorded)
    assert off_mm(recorded, got, np.flatnonzero(got[-1].confidence)) < 0.01


@needs_data
def test_vmc_keeps_every_rotation_and_assumes_the_bones(recorded):
    """Rotations within 0.1 degrees; joints are off by the performer's proportions, much less with bones=sent."""
    got = through(VmcDecoder(), as_vmc, recorded)
    turned = [np.array([pose.rotations for pose in poses]) for poses in (recorded, got)]
    assert np.degrees(quaternion.angle_between(*turned)).max() < 0.1
    off = off_mm(recorded, got, np.arange(21))
    print(f"joints off by {off:.0f} mm at most: the performer's proportions, which VMC does not tell")
    assert off < 400.0
    bones = quaternion.rotate(*bones_of(recorded[0]))

    def pack(_, positions, local, t_s):
        return bundles([*tick(t_s), root(), *vmc_bones(local, positions[0], bones)])

    own = off_mm(recorded, through(VmcDecoder(told_bones=True), pack, recorded), np.arange(21))
    print(f"with the performer's own bones {own:.1f} mm: her spine has more joints than VMC's")
    assert own < min(off, 50.0)


def bones_of(pose: Pose) -> tuple[np.ndarray, np.ndarray]:
    """Return what undoes each parent's global rotation (21, 4), and each joint's place from its parent (21, 3)."""
    turned = globals_from_locals(BODY.parents, pose.rotations.astype(np.float64))
    above = [max(parent, 0) for parent in BODY.parents]
    return quaternion.conjugate(turned[above]), (pose.positions - pose.positions[above]).astype(np.float64)
