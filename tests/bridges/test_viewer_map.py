"""The signature map of the page: references where they lie, a dot where she is, a tail where she was."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.sayings import signature

from emotus.bridges.viewer_colors import cluster_color, css
from emotus.bridges.viewer_map import NAMED, map_svg, told_html
from emotus.bridges.viewer_state import TAIL_S, PerformerState
from emotus.engine.clock import NS_PER_S
from emotus.engine.events import SignatureEvent
from emotus.engine.plane import Plane
from emotus.engine.signature_definition import Definition
from emotus.engine.signature_references import References

NONE = np.zeros(0), np.zeros((0, 2))


def references(points: object, names: tuple[str, ...] = (), clusters: object = None) -> References:
    at = np.array(points, dtype=np.float64)
    names = names or tuple(f"r{i}" for i in range(len(at)))
    groups = np.zeros(len(at), dtype=np.int64) if clusters is None else np.array(clusters)
    quantiles, matrix = np.zeros((len(at), 5, 96)), np.zeros((len(at), len(at)))
    return References(Definition(), names, names, quantiles, matrix, Plane(at, 0.0), groups)


def at(xy: tuple[float, float], nearest: str = "r0", t_ns: int = 0, cluster: int = 0) -> SignatureEvent:
    return replace(signature(), xy=xy, nearest=nearest, t_ns=t_ns, cluster=cluster, distances={nearest: 1.25}, label="")


def circles(svg: str, name: str) -> list[tuple[float, float, str]]:
    found = re.findall(rf'<circle data-name="{name}" cx="([\d.-]+)" cy="([\d.-]+)" r="[\d.]+" fill="([^"]+)"', svg)
    return [(float(x), float(y), fill) for x, y, fill in found]


def test_references_keep_their_places_names_and_colours() -> None:
    """Distances in the picture are those on the plane, both axes alike; a cluster has one colour."""
    points = [(0.0, 0.0), (3.0, 0.0), (0.0, 1.0)]
    svg = map_svg(references(points, ("anna", "ben", "cleo"), (0, 0, 1)), at((0.0, 0.0), "ben"), *NONE)
    (ax, ay, a), (bx, by, b), (cx, cy, c) = circles(svg, "reference")
    assert (bx - ax) == pytest.approx(3 * (ay - cy), abs=0.3)
    assert ay == by
    assert ax == cx
    assert a == b == css(cluster_color(0))
    assert c == css(cluster_color(1))
    assert re.findall(r">(\w+)</text>", svg) == ["anna", "ben", "cleo"]
    assert svg.count("font-weight") == 1


def test_the_dot_lies_on_the_reference_it_moves_like() -> None:
    """At a reference's place the dot is drawn on that reference, full; far out it is hollow, at the edge."""
    three = references([(0.0, 0.0), (3.0, 0.0), (0.0, 1.0)])
    svg = map_svg(three, at((3.0, 0.0), "r1"), *NONE)
    assert circles(svg, "dot")[0][:2] == circles(svg, "reference")[1][:2]
    assert circles(svg, "dot")[0][2] != "none"
    assert circles(map_svg(three, at((1e6, -1e6)), *NONE), "dot") == [(295.0, 185.0, "none")]


@given(
    st.lists(st.tuples(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6)), min_size=1, max_size=12),
    st.tuples(st.floats(-1e9, 1e9), st.floats(-1e9, 1e9)),
)
def test_everything_is_drawn_inside_the_picture(points: list[tuple[float, float]], xy: tuple[float, float]) -> None:
    """Wherever references and performer are, nothing is drawn outside or at no number."""
    trail = np.array([points[0], xy, points[-1], xy])
    svg = map_svg(references(points), at(xy), np.linspace(-1, 0, 4), trail)
    drawn = [(x, y) for name in ("reference", "dot") for x, y, _ in circles(svg, name)]
    assert len(drawn) == len(points) + 1
    drawn += [
        (float(x), float(y))
        for way in re.findall(r'points="([^"]+)"', svg)
        for x, y in (pair.split(",") for pair in way.split())
    ]
    assert all(0 <= x <= 300 and 0 <= y <= 190 for x, y in drawn)


def test_of_many_references_only_the_nearest_is_named() -> None:
    """More names than can be read are not drawn, and the picture stays small."""
    many = references(np.random.default_rng(0).normal(size=(256, 2)))
    svg = map_svg(many, at((0.0, 0.0), "r7"), *NONE)
    assert re.findall(r">(\w+)</text>", svg) == ["r7"]
    assert len(svg) < 40_000
    few = references(np.random.default_rng(0).normal(size=(NAMED, 2)))
    assert map_svg(few, at((0.0, 0.0)), *NONE).count("</text>") == NAMED


def test_the_tail_is_the_way_of_the_last_seconds() -> None:
    """The state keeps places ten times a second, no more than the tail is long; a stream that begins anew has none."""
    state = PerformerState("p1", 0)
    for i in range(1000):
        state.take(at((i / 30, 0.0), t_ns=round(i * NS_PER_S / 30)), 0)
    ages, trail = state.trail()
    assert len(trail) == TAIL_S * 10
    assert ages[-1] == 0
    assert ages[0] == pytest.approx(-TAIL_S, abs=0.2)
    assert (np.diff(trail[:, 0]) > 0).all()
    svg = map_svg(references([(0.0, 0.0), (40.0, 1.0)]), at((33.0, 0.0)), ages, trail)
    strengths = [float(s) for s in re.findall(r'stroke-opacity="([\d.]+)"', svg)]
    assert strengths == sorted(strengths)
    assert len(strengths) == 3
    state.take(at((0.0, 0.0), t_ns=0), 0)
    assert state.trail()[1].tolist() == [[0.0, 0.0]]


def test_names_from_outside_are_escaped() -> None:
    """A reference's name with markup in it shows as text, in the picture and in the words."""
    evil = "<img src=x>"
    page = map_svg(references([(0.0, 0.0)], (evil,)), at((0.1, 0.0), evil), *NONE) + told_html(at((0.0, 0.0), evil))
    assert "<img" not in page
    assert page.count("&lt;img") == 2


def test_words_tell_the_nearest_its_distance_and_how_sure() -> None:
    """Distance and confidence stand beside the name; the label too where it says more."""
    text = re.sub("<[^>]*>", " ", told_html(replace(at((0.0, 0.0), "anna"), label="calm", confidence=0.5)))
    assert " ".join(text.split()) == "moves most like anna (calm) distance 1.25 · sure 0.50 · last 10 s"
