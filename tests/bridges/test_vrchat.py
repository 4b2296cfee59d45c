"""VRChat hears typed parameters at a bearable rate, and trackers where SlimeVR would put them."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from pythonosc.osc_bundle import OscBundle
from scipy.spatial.transform import Rotation
from support.network_senders import performance
from support.sayings import LABELS, emotion, pose, qualities

from emotus.bridges.osc_link import Target
from emotus.bridges.uri import Wish
from emotus.bridges.vrchat import VrchatBridge, VrchatSettings, make_vrchat
from emotus.engine.body import BODY, JOINT_INDEX
from emotus.engine.clock import ManualClock
from emotus.engine.errors import UriError
from emotus.engine.events import PoseEvent
from emotus.engine.kinematics import globals_from_locals
from emotus.sensors.trackers import TrackerDecoder

POSITIONS, ROTATIONS = performance(30)
TARGET = (Target("udp", "127.0.0.1", 9),)


def bridge(**chosen) -> VrchatBridge:
    """Return a bridge that is asked for its datagrams only."""
    return VrchatBridge(TARGET, labels=LABELS, clock=ManualClock(), settings=VrchatSettings(**chosen))


def posed(i: int) -> PoseEvent:
    """Return one frame of a performance."""
    return PoseEvent("p1", i, i * 16_666_667, POSITIONS[i].astype(np.float32), np.ones(21, np.float32), ROTATIONS[i])


def heard(sender: VrchatBridge, *events) -> dict[str, list]:
    """Return what a frame says, as python-osc decodes it."""
    datagrams = sender.encode(events).datagrams
    assert all(len(datagram) <= 1400 for datagram in datagrams)
    return {message.address: message.params for each in datagrams for message in OscBundle(each)}


def test_parameters_are_typed_and_within_what_vrchat_takes():
    """Floats in -1..1, the label as an int, whether it is known as a bool."""
    told = heard(bridge(), emotion(1))
    path = "/avatar/parameters/Emotus"
    assert told[f"{path}Happy"] == [0.5]
    assert told[f"{path}Arousal"] == [-0.25]
    assert (told[f"{path}Label"], told[f"{path}Known"]) == ([1], [True])
    assert type(told[f"{path}Label"][0]) is int
    assert type(told[f"{path}Known"][0]) is bool
    assert all(type(value) is not float or -1 <= value <= 1 for (value,) in told.values())
    unsure = dataclasses.replace(emotion(9), abstain=True, label="unknown")
    told = heard(bridge(), unsure)
    assert (told[f"{path}Label"], told[f"{path}Known"]) == ([-1], [False])


def test_qualities_are_parameters_too_and_disturb_no_others():
    """Both glide by themselves."""
    sender = bridge(change=0.0)
    for seq in range(10):
        told = heard(sender, qualities(seq), emotion(seq))
    assert told["/avatar/parameters/EmotusSmoothness"] == [1.0]
    assert told["/avatar/parameters/EmotusHappy"] == [0.5]


def test_a_parameter_is_said_ten_times_a_second_and_only_when_it_changes():
    """Three seconds at 60 Hz of one that swings and one that stands."""
    sender = bridge()
    counts = {"Valence": 0, "Arousal": 0}
    for seq in range(180):
        event = dataclasses.replace(emotion(seq), valence=float(np.sin(seq / 10)), t_ns=seq * 16_666_667)
        told = heard(sender, event)
        for name in counts:
            counts[name] += f"/avatar/parameters/Emotus{name}" in told
    assert counts["Valence"] == pytest.approx(30, abs=2)
    assert counts["Arousal"] == 3


def test_a_change_of_bool_is_a_change():
    """True and False differ though neither has a number."""
    sender = bridge()
    heard(sender, emotion(0))
    unsure = dataclasses.replace(emotion(6), abstain=True, label="unknown")
    assert heard(sender, unsure)["/avatar/parameters/EmotusKnown"] == [False]


def test_trackers_sit_where_slimevr_puts_them():
    """Place and degrees of each slot: scipy turns them back into the bone's own rotation."""
    told = heard(bridge(), posed(7))
    turned = globals_from_locals(BODY.parents, ROTATIONS[7])
    for slot, (at, bone) in {
        1: ("Hips", "Hips"),
        4: ("LeftLowerLeg", "LeftUpperLeg"),
        8: ("RightLowerArm", "RightUpperArm"),
    }.items():
        place = np.array(told[f"/tracking/trackers/{slot}/position"]) * (-1, 1, 1)
        assert np.allclose(place, POSITIONS[7, JOINT_INDEX[at]], atol=1e-5)
        x, y, z = told[f"/tracking/trackers/{slot}/rotation"]
        w, i, j, k = turned[JOINT_INDEX[bone]]
        wanted = Rotation.from_quat([i, -j, -k, w])
        assert (Rotation.from_euler("YXZ", [y, x, z], degrees=True) * wanted.inv()).magnitude() < 1e-4
    assert "/tracking/trackers/head/position" in told
    assert "/tracking/trackers/head/rotation" not in told


def test_our_own_reader_of_trackers_finds_hips_and_feet():
    """What vrchat: sends, trackers: reads."""
    sender, decoder = bridge(head="full"), TrackerDecoder()
    poses = []
    for i in range(30):
        for datagram in sender.encode((posed(i),)).datagrams:
            poses += decoder.feed(datagram, (i + 1) * 16_666_667)
    assert len(poses) >= 25
    for joint in ("Hips", "LeftFoot", "RightFoot"):
        last = poses[-1].seq
        assert np.abs(poses[-1].positions[JOINT_INDEX[joint]] - POSITIONS[last, JOINT_INDEX[joint]]).max() < 0.02


@pytest.mark.parametrize(("worn", "slots"), [(("hip", "feet"), {1, 2, 3}), ((), set())])
def test_only_what_is_worn_is_sent(worn, slots):
    """Fewer trackers, or none."""
    told = heard(bridge(worn=worn, head="off"), posed(1), emotion(1))
    assert {int(address.split("/")[3]) for address in told if "tracking" in address} == slots
    assert "/avatar/parameters/EmotusHappy" in told


def test_a_pose_that_is_not_finite_costs_itself():
    """The parameters of its frame are heard."""
    bad = dataclasses.replace(pose(1), joints=np.full((21, 3), np.inf, np.float32))
    said = bridge().encode((bad, emotion(1)))
    assert (said.encoded, said.errors) == (1, 1)


@pytest.mark.parametrize(
    ("rest", "problem"),
    [
        ("127.0.0.1:1?trackers=tail", "one of hip"), ("127.0.0.1:1?prefix=a/b", "letters, digits"),
        ("127.0.0.1:1?head=up", "one of position"), ("tcp://127.0.0.1:1", "UDP"), ("127.0.0.1:1?x=1", "known are"),
    ],
)  # fmt: skip
def test_an_address_that_cannot_be_is_told_with_its_mend(rest, problem):
    """One line that begins with the address."""
    with pytest.raises(UriError, match=problem) as told:
        make_vrchat(Wish(f"vrchat:{rest}", rest, (), expose=False, clock=ManualClock()))
    assert str(told.value).startswith(f"vrchat:{rest}")
