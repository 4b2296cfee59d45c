"""A body sent by VMC is found again to a millimetre, by our own receiver and by another's decoder."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from pythonosc.osc_bundle import OscBundle
from pythonosc.osc_message import OscMessage
from scipy.spatial.transform import Rotation
from support.network_senders import performance
from support.sayings import emotion, motion, pose, qualities, udp_receiver, wait_for

from emotus.bridges.local_pose import globals_of, hangings, turns_of
from emotus.bridges.osc_link import Target
from emotus.bridges.uri import Wish
from emotus.bridges.vmc import VmcBridge, VmcSettings, make_vmc
from emotus.engine.body import BODY, JOINT_NAMES
from emotus.engine.clock import NS_PER_S, ManualClock, MonotonicClock
from emotus.engine.errors import OscError, UriError
from emotus.engine.events import PoseEvent
from emotus.engine.kinematics import globals_from_locals
from emotus.sensors.vmc import VmcDecoder

POSITIONS, ROTATIONS = performance(20)
FULL = np.ones(21, np.float32)
TARGET = (Target("udp", "127.0.0.1", 9),)


def posed(i: int, *, rotations: bool = True, stream: str = "p1") -> PoseEvent:
    """Return one frame of a performance."""
    turned = ROTATIONS[i] if rotations else None
    return PoseEvent(stream, i, i * 16_666_667, POSITIONS[i].astype(np.float32), FULL, turned)


def bridge(**chosen) -> VmcBridge:
    """Return a bridge that is asked for its datagrams only."""
    return VmcBridge(TARGET, labels=("happy", "sad"), clock=ManualClock(), settings=VmcSettings(**chosen))


def messages(datagrams) -> list[OscMessage]:
    """Return the messages of datagrams as python-osc decodes them."""
    found = []
    for datagram in datagrams:
        found += [OscMessage(datagram)] if not OscBundle.dgram_is_bundle(datagram) else list(OscBundle(datagram))
    return found


def joints_of(told: list[OscMessage]) -> np.ndarray:
    """Return the joints (21, 3) in the house of the bones that were told: scipy's rotations down the tree, by hand."""
    bones = {message.params[0]: message.params[1:] for message in told if message.address == "/VMC/Ext/Bone/Pos"}
    assert list(bones) == list(JOINT_NAMES)
    (root,) = [message.params for message in told if message.address == "/VMC/Ext/Root/Pos"]
    assert root[1:] == [0, 0, 0, 0, 0, 0, 1]
    places = np.zeros((21, 3))
    turns: list[Rotation] = []
    for i, name in enumerate(JOINT_NAMES):
        parent = BODY.parents[i]
        hung, own = np.array(bones[name][:3]), Rotation.from_quat(bones[name][3:])
        turns.append(own if parent < 0 else turns[parent] * own)
        places[i] = hung if parent < 0 else places[parent] + turns[parent].apply(hung)
    return places * (-1, 1, 1)


@pytest.mark.parametrize("rotations", [True, False])
def test_python_osc_and_scipy_find_the_joints_again_to_a_millimetre(rotations):
    """With the source's own rotations, and with those read off the positions of a source that has none."""
    sender = bridge()
    for i in range(20):
        told = messages(sender.encode((posed(i, rotations=rotations),)).datagrams)
        assert np.abs(joints_of(told) - POSITIONS[i]).max() < 1e-3


@pytest.mark.parametrize("bundle", [True, False])
def test_our_own_sensor_finds_the_joints_again_to_a_millimetre(bundle):
    """What vmc: sends, vmc: reads: joints, rotations and every frame."""
    sender, decoder = bridge(bundle=bundle), VmcDecoder(told_bones=True)
    poses = []
    for i in range(20):
        for n, datagram in enumerate(sender.encode((posed(i),)).datagrams):
            poses += decoder.feed(datagram, (i + 1) * 16_666_667 + 1000 * n)
    assert len(poses) == 20
    for i, found in enumerate(poses):
        assert np.abs(found.positions - POSITIONS[i]).max() < 1e-3
        assert (np.abs(np.sum(found.rotations * ROTATIONS[i], axis=1)) > 1 - 1e-5).all()
        assert (found.confidence == 1).all()


def test_generated_motion_moves_an_avatar_and_says_that_it_is_synthetic():
    """Bones, the emotion that was asked for as a shape, and a word about where it comes from."""
    event = dataclasses.replace(motion(1), joints=posed(1).joints, rotations=ROTATIONS[1].astype(np.float32))
    told = messages(bridge().encode((event,)).datagrams)
    assert np.abs(joints_of(told) - POSITIONS[1]).max() < 1e-3
    said = {(m.address, m.params[0]): m.params[1:] for m in told if m.params}
    assert said["/VMC/Ext/Blend/Val", "Joy"] == [0.75]
    assert said["/VMC/Thru/emotus/synthetic", "happy"] == [1.0]


def test_every_datagram_fits_and_ticks_come_first():
    """Time, state, root, bones, shapes, apply, in this order; nothing over 1400 bytes."""
    said = bridge().encode((posed(3), emotion(3)))
    assert max(map(len, said.datagrams)) <= 1400
    order = [message.address for message in messages(said.datagrams)]
    assert order[:3] == ["/VMC/Ext/T", "/VMC/Ext/OK", "/VMC/Ext/Root/Pos"]
    assert order[3:24] == ["/VMC/Ext/Bone/Pos"] * 21
    assert order[-2:] == ["/VMC/Ext/Blend/Apply", "/VMC/Thru/emotus/emotion"]
    ok = messages(said.datagrams)[1].params
    assert ok == [1, 3, 0, 1]


