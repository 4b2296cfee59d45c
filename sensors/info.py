"""Describe a sensor for people: how its address is written, what each option means, and an example that works.

A module that makes sensors offers `INFOS`, one `SensorInfo` for each scheme of it; `emotus sensors` and `emotus doctor`
print them, and a contract test holds them to what the sensor's own code accepts.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Option:
    """Describe one option of an address.

    name: its key. meaning: one short phrase, with the unit and the values there are. default: as one would write it,
    "" where leaving it out means something of its own, which the meaning then says.
    """

    name: str
    meaning: str
    default: str = ""


@dataclass(frozen=True, slots=True)
class SensorInfo:
    """Describe one scheme of sensors.

    scheme: as in `scheme:PATH`. address: how the whole address is written. summary: one line. options: every option
    that the sensor accepts. example: an address that can be taken as it stands, but for names of files and devices.
    port: the UDP or TCP port it listens at unless told otherwise, None where it listens at none. packages: optional
    packages it needs, by import name, each with the extra that brings it. gives: what kind of body comes out of it.
    """

    scheme: str
    address: str
    summary: str
    options: tuple[Option, ...]
    example: str
    port: int | None = None
    transport: str = "udp"
    packages: tuple[tuple[str, str], ...] = ()
    gives: str = ""

    def to_dict(self) -> dict[str, object]:
        """Return the description as JSON can carry it."""
        return {
            "scheme": self.scheme,
            "address": self.address,
            "summary": self.summary,
            "options": [{"name": o.name, "meaning": o.meaning, "default": o.default} for o in self.options],
            "example": self.example,
            "port": self.port,
            "transport": self.transport if self.port else "",
            "packages": [{"package": package, "extra": extra} for package, extra in self.packages],
            "gives": self.gives,
        }

    def lines(self) -> Iterator[str]:
        """Yield the description as lines for a terminal."""
        yield f"{self.address}"
        yield f"    {self.summary}"
        for option in self.options:
            default = f" [{option.default}]" if option.default else ""
            yield f"    {option.name + '=':<14}{option.meaning}{default}"
        yield f"    for example: {self.example}"


def stream_option(default: str) -> Option:
    """Return the option that all sensors share: the performer's name on the wire."""
    return Option("stream", "the performer's name on the wire: 1 to 64 letters, digits, _ or -", default)
