"""Templates that can be cancelled: a signature under a secret of its library, worthless under any other.

Every quantile is shifted and turned round by numbers drawn from the secret. That keeps each absolute difference, so
the Wasserstein distance of two templates of one secret is exactly that of the signatures; templates of two secrets
have nothing to do with one another. After Ratha, Connell and Bolle, IBM Systems Journal 40(3), 2001. Pure.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import Final

import numpy as np

from .skeleton import Float64

SECRET_BYTES: Final = 32
SPAN: Final = 1e3  # the shifts lie within; far beyond any signature's own numbers


def template_of(quantiles: Float64, secret: bytes) -> Float64:
    """Return the template (G, K) of quantiles (G, K) under a secret; unknown pools stay unknown."""
    signs, shifts = _keys(quantiles.shape, secret)
    return signs * (quantiles + shifts)


def quantiles_of(template: Float64, secret: bytes) -> Float64:
    """Return the quantiles of a template under the secret that it was made with; under another, nonsense."""
    signs, shifts = _keys(template.shape, secret)
    return signs * template - shifts


def _keys(shape: tuple[int, ...], secret: bytes) -> tuple[Float64, Float64]:
    """Return signs and shifts that only the secret tells: two streams of HMAC-SHA-256 in counter mode."""
    count = int(np.prod(shape))
    signs = np.where(_stream(secret, b"signs", count) % 2 == 0, 1.0, -1.0)
    # Multiples of a power of two, so that adding and taking away again is exact but for the last bits.
    shifts = (_stream(secret, b"shifts", count) / 2**63 - 1.0) * SPAN
    return signs.reshape(shape), np.round(shifts * 1024).reshape(shape) / 1024


def _stream(secret: bytes, purpose: bytes, count: int) -> np.ndarray[tuple[int], np.dtype[np.uint64]]:
    blocks = [hmac.new(secret, purpose + k.to_bytes(4, "big"), hashlib.sha256).digest() for k in range(count // 4 + 1)]
    return np.frombuffer(b"".join(blocks), dtype=np.uint64)[:count]
