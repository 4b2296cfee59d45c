"""The vault: what is sealed comes back with its passphrase, and tells nothing without."""

from __future__ import annotations

import math
from collections import Counter

import pytest
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt
from hypothesis import given, settings
from hypothesis import strategies as st

from emotus.engine.errors import VaultError
from emotus.engine.vault import BLOCK_BYTES, MAX_BYTES, Cost, is_sealed, seal, unseal

CHEAP = Cost(10, 1)
WORDS = "correct horse battery"
MARKER = b"PLANTED-MARKER-7f3a"


@settings(max_examples=30, deadline=None)
@given(st.binary(max_size=10_000), st.text(min_size=8, max_size=40))
def test_what_is_sealed_comes_back(secret, words):
    """Any secret under any passphrase comes back whole."""
    assert unseal(seal(secret, words, cost=CHEAP), words) == secret


def test_nothing_of_the_secret_can_be_seen():
    """A planted marker is not in the sealed bytes, whose entropy is that of noise, and no two seals are alike."""
    secret = MARKER * 400
    first, second = (seal(secret, WORDS, cost=CHEAP) for _ in range(2))
    assert MARKER not in first
    assert WORDS.encode() not in first
    assert first[28:] != second[28:]
    counts = Counter(first[40:])
    total = sum(counts.values())
    bits = -sum(n / total * math.log2(n / total) for n in counts.values())
    assert bits > 7.9


def test_the_size_tells_little():
    """Secrets of any size up to a block are sealed into the same number of bytes."""
    sizes = {len(seal(bytes(n), WORDS, cost=CHEAP)) for n in (0, 1, 100, BLOCK_BYTES - 4)}
    assert len(sizes) == 1


def test_a_wrong_passphrase_is_one_clear_error():
    """Neither another passphrase nor the same in capitals opens it, and the message names file and mend."""
    sealed = seal(b"secret", WORDS, cost=CHEAP)
    for wrong in (WORDS.upper(), WORDS + " ", "something else"):
        with pytest.raises(VaultError, match=r"^anna\.emotus: the passphrase is wrong, or the file was altered"):
            unseal(sealed, wrong, place="anna.emotus")


@pytest.mark.parametrize("at", [8, 9, 10, 11, 12, 30, 39, 40, 2000, -1])
def test_an_altered_byte_is_noticed(at):
    """Whichever byte is changed, header included, nothing is given out."""
    sealed = bytearray(seal(b"secret", WORDS, cost=CHEAP))
    sealed[at] ^= 1
    with pytest.raises(VaultError):
        unseal(bytes(sealed), WORDS)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200), st.integers(0, 60))
def test_rubbish_is_refused_with_one_error(data, cut):
    """Whatever the bytes are, there is a VaultError and nothing else, and soon."""
    for candidate in (data, b"EMOTUSVT" + data, seal_once()[:cut]):
        with pytest.raises(VaultError):
            unseal(candidate, WORDS)


def seal_once(made: list[bytes] = []) -> bytes:  # noqa: B006 - made once
    if not made:
        made.append(seal(b"secret", WORDS, cost=CHEAP))
    return made[0]


def test_a_header_that_asks_for_too_much_is_refused_before_any_work():
    """Costs above what is ever written are refused, so that an altered file cannot eat the machine's memory."""
    sealed = bytearray(seal_once())
    sealed[9] = 30
    with pytest.raises(VaultError, match="its header asks for what is never written"):
        unseal(bytes(sealed), WORDS)


def test_another_version_says_so():
    """A blob of a later version names both versions."""
    sealed = bytearray(seal_once())
    sealed[8] = 9
    with pytest.raises(VaultError, match="is of version 9, and this emotus reads 1"):
        unseal(bytes(sealed), WORDS)


def test_short_passphrases_and_large_secrets_are_refused():
    """Seven characters guard nothing, and more than the bound is no profile."""
    with pytest.raises(VaultError, match="the passphrase is too short"):
        seal(b"", "1234567", cost=CHEAP)
    with pytest.raises(VaultError, match="are too many to seal"):
        seal(bytes(MAX_BYTES + 1), WORDS, cost=CHEAP)


def test_the_format_is_the_one_that_is_written_down():
    """Somebody with the two RFCs and the docstring alone can open a blob."""
    sealed = seal(MARKER, WORDS, cost=Cost(11, 2))
    assert is_sealed(sealed)
    header, salt, nonce = sealed[:40], sealed[12:28], sealed[28:40]
    key = Scrypt(salt=salt, length=32, n=2 ** header[9], r=8, p=header[10]).derive(WORDS.encode())
    plain = ChaCha20Poly1305(key).decrypt(nonce, sealed[40:], header)
    size = int.from_bytes(plain[:4], "big")
    assert plain[4 : 4 + size] == MARKER
