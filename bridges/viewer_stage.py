"""The stage: a dark floor with one body for each performer, side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from ..engine.body import JOINT_COUNT
from ..engine.events import EmotionEvent, MotionEvent
from ..engine.skeleton import Float32, Float64
from .viewer_body import INSTANCES, body_colors, body_shape, unit_sphere
from .viewer_colors import MUTED, STAGE, SYNTHETIC, Rgb, emotion_color
from .viewer_state import SILENT_NS, PerformerState

if TYPE_CHECKING:
    import viser

SPACING_M: Final = 2.4
CLOSE_M, BACK_M = 1.3, 1.3  # three and more stand closer, every second one a step behind, so that all are seen larger
# A body that travels farther than this takes its spot along, so that it never leaves the picture nor meets another.
_LEASH_ALONE_M: Final = 0.8
_LEASH_BESIDE_M: Final = 0.7
_LEASH_CLOSE_M: Final = 0.3
_ALL: Final = np.ones(JOINT_COUNT, dtype=np.float32)
Vector = tuple[float, float, float]
_TURNED: Final = 0.1  # share by which a page's shape has to change for its camera to be set anew
_TURN: Final = 0.12  # share of the way that a colour goes in one update
_LABEL_M: Final = 0.30  # above the head
_LABEL_BACK_M: Final = 0.28  # more, of those who stand behind, so that words do not lie upon words


class Stage:
    """Draw the bodies of the performers given; bounded by what it is given."""

    def __init__(self, server: viser.ViserServer) -> None:
        self._server = server
        self._bodies: dict[str, _Body] = {}
        self._entries = 0
        self._aspects: dict[int, float] = {}  # by page, as it was when the camera was last turned
        _light(server)
        self._floor = _lay_floor(server)
        self._aim()
        server.on_client_connect(self._welcome)

    def cast(self, states: list[PerformerState]) -> None:
        """Let performers enter and leave; whoever enters, every page turns to have all in the picture."""
        streams = {state.stream for state in states}
        for gone in set(self._bodies) - streams:
            self._bodies.pop(gone).leave()
        entered = streams - set(self._bodies)
        for stream in entered:
            self._entries += 1
            self._bodies[stream] = _Body(self._server, stream, f"/performers/{self._entries}")
        if entered:
            self._aim()
        clients = self._server.get_clients()
        for number, client in clients.items():
            if entered or abs(client.camera.aspect / self._aspects.get(number, 1e-9) - 1.0) > _TURNED:
                self._turn(client)  # a page that is turned or widened, as the stage view is, has other room
        self._aspects = {number: self._aspects[number] for number in clients if number in self._aspects}

    def show(self, states: list[PerformerState], now_ns: int) -> None:
        """Move every body to where its performer is now; they have been cast before."""
        for state, place in zip(states, places(len(states)), strict=True):
            self._bodies[state.stream].show(state, place, _leash_m(len(states)), now_ns)
        if len(states) == 1:  # the floor goes where she is taken, so that her feet do not slide on it
            x, _, z = self._bodies[states[0].stream].shift
            self._floor.position = (x % 1.0, 0.0, z % 1.0)

    def _aim(self) -> None:
        """Set where pages that open from now on look from."""
        camera = self._server.initial_camera
        camera.up = (0.0, 1.0, 0.0)
        camera.position, camera.look_at = viewpoint(len(self._bodies), 1.5)

    async def _welcome(self, client: viser.ClientHandle) -> None:
        self._turn(client)

    def _turn(self, client: viser.ClientHandle) -> None:
        """Move the camera of one page, which may be tall and narrow, to where it sees everybody."""
        self._aspects[client.client_id] = client.camera.aspect
        position, look_at = viewpoint(len(self._bodies), client.camera.aspect)
        with client.atomic():
            client.camera.up_direction = (0.0, 1.0, 0.0)
            client.camera.position = position
            client.camera.look_at = look_at


def places(count: int) -> list[tuple[float, float]]:
    """Return where count performers stand side by side, x and z in metres, the first at the left of the picture."""
    if count <= 2:
        return [(SPACING_M * (i - (count - 1) / 2), 0.0) for i in range(count)]
    return [(CLOSE_M * (i - (count - 1) / 2), -BACK_M * (i % 2)) for i in range(count)]


def viewpoint(count: int, aspect: float) -> tuple[Vector, Vector]:
    """Return where to look from and at, so that count performers side by side are in a picture of that aspect.

    In a tall picture (a phone) the panel covers the lower half, so the bodies are kept in the upper one.
    """
    tall = aspect < 0.8
    beside_m = 0.35 if count > 2 else 0.7 if tall else 0.9
    wide_m = 2.0 * (beside_m + _leash_m(count)) + 2.0 * max((x for x, _ in places(count)), default=0.0)
    away_m = max(3.1, 0.94 * wide_m / max(aspect, 0.3))  # of the page's 56 degrees from top to bottom
    at = (0.0, 0.92 - (0.28 * away_m if tall else 0.0), 0.0)
    return (min(0.28 * away_m, 1.1), at[1] + 0.22 * away_m, 0.96 * away_m), at


class _Body:
    """Draw one body and the words above it; sends only what has changed."""

    def __init__(self, server: viser.ViserServer, stream: str, node: str) -> None:
        self._stream = stream
        vertices, faces = unit_sphere()
        self._mesh = server.scene.add_batched_meshes_simple(
            node,
            vertices,
            faces,
            batched_wxyzs=np.tile(np.array([1, 0, 0, 0], dtype=np.float32), (INSTANCES, 1)),
            batched_positions=np.zeros((INSTANCES, 3), dtype=np.float32),
            batched_scales=np.full((INSTANCES, 3), 1e-3, dtype=np.float32),
            batched_colors=np.full((INSTANCES, 3), 60, dtype=np.uint8),
            lod="off",
            cast_shadow=False,
            receive_shadow=False,
        )
        self._label = server.scene.add_label(f"{node}-label", stream, anchor="bottom-center", font_screen_scale=1.1)
        self.shift: Vector = (0.0, 0.0, 0.0)
        self._spot: Float64 | None = None  # (2,) where on her own floor the performer's spot lies
        self._tint = np.array(MUTED, dtype=np.float64)
        self._strength = 0.0

    def leave(self) -> None:
        """Take the body off the stage."""
        self._mesh.remove()
        self._label.remove()

    def show(self, state: PerformerState, place: tuple[float, float], leash_m: float, now_ns: int) -> None:
        """Draw the latest pose, or the latest frame of generated motion, at a place of the stage."""
        shown = state.motion or state.pose
        if shown is None:
            return
        silent = state.silent_ns(now_ns) > SILENT_NS
        known = drawable(shown.joints)
        sure = _ALL if isinstance(shown, MotionEvent) else shown.confidence
        self._go(known[0], place, leash_m)
        joints = known + np.array(self.shift, dtype=np.float32)
        shape = body_shape(joints, sure)
        tint = self._made(silent=silent) if state.is_generated else self._color(state.emotion, silent=silent)
        shares = None if state.emotion is None else state.emotion.joints
        confidence = sure * np.float32(0.4 if silent else 1.0)
        self._mesh.batched_positions = shape.positions
        self._mesh.batched_wxyzs = shape.wxyzs
        self._mesh.batched_scales = shape.scales
        self._mesh.batched_colors = body_colors(confidence, tint, round(self._strength, 2), shares)
        above_m = _LABEL_M + (_LABEL_BACK_M if place[1] < 0 else 0.0)
        self._label.position = (float(joints[0, 0]), float(joints[4, 1]) + above_m, float(joints[0, 2]))
        self._label.text = caption(
            self._stream, state.emotion, silent=silent, motion=state.motion, brief=leash_m < _LEASH_BESIDE_M
        )

    def _go(self, root: Float32, place: tuple[float, float], leash_m: float) -> None:
        """Set the way from the performer's own floor to her place on the stage."""
        here = root[[0, 2]].astype(np.float64)
        spot = here if self._spot is None else self._spot
        apart = here - spot
        distance = float(np.hypot(*apart))
        if distance > leash_m:
            spot = here - apart * (leash_m / distance)
        self._spot = spot
        self.shift = (place[0] - float(spot[0]), 0.0, place[1] - float(spot[1]))

    def _made(self, *, silent: bool) -> Rgb:
        """Return the colour of what is generated, which no emotion has, and show it strongly."""
        self._strength = 0.3 if silent else 0.85
        return SYNTHETIC

    def _color(self, emotion: EmotionEvent | None, *, silent: bool) -> Rgb:
        """Return the emotion's colour, reached gradually, and set how strongly it shows."""
        known = emotion is not None and not emotion.abstain and not silent
        wanted = emotion_color(emotion.label) if emotion is not None and known else MUTED
        strength = 0.45 + 0.55 * emotion.confidence if emotion is not None and known else 0.0
        self._tint += _TURN * (np.array(wanted) - self._tint)
        self._strength += _TURN * (strength - self._strength)
        r, g, b = (round(float(each)) for each in self._tint)
        return r, g, b


