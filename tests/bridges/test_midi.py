"""Controllers follow the answers: the bytes are read by mido, and a port that goes away is found again."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.midi_port import FakePort
from support.sayings import LABELS, emotion, motion, pose, qualities, status, wait_for

from emotus.bridges.midi import MidiBridge, MidiSettings, open_rtmidi
from emotus.bridges.midi_map import read_controls, values_of
from emotus.bridges.midi_uri import make_midi
from emotus.bridges.uri import Wish
from emotus.engine.clock import ManualClock, MonotonicClock
from emotus.engine.errors import MissingPackageError, UriError

mido = pytest.importorskip("mido", reason="mido is not installed (pip install 'emotus[dev]')")


def bridge(port: FakePort, **chosen) -> MidiBridge:
    """Return a bridge with a port of the test's."""
    made = MidiSettings(**{"smooth_s": 0.0, "rate_hz": 0.0} | chosen)
    return MidiBridge("any", labels=LABELS, clock=MonotonicClock(), settings=made, open_port=lambda *_: port)


def heard(port: FakePort, *events, **chosen) -> list:
    """Return what a synthesizer hears of events, as mido reads the bytes."""
    sender = bridge(port, **chosen)
    sender.start()
    for event in events:
        sender.send(event)
    assert wait_for(lambda: sender.stats().waiting == 0)
    sender.close()
    return mido.parse_all(b"".join(port.sent))


def test_every_number_has_its_controller():
    """Valence and arousal from the middle, probabilities and qualities from 0, labels in the model's order."""
    told = {message.control: message.value for message in heard(FakePort(), emotion(1), qualities(1))}
    assert told[20] == round(127 * (1 + 0.123456789) / 2)
    assert told[21] == round(127 * (1 - 0.25) / 2)
    assert told[22] == 64
    assert told[102 + LABELS.index("happy")] == 64
    assert told[24] == 127
    assert set(told) == {20, 21, 22, 23, 24, *range(102, 108)}


def test_all_are_control_changes_on_the_performers_own_channel():
    """The first performer on the channel asked for, the next on the next; statuses and poses are no controllers."""
    port = FakePort()
    told = heard(
        port, emotion(1), emotion(1, stream="p2"), motion(1, stream="p2.partner"), pose(1), status(1), channel=3
    )
    assert {message.type for message in told} == {"control_change"}
    assert {message.channel for message in told} == {2, 3, 4}


def test_only_what_changes_is_said():
    """Ten times the same answer is said once."""
    port = FakePort()
    once = len(heard(FakePort(), emotion(1)))
    assert len(heard(port, *(emotion(seq) for seq in range(10)))) == once


def test_the_rate_is_kept_and_a_jump_becomes_a_glide():
    """A second at 60 Hz of an answer that turns: 30 messages a controller at most, and none jumps far."""
    turning = [
        dataclasses.replace(emotion(seq), t_ns=seq * 16_666_667, valence=-1.0 if seq < 5 else 1.0) for seq in range(60)
    ]
    told = [m.value for m in heard(FakePort(), *turning, rate_hz=30.0, smooth_s=0.1) if m.control == 20]
    assert 8 <= len(told) <= 31
    assert max(abs(b - a) for a, b in zip(told, told[1:], strict=False)) < 50
    assert told[-1] > 124


def test_a_port_that_goes_away_is_found_again():
    """What it refused is counted; when it is there again everything is said anew."""
    ports = [FakePort(), FakePort()]
    opened = []
    clock = ManualClock()

    def open_port(*_):
        opened.append(ports[len(opened)])
        return opened[-1]

    sender = MidiBridge("any", labels=LABELS, clock=clock, settings=MidiSettings(smooth_s=0.0), open_port=open_port)
    sender.start()
    sender.send(emotion(1))
    assert wait_for(lambda: len(ports[0].sent) > 0)
    ports[0].is_broken = True
    sender.send(dataclasses.replace(emotion(5), valence=0.9))
    assert wait_for(lambda: sender.stats().errors > 0)
    clock.advance_ns(3_000_000_000)
    assert wait_for(lambda: len(opened) == 2)
    sender.send(emotion(9))
    assert wait_for(lambda: len(ports[1].sent) >= 9)
    sender.close()
    assert (ports[0].is_open, ports[1].is_open) == (False, False)
    stats = sender.stats()
    assert (stats.received, stats.sent, stats.dropped) == (3, 2, 1)


def test_a_number_that_is_none_is_no_message():
    """One NaN costs its event."""
    port = FakePort()
    assert heard(port, emotion(1, valence=float("nan"))) == []


@given(st.text(max_size=30))
def test_any_text_is_a_map_or_a_uri_error(text):
    """Nothing else is raised, and every controller is one."""
    try:
        controls = read_controls("midi:x", text)
    except UriError:
        return
    assert all(0 <= number <= 119 for number in controls.values())


def test_a_map_of_ones_own_replaces_ours():
    """Only what it names is said."""
    assert values_of(emotion(1), read_controls("midi:x", "happy:7,valence:1"), LABELS) == {
        7: 0.5,
        1: pytest.approx(0.5617, abs=1e-3),
    }
    assert len(values_of(emotion(1), None, LABELS)) == 9


@pytest.mark.parametrize(
    ("rest", "problem"),
    [
        ("", "no port is named"), ("new:", "no port is named"), ("Synth?channel=17", "1 to 16"),
        ("Synth?cc=valence", "controller from 0"), ("Synth?cc=a:1,b:1", "share"), ("Synth?cc=a:120", "0 to 119"),
        ("Synth?port=1", "known are"),
    ],
)  # fmt: skip
def test_an_address_that_cannot_be_is_told_with_its_mend(rest, problem):
    """One line that begins with the address."""
    with pytest.raises(UriError, match=problem) as told:
        make_midi(Wish(f"midi:{rest}", rest, (), expose=False, clock=ManualClock()))
    assert str(told.value).startswith(f"midi:{rest}")


def test_the_real_library_opens_a_port_or_says_why_not():
    """Where there is a sequencer, a virtual port is heard by another client; where there is none, the mend is told."""
    rtmidi = pytest.importorskip("rtmidi", reason="python-rtmidi is not installed (pip install 'emotus[midi]')")
    told = ""
    try:
        port = open_rtmidi("midi:new:emotus-test", "new:emotus-test")
    except UriError as refused:
        told = str(refused)
    if told:
        assert "this machine has no MIDI" in told
        assert "modprobe snd-seq" in told
        return
    listener = rtmidi.MidiIn()
    listener.open_port(next(i for i, name in enumerate(listener.get_ports()) if "emotus-test" in name))
    port.send_message((0xB0, 20, 64))
    got = []
    assert wait_for(lambda: (found := listener.get_message()) is not None and (got.append(found[0]) or True))
    assert got == [[0xB0, 20, 64]]
    with pytest.raises(UriError, match="there are"):
        open_rtmidi("midi:no such port", "no such port")
    listener.close_port()
    port.close_port()


def test_without_the_library_the_mend_is_told(monkeypatch):
    """One line that names the extra."""
    monkeypatch.setitem(__import__("sys").modules, "rtmidi", None)
    with pytest.raises(MissingPackageError, match=r"emotus\[midi\]"):
        open_rtmidi("midi:x", "x")
