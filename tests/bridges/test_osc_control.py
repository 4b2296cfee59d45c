"""Control by OSC: what a patch sends becomes commands, what is none is counted, and only this machine is heard."""

from __future__ import annotations

import socket
import weakref
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pythonosc.osc_message_builder import OscMessageBuilder
from pythonosc.udp_client import SimpleUDPClient
from support.sayings import wait_for

from emotus.bridges.osc_control import MAX_COMMANDS, OscControl, command_of
from emotus.bridges.uri import make_control
from emotus.engine.clock import MonotonicClock
from emotus.engine.control import (
    BaselineFreeze,
    ConsentGrant,
    ConsentRevoke,
    ControlInbox,
    StopEverything,
    TeachStart,
    TeachStop,
    TeachUndo,
    parse,
)
from emotus.engine.errors import ControlError, UriError
from emotus.engine.osc_codec import OscMessage, decode

CLOCK = MonotonicClock()


@pytest.fixture
def heard() -> Iterator[tuple[OscControl, ControlInbox]]:
    """Listen at a free port."""
    inbox = ControlInbox()
    control = OscControl("127.0.0.1", 0, inbox, clock=CLOCK)
    control.start()
    yield control, inbox
    control.close()


def patch(port: int) -> SimpleUDPClient:
    """Return a client whose socket is closed with it."""
    client = SimpleUDPClient("127.0.0.1", port)
    weakref.finalize(client, client._sock.close)
    return client


def test_what_python_osc_sends_becomes_commands(heard):
    """Every address of the docstring works as a patch would send it."""
    control, inbox = heard
    client = patch(control.port)
    client.send_message("/emotus/teach", ["my grandmother", "anna"])
    client.send_message("/emotus/teach/stop", 1.0)
    client.send_message("/emotus/teach/stop", 0.0)
    client.send_message("/emotus/teach/undo", [])
    client.send_message("/emotus/control/baseline/freeze", ["anna"])
    client.send_message("/emotus/control/consent/grant", "s-17")
    got = []
    assert wait_for(lambda: got.extend(inbox.take()) or len(got) >= 5)
    assert set(got) == {
        TeachStart("my grandmother", "anna"),
        TeachStop(),
        TeachUndo(),
        BaselineFreeze("anna"),
        ConsentGrant("s-17"),
    }
    client.send_message("/emotus/control/consent/revoke", [])
    client.send_message("/emotus/control/stop", [])
    got = []
    assert wait_for(lambda: got.extend(inbox.take()) or len(got) >= 2)
    assert set(got) == {ConsentRevoke(), StopEverything()}
    assert control.stats().errors == 0


def test_what_is_no_command_is_counted_and_the_next_is_heard(heard):
    """Rubbish, other addresses, wrong labels and huge datagrams cost nothing but a count."""
    control, inbox = heard
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for data in (b"", b"rubbish", b"#bundle\0" + bytes(8) + b"\xff\xff\xff\xfc", b"\0" * 9000):
            sender.sendto(data, ("127.0.0.1", control.port))
    client = patch(control.port)
    client.send_message("/live/stop", [])
    client.send_message("/emotus/teach", "")
    client.send_message("/emotus/dance", [])
    client.send_message("/emotus/teach/undo", [])
    assert wait_for(lambda: inbox.take() == (TeachUndo(),))
    assert control.stats().errors == 7
    count, problem = inbox.problems()
    assert (count, problem) == (7, "no such command: 'dance' (there are " + problem.partition("(there are ")[2])


def test_a_loop_in_a_patch_is_slowed_down(heard):
    """Of a thousand commands at once the first fifty are taken, the rest are counted."""
    control, inbox = heard
    message = OscMessageBuilder("/emotus/teach/undo").build().dgram
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for _ in range(200):
            sender.sendto(message, ("127.0.0.1", control.port))
    assert wait_for(lambda: control.stats().errors > 0)
    assert inbox.stats().used <= MAX_COMMANDS


def test_only_this_machine_is_heard():
    """An address that others can reach is refused at the start, and so is a port that is taken."""
    with pytest.raises(UriError, match="other machines could control the show"):
        OscControl("0.0.0.0", 0, ControlInbox(), clock=CLOCK).start()
    first = OscControl("127.0.0.1", 0, ControlInbox(), clock=CLOCK)
    first.start()
    with pytest.raises(UriError, match="choose another port"):
        OscControl("127.0.0.1", first.port, ControlInbox(), clock=CLOCK).start()
    first.close()
    first.close()


def test_the_option_takes_osc_addresses():
    """`--control` understands osc:HOST:PORT and nothing else."""
    assert isinstance(make_control("osc:127.0.0.1:9001", ControlInbox(), CLOCK), OscControl)
    with pytest.raises(UriError, match="is not osc:HOST:PORT"):
        make_control("ws:127.0.0.1:9001", ControlInbox(), CLOCK)


values = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=60) | st.binary()


@given(st.sampled_from(["/emotus/teach", "/emotus/control/consent/grant", "/emotus/x", "/a"]), st.lists(values))
def test_any_message_is_a_command_nothing_or_a_control_error(address, args):
    """Whatever the arguments are, no other exception comes out."""
    try:
        command_of(OscMessage(address, tuple(args)))
    except ControlError:
        return


def test_bundles_are_heard_in_order():
    """A patch may put several commands in one bundle."""
    builder = OscMessageBuilder("/emotus/teach/undo")
    assert [command_of(message) for message in decode(builder.build().dgram)] == [TeachUndo()]


def test_a_number_is_a_button_only_where_the_command_takes_none():
    """A fader's 0 is an intensity of 0; a button's 0 is nothing."""
    fader = command_of(OscMessage("/emotus/control/intensity", (0.0,)))
    assert fader is not None
    assert fader == parse("intensity", {"value": 0.0})
    assert command_of(OscMessage("/emotus/control/intensity", (0.5,))) == parse("intensity", {"value": 0.5})
    assert command_of(OscMessage("/emotus/control/stop", (0,))) is None
    assert command_of(OscMessage("/emotus/control/teach", ("happy", 1))) == parse("teach", {"label": "happy"})
