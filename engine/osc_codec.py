"""OSC 1.0 packets, both ways, pure: bytes -> messages or OscError, messages -> bytes. No socket, no clock, no waiting.

Written after the OSC 1.0 specification (Wright, 2002). What arrives from a network is read within stated bounds and
in time linear in its size: sizes must be positive, multiples of 4 and within what is left; addresses are literal, so
there is no pattern to match; time tags are handed on and never waited for; no number may be infinite or NaN.
"""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Final, NamedTuple

from .errors import OscError

MAX_BYTES: Final = 65_507  # what one UDP datagram can carry
MAX_DEPTH: Final = 8  # bundles in bundles, and arrays in arrays
MAX_ARGS: Final = 1024  # in one packet; a skeleton of 55 bones with 8 arguments each has 440
MAX_ADDRESS: Final = 255
MAX_PARTS: Final = 512  # messages and bundles in one packet; with MAX_ARGS it keeps the worst packet below 5 ms
IMMEDIATELY: Final = 1  # the time tag that asks for no waiting

BUNDLE: Final = b"#bundle\0"
BUNDLE_HEAD: Final = struct.Struct(">8sQ")
_PADDING: Final = tuple(bytes(size) for size in range(5))
_SIZE: Final = struct.Struct(">i")
# Literal addresses: printable ASCII without the characters that the specification reserves for patterns.
_ADDRESS: Final = re.compile(rb"(?:/[!\"$-)+\-.0->@-Z\\^-z|~]++)++")
_NUMBERS: Final = {"i": "i", "f": "f", "h": "q", "d": "d", "t": "Q"}
_NAMED_NUMBERS: Final = re.compile("([sS]*)([ifhdt]*)")  # what trackers send: names, then nothing but numbers
_STRUCTS: Final = {tag: struct.Struct(f">{code}") for tag, code in _NUMBERS.items()}
_TO_STRUCT: Final = str.maketrans(_NUMBERS)

OscValue = int | float | str | bytes | bool | None | tuple["OscValue", ...]


class OscMessage(NamedTuple):
    """Hold one message: literal address, arguments, and the 64-bit NTP time tag of the bundle it stood in."""

    address: str
    args: tuple[OscValue, ...]
    timetag: int = IMMEDIATELY


def decode(data: bytes) -> tuple[OscMessage, ...]:
    """Return the messages of one packet in order, those of nested bundles among them.

    Raises OscError, and nothing else, where data is no OSC 1.0 packet within the bounds of this module.
    """
    if len(data) > MAX_BYTES:
        raise OscError(f"a packet of {len(data)} bytes: at most {MAX_BYTES}")
    reading = _Reading(data)
    reading.element(0, len(data), 0, IMMEDIATELY)
    return tuple(reading.messages)