@pytest.mark.parametrize(
    ("shapes", "names"),
    [
        (("vrm0",), {"Angry", "Joy", "Sorrow", "proud", "unsure", "Neutral"}),
        (("vrm1",), {"angry", "happy", "sad", "proud", "unsure", "neutral"}),
        (
            ("vrm0", "labels"),
            {"Angry", "Joy", "Sorrow", "Neutral", "angry", "happy", "sad", "proud", "unsure", "neutral"},
        ),
        (("off",), set()),
    ],
)
def test_blend_shapes_are_the_labels_under_their_names(shapes, names):
    """Presets of VRM 0 or 1, or the labels themselves, weighed by probability."""
    told = messages(bridge(shapes=shapes, smooth_s=0.0).encode((emotion(0),)).datagrams)
    values = {m.params[0]: m.params[1] for m in told if m.address == "/VMC/Ext/Blend/Val"}
    assert set(values) == names
    if names:
        assert values["Joy" if "Joy" in names else "happy"] == 0.5


def test_a_face_never_jumps_and_rests_while_nothing_is_sure():
    """A change of answer takes its time; an answer withheld lets the shapes go."""
    sender = bridge(smooth_s=0.15)
    sender.encode((emotion(0),))
    unsure = dataclasses.replace(emotion(1), abstain=True, label="unknown")
    values = []
    for seq in range(1, 31):
        event = dataclasses.replace(unsure, seq=seq, t_ns=seq * 33_333_333)
        told = messages(sender.encode((event,)).datagrams)
        values += [m.params[1] for m in told if m.address == "/VMC/Ext/Blend/Val" and m.params[0] == "Joy"]
    assert np.abs(np.diff([0.5, *values])).max() < 0.12
    assert values[-1] < 0.002


def test_of_two_performers_one_wears_the_avatar():
    """The first, or the one that is named; another takes over when she has been silent for two seconds."""
    sender = bridge()
    assert sender.encode((posed(1),)).encoded == 1
    assert sender.encode((posed(2, stream="p2"),)).encoded == 0
    late = dataclasses.replace(posed(3, stream="p2"), t_ns=4 * NS_PER_S)
    assert sender.encode((late,)).encoded == 1
    named = bridge(streams=("*.partner",))
    assert named.encode((posed(1),)).encoded == 0
    assert named.encode((motion(1),)).encoded == 1


def test_what_cannot_be_said_is_counted_and_the_rest_is():
    """A pose with a NaN costs itself; qualities have no word in VMC."""
    bad = dataclasses.replace(posed(1), joints=np.full((21, 3), np.nan, np.float32))
    said = bridge().encode((bad, emotion(1)))
    assert (said.encoded, said.errors) == (1, 1)
    assert bridge().encode((qualities(1),)).datagrams == ()
    with pytest.raises(OscError):
        turns_of(dataclasses.replace(posed(1), rotations=np.full((21, 4), np.inf, np.float32)))


@settings(max_examples=50)
@given(arrays(np.float64, (21, 4), elements=st.floats(-1, 1)))
def test_three_leaps_give_what_the_walk_down_the_tree_gives(raw):
    """Any rotations, those of no length among them."""
    event = PoseEvent("p", 0, 0, POSITIONS[0].astype(np.float32), FULL, raw.astype(np.float32))
    local, turned = turns_of(event)
    assert np.allclose(np.linalg.norm(local, axis=1), 1, atol=1e-4)
    assert np.allclose(globals_of(local), globals_from_locals(BODY.parents, local), atol=1e-5)
    hung = hangings(event.joints, turned)
    lengths = np.linalg.norm(event.joints[1:] - event.joints[list(BODY.parents[1:])], axis=1)
    assert np.allclose(np.linalg.norm(hung[1:], axis=1), lengths, atol=1e-4)


def test_a_receiver_hears_notice_lamp_and_that_nobody_is_tracked():
    """Over a real socket: what the numbers are, then state 0 each second until somebody comes."""
    with udp_receiver() as receiver:
        sender = VmcBridge((Target("udp", "127.0.0.1", receiver.getsockname()[1]),), clock=MonotonicClock())
        sender.start()
        try:
            heard = [message for _ in range(2) for message in messages([receiver.recv(65536)])]
            assert heard[0].address == "/VMC/Thru/emotus/notice"
            assert [m.params for m in heard if m.address == "/VMC/Ext/OK"] == [[1, 3, 0, 0]]
            sender.send(pose(1))
            assert wait_for(lambda: sender.stats().sent == 1)
            addresses = [m.address for m in messages([receiver.recv(65536) for _ in range(3)])]
            assert "/VMC/Thru/emotus/live" in addresses
            assert addresses.count("/VMC/Ext/Bone/Pos") == 21
        finally:
            sender.close()


@pytest.mark.parametrize(
    ("rest", "problem"),
    [
        ("127.0.0.1", "not HOST:PORT"), ("tcp://127.0.0.1:1", "UDP"), ("127.0.0.1:1?shapes=vrm2", "one of vrm0"),
        ("127.0.0.1:1?bones=long", "one of measured"), ("127.0.0.1:1?x=1", "known are stream"),
        ("127.0.0.1:1?stream=,", "stream names nobody"), ("127.0.0.1:1?smooth=-1", "a number from 0"),
    ],
)  # fmt: skip
def test_an_address_that_cannot_be_is_told_with_its_mend(rest, problem):
    """One line that begins with the address."""
    uri = f"vmc:{rest}"
    with pytest.raises(UriError, match=problem) as told:
        make_vmc(Wish(uri, rest, (), expose=False, clock=ManualClock()))
    assert str(told.value).startswith(uri)
