"""The number parser: the fast way and the tolerant way agree to the last bit, and refuse the same words."""

from __future__ import annotations

import struct
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emotus.engine.errors import BvhError
from emotus.sensors import bvh_blocks, bvh_numbers
from emotus.sensors.bvh_numbers import parse_checked, parse_lines, parse_numbers

BLANKS = st.sampled_from([" ", "  ", "\n", "\t", "\r\n", " \n", "\n\n", " \t ", "\x0b", "\x01"])
FIXED = st.decimals(min_value=-1000, max_value=1000, places=6).map(str)
SHORTEST = st.floats(min_value=-1e9, max_value=1e9).map(repr)
LONG = st.from_regex(r"-?(0|[1-9][0-9]{0,6})\.[0-9]{1,40}", fullmatch=True)
TINY = st.from_regex(r"-?[0-9]\.[0-9]{0,20}[eE]-[0-9]{1,3}", fullmatch=True)
ODD = st.sampled_from(
    ["-0", "0", "-0.0", "+1", ".5", "-.5", "5.", "007", "1e5", "1E+5", "1e-320", "4.9e-324", "999999999"]
)
WORDS = st.one_of(FIXED, SHORTEST, LONG, TINY, ODD)


@st.composite
def texts(draw: st.DrawFn) -> bytes:
    """Join numbers in any notation by any blanks."""
    words = draw(st.lists(WORDS, min_size=1, max_size=60))
    return "".join(word + draw(BLANKS) for word in words).encode()


def bits(values: np.ndarray) -> list[int]:
    return np.ascontiguousarray(values).view(np.uint64).tolist()


@given(texts())
def test_both_ways_give_the_bits_that_python_gives(data):
    """Every number is correctly rounded, its sign of zero kept, by the fast and by the tolerant way."""
    expected = [float(word) for word in data.replace(b"\x01", b" ").split()]
    assert bits(parse_lines(data, "x")) == bits(np.array(expected))
    assert bits(parse_checked(data, "x")) == bits(np.array(expected))


@given(
    st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=50), st.sampled_from(["%.4f", "%.6f", "%g", "%.17g", "%.9e"])
)
def test_both_ways_agree_on_what_programs_write(numbers, notation):
    """Fixed, general and scientific notation of any float: same bits either way."""
    data = " ".join(notation % x for x in numbers).encode()
    assert bits(parse_lines(data, "x")) == bits(parse_checked(data, "x"))


@given(st.binary(max_size=60))
def test_both_ways_refuse_the_same_bytes(data):
    """Any bytes at all: both ways give the same numbers, or both refuse."""
    results = []
    for way in (parse_lines, parse_checked):
        try:
            results.append(bits(np.nan_to_num(way(data, "x"), nan=-5.0)))
        except BvhError as error:
            results.append(str(error))
    assert results[0] == results[1]


@given(
    st.lists(
        st.sampled_from([b"1", b"-2.5", b" ", b"\n", b",", b"[", b"]", b"true", b'"', b"+", b"e", b"-", b"{", b"/"]),
        max_size=12,
    )
)
def test_nothing_of_json_but_numbers_passes(pieces):
    """Lists, words and commas, which JSON knows, are no numbers of a BVH file."""
    data = b"".join(pieces)
    try:
        values = parse_lines(data, "x")
    except BvhError:
        return
    assert not set(b'[],{}"/t') & set(data)
    assert bits(values) == bits(parse_checked(data, "x"))


@pytest.mark.parametrize("size", [1, 7, 64, 1000])
@pytest.mark.parametrize("blank", [b" ", b"\n", b" \r\n", b"\t"])
def test_blocks_of_any_size_give_the_same_numbers(size, blank, monkeypatch):
    """Where the text is cut does not matter, even in blocks shorter than a number."""
    numbers = np.random.default_rng(0).normal(size=500) * 100
    data = blank.join(b"%.6f" % x for x in numbers)
    monkeypatch.setattr(bvh_blocks, "BLOCK_BYTES", size)
    assert bits(parse_numbers(data, 0, 1, "x").values) == bits(np.round(numbers, 6))