class _Reading:
    """Read one packet; what is left of its bounds is counted down here."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.messages: list[OscMessage] = []
        self.parts_left = MAX_PARTS
        self.args_left = MAX_ARGS

    def element(self, start: int, end: int, depth: int, timetag: int) -> None:
        """Read the message or bundle in data[start:end]."""
        self.parts_left -= 1
        if self.parts_left < 0:
            raise OscError(f"more than {MAX_PARTS} messages and bundles in one packet")
        if self.data.startswith(BUNDLE, start, end):
            self.bundle(start, end, depth + 1)
        else:
            self.messages.append(self.message(start, end, timetag))

    def bundle(self, start: int, end: int, depth: int) -> None:
        """Read time tag and elements of a bundle."""
        if depth > MAX_DEPTH:
            raise OscError(f"byte {start}: bundles nested deeper than {MAX_DEPTH}")
        if end - start < BUNDLE_HEAD.size:
            raise OscError(f"byte {start}: a bundle of {end - start} bytes has no time tag")
        _, timetag = BUNDLE_HEAD.unpack_from(self.data, start)
        at = start + BUNDLE_HEAD.size
        while at < end:
            at, size = self._size(at, end)
            if size == 0 or size % 4:
                raise OscError(f"byte {at - 4}: an element of {size} bytes; sizes are multiples of 4 above 0")
            self.element(at, at + size, depth, timetag)
            at += size

    def message(self, start: int, end: int, timetag: int) -> OscMessage:
        """Read address, type tags and arguments of a message, which must fill data[start:end]."""
        raw, at = self._string(start, end)
        address = _address(raw)
        raw, at = self._string(at, end)
        tags, names, numbers = _tags(raw)
        self.args_left -= len(tags)
        if self.args_left < 0:
            raise OscError(f"more than {MAX_ARGS} arguments in one packet")
        if numbers is None:
            args, at = self._arguments(tags, at, end)
        elif names:
            args, at = self._named_numbers(names, numbers, at, end)
        else:
            args, at = self._numbers(numbers, at, end)
        if at != end:
            raise OscError(f"byte {at}: {end - at} bytes after the last argument of {address}")
        return OscMessage(address, args, timetag)

    def _arguments(self, tags: str, at: int, end: int) -> tuple[tuple[OscValue, ...], int]:
        levels: list[list[OscValue]] = [[]]
        for tag in tags:
            if tag == "[":
                levels.append([])
                if len(levels) > MAX_DEPTH:
                    raise OscError(f"arrays nested deeper than {MAX_DEPTH}")
            elif tag == "]" and len(levels) > 1:
                inner = tuple(levels.pop())
                levels[-1].append(inner)
            else:
                value, at = self._argument(tag, at, end)
                levels[-1].append(value)
        if len(levels) > 1:
            raise OscError(f"an array in the type tags is never closed: {tags[:40]}")
        return tuple(levels[0]), at

    def _argument(self, tag: str, at: int, end: int) -> tuple[OscValue, int]:
        if tag in _CONSTANTS:
            return _CONSTANTS[tag], at
        if tag in _NUMBERS:
            (value,), at = self._numbers(_STRUCTS[tag], at, end)
            return value, at
        reader = _READERS.get(tag)
        if reader is None:
            raise OscError(f"byte {at}: type tag {tag!r} is not understood")
        return reader(self, at, end)

    def _named_numbers(self, names: int, form: struct.Struct, at: int, end: int) -> tuple[tuple[OscValue, ...], int]:
        texts: list[OscValue] = []
        for _ in range(names):
            text, at = self.text(at, end)
            texts.append(text)
        values, at = self._numbers(form, at, end)
        return (*texts, *values), at

    def _numbers(self, form: struct.Struct, at: int, end: int) -> tuple[tuple[OscValue, ...], int]:
        if form.size > end - at:
            raise OscError(f"byte {at}: {form.size} bytes of numbers are announced, {end - at} are left")
        values = form.unpack_from(self.data, at)
        if not all(map(math.isfinite, values)):
            raise OscError(f"byte {at}: a number is infinite or NaN")
        return values, at + form.size

    def _size(self, at: int, end: int) -> tuple[int, int]:
        """Read a size at `at`; return where what it measures begins, and the size, 0 <= size <= what is left."""
        if end - at < _SIZE.size:
            raise OscError(f"byte {at}: {end - at} bytes are left, too few for a size")
        (size,) = _SIZE.unpack_from(self.data, at)
        at += _SIZE.size
        if not 0 <= size <= end - at:
            raise OscError(f"byte {at - 4}: size {size}, but {end - at} bytes are left")
        return at, size

    def _string(self, start: int, end: int) -> tuple[bytes, int]:
        stop = self.data.find(b"\0", start, end)
        if stop < 0:
            raise OscError(f"byte {start}: a string without its closing NUL")
        return self.data[start:stop], self._padded(stop, start + _padded_size(stop - start + 1), end)

    def _padded(self, stop: int, padded: int, end: int) -> int:
        if padded > end or self.data[stop:padded] != _PADDING[padded - stop]:
            raise OscError(f"byte {stop}: not padded with NUL to a multiple of 4")
        return padded

    def text(self, at: int, end: int) -> tuple[OscValue, int]:
        """Read a string argument."""
        raw, after = self._string(at, end)
        try:
            return raw.decode("utf-8"), after
        except UnicodeDecodeError as error:
            raise OscError(f"byte {at}: a string that is no UTF-8") from error

    def blob(self, at: int, end: int) -> tuple[OscValue, int]:
        """Read a blob argument."""
        at, size = self._size(at, end)
        return self.data[at : at + size], self._padded(at + size, at + _padded_size(size), end)


_CONSTANTS: Final[dict[str, OscValue]] = {"T": True, "F": False, "N": None}
_READERS: Final[dict[str, Callable[[_Reading, int, int], tuple[OscValue, int]]]] = {
    "s": _Reading.text,
    "S": _Reading.text,
    "b": _Reading.blob,
}


# Senders repeat the same addresses and tags for ever: each is understood once, and forgotten when there are too many.
@lru_cache(maxsize=4096)
def _address(raw: bytes) -> str:
    if len(raw) > MAX_ADDRESS or not _ADDRESS.fullmatch(raw):
        raise OscError(f"{raw[:40]!r} is no literal address of at most {MAX_ADDRESS} bytes")
    return raw.decode("ascii")


@lru_cache(maxsize=1024)
def _tags(raw: bytes) -> tuple[str, int, struct.Struct | None]:
    """Return the tags without their comma; of strings that numbers follow, how many and the layout of the numbers."""
    if raw[:1] != b"," or not raw.isascii() or len(raw) > MAX_ARGS + 1:
        raise OscError(f"{raw[:40]!r} are no type tags of at most {MAX_ARGS} arguments")
    tags = raw[1:].decode("ascii")
    plain = _NAMED_NUMBERS.fullmatch(tags)
    if plain is None:
        return tags, 0, None
    return tags, len(plain[1]), struct.Struct(">" + plain[2].translate(_TO_STRUCT))


def encode_message(address: str, *args: OscValue) -> bytes:
    """Return one message: int as i (h beyond 32 bits), float as f, str as s, bytes as b, bool as T or F, None as N.

    Raises OscError where the address is not literal or an argument cannot be encoded.
    """
    if not address.isascii() or not _ADDRESS.fullmatch(address.encode("ascii")):
        raise OscError(f"{address[:40]!r} is no literal address")
    tags = "," + "".join(map(_tag, args))
    return b"".join((encode_string(address), encode_string(tags), *map(_encoded, args)))


def encode_bundle(elements: Iterable[bytes], timetag: int = IMMEDIATELY) -> bytes:
    """Return a bundle of encoded messages and bundles."""
    sized = (_SIZE.pack(len(element)) + element for element in elements)
    return b"".join((BUNDLE_HEAD.pack(BUNDLE, timetag), *sized))


def encode_string(text: str) -> bytes:
    """Return text with its closing NUL, padded to a multiple of 4; raise OscError where it holds a NUL itself."""
    raw = text.encode("utf-8", "replace")
    if b"\0" in raw:
        raise OscError(f"{text[:40]!r} holds a NUL, which ends an OSC string")
    return raw.ljust(_padded_size(len(raw) + 1), b"\0")


def _padded_size(size: int) -> int:
    return (size + 3) & ~3


def _tag(value: OscValue) -> str:
    if isinstance(value, tuple):
        return "[" + "".join(map(_tag, value)) + "]"
    if isinstance(value, bool) or value is None:
        return {True: "T", False: "F", None: "N"}[value]
    if isinstance(value, int):
        return "i" if -(2**31) <= value < 2**31 else "h"
    return {float: "f", str: "s", bytes: "b"}[type(value)]


def _encoded(value: OscValue) -> bytes:
    if isinstance(value, bool) or value is None:
        return b""
    if isinstance(value, str):
        return encode_string(value)
    if isinstance(value, bytes):
        return _SIZE.pack(len(value)) + value.ljust(_padded_size(len(value)), b"\0")
    if isinstance(value, tuple):
        return b"".join(map(_encoded, value))
    return encode_number(value)


def encode_number(value: float) -> bytes:
    """Return an int as 4 or 8 bytes, a float as 4; raise OscError where it is not finite or does not fit."""
    tag = _tag(value)
    try:
        raw = struct.pack(f">{_NUMBERS.get(tag, tag)}", value)
    except (OverflowError, struct.error) as error:
        raise OscError(f"{value} does not fit into an OSC number") from error
    if not math.isfinite(value):
        raise OscError(f"{value} cannot go on the wire: only finite numbers can")
    return raw
