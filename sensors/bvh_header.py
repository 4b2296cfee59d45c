"""Read the HIERARCHY of a BVH text: a stack of open joints and one token at a time, no recursion."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from ..engine.skeleton import Skeleton
from .bvh_file import POSITIONS, ROTATIONS, SCALES, BvhWarning, EndSite
from .bvh_place import shown
from .bvh_words import Words

MAX_JOINTS: Final = 1000  # ten times the largest skeleton seen; it bounds the depth as well
MAX_CHANNELS: Final = 9  # position, rotation and scale of one joint
MAX_NAME: Final = 200  # characters

# Closing braces, an End Site and a joint as nearly every exporter writes them, in one look; anything else is read word
# by word. Nothing in it gives back what it took, so that no text makes it slow.
_BLOCK: Final = r"\{\s*+OFFSET" + 3 * r"\s++(-?\d{1,9}+(?:\.\d*+)?+)" + r"\s++"
_USUAL: Final = re.compile(
    rf"\s*+(?:(\}}(?:\s*+\}})*+)|End Site\s*+{_BLOCK}\}}|(ROOT|JOINT)[ \t]++([^\s{{}}][^{{}}\r\n]*+)\s*+{_BLOCK}"
    r"CHANNELS\s++(\d)\s++((?:[XYZ](?:position|rotation)\s++)++))",
    re.ASCII,
)
_CHANNELS: Final = {word.casefold(): word for word in POSITIONS + ROTATIONS + SCALES}
_SITE: Final = -2  # on the stack: an End Site, which holds nothing but its offset


@dataclass(frozen=True)
class Hierarchy:
    """Hold the first part of a BVH text; the names are as `Bvh` has them."""

    skeleton: Skeleton
    channels: tuple[tuple[str, ...], ...]
    end_sites: tuple[EndSite, ...]
    warnings: tuple[BvhWarning, ...]

    @property
    def width(self) -> int:
        """Return the numbers of one row."""
        return sum(map(len, self.channels))


@dataclass(slots=True)
class _Joint:
    name: str
    parent: int
    at: int
    offset: tuple[float, float, float] | None = None
    channels: tuple[str, ...] | None = None
    has_children: bool = False


@dataclass(slots=True)
class _Site:
    parent: int
    name: str
    at: int
    offset: tuple[float, float, float] | None = None


def parse_hierarchy(text: str, place: str) -> Hierarchy:
    """Return the skeleton and channels of the text before MOTION; raises BvhError naming the line."""
    return _Reader(text, place).read()


@dataclass
class _Reader(Words):
    """Walk through the text once."""

    joints: list[_Joint] = field(default_factory=list[_Joint])
    sites: list[_Site] = field(default_factory=list[_Site])
    open: list[int] = field(default_factory=list[int])  # joints whose brace is open, innermost last

    def read(self) -> Hierarchy:
        """Read word by word until the text ends."""
        if self.word().casefold() != "hierarchy":
            self.next = self.at
        while self.usual() or self.take(self.word()):
            pass
        if self.open:
            name = self.joints[[j for j in self.open if j != _SITE][-1]].name
            self.fail(f"{len(self.open)} braces are not closed, the last of {shown(name)}", "add '}' before MOTION")
        if not self.joints:
            self.fail("no ROOT", "a BVH text begins with HIERARCHY and ROOT")
        return self.result()

    def take(self, word: str) -> bool:
        """Take one statement; False when there is none left."""
        key = word.casefold()
        if not word:
            return False
        if key == "}" and self.open:
            self.open.pop()
        elif key in ("root", "joint"):
            self.joint(key)
        elif key in ("end", "endsite"):
            self.site(key)
        elif key == "offset" and self.open:
            self.offset()
        elif key == "channels" and self.open and self.open[-1] != _SITE:
            self.channel_words()
        else:
            self.fail(f"{shown(word)} does not belong here", "look for a brace or a keyword that is missing before it")
        return True

    def usual(self) -> bool:
        """Take what comes next if it is written as usual; False where it is not."""
        match = _USUAL.match(self.text, self.next)
        if match is None:
            return False
        braces, *site, key, name, x, y, z, count, words = match.groups()
        self.at = match.start()
        if braces:
            return self.close(braces.count("}"), match.end())
        offset = (float(x or site[0]), float(y or site[1]), float(z or site[2]))
        if not key:
            return self.usual_site(offset, match.end())
        self.at = match.start(5)
        channels = tuple(words.split())
        if len(channels) == int(count):
            self.open_joint(key.lower(), name.strip())
            self.joints[-1].offset, self.joints[-1].channels = offset, channels
            self.next = match.end()
        return len(channels) == int(count)

    def close(self, braces: int, end: int) -> bool:
        """Close so many braces; False where fewer are open."""
        if braces <= len(self.open):
            del self.open[-braces:]
            self.next = end
        return self.next == end

    def usual_site(self, offset: tuple[float, float, float], end: int) -> bool:
        """Take an End Site without a name; False where it stands in the wrong place."""
        if not self.open or self.inside_site or len(self.sites) >= 2 * MAX_JOINTS:
            return False
        self.sites.append(_Site(self.open[-1], "", self.at, offset))
        self.next = end
        return True

    def joint(self, key: str) -> None:
        """Open a joint word by word."""
        at = self.at
        name = self.rest_of_line()
        self.at = at
        self.open_joint(key, name)
        self.brace()

    def open_joint(self, key: str, name: str) -> None:
        """Put a joint below the innermost open one."""
        if (key == "root") == bool(self.open) or self.inside_site:
            mend = "a ROOT stands outside every brace, a JOINT inside its parent's"
            self.fail(f"{key.upper()} {shown(name)} in the wrong place", mend)
        if len(self.joints) >= MAX_JOINTS:
            self.fail(f"more than {MAX_JOINTS} joints", "remove joints that carry no motion")
        parent = self.open[-1] if self.open else -1
        if parent >= 0:
            self.joints[parent].has_children = True
        self.joints.append(_Joint(name[:MAX_NAME].strip(), parent, self.at))
        self.open.append(len(self.joints) - 1)

    def site(self, key: str) -> None:
        """Open an End Site, with or without a name."""
        at = self.at
        if not self.open or self.inside_site:
            self.fail("an End Site outside a joint", "put it inside the braces of its joint")
        if key == "end" and self.word().casefold() != "site":
            self.fail("End without Site", "write End Site")
        if len(self.sites) >= 2 * MAX_JOINTS:
            self.fail(f"more than {2 * MAX_JOINTS} End Sites", "remove those that mean nothing")
        self.sites.append(_Site(self.open[-1], self.rest_of_line()[:MAX_NAME].strip(), at))
        self.brace()
        self.open.append(_SITE)

    @property
    def inside_site(self) -> bool:
        """Tell whether an End Site is the innermost brace."""
        return bool(self.open) and self.open[-1] == _SITE

    def offset(self) -> None:
        """Read three numbers."""
        owner = self.sites[-1] if self.inside_site else self.joints[self.open[-1]]
        owner.offset = (self.number(), self.number(), self.number())

    def channel_words(self) -> None:
        """Read a count and so many channels."""
        joint = self.joints[self.open[-1]]
        if joint.has_children or joint.channels is not None:
            self.fail(f"CHANNELS of {shown(joint.name)} in the wrong place", "write them once, before its children")
        count = self.word()
        if not (count.isascii() and count.isdigit() and len(count) <= 3 and int(count) <= MAX_CHANNELS):
            self.fail(f"{shown(count)} channels", f"a joint has 0 to {MAX_CHANNELS}")
        joint.channels = tuple(self.channel(int(count), i) for i in range(int(count)))

    def channel(self, count: int, i: int) -> str:
        """Read one channel."""
        word = self.word()
        known = _CHANNELS.get(word.casefold())
        if known is None:
            mend = "such as Xposition, Yrotation or Zscale; the number behind CHANNELS counts them"
            self.fail(f"{shown(word)} is no channel ({i} of {count} read)", mend)
        return known

    def result(self) -> Hierarchy:
        """Put together what was read."""
        self.warn_of_gaps()
        offsets = np.array([joint.offset or (0.0, 0.0, 0.0) for joint in self.joints], dtype=np.float64)
        skeleton = Skeleton(self.unique_names(), tuple(joint.parent for joint in self.joints), offsets)
        sites = [EndSite(site.parent, site.offset or (0.0, 0.0, 0.0), site.name) for site in self.sites]
        sites.sort(key=lambda site: site.parent)
        channels = tuple(joint.channels or () for joint in self.joints)
        hierarchy = Hierarchy(skeleton, channels, tuple(sites), tuple(self.warnings))
        if hierarchy.width == 0:
            self.fail("no joint has a channel", "add CHANNELS to the joints that move")
        return hierarchy

    def warn_of_gaps(self) -> None:
        """Say once of each kind what was missing or is not used."""
        bare = [part for part in (*self.joints, *self.sites) if part.offset is None]
        if bare:
            self.warn(bare[0].at, f"{len(bare)} joints or End Sites without OFFSET", "0 0 0 is taken; add it")
        scaling = {words for words in {joint.channels or () for joint in self.joints} if set(words) & set(SCALES)}
        scaled = [joint for joint in self.joints if joint.channels in scaling]
        if scaled:
            self.warn(scaled[0].at, f"{len(scaled)} joints with scale channels", "they are kept, but scale nothing")

    def unique_names(self) -> tuple[str, ...]:
        """Return the names, a number added to those that are empty or taken."""
        given = {joint.name for joint in self.joints}
        if len(given) == len(self.joints) and "" not in given:
            return tuple(joint.name for joint in self.joints)
        taken: set[str] = set()
        counts: dict[str, int] = {}
        for joint in self.joints:
            name = joint.name or "Joint"
            while name in taken or (name != joint.name and name in given):
                counts[joint.name] = counts.get(joint.name, 1) + 1
                name = f"{joint.name[: MAX_NAME - 5] or 'Joint'}_{counts[joint.name]}"
            if name != joint.name:
                self.warn(joint.at, f"the name {shown(joint.name)} is empty or taken", f"{shown(name)} is used")
            taken.add(name)
            joint.name = name
        return tuple(joint.name for joint in self.joints)
