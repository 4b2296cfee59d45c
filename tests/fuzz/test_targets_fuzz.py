"""Everything that takes bytes from outside: accepted, or refused as documented, whatever the bytes."""

from __future__ import annotations

import time

import pytest
from fuzz.targets import TARGETS
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

EXAMPLES = 40
SLOWEST_S = 2.0  # of this thread's own time, for a few kilobytes, on any machine
QUIETLY = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)


def edits(name):
    """Return a strategy of good examples with pieces put in and bytes cut out, and of bytes of no meaning."""
    target = TARGETS[name]
    piece = st.one_of(st.sampled_from((*target.pieces, b"\0")), st.binary(max_size=6))

    def edited(seed: bytes):
        change = st.tuples(st.integers(0, len(seed)), st.integers(0, 12), piece)
        return st.lists(change, max_size=4).map(lambda changes: _with(seed, changes))

    return st.one_of(st.sampled_from(list(target.seeds())).flatmap(edited), st.binary(max_size=200))


def _with(data: bytes, changes) -> bytes:
    for at, length, piece in changes:
        data = data[:at] + piece + data[at + length :]
    return data


@pytest.mark.parametrize("name", TARGETS)
def test_good_examples_are_accepted(name):
    """The fuzzer begins with what is really sent; refusing that would prove nothing."""
    accepted = [TARGETS[name].attempt(seed) for seed in TARGETS[name].seeds()]
    assert any(accepted)


@pytest.mark.parametrize("name", TARGETS)
def test_whatever_comes_is_accepted_or_refused_as_documented(name):
    """No other exception, no second line in the reason, nothing that is not finite, and soon."""

    @QUIETLY
    @given(edits(name))
    def run(data: bytes) -> None:
        start = time.thread_time()
        TARGETS[name].attempt(data)
        assert time.thread_time() - start < SLOWEST_S

    run()
