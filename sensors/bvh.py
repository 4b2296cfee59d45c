"""Read BVH motion files: bytes -> one frozen `Bvh`, in every dialect of PROTOCOLS 6, or one BvhError.

No file makes it allocate more than a small multiple of its own size, recurse or run away: what the text promises
(`Frames: 100000000`) is compared with what it holds, never believed.
"""

from __future__ import annotations

import re
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ..engine.errors import BvhError
from ..engine.skeleton import Float64
from .bvh_file import Bvh, BvhWarning, EndSite
from .bvh_header import Hierarchy, parse_hierarchy
from .bvh_numbers import parse_numbers, stream_numbers
from .bvh_place import line_at, shown
from .bvh_pose import forward
from .bvh_rate import DEFAULT_S, read_frame_time
from .bvh_rows import hold_last, rest_row, whole_rows

__all__ = ["Bvh", "BvhWarning", "EndSite", "forward", "parse_bvh", "read_bvh"]

MAX_BYTES: Final = 4 << 30
MAX_HEADER: Final = 4 << 20  # bytes before MOTION: 1,000 joints of the wordiest exporter are a tenth of it

HEAD_BYTES: Final = 64 << 10  # a file whose numbers begin within it is streamed

_MARKS: Final = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")  # byte order marks: UTF-8, UTF-16
_MOTION: Final = re.compile(rb"(?i)(?:\A|[\r\n}])[ \t\f\v]*motion(?=[\s:]|\Z):?")
_FRAMES: Final = re.compile(rb"(?i)\s*frames[ \t]*:?[ \t]*([^\s]*)")
_FRAME_TIME: Final = re.compile(rb"(?i)\s*frame[ \t]*time[ \t]*:?[ \t]*([^\s]*)")
_BLANKS: Final = re.compile(rb"\s*")
_KANA: Final = re.compile("[\u3040-\u30ff]")


@dataclass(frozen=True, slots=True)
class Header:
    """Hold all that stands before the numbers.

    frames: as stated, None where they are not. start: the byte where the numbers begin.
    """

    hierarchy: Hierarchy
    frames: int | None
    frame_time_s: float
    start: int
    warnings: tuple[BvhWarning, ...]


def read_bvh(path: str | Path) -> Bvh:
    """Read one file; raises BvhError for whatever is wrong with it, a missing file and a directory included."""
    place = str(path)
    try:
        about = Path(path).stat()
        if stat.S_ISDIR(about.st_mode):
            raise BvhError(place, "is a directory", mend="name a .bvh file in it")
        if not stat.S_ISREG(about.st_mode):
            raise BvhError(place, "is not a regular file", mend="for a stream use bvh:-")
        if about.st_size > MAX_BYTES:
            raise BvhError(place, f"{about.st_size} bytes, more than {MAX_BYTES}", mend="cut it into shorter takes")
        return _stream(Path(path), about.st_size, place) or parse_bvh(Path(path).read_bytes(), place)
    except MemoryError:
        raise _too_large(place) from None
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise BvhError(place, reason.lower(), mend="check the path and its permissions") from None


def _stream(path: Path, size: int, place: str) -> Bvh | None:
    """Read a file as most are, without ever holding its text; None where anything in it is odd."""
    with path.open("rb", buffering=0) as file:
        head = file.read(HEAD_BYTES)
        try:
            header = parse_header(head, place)
        except BvhError:
            return None
        if header.start == len(head) or head.startswith(_MARKS) or b"\0" in head:
            return None
        file.seek(header.start)
        numbers = stream_numbers(file, size - header.start, header.hierarchy.width)
        if numbers is None or not numbers.regular or not numbers.values.size or file.read(1):
            return None
    motion = numbers.values.reshape(-1, header.hierarchy.width)  # (T, C)
    return _assemble(motion, header, [*header.warnings, *_miscount(len(motion), header, head, place)], place)


def parse_bvh(data: bytes, place: str) -> Bvh:
    """Return what a BVH text says.

    Odd but readable things are mended and told of in `warnings`; whatever cannot be read raises BvhError, which names
    the place, the line and the mend, and nothing else is ever raised.
    """
    try:
        return _parse(_as_text(data, place), place)
    except MemoryError:
        raise _too_large(place) from None


def _too_large(place: str) -> BvhError:
    return BvhError(place, "needs more memory than there is", mend="cut it into shorter takes")


def _as_text(data: bytes, place: str) -> bytes:
    """Return the text without a byte order mark, its lines parted by LF and its decimals by '.'."""
    if not data or data.isspace():
        raise BvhError(place, "is empty", mend="export it again")
    if data.startswith(_MARKS[1:]):
        data = data.decode("utf-16", "replace").encode("utf-8", "replace")
    if b"\0" in data:
        line = line_at(data, data.index(b"\0"))
        raise BvhError(place, "a NUL byte: this is no text", line=line, mend="a BVH file is plain text")
    data = data.removeprefix(_MARKS[0])
    return data if b"\n" in data else data.replace(b"\r", b"\n")