def drawable(joints: Float32) -> Float32:
    """Return joints (21, 3) with what is not finite at 0 and what is absurdly far at 1 km."""
    return np.clip(np.nan_to_num(joints, posinf=0.0, neginf=0.0), -1e3, 1e3)


def _leash_m(count: int) -> float:
    return (_LEASH_ALONE_M, _LEASH_ALONE_M, _LEASH_BESIDE_M)[count] if count <= 2 else _LEASH_CLOSE_M


def caption(
    stream: str, emotion: EmotionEvent | None, *, silent: bool, motion: MotionEvent | None = None, brief: bool = False
) -> str:
    """Return the words above a head; brief: without the number. What is generated is always called synthetic."""
    if motion is not None:
        return f"{stream}: synthetic {motion.emotion}"
    if silent:
        return f"{stream}: silent"
    if emotion is None:
        return stream
    known = emotion.label if brief else f"{emotion.label} {emotion.confidence:.2f}"
    return f"{stream}: {'unknown' if emotion.abstain else known}"


def _backdrop() -> NDArray[np.uint8]:
    """Return a picture (64, 2, 3): dark above and below, a little light at the horizon."""
    share = np.exp(-(((np.arange(64) - 26.0) / 14.0) ** 2))[:, None, None]
    glow = np.array(STAGE) + share * (np.array([34, 40, 56]) - np.array(STAGE))
    return np.tile(glow, (1, 2, 1)).astype(np.uint8)


def _light(server: viser.ViserServer) -> None:
    """Set the dark stage: a light from above, no daylight and no cast shadows, which slow machines cannot afford."""
    scene = server.scene
    scene.set_up_direction("+y")
    scene.world_axes.visible = False
    scene.set_background_image(_backdrop(), format="png")
    scene.configure_default_lights(enabled=False)
    scene.configure_environment_map(None)
    scene.add_light_hemisphere("/light/sky", sky_color=(190, 205, 255), ground_color=(46, 46, 60), intensity=0.75)
    scene.add_light_directional("/light/key", color=(255, 244, 230), intensity=2.2, position=(2.5, 6.0, 4.0))


def _lay_floor(server: viser.ViserServer) -> viser.GridHandle:
    """Lay a floor of squares of half a metre, every second line brighter."""
    return server.scene.add_grid(
        "/floor",
        plane="xz",
        width=40.0,
        height=40.0,
        cell_size=0.5,
        section_size=1.0,
        cell_color=(38, 44, 58),
        section_color=(62, 72, 94),
        fade_distance=16.0,
        fade_from="origin",
        shadow_opacity=0.0,
    )
