"""Every exception emotus raises on purpose: one tree, one line each, naming the place and the mend."""

from __future__ import annotations


class EmotusError(Exception):
    """Report what is wrong in one line; the command line prints it and exits 2.

    Whatever of a file or an address stands in it, it stays one line and moves no terminal's cursor: what cannot be
    printed is written as \\n, \\x1b and the like.
    """

    def __str__(self) -> str:
        """Return the line."""
        text = super().__str__()
        return text if text.isprintable() else "".join(map(_printable, text))


def _printable(char: str) -> str:
    return char if char.isprintable() else ascii(char)[1:-1]


class InputError(EmotusError):
    """Report bad input: which file or address, where in it, what is wrong and how to mend it.

    The text reads ``place:line: problem (mend)``; line and mend are left out where there are none.
    """

    def __init__(self, place: str, problem: str, *, line: int | None = None, mend: str = "") -> None:
        self.place = place
        self.problem = problem
        self.line = line
        self.mend = mend
        where = place if line is None else f"{place}:{line}"
        super().__init__(f"{where}: {problem} ({mend})" if mend else f"{where}: {problem}")


class BvhError(InputError):
    """Report a BVH text that cannot be read."""


class SkeletonError(InputError):
    """Report a skeleton that cannot be matched to the body."""


class TableError(InputError):
    """Report a table of numbers (CSV, TSV) that cannot be read."""


class MappingError(InputError):
    """Report a mapping file that cannot be understood."""


class UriError(InputError):
    """Report a sensor or bridge address that cannot be understood or opened."""


class PacketError(EmotusError):
    """Report a datagram or message that breaks its protocol; receivers count it and go on."""


class OscError(PacketError):
    """Report a datagram that is no well-formed OSC 1.0 packet within our bounds."""


class WireError(PacketError):
    """Report a WebSocket control message that is not of wire version 1."""


class WeightsError(InputError):
    """Report weights that are missing, altered or of another shape; nothing of them has been run."""


class VaultError(InputError):
    """Report a sealed file that cannot be opened: a wrong passphrase, an altered file, another format."""


class ProfileError(InputError):
    """Report a performer's profile that cannot be used: another version, another model, nothing in it."""


class ControlError(PacketError):
    """Report a control message that is no command; receivers count it, answer where they can, and go on."""


class TeachError(InputError):
    """Report takes that nothing can be learnt from; what was learnt before stays as it is."""


class DataError(InputError):
    """Report a data set that is missing, broken or not what was asked for."""


class MissingPackageError(EmotusError):
    """Report an optional package that is not installed, with the extra that brings it."""

    def __init__(self, package: str, extra: str) -> None:
        super().__init__(f"{package} is not installed (pip install 'emotus[{extra}]')")