def _parse(data: bytes, place: str) -> Bvh:
    header = parse_header(data, place)
    if data.find(b",", header.start) >= 0 and data.find(b".", header.start) < 0:
        data = data.replace(b",", b".")  # decimal commas; as long as before, so that lines keep their places
    width = header.hierarchy.width
    numbers = parse_numbers(data, header.start, width, place)
    rows, over = divmod(numbers.values.size, width)
    if not numbers.regular:
        rows, over = whole_rows(data, header.start, width, place)
    if rows == 0:
        raise BvhError(place, "has no frames", line=line_at(data, len(data)), mend="export the motion with it")
    odd = [*header.warnings, *_cut_off(over, width, data, place), *_miscount(rows, header, data, place)]
    motion = numbers.values[: rows * width].reshape(rows, width)  # (T, C)
    if numbers.gaps and (gaps := hold_last(motion, rest_row(header.hierarchy))).size:
        odd.append(_gap_warning(gaps, header, data, place))
    return _assemble(motion, header, odd, place)


def _assemble(motion: Float64, header: Header, warnings: list[BvhWarning], place: str) -> Bvh:
    found = header.hierarchy
    return Bvh(place, found.skeleton, found.channels, found.end_sites, motion, header.frame_time_s, tuple(warnings))


def parse_header(data: bytes, place: str) -> Header:
    """Return the hierarchy and the three lines behind it; raises BvhError when they cannot be read."""
    match = _find_motion(data)
    if match is None:
        raise BvhError(place, _no_motion(data), mend="a BVH text has a HIERARCHY and a MOTION part")
    end = match.start() + (match[0][:1] == b"}")
    hierarchy = parse_hierarchy(decode_names(data[:end]), place)
    at, frames, time = match.end(), None, None
    for _ in range(2):  # in either order
        if found := _FRAME_TIME.match(data, at):
            time = found
        elif found := _FRAMES.match(data, at):
            frames = found
        at = found.end() if found else at
    start = at + len(_BLANKS.match(data, at)[0])  # pyright: ignore[reportOptionalSubscript]
    stated, seconds, odd = _read_counts(data, frames, time, line_at(data, match.end()), place)
    return Header(hierarchy, stated, seconds, start, (*hierarchy.warnings, *odd))


def _find_motion(data: bytes) -> re.Match[bytes] | None:
    near = max(0, data.find(b"MOTION", 0, MAX_HEADER) - 64)  # the search without case is slow
    return _MOTION.search(data, near, MAX_HEADER) or _MOTION.search(data, 0, MAX_HEADER)


def has_motion(data: bytes | bytearray, start: int, end: int) -> bool:
    """Tell whether the word MOTION, which ends the hierarchy, stands in data[start:end]."""
    return _MOTION.search(data, start, end) is not None


def _no_motion(data: bytes) -> str:
    if not re.search(rb"(?i)hierarchy|root", data[:MAX_HEADER]):
        return "is no BVH text"
    return "has no MOTION" if len(data) <= MAX_HEADER else f"has no MOTION in its first {MAX_HEADER >> 20} MiB"


def decode_names(data: bytes) -> str:
    """Decode as UTF-8, as Shift-JIS where that gives kana (Japanese exporters), or as Latin-1, which always works.

    Decoding comes before anything else, because the second byte of a Shift-JIS letter may be that of a brace.
    """
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        japanese = data.decode("cp932", "replace")
        return japanese if _KANA.search(japanese) else data.decode("latin-1")


def _read_counts(
    data: bytes, frames: re.Match[bytes] | None, time: re.Match[bytes] | None, line: int, place: str
) -> tuple[int | None, float, list[BvhWarning]]:
    """Return the stated frames, the frame time and what was odd about either."""
    odd: list[BvhWarning] = []
    count = frames[1].decode("ascii", "replace") if frames else ""
    stated = int(count) if re.fullmatch(r"\d{1,18}", count) else None
    if stated is None:
        where = line_at(data, frames.start(1)) if frames else line
        odd.append(
            BvhWarning(place, where, f"Frames: {shown(count)}", "the rows are counted instead; write their number")
        )
    text = time[1].decode("ascii", "replace") if time else ""
    seconds = read_frame_time(text)
    if seconds is None:
        where = line_at(data, time.start(1)) if time else line
        odd.append(BvhWarning(place, where, f"Frame Time: {shown(text)}", "1/30 s is taken; write the seconds a frame"))
    return stated, seconds or DEFAULT_S, odd


def _miscount(rows: int, header: Header, data: bytes, place: str) -> list[BvhWarning]:
    """Say that another number of frames is stated than is there."""
    if header.frames is None or header.frames == rows:
        return []
    line = line_at(data, header.start) - 1
    text = f"{header.frames} frames are stated and {rows} are there"
    return [BvhWarning(place, line, text, "those that are there are read; correct Frames:")]


def _cut_off(over: int, width: int, data: bytes, place: str) -> list[BvhWarning]:
    """Say that the last row is not whole."""
    if not over:
        return []
    text = f"the last row has {over} of {width} numbers"
    return [BvhWarning(place, line_at(data, len(data.rstrip())), text, "it is left out; was the recording cut off?")]


def _gap_warning(gaps: NDArray[np.intp], header: Header, data: bytes, place: str) -> BvhWarning:
    """Say how many values of which rows are no numbers, and where the first one stands."""
    first = int(gaps.min())
    text = f"{gaps.size} values that are no numbers, the first in frame {first + 1}"
    return BvhWarning(place, line_at(data, header.start) + first, text, "the value before each is held")
