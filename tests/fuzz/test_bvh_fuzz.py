"""Whatever happens to a BVH text, it is accepted or refused as documented: never anything else, never slowly."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from fuzz.bvh_fuzz import Counts, fuzz, take
from fuzz.bvh_mutator import texts
from hypothesis import given
from hypothesis import strategies as st
from support.bvh_texts import text


def test_thousands_of_mutated_texts_are_accepted_or_refused():
    """0 undocumented exceptions, 0 slower than 1 s/MB, 0 with anything not finite; both outcomes are common."""
    counts = fuzz(4000, seed=0)
    assert counts.found == []
    assert counts.clean
    assert counts.accepted > 500
    assert counts.refused > 500


@given(st.binary(max_size=400))
def test_any_bytes_are_accepted_or_refused(data):
    """Bytes of no meaning at all are refused in one line."""
    counts = Counts()
    take(data, counts)
    assert counts.found == []


@given(
    st.lists(st.tuples(st.integers(0, 500), st.sampled_from(["", "\0", "-", ".", "{", "}", "\r", "1e400", "nan", ","])))
)
def test_a_good_text_with_any_edits_is_accepted_or_refused(edits):
    """Characters put into or taken from a good text, anywhere."""
    words = text()
    for at, piece in edits:
        place = at % len(words)
        words = words[:place] + piece + words[place + (not piece) :]
    counts = Counts(texts=19)  # so that it is followed and written as well
    take(words.encode(), counts)
    assert counts.found == []


def test_the_same_seed_gives_the_same_texts():
    """A figure can be reproduced from its seed."""
    assert list(texts(300, 7)) == list(texts(300, 7))
    assert list(texts(300, 7)) != list(texts(300, 8))


@pytest.mark.parametrize("broken", ["undocumented", "not_finite", "too_slow", "not_the_same"])
def test_a_broken_rule_is_not_clean(broken):
    """Each kind of finding alone makes the run fail."""
    counts = Counts()
    assert counts.clean
    setattr(counts, broken, 1)
    assert not counts.clean


def test_the_runner_prints_its_counts():
    """python tests/fuzz/bvh_fuzz.py prints JSON and exits 0."""
    script = Path(__file__).with_name("bvh_fuzz.py")
    result = subprocess.run([sys.executable, str(script), "--count", "60"], capture_output=True, text=True, timeout=60)
    assert result.returncode == 0, result.stdout
    assert '"texts": 60' in result.stdout
