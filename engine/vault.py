"""The vault: small secrets sealed with a passphrase, for files that may be stolen. Pure: bytes in, bytes out.

A sealed blob is a header (magic, version, cost of the key, salt, nonce) and ChaCha20-Poly1305 (RFC 8439) over the
padded secret, with the header authenticated too. The key comes from the passphrase by scrypt (RFC 7914). The secret is
padded to whole blocks, so that the size of a file tells little of what is in it.
"""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from .errors import VaultError

MAGIC: Final = b"EMOTUSVT"
VERSION: Final = 1
BLOCK_BYTES: Final = 4096
MAX_BYTES: Final = 32 * 1024 * 1024  # a profile takes some hundred kilobytes, at most ten megabytes
MIN_PASSPHRASE: Final = 8  # characters
_HEADER: Final = struct.Struct(">8sBBBx16s12s")  # magic, version, log2 of scrypt's n, scrypt's p, salt, nonce
_SIZE: Final = struct.Struct(">I")
_TAG_BYTES: Final = 16
_SCRYPT_R: Final = 8
_LOG_N_RANGE: Final = (10, 18)  # an altered header must not cost more than 256 MiB
_P_RANGE: Final = (1, 8)
MAX_SEALED_BYTES: Final = _HEADER.size + MAX_BYTES + BLOCK_BYTES + _TAG_BYTES


@dataclass(frozen=True, slots=True)
class Cost:
    """Say what a guess of the passphrase costs: scrypt with n = 2**log_n, r = 8 and p, so 2**(log_n + 10) bytes.

    The default takes a quarter of a second of one core and 32 MiB, as OWASP's password storage advice has it.
    """

    log_n: int = 15
    p: int = 3


def seal(secret: bytes, passphrase: str, *, cost: Cost = Cost(), place: str = "vault") -> bytes:
    """Return the secret encrypted and authenticated, with a salt and a nonce of its own each time.

    Raises VaultError for a secret of more than MAX_BYTES and a passphrase of less than MIN_PASSPHRASE characters.
    """
    if len(secret) > MAX_BYTES:
        raise VaultError(place, f"{len(secret)} bytes are too many to seal", mend=f"at most {MAX_BYTES}")
    check_passphrase(passphrase, place)
    header = _HEADER.pack(MAGIC, VERSION, cost.log_n, cost.p, os.urandom(16), os.urandom(12))
    padded = _SIZE.pack(len(secret)) + secret
    padded += bytes(-len(padded) % BLOCK_BYTES)
    _, _, _, _, salt, nonce = _HEADER.unpack(header)
    return header + ChaCha20Poly1305(_key(passphrase, salt, cost)).encrypt(nonce, padded, header)


def unseal(sealed: bytes, passphrase: str, *, place: str = "vault") -> bytes:
    """Return the secret; raise VaultError for anything that is not a whole, unaltered blob of this passphrase."""
    header = sealed[: _HEADER.size]
    if len(header) < _HEADER.size or not header.startswith(MAGIC):
        raise VaultError(place, "is no sealed file of emotus", mend="name a file that `emotus calibrate` wrote")
    _, version, log_n, p, salt, nonce = _HEADER.unpack(header)
    if version != VERSION:
        raise VaultError(place, f"is of version {version}, and this emotus reads {VERSION}", mend="update emotus")
    if not (_within(log_n, _LOG_N_RANGE) and _within(p, _P_RANGE) and len(sealed) <= MAX_SEALED_BYTES):
        raise VaultError(place, "is damaged: its header asks for what is never written", mend="use a copy of it")
    try:
        box = ChaCha20Poly1305(_key(passphrase, salt, Cost(log_n, p)))
        padded = box.decrypt(nonce, sealed[_HEADER.size :], header)
    except InvalidTag:
        raise VaultError(place, "the passphrase is wrong, or the file was altered", mend="try again") from None
    (size,) = _SIZE.unpack_from(padded)
    return padded[_SIZE.size : _SIZE.size + size]


def is_sealed(data: bytes) -> bool:
    """Tell whether data begins as a sealed blob does."""
    return data.startswith(MAGIC)


def check_passphrase(passphrase: str, place: str) -> None:
    """Raise VaultError for a passphrase that is too short to be one."""
    if len(passphrase) < MIN_PASSPHRASE:
        raise VaultError(place, "the passphrase is too short", mend=f"{MIN_PASSPHRASE} characters or more")


def _key(passphrase: str, salt: bytes, cost: Cost) -> bytes:
    kdf = Scrypt(salt=salt, length=32, n=1 << cost.log_n, r=_SCRYPT_R, p=cost.p)
    return kdf.derive(passphrase.encode("utf-8", "surrogatepass"))


def _within(value: int, bounds: tuple[int, int]) -> bool:
    return bounds[0] <= value <= bounds[1]