def test_without_simdjson_the_result_is_the_same(monkeypatch):
    """Where the package is missing numpy reads the same bits."""
    numbers = np.random.default_rng(1).normal(size=(300, 12)) * 50
    data = b"\n".join(b" ".join(b"%.6f" % x for x in row) for row in numbers)
    fast = parse_numbers(data, 0, 12, "x")
    monkeypatch.setattr(bvh_numbers, "simdjson", None)
    slow = parse_numbers(data, 0, 12, "x")
    assert bits(fast.values) == bits(slow.values)
    assert fast.regular
    assert slow.regular


def test_simdjson_reads_what_programs_write(monkeypatch):
    """Plain numbers, CRLF, tabs, blanks at line ends and exponents never need the slower way."""

    def slower(*_: object) -> None:
        raise AssertionError("the tolerant way was taken")

    monkeypatch.setattr(bvh_numbers, "parse_checked", slower)
    for data in (b"1.5 -2.25\n3 4\n", b"1 2\r\n3 4\r\n", b"1\t2 \n3\t4 \n", b"1e-05 2\n3 4E+2\n", b" 1  2\n"):
        assert parse_lines(data, "x").size in (2, 4)


def test_a_number_out_of_range_is_named_with_its_line():
    """1e400 and 1e10 are refused, never turned to infinity; the line is right far into the text."""
    for word in (b"1e400", b"-1e10", b"1" + b"0" * 400):
        data = b"1.5 2.5\n" * 30_000 + b"1 " + word + b"\n" + b"3 4\n" * 10
        with pytest.raises(BvhError, match="is out of range") as caught:
            parse_numbers(data, 0, 2, "x")
        assert caught.value.line == 30_001


def test_rows_that_do_not_keep_to_their_lines_are_seen():
    """Regular means one row a line; one number more or less anywhere is noticed."""
    lines = [b"1.5 2.5 3.5"] * 20_000
    assert parse_numbers(b"\n".join(lines), 0, 3, "x").regular
    for at in (0, 7, 19_999):
        for line in (b"1.5 2.5", b"1.5 2.5 3.5 4.5", b""):
            changed = [*lines[:at], line, *lines[at + 1 :]]
            assert not parse_numbers(b"\n".join(changed), 0, 3, "x").regular or line == b""


def test_words_for_no_number_are_nan():
    """What programs write for no number is NaN; what only looks so is refused."""
    assert np.isnan(parse_checked(b"nan -NaN inf -Infinity 1.#IND -1.#QNAN nan(snan)", "x")).all()
    for word in (b"nano", b"infinite", b"1.#", b"#IND", b"none"):
        with pytest.raises(BvhError, match="is no number"):
            parse_checked(b"1 " + word, "x")


def test_glued_numbers_are_parted():
    """A minus behind a digit or a dot begins another number; behind an e it is the exponent's."""
    assert parse_checked(b"0.0-7.5 1.-2 1e-5 3-4-5", "x").tolist() == [0.0, -7.5, 1.0, -2.0, 1e-5, 3.0, -4.0, -5.0]


@pytest.mark.parametrize("piece", [b"-", b"1", b"1.", b"nan", b" ", b"e", b"1#", b"1 ", b"-\n", b"1-", b"\0"])
def test_long_texts_take_time_in_proportion(piece):
    """A megabyte of one kind of thing, whatever it is, is read or refused within a second, in a short line."""
    start_s = time.thread_time()
    message = ""
    try:
        parse_numbers(piece * (10**6 // len(piece)), 0, 3, "x")
    except BvhError as error:
        message = str(error)
    assert len(message) < 200
    assert time.thread_time() - start_s < 1.0


def test_the_values_are_doubles_of_their_own():
    """Numbers of one call survive the next call, which reuses the workspace."""
    first = parse_lines(b"1.5 2.5", "x")
    parse_lines(b"7.5 8.5", "x")
    assert struct.pack("2d", *first) == struct.pack("2d", 1.5, 2.5)
