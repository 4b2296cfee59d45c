"""Cut the frames out of an MVNX file without a tree: by its bytes where it is written as MVN writes, else by expat.

MVN writes its frames plainly: no comments, no entities, no other frames inside. So most of a file can be leapt over
(mvnx_leaps); where that is not to be trusted, the angle brackets alone tell where everything is, and numpy finds those
sooner than any XML parser tells of elements; and whatever is written otherwise is read by expat, from the first frame
on. All three give the same frames.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from io import RawIOBase
from typing import Any, Final
from xml.parsers import expat

import numpy as np
from numpy.typing import NDArray

from .mvnx_head import MvnxError, broken, local, parser_of
from .mvnx_leaps import Batch, leap

CHUNK: Final = 512 << 10
_LONGEST_FRAME: Final = 8 << 20  # bytes: a real one has 8 KB
_LONGEST_TEXT: Final = 256 << 10  # bytes; 23 orientations have 1 KB
_OPEN, _CLOSE, _SLASH = ord("<"), ord(">"), ord("/")
_SIX, _SEVEN = np.uint64((1 << 48) - 1), np.uint64((1 << 56) - 1)
_FRAME, _FRAME_END, _ORIENTATION, _POSITION = (
    np.uint64(int.from_bytes(word, "little")) for word in (b"frame ", b"/frame>", b"orientat", b"position")
)
_KIND: Final = re.compile(rb"\stype\s*=\s*[\"']([^\"']*)[\"']")
_TIME: Final = re.compile(rb"\stime\s*=\s*[\"']([^\"']*)[\"']")
_AFTER: Final = 16  # bytes of room kept behind the text, so that what follows a bracket can be looked at
_WANTED: Final = ("orientation", "position")


class FrameCutter:
    """Yield the frames of a file in batches, in order. incomplete: frames without orientation or position.

    cut_short: whether the file ends before its frames do.
    """

    def __init__(self, file: RawIOBase, place: str, frames_at: int, *, plain: bool) -> None:
        self._file = file
        self._place = place
        self._frames_at = frames_at
        self._plain = plain
        self.incomplete = 0
        self.cut_short = False

    def batches(self) -> Iterator[Batch]:
        """Yield lists of frames; raise MvnxError where the XML is broken."""
        done = 0
        if self._plain:
            try:
                for batch in self._by_bytes():
                    done += batch.count
                    yield batch
                return
            except _UnusualError:
                self.incomplete = 0
        for batch in self._by_expat():
            yield batch.chosen(range(done, batch.count)) if done else batch
            done = max(done - batch.count, 0)

    def _by_bytes(self) -> Iterator[Batch]:
        """Cut by angle brackets; raise _UnusualError for what is not plain frames one after another."""
        self._file.seek(self._frames_at)
        room = bytearray(2 * CHUNK)
        have, seen, over = 0, 0, False
        while not over:
            if len(room) - have < CHUNK:
                if have > _LONGEST_FRAME:
                    raise _UnusualError
                room += bytes(len(room))
            came = self._file.readinto(memoryview(room)[have:-_AFTER]) or 0
            have += came
            end = room.rfind(b"</frame>", 0, have) + len(b"</frame>")
            if end < len(b"</frame>"):
                end = 0
            batch = leap(room, end) if end else Batch()
            if batch is None:
                batch = self._cut(room, end)
            seen += batch.count
            yield batch
            over = room.find(b"</frames", end, have) >= 0
            room[: have - end] = room[end:have]
            have -= end
            if not came:
                break
        self.cut_short = not over
        if not seen:
            raise _UnusualError  # perhaps its elements have a prefix

    def _cut(self, text: bytearray, end: int) -> Batch:
        """Return the frames of a text, of which only what stands before the end counts."""
        if text.find(b"&", 0, end) >= 0:
            raise _UnusualError
        at, words = _tags(text, end)
        starts = np.flatnonzero((words & _SIX) == _FRAME)
        ends = np.flatnonzero((words & _SEVEN) == _FRAME_END)
        first = words & np.uint64(0xFF)
        odd = ((first == ord("!")) | (first == ord("?"))).any()
        if odd or len(starts) != len(ends) or not (starts < ends).all() or (starts[1:] < ends[:-1]).any():
            raise _UnusualError
        turned = _first_within(words == _ORIENTATION, starts, ends)
        placed = _first_within(words == _POSITION, starts, ends)
        whole = (turned >= 0) & (placed >= 0)
        if (first[turned[whole] + 1] != _SLASH).any() or (first[placed[whole] + 1] != _SLASH).any():
            raise _UnusualError
        self.incomplete += int((~whole).sum())
        places = (starts, starts + 1, turned, turned + 1, placed, placed + 1)
        return _sliced(text, *(at[place[whole]].tolist() for place in places))

    def _by_expat(self) -> Iterator[Batch]:
        """Yield the frames, all of them, by expat."""
        self._file.seek(0)
        parser = parser_of(self._place)
        listener = _Listener(parser, self._place)
        fed = 0
        try:
            while not listener.over:
                chunk = self._file.read(CHUNK) or b""
                parser.Parse(chunk, not chunk)
                fed += len(chunk)
                if fed - parser.CurrentByteIndex > _LONGEST_FRAME:
                    raise MvnxError(self._place, f"a tag of {_LONGEST_FRAME >> 20} MB", mend="export it again from MVN")
                yield listener.taken()
                if not chunk:
                    break
        except expat.ExpatError as error:
            if not listener.seen:
                raise broken(error, self._place) from error
            self.cut_short = True
            yield listener.taken()
        self.incomplete = listener.incomplete


class _UnusualError(Exception):
    """Say that a file is not written as MVN writes."""


class _Listener:
    """Hear expat and keep the wanted texts of each frame; a text is bounded by the frame it stands in."""

    def __init__(self, parser: expat.XMLParserType, place: str) -> None:
        self._parser = parser
        self._place = place
        self._frames: list[tuple[bytes, ...]] = []
        self.seen = 0
        self.incomplete = 0
        self.over = False
        self._now: dict[str, str] | None = None
        self._head: dict[str, str] = {}
        self._inside = ""
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text

    def taken(self) -> Batch:
        """Return the frames since the last call."""
        frames, self._frames = self._frames, []
        return Batch(*zip(*frames, strict=True)) if frames else Batch()

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        word = local(name)
        if word == "frame":
            self._now, self._head = {}, attributes
        elif self._now is not None:
            self._inside = word if word in _WANTED and word not in self._now else ""
            if self._inside:
                self._now[word] = ""

    def _text(self, text: str) -> None:
        if self._inside and self._now is not None:
            self._now[self._inside] += text
            if len(self._now[self._inside]) > _LONGEST_TEXT:
                line = self._parser.CurrentLineNumber
                problem = f"an <{self._inside}> of more than {_LONGEST_TEXT >> 10} KB"
                raise MvnxError(self._place, problem, line=line, mend="export it again from MVN")

    def _end(self, name: str) -> None:
        word = local(name)
        self._inside = ""
        self.over = self.over or word == "frames"
        if word != "frame" or self._now is None:
            return
        self.seen += 1
        texts = [self._now.get(each, "").encode() for each in _WANTED]
        if len(self._now) == len(_WANTED):
            head = self._head
            self._frames.append((head.get("type", "").encode(), head.get("time", "").encode(), *texts))
        else:
            self.incomplete += 1
        self._now = None


def _sliced(
    text: bytearray,
    heads: list[int],
    bodies: list[int],
    qs: list[int],
    q_ends: list[int],
    ps: list[int],
    p_ends: list[int],
) -> Batch:
    """Return frames whose brackets stand at these bytes: of the frame, of its first child, and of the two texts."""
    tags = [bytes(text[a:b]) for a, b in zip(heads, bodies, strict=True)]
    joined = b"".join(tags)
    kinds, times = _KIND.findall(joined), _TIME.findall(joined)
    if not len(kinds) == len(times) == len(tags):  # some frame does not tell, or tells twice
        kinds = [(_KIND.findall(tag) or [b""])[0] for tag in tags]
        times = [(_TIME.findall(tag) or [b""])[0] for tag in tags]
    if any(text[q + 12] != _CLOSE for q in qs) or any(text[p + 9] != _CLOSE for p in ps):
        raise _UnusualError
    turned = [bytes(text[q + 13 : end]) for q, end in zip(qs, q_ends, strict=True)]
    placed = [bytes(text[p + 10 : end]) for p, end in zip(ps, p_ends, strict=True)]
    return Batch(kinds, times, turned, placed)


def _tags(text: bytearray, end: int) -> tuple[NDArray[np.intp], NDArray[np.uint64]]:
    """Return where the brackets are (N,), and the eight bytes after each as one number, the first the lowest (N,)."""
    raw = np.frombuffer(text, dtype=np.uint8)
    at = np.flatnonzero(raw[:end] == _OPEN)
    windows = np.lib.stride_tricks.sliding_window_view(raw, 8)
    return at, windows[at + 1].view("<u8")[:, 0]


def _first_within(is_it: NDArray[Any], starts: NDArray[np.intp], ends: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return the first place in each stretch starts..ends where is_it holds, -1 where it never does."""
    places = np.append(np.flatnonzero(is_it), len(is_it))
    first = places[np.searchsorted(places, starts)]
    return np.where(first < ends, first, -1)
