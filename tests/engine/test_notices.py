"""Status events that never flood."""

from __future__ import annotations

from emotus.engine.notices import Notices


def test_one_a_second_of_each_code():
    """The same code is said once a second, with the number of times it was held back."""
    notices = Notices("anna")
    said = [event for t in range(0, 2_000_000_000, 100_000_000) for event in notices.say("info", "a", "text", t)]
    assert [event.t_ns for event in said] == [0, 1_000_000_000]
    assert said[1].message == "text (9 more since the last notice)"


def test_codes_do_not_hide_each_other():
    """A new code is said at once though another was just said."""
    notices = Notices("anna")
    assert notices.say("info", "a", "", 0)
    assert notices.say("info", "b", "", 1)
    assert not notices.say("info", "a", "", 2)


def test_seq_counts_what_left():
    """seq rises by one with each status that leaves, and starts again after a reset."""
    notices = Notices("anna")
    seqs = [notices.say("info", str(k), "", 0)[0].seq for k in range(3)]
    notices.reset()
    assert [*seqs, notices.say("info", "0", "", 0)[0].seq] == [0, 1, 2, 0]
