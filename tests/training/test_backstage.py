"""Backstage: who is guarded, what is opened and granted before a run, and the key that stops everything."""

from __future__ import annotations

import os
import sys
import threading
import types

import pytest
from support.people import Witness

from emotus.engine.clock import ManualClock
from emotus.engine.errors import InputError
from emotus.sensors.uri import open_sensor
from emotus.training.backstage import prepare, stop_key

CLOCK = ManualClock()


def test_only_sensors_that_show_somebody_live_are_guarded(capsys):
    """A recording and a performer made by rule are not; a suit is, and the line says how it is opened."""
    stage = prepare(Witness(), CLOCK)
    uris = ["synthetic:sad", "xsens:udp://127.0.0.1:0"]
    sensors = [open_sensor(uri, CLOCK) for uri in uris]
    stage.admit(uris, sensors)
    assert stage.persons == sensors[1:]
    assert "xsens:udp://127.0.0.1:0: closed until she consents (--consent NAME" in capsys.readouterr().err


def test_what_the_command_line_consents_to_is_granted():
    """Names, streams, purposes and minutes are taken in; with consent given nobody is told that it is missing."""
    stage = prepare(Witness(), CLOCK, consents=["anna:stream", "suit=ben"])
    stage.consent.guard("suit")
    assert stage.consent.allows("suit", "record")
    assert not stage.consent.guard("webcam-0") or not stage.consent.allows("webcam-0", "record")


def test_where_no_emotion_is_inferred_no_profile_is_opened():
    """In a workplace a profile on the command line is an error, before anybody is asked for its passphrase."""
    with pytest.raises(InputError, match="no emotion is inferred in this context"):
        prepare(None, CLOCK, profiles=["anna.emotus"])
    assert prepare(None, CLOCK).labels == ()
    assert prepare(Witness(), CLOCK).labels == Witness.labels


@pytest.mark.skipif(sys.platform == "win32", reason="terminals there have no such mode")
def test_the_space_bar_stops_everything(monkeypatch):
    """On a terminal one key is enough; other keys do nothing, and the terminal is as before afterwards."""
    import pty
    import termios

    ours, theirs = pty.openpty()
    try:
        before = termios.tcgetattr(theirs)
        terminal = types.SimpleNamespace(isatty=lambda: True, fileno=lambda: theirs)
        monkeypatch.setattr(sys, "stdin", terminal)
        monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
        stopped = threading.Event()
        with stop_key(stopped.set):
            os.write(ours, b"x")
            assert not stopped.wait(0.2)
            os.write(ours, b" ")
            assert stopped.wait(20)
        assert termios.tcgetattr(theirs) == before
    finally:
        os.close(ours)
        os.close(theirs)


def test_without_a_terminal_nothing_listens(monkeypatch):
    """In a pipe there is no key, and the run goes on as ever."""
    monkeypatch.setattr(sys, "stdin", types.SimpleNamespace(isatty=lambda: False))
    with stop_key(lambda: pytest.fail("nobody pressed anything")):
        assert threading.active_count() >= 1
