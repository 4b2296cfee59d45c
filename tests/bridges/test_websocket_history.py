"""What a client missed is counted from the last seq it heard, and statuses are kept to be told again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.sayings import emotion, pose, status

from emotus.bridges.websocket_history import MAX_RUNS, MAX_SESSIONS, MAX_STATUSES, History


def everything(stream: str, kind: str) -> bool:
    """Want all."""
    return True


def offer(history: History, *events) -> None:
    """Offer events one after another."""
    for event in events:
        history.note(event)


def test_what_came_after_the_last_seq_is_counted_by_stream_and_type():
    """Two streams, two types, each from its own last seq."""
    history = History()
    session = history.open()
    offer(history, *(pose(seq) for seq in range(100)), *(emotion(seq, stream="p2") for seq in range(50)))
    history.leave(session)
    offer(history, *(pose(seq) for seq in range(100, 130)))
    missed = history.missed(session, {"p1": {"pose": 95}, "p2": {"emotion": 49}}, everything)
    assert (missed.known, missed.exact) == (True, True)
    assert missed.counts == {"p1": {"pose": 34}}


@given(st.lists(st.integers(0, 3), max_size=200), st.data())
def test_however_seqs_jump_the_count_is_that_of_the_events(steps, data):
    """Any rising seqs within so many runs: the count after each of them is the number of events after it."""
    seqs, seq = [], 0
    for step in steps:
        seq += 1 + (step if len(seqs) % 7 == 0 else 0)
        seqs.append(seq)
    history = History()
    session = history.open()
    if not seqs:
        return
    offer(history, *(pose(each) for each in seqs))
    history.leave(session)
    at = data.draw(st.integers(0, len(seqs) - 1))
    missed = history.missed(session, {"p1": {"pose": seqs[at]}}, everything)
    after = len(seqs) - 1 - at
    assert missed.exact
    assert missed.counts == ({"p1": {"pose": after}} if after else {})


@given(
    st.text(max_size=30),
    st.dictionaries(
        st.sampled_from(["p1", "p2", "?"]),
        st.dictionaries(st.sampled_from(["pose", "status"]), st.integers()),
        max_size=3,
    ),
    st.booleans(),
)
def test_whatever_a_client_claims_to_have_heard_the_answer_is_sane(session, seen, is_known):
    """No count is negative or larger than what there was; nothing is told twice."""
    history = History()
    own = history.open()
    offer(history, *(pose(seq) for seq in range(10)), *(status(seq, stream="p2") for seq in range(5)))
    missed = history.missed(own if is_known else session, seen, everything)
    told = {(event.stream, event.type): 0 for event in missed.again}
    assert all(0 < count <= 10 for kinds in missed.counts.values() for count in kinds.values())
    assert len(missed.again) == len({event.seq for event in missed.again}) <= 5
    assert set(told) <= {("p2", "status")}


def test_a_long_gap_is_counted_in_one_run():
    """Unbroken seqs take the room of one number, however long a client was away."""
    history = History()
    session = history.open()
    offer(history, pose(0))
    history.leave(session)
    told = pose(1)
    for seq in range(1, 200_000):
        object.__setattr__(told, "seq", seq)
        history.note(told)
    assert history.missed(session, {"p1": {"pose": 0}}, everything).counts == {"p1": {"pose": 199_999}}
    assert len(history._told["p1", "pose"].runs) == 1


def test_a_stream_that_begins_anew_is_not_mistaken_for_the_old_one():
    """The sensor was plugged in again and counts from 0: seq 5 of before the gap is not seq 5 of after it."""
    history = History()
    session = history.open()
    offer(history, *(pose(seq) for seq in range(10)))
    history.leave(session)
    offer(history, *(pose(seq) for seq in range(20)))
    assert history.missed(session, {"p1": {"pose": 5}}, everything).counts == {"p1": {"pose": 4 + 20}}


def test_a_kind_that_began_meanwhile_was_missed_in_full():
    """A second performer came while the client was away."""
    history = History()
    session = history.open()
    offer(history, pose(0))
    history.leave(session)
    offer(history, *(pose(seq, stream="p2") for seq in range(7)))
    assert history.missed(session, {"p1": {"pose": 0}}, everything).counts == {"p2": {"pose": 7}}


def test_only_what_is_wanted_now_counts():
    """Types and streams that are not subscribed to are not missed."""
    history = History()
    session = history.open()
    history.leave(session)
    offer(history, pose(0), emotion(0), status(0))
    missed = history.missed(session, {}, lambda _, kind: kind == "emotion")
    assert missed.counts == {"p1": {"emotion": 1}}
    assert missed.again == ()


def test_statuses_are_told_again_and_those_that_are_gone_are_counted():
    """In order, so many as are kept; the older ones are missed."""
    history = History()
    session = history.open()
    offer(history, *(status(seq) for seq in range(5)))
    history.leave(session)
    offer(history, *(status(seq) for seq in range(5, 10)))
    missed = history.missed(session, {"engine": {"status": 3}}, everything)
    assert [event.seq for event in missed.again] == [4, 5, 6, 7, 8, 9]
    assert missed.counts == {}
    offer(history, *(status(seq) for seq in range(10, 100)))
    missed = history.missed(session, {"engine": {"status": 3}}, everything)
    assert [event.seq for event in missed.again] == list(range(100 - MAX_STATUSES, 100))
    assert missed.counts == {"engine": {"status": 96 - MAX_STATUSES}}


def test_who_had_heard_no_status_yet_is_told_those_since_it_left():
    """What was said before it ever came is not told."""
    history = History()
    offer(history, status(0))
    session = history.open()
    history.leave(session)
    offer(history, status(1))
    assert [event.seq for event in history.missed(session, {}, everything).again] == [1]


def test_a_session_of_another_run_is_not_known():
    """emotus was started again: what was before is not counted."""
    old, new = History(), History()
    session = old.open()
    offer(new, pose(0))
    for name in (session, "nonsense", "", "a.b", f"{session.partition('.')[0]}.99", new.open() + "9"):
        missed = new.missed(name, {"p1": {"pose": 0}}, everything)
        assert (missed.known, missed.exact, missed.counts) == (False, False, {})


def test_a_session_whose_end_was_not_noticed_yet_is_known():
    """The client is back before the server knows that it was away."""
    history = History()
    session = history.open()
    offer(history, pose(0), pose(1))
    assert history.missed(session, {"p1": {"pose": 0}}, everything).counts == {"p1": {"pose": 1}}


def test_a_seq_that_nobody_remembers_makes_the_answer_inexact():
    """It says so, and counts the rest."""
    history = History()
    session = history.open()
    offer(history, pose(0), pose(1))
    history.leave(session)
    missed = history.missed(session, {"p1": {"pose": 0}, "ghost": {"pose": 4}}, everything)
    assert not missed.exact
    assert missed.counts == {"p1": {"pose": 1}}


def test_nothing_of_a_stream_is_remembered_once_it_is_forgotten():
    """Neither counts nor statuses: consent has ended."""
    history = History()
    session = history.open()
    history.leave(session)
    offer(history, pose(0), status(0, stream="p1"), pose(0, stream="p2"))
    history.forget("p1")
    missed = history.missed(session, {}, everything)
    assert missed.counts == {"p2": {"pose": 1}}
    assert missed.again == ()
    history.forget(None)
    assert history.missed(session, {}, everything).counts == {}


@pytest.mark.parametrize("kinds", [10_000])
def test_nothing_grows_without_bound(kinds):
    """Names, runs, statuses and sessions."""
    history = History()
    for i in range(kinds):
        history.leave(history.open())
        offer(history, pose(0, stream=f"s{i}"), pose(2 * i), status(i))
    assert len(history._told) <= 512
    assert len(history._left) == MAX_SESSIONS
    assert len(history._statuses) == MAX_STATUSES
    assert max(len(told.runs) for told in history._told.values()) <= MAX_RUNS
