"""Graph networks by what was left out of their training, each trained when first asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..models.recogniser import Shape
from ..models.stgcn import Stgcn
from .clips import Progress
from .library import Library
from .looks import Look, look_at
from .network import NetworkRecipe, prior_of, train_network

_SET2_STRIDE = 4  # every fourth clip of set 2 is enough to measure a scatter


@dataclass(frozen=True)
class Seen:
    """Hold a network and what it sees: in set 1 (every frame), in a quarter of set 2, and in the gaits."""

    network: Stgcn
    set1: list[Look]
    set2: list[Look]
    gaits: list[Look]

    @property
    def labelled(self) -> list[Look]:
        """List the clips of the six labels that are compared."""
        return [look for look in self.set1 if look.clip.label >= 0]


class Bank:
    """Train a network for each set of families left out, at most once a seed."""

    def __init__(self, library: Library, shape: Shape, recipe: NetworkRecipe, progress: Progress) -> None:
        self._library, self._shape, self._recipe, self._progress = library, shape, recipe, progress
        self._found: dict[tuple[frozenset[int], int], Seen] = {}

    def without(self, families: frozenset[int], seed: int) -> Seen:
        """Return the network that has seen nothing of these families of activities."""
        key = (families, seed)
        if key not in self._found:
            self._progress(f"training a graph network, seed {seed}, without families {sorted(families) or 'none'}")
            self._found[key] = self._train(families, seed)
        return self._found[key]

    def _train(self, families: frozenset[int], seed: int) -> Seen:
        library = self._library
        set2 = [look.clip for look in library.set2]
        clips = [look.clip for look in library.set1] + set2
        kept = [clip for clip in clips if clip.family not in families]
        network = train_network(kept, self._shape, self._recipe, seed)
        network.moments.prior.copy_(prior_of(network, [clip for clip in kept if clip.label < 0][::8]))
        return Seen(
            network,
            look_at(network, [look.clip for look in library.set1], every=True),
            look_at(network, set2[::_SET2_STRIDE], 30),
            look_at(network, [look.clip for look in library.gaits], every=True),
        )


def families_of(looks: Sequence[Look]) -> frozenset[int]:
    """Return the families of activities that occur in the clips."""
    return frozenset(look.clip.family for look in looks)
