"""The library of references: sealed, pseudonymous, cancellable, forgotten, and the same when opened again."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emotus.__main__ import main
from emotus.engine.cancelable import SPAN, quantiles_of, template_of
from emotus.engine.errors import InputError, VaultError
from emotus.engine.signature import Signature, distance, signature_of
from emotus.engine.signature_definition import Definition
from emotus.engine.signature_references import make_references
from emotus.engine.signature_tally import WIDTHS
from emotus.training import signature_library as libraries

WORDS = "a long passphrase"


def made(seed: int, name: str = "x", **options) -> Signature:
    definition = Definition(**options)
    columns = len(definition.columns()[0])
    rows = np.random.default_rng(seed).gamma(2.0 + seed, size=(200, columns))
    return signature_of(name, definition, rows, "a style")


def run(*words: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(list(words))
    return int(ended.value.code or 0)


def apart(one, other) -> float:
    return float((np.abs(one - other) @ WIDTHS).mean())


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.binary(min_size=32, max_size=32))
def test_templates_of_one_secret_lie_exactly_as_far_apart_as_the_signatures(seed, secret):
    """The distance needs no secret; and with the secret the quantiles come back."""
    rng = np.random.default_rng(seed)
    one, other = (np.sort(rng.gamma(2.0, size=(5, len(WIDTHS))), axis=1) for _ in range(2))
    hidden = template_of(one, secret), template_of(other, secret)
    assert apart(*hidden) == pytest.approx(apart(one, other), abs=1e-9)
    assert np.abs(quantiles_of(hidden[0], secret) - one).max() < 1e-9


def test_templates_of_two_secrets_have_nothing_to_do_with_one_another():
    """The same person under a new secret is farther from herself than anybody ever was, and no nearer than others."""
    rng = np.random.default_rng(1)
    people = [np.sort(rng.gamma(2.0 + k, size=(5, len(WIDTHS))), axis=1) for k in range(20)]
    old = [template_of(each, b"a" * 32) for each in people]
    new = [template_of(each, b"b" * 32) for each in people]
    matches = sum(int(np.argmin([apart(n, o) for o in old])) == k for k, n in enumerate(new))
    assert min(apart(n, o) for n in new for o in old) > SPAN / 4
    assert matches <= 4  # by chance one of twenty


def test_a_library_comes_back_as_it_was(tmp_path):
    """Names, labels, versions and quantiles; written again under the same name a reference has the next version."""
    path = tmp_path / "house.signatures"
    kept, first = libraries.add(libraries.Library(), made(1))
    kept, second = libraries.add(kept, made(2), "storm")
    kept, third = libraries.add(kept, made(3), "storm")
    assert first.name.startswith("ref-")
    assert (second.version, third.version) == (1, 2)
    libraries.save(kept, path, WORDS)
    back = libraries.load(path, WORDS)
    assert [entry.name for entry in back.entries] == [first.name, "storm"]
    for one, other in zip(kept.signatures(), back.signatures(), strict=True):
        assert distance(one, other).total < 1e-9
        assert dataclasses.replace(one, quantiles=other.quantiles).to_dict() == other.to_dict()
    assert make_references(back.signatures()).names == (first.name, "storm")


def test_nothing_of_it_stands_on_the_disk_in_clear(tmp_path):
    """No pseudonym, no label, no number; and a wrong passphrase opens nothing."""
    path = tmp_path / "house.signatures"
    signature = made(4)
    kept, _ = libraries.add(libraries.Library(), signature, "marker-name")
    libraries.save(kept, path, WORDS)
    data = path.read_bytes()
    assert b"marker" not in data
    assert b"a style" not in data
    assert f"{signature.quantiles[0, 3]:.6f}".encode() not in data
    assert path.stat().st_mode & 0o077 == 0
    with pytest.raises(VaultError, match="passphrase is wrong"):
        libraries.load(path, "another passphrase")


def test_a_new_secret_cancels_what_left_the_library():
    """The signatures stay, their templates change beyond recognition."""
    kept, entry = libraries.add(libraries.Library(), made(5))
    turned = libraries.rotate(kept)
    old, new = (np.array(libraries.template(each, entry.name)["template"]["quantiles"]) for each in (kept, turned))
    assert apart(old, new) > SPAN / 4
    assert distance(kept.signatures()[0], turned.signatures()[0]).total == 0.0


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda kept: libraries.add(kept, made(1), "no good name"), "cannot go on every wire"),
        (lambda kept: libraries.add(kept, made(1, quantity="speed"), "other"), "its definition is"),
        (lambda kept: libraries.remove(kept, "nobody"), "there are: storm"),
        (lambda kept: libraries.template(kept, "nobody"), "is not in the library"),
    ],
)
def test_what_does_not_fit_is_told(change, said):
    """One sentence, and the library stays as it was."""
    kept, _ = libraries.add(libraries.Library(), made(1), "storm")
    with pytest.raises(InputError, match=said):
        change(kept)


def test_the_commands_add_tell_turn_and_forget(tmp_path, capsys, monkeypatch):
    """A library is made from recordings, listed, followed live, and removed without trace."""
    monkeypatch.setenv("EMOTUS_PASSPHRASE", WORDS)
    path = str(tmp_path / "house")
    assert run("signature", "library", "add", path, "synthetic:sad?seconds=4", "--name", "slow", "--label", "mood") == 0
    assert run("signature", "library", "add", path, "synthetic:angry?seconds=4", "--name", "quick") == 0
    capsys.readouterr()
    assert run("signature", "library", "list", path, "--json") == 0
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(each["name"], each["label"]) for each in told] == [("slow", "mood"), ("quick", "")]
    out = tmp_path / "live.jsonl"
    words = ["run", "-s", "synthetic:sad?speed=0&seconds=5", "--signature", path + ".signatures", "-b", f"jsonl:{out}"]
    assert run(*words) == 0
    events = [json.loads(line) for line in out.read_text().splitlines()]
    assert [each["nearest"] for each in events if each["type"] == "signature"][-1] == "slow"
    assert run("signature", "library", "rotate", path) == 0
    assert run("signature", "library", "remove", path, "quick") == 0
    assert run("signature", "library", "remove", path, "quick") == 2
    assert run("signature", "library", "forget", path) == 0
    out.unlink()
    assert list(tmp_path.iterdir()) == []
