"""Encoders of motion: the right losses, windows that miss nothing, and files that are refused when altered."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import log_softmax

from emotus.models.motion_encoder import (
    INPUTS,
    PLACES,
    WINDOW,
    EncoderShape,
    MotionDecoder,
    MotionEncoder,
    elbo,
    info_nce,
    rows_of_frames,
    windows_of,
)
from emotus.models.signature_store import LearnedSignature, load_signature, save_signature
from emotus.models.store import WeightsProblem


def encoder(kind: str = "contrastive", seed: int = 0) -> MotionEncoder:
    torch.manual_seed(seed)
    return MotionEncoder(EncoderShape(kind, channels=8, latent=4)).eval()  # type: ignore[arg-type]


def frames(count: int = 90, seed: int = 0) -> torch.Tensor:
    made = torch.from_numpy(np.random.default_rng(seed).normal(size=(count, 90)).astype(np.float32))
    made[:, PLACES : PLACES + 21] = 1.0
    return made


@given(st.integers(1, 200))
def test_windows_are_stretches_of_the_rows_and_short_ones_repeat(count: int) -> None:
    """Every window is WINDOW rows that follow each other; fewer rows than that are repeated, and never nothing."""
    rows = torch.arange(count, dtype=torch.float32)[:, None].expand(count, INPUTS)
    windows = windows_of(rows)
    assert windows.shape[1:] == (INPUTS, WINDOW)
    assert len(windows) >= 1
    steps = torch.diff(windows[:, 0], dim=1)
    assert ((steps == 1) | (steps == 1 - count)).all()


def test_rows_hold_places_and_how_they_change() -> None:
    """Speeds are differences of places two frames apart; what is not known is neither a place nor a speed."""
    seen = frames()
    rows = rows_of_frames(seen)
    assert rows.shape == (45, INPUTS)
    torch.testing.assert_close(rows[:, :PLACES], seen[::2, :PLACES])
    torch.testing.assert_close(rows[1:, PLACES:], 4.5 * (seen[2::2, :PLACES] - seen[:-2:2, :PLACES]))
    seen[:, PLACES + 3] = 0.0  # the neck is not known
    rows = rows_of_frames(seen)
    assert torch.isnan(rows).any(dim=0).nonzero().flatten().tolist() == [9, 10, 11, 72, 73, 74]
    assert torch.isfinite(encoder().signature(rows)).all()


@torch.no_grad()
def test_info_nce_is_cross_entropy_both_ways() -> None:
    """The loss is that of choosing one's own partner among all by SciPy's log-softmax."""
    rng = np.random.default_rng(1)
    one, other = (each / np.linalg.norm(each, axis=1, keepdims=True) for each in rng.normal(size=(2, 7, 4)))
    alike = one @ other.T / 0.3
    wanted = -(np.diag(log_softmax(alike, axis=1)).mean() + np.diag(log_softmax(alike, axis=0)).mean()) / 2
    assert float(info_nce(torch.from_numpy(one), torch.from_numpy(other), 0.3)) == pytest.approx(wanted)


@torch.no_grad()
def test_the_evidence_bound_is_likelihood_and_divergence(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is the Gaussian likelihood at its best variance plus the divergence that torch's own distributions give."""
    net, decoder = encoder("vae"), MotionDecoder(EncoderShape("vae", channels=8, latent=4)).eval()
    x = torch.randn(5, INPUTS, WINDOW)
    monkeypatch.setattr(torch, "randn_like", torch.zeros_like)
    mean, log_variance = net.spoken(x).chunk(2, dim=1)
    told = torch.distributions.Normal(mean, torch.exp(log_variance / 2))
    divergence = torch.distributions.kl_divergence(told, torch.distributions.Normal(0.0, 1.0)).sum(dim=1).mean()
    error = (decoder(mean) - x).square().mean()
    likelihood = torch.distributions.Normal(0.0, error.sqrt()).log_prob(decoder(mean) - x).mean()
    constant = 0.5 * np.log(2 * np.pi) + 0.5  # of the likelihood, and what the error over its own variance is
    wanted = float(-likelihood - constant + divergence / x[0].numel())
    assert float(elbo(net, decoder, x)) == pytest.approx(wanted, rel=1e-4)
    torch.testing.assert_close(net.forward(x), mean)


@torch.no_grad()
def test_a_signature_does_not_depend_on_place_or_batch() -> None:
    """It is the mean over the windows, each of length one."""
    net, rows = encoder(), rows_of_frames(frames(200))
    every = torch.stack([net.forward(each[None])[0] for each in windows_of(net.scaled(rows))])
    torch.testing.assert_close(net.signature(rows), every.mean(dim=0))
    torch.testing.assert_close(every.norm(dim=1), torch.ones(len(every)))


def test_what_is_saved_is_what_is_loaded(tmp_path: Path) -> None:
    """A network comes back bit by bit, with its licence and how it was made."""
    net = encoder()
    path = save_signature(tmp_path, LearnedSignature(net, "CC BY-NC 4.0", "somebody", training={"command": "x"}))
    found = load_signature(path)
    rows = rows_of_frames(frames())
    assert torch.equal(found.encoder.signature(rows), net.signature(rows))
    assert (found.licence, found.attribution, dict(found.training)) == ("CC BY-NC 4.0", "somebody", {"command": "x"})
    assert found.id == f"learned contrastive {found.sha256[:8]}"


@pytest.mark.parametrize("spoil", ["tensors", "shape", "kind", "json", "missing"])
def test_altered_files_are_refused(tmp_path: Path, spoil: str) -> None:
    """Another hash, another shape, no JSON or no file at all: one line each, and nothing is run."""
    path = save_signature(tmp_path, LearnedSignature(encoder(), "licence", "somebody"))
    about = path.with_suffix(".json")
    said = json.loads(about.read_text())
    if spoil == "tensors":
        path.write_bytes(path.read_bytes()[:-4] + b"\0\0\1\0")
    elif spoil == "shape":
        about.write_text(json.dumps(said | {"shape": {"kind": "vae", "channels": 9, "latent": 4}}))
    elif spoil == "kind":
        about.write_text(json.dumps(said | {"shape": {"kind": "gan", "channels": 8, "latent": 4}}))
    elif spoil == "json":
        about.write_text("[")
    else:
        path.unlink()
    with pytest.raises(WeightsProblem, match="bandai-signature"):
        load_signature(path)


def test_the_shipped_signature_is_whole_and_small() -> None:
    """Its hash is the one stated, its licence is that of its data, and it was made by the command it names."""
    shipped = load_signature()
    assert shipped.licence == "CC BY-NC 4.0"
    assert shipped.training["command"] == "emotus train signature --seed 0"
    assert torch.isfinite(shipped.encoder.signature(rows_of_frames(frames()))).all()
    assert sum(each.numel() for each in shipped.encoder.state_dict().values()) < 100_000
