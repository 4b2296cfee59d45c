"""Everybody who can send a body over the network, so that one test can speak for them all."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.spatial.transform import Rotation
from support import axis_bytes, mocopi_bytes, rokoko_bytes, vmc_bytes

from emotus.engine import quaternion
from emotus.engine.body import BODY, JOINT_INDEX
from emotus.engine.osc_codec import encode_bundle, encode_message
from emotus.engine.skeleton_tables import MOCOPI_NAMES
from emotus.sensors.axis_skeleton import neuron_skeleton
from emotus.sensors.mocopi import PARENTS
from emotus.sensors.synthetic_body import SyntheticBody
from emotus.sensors.trackers import SLIMEVR_ORDER

Pack = Callable[[int, np.ndarray, np.ndarray, float], list[bytes]]
NEURON, _ = neuron_skeleton("studio")
_SIDES = ("Left", "Right")
_NEURON_OF = {"Hips": "Hips", "Spine": "Spine", "Spine1": "Chest", "Neck": "Neck", "Head": "Head"} | {
    f"{side}{theirs}": f"{side}{ours}"
    for side in _SIDES
    for theirs, ours in (
        ("Shoulder", "Shoulder"), ("Arm", "UpperArm"), ("ForeArm", "LowerArm"), ("Hand", "Hand"),
        ("UpLeg", "UpperLeg"), ("Leg", "LowerLeg"), ("Foot", "Foot"),
    )
}  # fmt: skip
_MOCOPI_OF = {"root": "Hips", "torso_2": "Spine", "torso_5": "Chest", "neck_1": "Neck", "head": "Head"} | {
    f"{side[0].lower()}_{theirs}": f"{side}{ours}"
    for side in _SIDES
    for theirs, ours in (
        ("shoulder", "Shoulder"), ("up_arm", "UpperArm"), ("low_arm", "LowerArm"), ("hand", "Hand"),
        ("up_leg", "UpperLeg"), ("low_leg", "LowerLeg"), ("foot", "Foot"), ("toes", "Toes"),
    )
}  # fmt: skip
IDENTITY = (1.0, 0.0, 0.0, 0.0)


def performance(frames: int, emotion: str = "happy", seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return positions (T, 21, 3) and local rotations (T, 21, 4) of a performer made by rule."""
    return SyntheticBody(emotion, rate_hz=60.0, seed=seed).frames(frames)


def as_vmc(_: int, positions: np.ndarray, local: np.ndarray, t_s: float) -> list[bytes]:
    """Return a frame of VMC in bundles, ticks first as SlimeVR has them."""
    bones = vmc_bytes.bones(local, positions[0], BODY.offsets)
    return vmc_bytes.bundles([*vmc_bytes.tick(t_s), vmc_bytes.root(), *bones])


def as_trackers(_: int, positions: np.ndarray, local: np.ndarray, t_s: float) -> list[bytes]:
    """Return a frame of VRChat trackers in one bundle, as SlimeVR sends it."""
    messages = []
    w, x, y, z = map(float, local[0])
    degrees = Rotation.from_quat([x, -y, -z, w]).as_euler("YXZ", degrees=True)[[1, 0, 2]]
    for number, name in enumerate(SLIMEVR_ORDER, start=1):
        (px, py, pz), address = positions[JOINT_INDEX[name]].tolist(), f"/tracking/trackers/{number}"
        messages.append(encode_message(f"{address}/position", -px, py, pz))
        messages.append(encode_message(f"{address}/rotation", *(degrees if number == 1 else np.zeros(3)).tolist()))
    px, py, pz = positions[JOINT_INDEX["Head"]].tolist()
    messages.append(encode_message("/tracking/trackers/head/position", -px, py, pz))
    return [encode_bundle(messages)]


def as_rokoko(_: int, positions: np.ndarray, local: np.ndarray, t_s: float) -> list[bytes]:
    """Return a frame of Studio's JSON v3."""
    return [rokoko_bytes.version_3([("Anna", rokoko_bytes.studio_bones(positions, local))], t_s)]


