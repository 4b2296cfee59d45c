"""FAULTS.md 3, row 30: a generator that is asked for the impossible neither runs away, nor breaks, nor stumbles."""

from __future__ import annotations

import socket
import threading
import time

import numpy as np
import pytest
import torch
from faults.figures import figure
from support.sayings import wait_for

from emotus.bridges.osc import OscBridge
from emotus.engine.body import BODY
from emotus.engine.clock import NS_PER_S, MonotonicClock
from emotus.engine.errors import InputError
from emotus.engine.generator import Generator, load_generator
from emotus.engine.osc_codec import decode
from emotus.engine.partner import Partner
from emotus.engine.wish import Wish

JOINT_M_S = 14.0  # the limit: the fastest hand of the data, doubled
TOES = [BODY.index["LeftToes"], BODY.index["RightToes"]]
LENGTHS = np.array([np.linalg.norm(BODY.offsets[joint]) for _, joint in BODY.edges])
SECONDS = 4.0


@pytest.fixture(scope="module")
def model():
    return load_generator()


def _bones_off(joints: np.ndarray) -> float:
    parents, children = (list(each) for each in zip(*BODY.edges, strict=True))
    found = np.linalg.norm(joints[..., children, :] - joints[..., parents, :], axis=-1)
    return float(np.abs(found / LENGTHS - 1.0).max())


def _measure(name: str, joints: np.ndarray, rate_hz: float) -> None:
    """Print and check the four figures of the row for motion (N, T, 21, 3)."""
    speed = float(np.linalg.norm(np.diff(joints, axis=1), axis=-1).max()) * rate_hz
    below_cm = max(0.0, -100.0 * float(joints[:, :, TOES, 1].min()))
    assert figure(30, f"{name}: numbers that are none", int((~np.isfinite(joints)).sum()), 0, better="==")
    assert figure(30, f"{name}: fastest joint", round(speed, 2), JOINT_M_S, "m/s")
    assert figure(30, f"{name}: bones off", round(100 * _bones_off(joints), 4), 1.0, "%")
    assert figure(30, f"{name}: foot below the floor", round(below_cm, 3), 1.0, "cm")


def test_a_latent_of_no_numbers_is_held_and_mended(model) -> None:
    """NaN and infinity in what the network remembers, again and again, reach nobody."""
    generator = Generator(model, performers=4, seed=1)
    shown = []
    for i in range(round(SECONDS * 60)):
        if i % 40 == 20:
            state = generator._state[0].clone()
            state[i % 4] = float("nan") if i % 80 == 20 else float("inf")
            generator._state = (state,)
        shown.append(generator.step().joints)
    assert generator.held > 0
    _measure("latent NaN", np.stack(shown, axis=1), 60.0)


def test_an_extreme_latent_and_extreme_wishes_are_brought_back(model) -> None:
    """A state a thousand times too large, a mood beyond every bound and another wish every frame stay a person."""
    generator = Generator(model, seed=2)
    rng = np.random.default_rng(0)
    shown = []
    for i in range(round(SECONDS * 60)):
        emotion = str(rng.choice(model.info.emotions))
        generator.ask(Wish(emotion, 1e6, *rng.uniform(-1e6, 1e6, 2), travels=i % 3 > 0, speed_m_s=rng.normal() * 1e3))
        shown.append(generator.step().joints)
    _measure("a wish every frame", np.stack(shown, axis=1), 60.0)
    generator.reset()
    generator.take(30)
    torch.manual_seed(0)
    generator._state = (1000.0 * torch.randn_like(generator._state[0]),)
    _measure("latent too large", generator.take(240)[0], 60.0)


@pytest.mark.parametrize("rate_hz", [240.0, 1.0])
def test_at_any_rate(model, rate_hz) -> None:
    """240 frames a second and one a second are the same motion, and as sound."""
    generator = Generator(model, seed=3, rate_hz=rate_hz)
    generator.ask(Wish("angry", 1.5, travels=True))
    _measure(f"{rate_hz:g} Hz", generator.take(round(SECONDS * rate_hz))[0], rate_hz)


def test_what_cannot_be_is_refused(model) -> None:
    """A wish of no numbers, or for an emotion there is not, changes nothing and says what there is."""
    generator = Generator(model)
    for wish in (Wish(valence=float("nan"), arousal=0.0), Wish("fury"), Wish(speed_m_s=float("inf"))):
        with pytest.raises(InputError):
            generator.ask(wish)
    assert generator.wishes == (Wish(),)


def test_osc_leaves_at_its_rate(model) -> None:
    """Sixty frames a second over OSC, by the clock of whoever receives them; the worst gaps are printed."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
        receiver.bind(("127.0.0.1", 0))
        receiver.settimeout(0.5)
        times: dict[int, float] = {}
        done = threading.Event()
        listener = threading.Thread(target=_listen, args=(receiver, times, done))
        listener.start()
        clock = MonotonicClock()
        bridge = OscBridge("127.0.0.1", receiver.getsockname()[1], clock=clock)
        partner = Partner(model, wish=Wish("happy"))
        bridge.start()
        due_ns = clock.now_ns()
        end_ns = due_ns + round(SECONDS * NS_PER_S)
        sent = 0
        while due_ns < end_ns:
            clock.sleep_until_ns(due_ns)
            for event in partner.tick(min(clock.now_ns(), end_ns)):
                bridge.send(event)
                sent += 1
            due_ns = partner.due_ns or end_ns
        assert wait_for(lambda: bridge.stats().waiting == 0)
        time.sleep(0.3)
        bridge.close()
        done.set()
        listener.join(5)
    expected = SECONDS * 60.0
    due = sent + partner.dropped
    figure(30, "OSC: frames due", due, round(expected * 0.99), better=">=")
    assert abs(due - expected) <= 0.01 * expected + 2
    arrived = np.sort(np.array(list(times.values())))
    assert len(arrived) == sent
    gaps_ms = np.abs(np.diff(arrived) * 1000.0 - 1000.0 / 60.0)
    figure(30, "OSC: jitter, median of the gaps' errors", round(float(np.median(gaps_ms)), 2), 2.0, "ms")
    figure(30, "OSC: jitter p99", round(float(np.quantile(gaps_ms, 0.99)), 2), 2.0, "ms")


def _listen(receiver: socket.socket, times: dict[int, float], done: threading.Event) -> None:
    """Note when the first datagram of each frame came."""
    while not done.is_set():
        try:
            data = receiver.recv(65536)
        except TimeoutError:
            continue
        now = time.monotonic()
        for message in decode(data):
            if message.address.endswith("/joint/Hips"):
                times.setdefault(len(times), now)
                break
