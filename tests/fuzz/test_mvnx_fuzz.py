"""Whatever an MVNX file holds: frames that are whole and finite, or one line that says what is wrong."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.mvnx_texts import mvnx_text, performed

from emotus.engine.errors import EmotusError
from emotus.sensors.mvnx import read_mvnx
from emotus.sensors.mvnx_source import load_recording

GOOD = mvnx_text(performed(6)).encode()
PLACES = [GOOD.index(mark) for mark in (b"<mvnx", b"<subject", b"<segments", b"<frames", b"<frame ", b'"normal"')]
HONEST = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)

pieces = st.one_of(
    st.binary(min_size=1, max_size=8),
    st.sampled_from(
        [b"<", b">", b"&", b"<!--", b"-->", b"<![CDATA[", b"]]>", b"&amp;", b"<frame ", b"</frame>", b"</frames>",
         b"<orientation>", b"</position>", b"nan", b"1e999", b"9" * 400, b"\0", b"\xff\xfe", b'"', b"<?x?>",
         b"<!DOCTYPE a [", b'<!ENTITY b "c">']
    ),
)  # fmt: skip
places = st.one_of(st.sampled_from(PLACES).flatmap(lambda at: st.integers(at, at + 300)), st.integers(0, len(GOOD)))
edits = st.lists(st.tuples(places, st.integers(0, 40), pieces), min_size=1, max_size=4)


def attempt(data: bytes) -> None:
    """Read a file in both ways; only EmotusError may come out, in one line."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.mvnx"
        path.write_bytes(data)
        for read in (read_mvnx, load_recording):
            try:
                found = read(path)
            except EmotusError as error:
                assert "\n" not in str(error)  # noqa: PT017 - either end is right
                continue
            assert len(found.positions) == len(found.rotations) > 0
            assert np.isfinite(found.positions).all()
            assert np.isfinite(found.rotations).all()


@HONEST
@given(edits, st.integers(0, len(GOOD)))
def test_mutated_files(changes, cut):
    """Bytes cut out and others put in anywhere, most of all where the structure is, and the end cut off."""
    data = GOOD
    for at, length, piece in changes:
        data = data[:at] + piece + data[at + length :]
    attempt(data if cut % 3 else data[:cut])


@HONEST
@given(st.binary(max_size=400))
def test_any_bytes(data):
    """Bytes of any kind, alone and behind a good head."""
    attempt(data)
    attempt(GOOD[: PLACES[-2]] + data)