def neuron_row(positions: np.ndarray, local: np.ndarray, *, displaced: bool) -> np.ndarray:
    """Return the BVH row of the 59 joints: centimetres, and degrees in the order YXZ."""
    row = np.zeros((len(NEURON.names), 6))
    row[:, :3] = NEURON.offsets
    row[0, :3] = 100.0 * positions[0]
    for joint, name in enumerate(NEURON.names):
        if name in _NEURON_OF:
            turn = local[JOINT_INDEX[_NEURON_OF[name]]].astype(np.float64)
            row[joint, 3:] = np.degrees(quaternion.to_euler(turn, "YXZ"))
    return row.ravel() if displaced else np.concatenate((row[0, :3], row[:, 3:].ravel()))


def as_axis_text(_: int, positions: np.ndarray, local: np.ndarray, t_s: float) -> list[bytes]:
    """Return a frame of Axis as text, with displacement."""
    return [axis_bytes.text(neuron_row(positions, local, displaced=True))]


def as_axis_binary(number: int, positions: np.ndarray, local: np.ndarray, t_s: float) -> list[bytes]:
    """Return a frame of Axis as binary, without displacement."""
    return [axis_bytes.binary(neuron_row(positions, local, displaced=False), number=number)]


def mocopi_rest() -> tuple[np.ndarray, np.ndarray]:
    """Return the app's skeleton with the body's proportions: positions (27, 3) and rotations (27, 4) at rest.

    Each joint that the body lacks lies upon its parent.
    """
    rest = {name: BODY.rest_positions[JOINT_INDEX[joint]] for name, joint in _MOCOPI_OF.items()}
    places = np.zeros((len(MOCOPI_NAMES), 3))
    for bone, (name, parent) in enumerate(zip(MOCOPI_NAMES, PARENTS, strict=True)):
        places[bone] = rest.get(name, places[max(parent, 0)])
    offsets = places.copy()
    offsets[1:] -= places[list(PARENTS[1:])]
    return offsets, np.tile(IDENTITY, (len(places), 1))


def as_mocopi(number: int, positions: np.ndarray, local: np.ndarray, t_s: float) -> list[bytes]:
    """Return a frame of the app's, the first with the skeleton before it."""
    offsets, still = mocopi_rest()
    moved, turned = offsets.copy(), still.copy()
    moved[0] = positions[0]
    for bone, name in enumerate(MOCOPI_NAMES):
        if name in _MOCOPI_OF:
            turned[bone] = local[JOINT_INDEX[_MOCOPI_OF[name]]]
    frame = mocopi_bytes.frame(number, 1.7e9 + t_s, moved, turned)
    return [mocopi_bytes.skeleton(PARENTS, offsets, still), frame] if number == 0 else [frame]


@dataclass(frozen=True)
class Sender:
    """Say how a program sends: the address that hears it, its packets, and what its format allows.

    known: joints it tells. error_mm: of those, at most. turn_deg: of the rotations, None where they are not its own.
    """

    uri: str
    pack: Pack
    known: int
    error_mm: float
    turn_deg: float | None = None


SENDERS = {
    "vmc": Sender("vmc:udp://127.0.0.1:0", as_vmc, 21, 0.01, 0.1),
    "slimevr": Sender("slimevr:udp://127.0.0.1:0", as_trackers, 9, 0.001),
    "rokoko": Sender("rokoko:udp://127.0.0.1:0", as_rokoko, 21, 0.001),
    "axis text": Sender("axis:udp://127.0.0.1:0", as_axis_text, 21, 0.1, 0.1),
    "axis binary": Sender("axis:udp://127.0.0.1:0", as_axis_binary, 21, 0.1, 0.1),
    "mocopi": Sender("mocopi:udp://127.0.0.1:0", as_mocopi, 21, 0.01, 0.1),
}


class Playing:
    """Call `send` with each frame's packets at a rate from a thread, until stopped or through."""

    def __init__(self, send: Callable[[bytes], object], frames: list[list[bytes]], rate_hz: float) -> None:
        self._send = send
        self._frames = frames
        self._period_s = 1.0 / rate_hz
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._play, daemon=True)
        self._thread.start()

    def _play(self) -> None:
        start_s = time.monotonic()
        for number, packets in enumerate(self._frames):
            if self._stop.wait(max(0.0, start_s + number * self._period_s - time.monotonic())):
                return
            for packet in packets:
                try:
                    self._send(packet)
                except OSError:
                    return

    def stop(self) -> None:
        """End, and wait for it."""
        self._stop.set()
        self._thread.join()
