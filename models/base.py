"""What every streaming network is: one model, two tenses (Hedegaard and Iosifidis, Continual Inference, 2022)."""

from __future__ import annotations

from typing import Protocol

from torch import Tensor

State = tuple[Tensor, ...]


class StepModel(Protocol):
    """Answer every frame of a sequence at once or one frame at a time, equal to 1e-5.

    receptive_field: frames that an answer depends on (0: all since the start). delay: frames an answer lags behind.
    """

    receptive_field: int
    delay: int

    def forward(self, x: Tensor) -> Tensor:
        """Map a sequence (N, T, D) to the answers of all its frames (N, T, K), causally."""
        ...

    def start(self, n: int) -> State:
        """Return the state of n streams that have seen nothing; every tensor has N first."""
        ...

    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        """Map one frame (N, D) of N streams to (N, K) and the next state; the given state is not altered."""
        ...
