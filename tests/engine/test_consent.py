"""Consent: closed until granted, separate by purpose, ended by time or revocation."""

from __future__ import annotations

import pytest

from emotus.engine.clock import NS_PER_S, ManualClock
from emotus.engine.consent import MAX_STREAMS, Consent, read_grant
from emotus.engine.control import ALL_PURPOSES, ConsentGrant
from emotus.engine.errors import InputError


def test_a_guarded_stream_is_closed_until_consent_is_granted():
    """Nothing is allowed before; only what was granted is allowed after; what is not guarded always is."""
    consent = Consent(ManualClock())
    assert consent.guard("anna") is False
    assert not any(consent.allows("anna", each) for each in ALL_PURPOSES)
    assert all(consent.allows("a-recording", each) for each in ALL_PURPOSES)
    consent.grant(ConsentGrant("s1", "anna", ("recognise",)))
    assert consent.guard("anna") is True
    assert consent.allows("anna", "recognise")
    assert not consent.allows("anna", "stream")


def test_consent_ends_with_its_time():
    """After the seconds granted the stream is closed by itself."""
    clock = ManualClock()
    consent = Consent(clock)
    consent.guard("anna")
    consent.grant(ConsentGrant("s1", None, ALL_PURPOSES, 10.0))
    clock.advance_ns(10 * NS_PER_S - 1)
    assert consent.admits("anna")
    clock.advance_ns(1)
    assert not consent.admits("anna")


def test_who_revokes_closes_her_own_stream_only():
    """Consent given for all holds on for the others who are there, and no longer for whoever comes later."""
    consent = Consent(ManualClock())
    for each in ("anna", "ben"):
        consent.guard(each)
    consent.grant(ConsentGrant("s1"))
    assert consent.revoke("anna") == ("anna",)
    assert not consent.admits("anna")
    assert consent.admits("ben")
    consent.guard("a-bystander")
    assert not consent.admits("a-bystander")
    assert consent.revoke(None) == ("a-bystander", "anna", "ben")
    assert not consent.admits("ben")


def test_the_names_remembered_are_bounded():
    """However many streams a sensor names, so many are known, and those beyond are never let in."""
    consent = Consent(ManualClock())
    consent.grant(ConsentGrant("s1"))
    admitted = [consent.guard(f"s{i}") for i in range(MAX_STREAMS + 10)]
    assert admitted == [True] * MAX_STREAMS + [False] * 10


def test_the_command_line_grants_in_few_words():
    """NAME alone opens everything; stream, purposes and minutes can be said."""
    assert read_grant("anna") == ConsentGrant("anna")
    assert read_grant("webcam-0=anna:stream,recognise:30") == ConsentGrant(
        "anna", "webcam-0", ("recognise", "stream"), 1800.0
    )


@pytest.mark.parametrize("text", ["", "a b", "anna:sell", "anna:stream:soon", "anna::0", "=anna", "a/b=anna"])
def test_words_that_grant_nothing_say_how_it_is_written(text):
    """A mistake in --consent is one line with an example."""
    with pytest.raises(InputError, match=r"such as anna, anna:recognise,stream"):
        read_grant(text)
