"""Address templates: where an OSC receiver wants to hear what, with the habits of the tools that people have.

A template gives an address for each kind of thing; a kind without one is not said. In an address stand placeholders:
{stream} the performer's name, {person} her number from 1, {label} an emotion, {name} a value, {joint} and {axis}.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from ..engine.errors import OscError, UriError
from ..engine.osc_codec import MAX_ADDRESS, encode_message
from .coordinates import HOUSE

ROOT: Final = "/emotus"
POSITION_AXES: Final = ("tx", "ty", "tz")
ROTATION_AXES: Final = ("qx", "qy", "qz", "qw")
_HOLES: Final = re.compile(r"\{([^{}]*)\}")

# Each kind, the placeholder without which its messages could not be told apart ("" for none), what it says.
KINDS: Final[dict[str, tuple[str, str]]] = {
    "frame": ("", "i f: counter and seconds"),
    "emotion": ("label", "f: probability of one label"),
    "value": ("name", "f: valence, arousal, confidence and the like"),
    "text": ("name", "s: label and the like"),
    "quality": ("name", "f: one movement quality"),
    "signature": ("name", "f: distance to one reference"),
    "joint": ("joint", "f*7: position and rotation of one joint"),
    "position": ("joint", "f*3: position of one joint"),
    "rotation": ("joint", "f*4: rotation of one joint, x y z w"),
    "vector": ("", "f*n: valence, arousal, confidence, then every probability, in one message"),
    "joints": ("", "f*63: the places of all joints seen from the hips, in one message"),
    "status": ("", "s s: code and message"),
}
_ALLOWED: Final = {
    kind: frozenset(("stream", "person", hole) if hole else ("stream", "person")) for kind, (hole, _) in KINDS.items()
}
_AXED: Final = frozenset(("joint", "position", "rotation"))


@dataclass(frozen=True)
class Template:
    """Hold the addresses by kind, the axes of joints, and whether messages are put into bundles."""

    addresses: Mapping[str, str]
    axes: str = HOUSE
    bundle: bool = True

    @property
    def tells_apart(self) -> bool:
        """Tell whether several performers can speak at once without being taken for one."""
        told = [address for kind, address in self.addresses.items() if kind != "status"]
        return all("{stream}" in address or "{person}" in address for address in told)


def fill(address: str, **values: str) -> str:
    """Return an address with its placeholders filled."""
    return _HOLES.sub(lambda hole: values[hole[1]], address)


def _addresses(prefix: str, **more: str) -> dict[str, str]:
    """Return the addresses of all single things below a prefix."""
    return {
        "frame": f"{prefix}/frame",
        "emotion": f"{prefix}/emotion/{{label}}",
        "value": f"{prefix}/{{name}}",
        "text": f"{prefix}/{{name}}",
        "quality": f"{prefix}/quality/{{name}}",
        "signature": f"{prefix}/signature/{{name}}",
        "status": f"{prefix}/status",
        **more,
    }


_OURS: Final = _addresses(ROOT + "/{stream}", joint=ROOT + "/{stream}/joint/{joint}")
_SHORT: Final = _addresses("/p{person}", joint="/p{person}/joint/{joint}", status=ROOT + "/status")
DEFAULT: Final = Template(_OURS)
TEMPLATES: Final[dict[str, Template]] = {
    "emotus": DEFAULT,
    # OSC In CHOP: one channel a number, named as TouchDesigner names translations; it drops strings, OSC In DAT not.
    "touchdesigner": Template(_SHORT | {"joint": "/p{person}/{joint}/{axis}"}),
    "unity": Template(_OURS, "unity"),  # extOSC: any number of values at an address
    "oscjack": Template(  # OscJack: at most four values at an address, as vectors
        {kind: address for kind, address in _OURS.items() if kind != "joint"}
        | {f"{part}": f"{ROOT}/{{stream}}/joint/{{joint}}/{part}" for part in ("position", "rotation")},
        "unity",
    ),
    "unreal": Template(_OURS, "unreal"),
    "godot": Template(_OURS, "godot"),
    "max": Template(_SHORT),  # short paths: [route /p1/valence] or [OSC-route /p1]
    "puredata": Template(_SHORT),  # [oscparse] makes numbers of numeric parts, so a performer is p1 and not 1
    "wekinator": Template({"vector": "/wek/inputs"}, bundle=False),
    "wekinator-body": Template({"joints": "/wek/inputs"}, bundle=False),
}


def choose(uri: str, options: Mapping[str, str]) -> Template:
    """Return the template that is named, with the addresses and the axes given beside it; raises UriError."""
    name = options.get("template", "emotus")
    if name not in TEMPLATES:
        raise UriError(uri, f"template={name[:40]}", mend=f"one of {', '.join(TEMPLATES)}")
    chosen = TEMPLATES[name]
    addresses = dict(chosen.addresses)
    for kind in KINDS:
        if kind in options:
            addresses.pop(kind, None)
            if options[kind] not in ("0", "off", "no"):
                addresses[kind] = check(uri, kind, options[kind])
    if not addresses:
        raise UriError(uri, "nothing is left to say", mend=f"give an address to one of {', '.join(KINDS)}")
    return replace(chosen, addresses=addresses, axes=options.get("axes", chosen.axes))


def check(uri: str, kind: str, address: str) -> str:
    """Return an address that a kind can have; raises UriError that says what is wrong with it."""
    needed, says = KINDS[kind]
    allowed = _ALLOWED[kind] | ({"axis"} if kind in _AXED else set())
    holes = _HOLES.findall(address)
    unknown = [hole for hole in holes if hole not in allowed]
    if unknown:
        known = ", ".join(f"{{{hole}}}" for hole in sorted(allowed))
        raise UriError(uri, f"{kind}={address[:60]}: there is no {{{unknown[0][:20]}}}", mend=f"{kind} knows {known}")
    if needed and needed not in holes:
        mend = f"such as {DEFAULT.addresses.get(kind, '/{stream}/{joint}/' + kind)}"
        raise UriError(uri, f"{kind}={address[:60]}: {{{needed}}} is missing ({says})", mend=mend)
    try:
        encode_message(fill(address, **dict.fromkeys(allowed, "x")))
    except OscError:
        mend = f"begin with /, and use none of # * , ? [ ] {{ }} and blanks: {DEFAULT.addresses.get(kind, '/a/b')}"
        raise UriError(uri, f"{kind}={address[:60]} is no OSC address", mend=mend) from None
    if len(address) > MAX_ADDRESS // 2:
        raise UriError(uri, f"{kind}: an address of {len(address)} characters", mend=f"at most {MAX_ADDRESS // 2}")
    return address
