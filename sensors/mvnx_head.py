"""Read the head of an MVNX file: what stands before its frames, by expat, with entities refused (PROTOCOLS.md 2.8)."""

from __future__ import annotations

from dataclasses import dataclass, field
from io import RawIOBase
from typing import Any, Final
from xml.parsers import expat

from ..engine.errors import InputError
from ..engine.skeleton_tables import XSENS_NAMES

_CHUNK: Final = 1 << 16
_LONGEST: Final = 16 << 20  # bytes before the frames: a real head has some 50 KB
_DEEPEST: Final = 32
_SEGMENTS: Final = {name: i for i, name in enumerate(XSENS_NAMES)}
_MOST_SEGMENTS: Final = 256
_RATES_HZ: Final = (1.0, 2000.0)


class MvnxError(InputError):
    """Report an MVNX file that cannot be read."""


@dataclass(slots=True)
class Head:
    """Hold what the head tells.

    version: of the format, "" where it is not said. name: the actor's. labels: of the segments in their order.
    frames_at: byte at which the <frames> element begins. plain: whether bytes below 128 are ASCII in its encoding.
    """

    version: str = ""
    name: str = ""
    rate_hz: float = 0.0
    segment_count: int = 0
    labels: list[str] = field(default_factory=list[str])
    frames_at: int = -1
    plain: bool = True

    @property
    def columns(self) -> tuple[list[int], list[int]]:
        """Return the segments of a body, 0 for the pelvis, and the column of each; props and fingers are left out."""
        named = self.labels or list(XSENS_NAMES[: self.segment_count])
        found = {_SEGMENTS[label]: i for i, label in reversed(list(enumerate(named))) if label in _SEGMENTS}
        return sorted(found), [found[segment] for segment in sorted(found)]


class _EnoughError(Exception):
    """Say that the frames begin."""


def local(name: str) -> str:
    """Return an element's name without a namespace's prefix."""
    return name.rpartition(":")[2]


def parser_of(place: str) -> expat.XMLParserType:
    """Return an expat parser that refuses entities, which no MVNX file needs and every XML bomb is made of."""
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.buffer_size = 1 << 16

    def refuse(*_: Any) -> int:
        raise MvnxError(place, "declares XML entities", line=parser.CurrentLineNumber, mend="export it again from MVN")

    parser.EntityDeclHandler = refuse
    parser.UnparsedEntityDeclHandler = refuse
    parser.ExternalEntityRefHandler = refuse
    return parser


def read_head(file: RawIOBase, place: str) -> Head:
    """Read up to the frames; raise MvnxError for what is no MVNX file or has no frames.

    An encoding in which tags are not plain ASCII (UTF-16) is known by its byte order mark.
    """
    head = Head()
    parser = parser_of(place)
    depth = 0

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal depth
        depth += 1
        if depth > _DEEPEST:
            raise MvnxError(place, f"elements {depth} deep", line=parser.CurrentLineNumber, mend="is it an MVNX file?")
        _note(head, local(name), attributes, depth, place)
        if local(name) == "frames":
            head.frames_at = parser.CurrentByteIndex
            raise _EnoughError

    def end(_: str) -> None:
        nonlocal depth
        depth -= 1

    parser.StartElementHandler, parser.EndElementHandler = start, end
    try:
        _feed(parser, file, head)
    except _EnoughError:
        return _checked(head, place)
    except expat.ExpatError as error:
        raise broken(error, place) from error
    raise MvnxError(
        place, f"no <frames> in its first {_LONGEST >> 20} MB", mend="export it again from MVN, with frames"
    )


def broken(error: expat.ExpatError, place: str) -> MvnxError:
    """Return what expat found wrong as a line for people."""
    problem = expat.ErrorString(error.code) or "no XML"
    return MvnxError(place, f"broken XML: {problem}", line=error.lineno, mend="export it again from MVN")


def _feed(parser: expat.XMLParserType, file: RawIOBase, head: Head) -> None:
    read = 0
    while read < _LONGEST:
        chunk = file.read(_CHUNK) or b""
        if not read:
            head.plain = chunk[:2] not in (b"\xff\xfe", b"\xfe\xff") and b"\0" not in chunk[:4]
        read += len(chunk)
        parser.Parse(chunk, not chunk)
        if not chunk:
            return


def _note(head: Head, name: str, attributes: dict[str, str], depth: int, place: str) -> None:
    """Take what an element of the head tells."""
    if depth == 1:
        if name != "mvnx":
            raise MvnxError(place, f"begins with <{name[:20]}>", mend="is it an MVNX file? Export one from MVN")
        head.version = attributes.get("version", "")[:20]
    elif name == "subject":
        head.name = "".join(c for c in attributes.get("label", "")[:60] if c.isprintable())
        head.rate_hz = _number(attributes.get("frameRate", ""))
        head.segment_count = head.segment_count or int(_number(attributes.get("segmentCount", "")))
    elif name == "segment" and len(head.labels) < _MOST_SEGMENTS:
        head.labels.append(attributes.get("label", "")[:60])
    elif name == "frames":
        head.segment_count = int(_number(attributes.get("segmentCount", ""))) or head.segment_count


def _number(text: str) -> float:
    """Return a number of at most nine digits, 0 for anything else."""
    try:
        value = float(text)
    except ValueError:
        return 0.0
    return value if 0.0 <= value < 1e9 else 0.0


def _checked(head: Head, place: str) -> Head:
    """Return the head, or raise MvnxError where its frames could not be understood."""
    count = len(head.labels) or head.segment_count
    if not 0 < count <= _MOST_SEGMENTS or (head.segment_count and head.segment_count != count):
        problem = f"{len(head.labels)} segments are named, {head.segment_count} announced"
        raise MvnxError(place, problem, mend="export it again from MVN")
    head.segment_count = count
    if not head.labels and count > len(XSENS_NAMES):
        raise MvnxError(place, f"{count} segments without names", mend="export it again from MVN")
    if not _RATES_HZ[0] <= head.rate_hz <= _RATES_HZ[1]:
        raise MvnxError(place, f"a frameRate of {head.rate_hz:g}", mend='frames a second, as in frameRate="240"')
    return head
