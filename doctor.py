"""The doctor: what is installed, which device, which sensor and bridge would work, and how to mend the rest.

Everything is looked up on this machine; nothing leaves it. Packages are read from their metadata, not imported, but
for torch, which alone can tell of its device.
"""

from __future__ import annotations

import hashlib
import importlib.metadata as metadata
import importlib.util
import io
import json
import platform
import re
import socket
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .sensors.ears import Heard
    from .sensors.info import SensorInfo

MIN_PYTHON = (3, 11)
LOOPBACK = "127.0.0.1"
OSC_PORT, WS_PORT, VIEW_PORT = 9000, 8765, 8080
LISTENED_S = 0.3  # at the ports where sensors listen
GENERATORS = ("-partner", "-cvae", "-manifold")  # whose weights read nothing
METRICS_FROM = (0, 10, 35)  # from this version on mediapipe reports metrics of its use over the network by itself


@dataclass(frozen=True, slots=True)
class Check:
    """Tell of one thing: whether it is as it should be, what was found, and how to mend it.

    needed: False for what emotus does without (an extra that is not installed is no fault).
    """

    name: str
    ok: bool
    detail: str
    mend: str = ""
    needed: bool = True


def diagnose() -> list[Check]:
    """Check this machine, the most basic things first."""
    return [
        check_python(),
        *check_packages(),
        *check_telemetry(),
        check_device(),
        *check_weights(),
        *check_step(),
        check_tensorrt(),
        *check_addresses(),
        *check_ports(),
    ]


def check_python(version: tuple[int, ...] = sys.version_info[:3]) -> Check:
    """Tell which Python runs, and whether it is new enough."""
    found, oldest = (".".join(map(str, numbers)) for numbers in (version, MIN_PYTHON))
    ok = version >= MIN_PYTHON
    return Check("python", ok, f"{found} at {sys.executable}", "" if ok else f"install Python {oldest} or newer")


@dataclass(frozen=True, slots=True)
class Requirement:
    """Name a package, the oldest version that serves ("" for any), and the extra that asks for it ("" for the core)."""

    package: str
    oldest: str
    extra: str


def check_packages() -> list[Check]:
    """Tell the version of each package that the core and each extra ask for."""
    try:
        wanted = requirements(metadata.requires("emotus") or [])
    except metadata.PackageNotFoundError:
        return [Check("packages", ok=False, detail="emotus itself is not installed", mend="pip install -e .")]
    extras = sorted({each.extra for each in wanted})  # "" comes first
    return [check_extra(extra, [each for each in wanted if each.extra == extra]) for extra in extras]


def requirements(lines: Iterable[str]) -> list[Requirement]:
    """Read requirement lines of package metadata; those for another Python or system, and emotus itself, are left out.

    Only what our own metadata says is understood: a name, a lower or exact bound, a Python version, an extra.
    """
    found: list[Requirement] = []
    for line in lines:
        text, _, marker = line.partition(";")
        name = re.match(r"[A-Za-z0-9._-]+", text.strip())
        extra = re.search(r"extra\s*==\s*[\"']([^\"']+)[\"']", marker)
        if name is None or name[0] == "emotus" or (extra and extra[1] == "all") or not _applies(marker):
            continue
        oldest = re.search(r"[=>]=\s*([0-9][^,\s]*)", text)
        found.append(Requirement(name[0], oldest[1] if oldest else "", extra[1] if extra else ""))
    return found


def _applies(marker: str) -> bool:
    """Tell whether a marker's Python version is this one's; all else is taken to apply."""
    bound = re.search(r"python_version\s*(<|>=)\s*[\"']([0-9.]+)[\"']", marker)
    if bound is None:
        return True
    newer = sys.version_info[:2] >= version_key(bound[2])
    return newer if bound[1] == ">=" else not newer


def check_extra(extra: str, wanted: Sequence[Requirement]) -> Check:
    """Tell the versions of one extra's packages; it is well when none is missing or too old."""
    found, faults = [], []
    for each in wanted:
        version = installed(each.package)
        found.append(f"{each.package} {version or 'missing'}")
        if version is None or version_key(version) < version_key(each.oldest):
            faults.append(f"{each.package}>={each.oldest}" if each.oldest else each.package)
    target = f"emotus[{extra}]" if extra else "emotus"
    mend = f"pip install '{target}'  (for {', '.join(faults)})"
    return Check(f"packages: {extra or 'core'}", not faults, ", ".join(found), mend if faults else "", needed=not extra)


def check_telemetry() -> list[Check]:
    """Warn of a mediapipe that reports metrics of its use over the network; nothing where there is no mediapipe."""
    version = installed("mediapipe")
    if version is None:
        return []
    quiet = version_key(version) < METRICS_FROM
    told = f"mediapipe {version} " + ("makes no call of its own that we know of" if quiet else "sends usage metrics")
    mend = "" if quiet else f"pip install 'mediapipe<{'.'.join(map(str, METRICS_FROM))}'"
    return [Check("telemetry", quiet, told, mend, needed=False)]


def installed(package: str) -> str | None:
    """Return the version of an installed package, None where it is not."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def version_key(version: str) -> tuple[int, ...]:
    """Return the leading numbers of a version for comparison: "2.13.0+cpu" -> (2, 13, 0)."""
    parts = (re.match(r"\d+", part) for part in version.partition("+")[0].split("."))
    return tuple(int(part[0]) for part in takewhile(lambda part: part is not None, parts) if part)


def check_device() -> Check:
    """Tell on which device networks can run, and with how many threads."""
    if importlib.util.find_spec("torch") is None:
        return Check("device", ok=False, detail="torch is not installed", mend="pip install emotus")
    import torch

    threads = f"the engine uses one thread of {torch.get_num_threads()}"
    if torch.cuda.is_available():
        return Check("device", ok=True, detail=f"CUDA: {torch.cuda.get_device_name(0)}; on the CPU {threads}")
    return Check("device", ok=True, detail=f"CPU ({platform.machine()}); {threads}")


def check_step(name: str = "bandai-stgcn") -> list[Check]:
    """Tell how the shipped recogniser is stepped here, in which precision, and why: what was measured just now."""
    if importlib.util.find_spec("torch") is None:
        return []
    import torch

    from .models.steppers import choose
    from .models.store import WeightsProblem, load_recogniser

    torch.set_num_threads(1)
    try:
        _, choice = choose(load_recogniser(name)[0])
    except WeightsProblem as problem:
        return [Check("step", ok=False, detail=str(problem), mend=problem.mend)]
    times = ", ".join(f"{way} {ms:.2f} ms" for way, ms in choice.measured_ms.items())
    detail = f"{choice.name}: {choice.why}{f' ({times})' if times else ''}; {choice.threads} thread, {choice.precision}"
    return [Check("step", ok=True, detail=detail)]


def check_tensorrt() -> Check:
    """Tell whether engines can be built here, and whether the interface is one that we know."""
    if installed("tensorrt") is None and installed("tensorrt-cu12") is None and installed("tensorrt-cu13") is None:
        mend = "pip install 'emotus[tensorrt]', where there is an NVIDIA GPU"
        return Check("tensorrt", ok=False, detail="not installed; networks run without it", mend=mend, needed=False)
    from .models.store import WeightsProblem
    from .models.tensorrt_step import open_tensorrt

    try:
        return Check("tensorrt", ok=True, detail=f"{open_tensorrt().__version__}", needed=False)
    except WeightsProblem as problem:
        return Check("tensorrt", ok=False, detail=str(problem), mend=problem.mend, needed=False)


def check_weights(folder: Path | None = None) -> list[Check]:
    """Tell of each shipped model whether its weights are whole: of the hash they should have, and of our shape."""
    from .models.store import FOLDER

    files = sorted((folder or FOLDER).glob("*.safetensors"))
    if not files:
        return [Check("weights", ok=False, detail=f"none in {folder or FOLDER}", mend="install emotus again")]
    others = {"teach-prior": _check_prior, "bandai-signature": _check_signature}
    others |= dict.fromkeys((f.stem for f in files if f.stem.endswith(GENERATORS)), _check_generator)
    return [others.get(file.stem, _check_model)(file) for file in files]


def _check_model(file: Path) -> Check:
    from .models.store import WeightsProblem, load_recogniser

    name = f"weights: {file.stem}"
    try:
        _, info = load_recogniser(file)
    except WeightsProblem as problem:
        return Check(name, ok=False, detail=problem.problem, mend=problem.mend or "install emotus again")
    return Check(name, ok=True, detail=f"{', '.join(info.labels)}; sha256 {info.sha256[:12]}..., {info.licence}")


def _check_generator(file: Path) -> Check:
    """Tell whether what generates motion is whole: of the hash that stands beside it."""
    name, about = f"weights: {file.stem}", json.loads(file.with_suffix(".json").read_text())
    found = hashlib.sha256(file.read_bytes()).hexdigest()
    if found != about.get("sha256"):
        return Check(
            name, ok=False, detail=f"sha256 {found[:12]}... is not what it should be", mend="install emotus again"
        )
    return Check(name, ok=True, detail=f"generates motion; sha256 {found[:12]}..., {about.get('licence')}")


def _check_prior(file: Path) -> Check:
    """Tell whether teaching can begin: with numbers that are whole and belong to the shipped recogniser."""
    from .models.store import WeightsProblem, feature_set, load_recogniser
    from .models.teach_prior import load_teach_prior

    name = f"weights: {file.stem}"
    try:
        prior = load_teach_prior(file)
        network, info = load_recogniser()
    except WeightsProblem as problem:
        return Check(name, ok=False, detail=problem.problem, mend=problem.mend or "install emotus again")
    if prior.features != f"{info.name} {feature_set(network)}":
        return Check(name, ok=False, detail=f"made for {prior.features}", mend="emotus train teach-prior")
    return Check(name, ok=True, detail=f"for {info.name}; sha256 {prior.sha256[:12]}..., {prior.about['licence']}")


def _check_signature(file: Path) -> Check:
    """Tell whether the learned signature is whole."""
    from .models.signature_store import load_signature
    from .models.store import WeightsProblem

    name = f"weights: {file.stem}"
    try:
        learned = load_signature(file)
    except WeightsProblem as problem:
        return Check(name, ok=False, detail=problem.problem, mend="install emotus again")
    detail = f"{learned.encoder.shape.kind}; sha256 {learned.sha256[:12]}..., {learned.licence}"
    return Check(name, ok=True, detail=detail)


def check_addresses() -> list[Check]:
    """Tell which sensors and bridges can be named on the command line; the synthetic sensor is tried."""
    from .engine.clock import ManualClock
    from .sensors.uri import open_sensor

    sensor = open_sensor("synthetic:neutral?speed=0", ManualClock())
    sensor.open()
    moves = sensor.read() is not None
    sensor.close()
    checks = [*check_ears(), *check_eyes()]
    checks.append(Check("sensor synthetic:", moves, "ready, and moving" if moves else "does not move", "report a bug"))
    viewer = importlib.util.find_spec("viser") is not None
    checks += check_bridges()
    mend = "" if viewer else "pip install 'emotus[viewer]'"
    return [*checks, Check("bridge --view", viewer, "ready" if viewer else "viser is missing", mend, needed=False)]


def check_bridges(devices: Path = Path("/dev")) -> list[Check]:
    """Tell of each bridge what it lacks: a package, or for MIDI on Linux the sequencer; LSL's listens everywhere."""
    from .bridges.uri import NEEDS, SCHEMES

    checks: list[Check] = []
    for scheme in SCHEMES:
        module, extra = NEEDS.get(scheme, ("", ""))
        name = f"bridge {scheme}:"
        if module and importlib.util.find_spec(module) is None:
            mend = f"pip install 'emotus[{extra}]'"
            checks.append(Check(name, ok=False, detail=f"{module} is missing", mend=mend, needed=False))
        elif scheme == "midi" and sys.platform == "linux" and not (devices / "snd" / "seq").exists():
            problem = "this machine has no MIDI: ALSA's sequencer is not loaded"
            checks.append(Check(name, ok=False, detail=problem, mend="sudo modprobe snd-seq", needed=False))
        else:
            detail = "ready; needs --expose: LSL listens on every address" if scheme == "lsl" else "ready"
            checks.append(Check(name, ok=True, detail=detail))
    return checks


def check_ears(seconds: float = LISTENED_S) -> list[Check]:
    """Tell of each sensor but the cameras what it lacks, and what is heard right now at the port it listens at."""
    from .sensors.ears import listen
    from .sensors.uri import sensor_infos

    infos = [info for info in sensor_infos() if info.scheme not in ("synthetic", "webcam", "video")]
    heard = listen((info.port for info in infos if info.port and info.transport == "udp"), seconds)
    return [_check_sensor(info, heard.get(info.port or 0), seconds) for info in infos]


def _check_sensor(info: SensorInfo, heard: Heard | None, seconds: float) -> Check:
    name = f"sensor {info.scheme}:"
    missing = [(package, extra) for package, extra in info.packages if importlib.util.find_spec(package) is None]
    if missing:
        detail = f"{', '.join(package for package, _ in missing)} is missing"
        return Check(name, ok=False, detail=detail, mend=f"pip install 'emotus[{missing[0][1]}]'", needed=False)
    if heard is None:
        detail = f"ready; connects to TCP port {info.port}" if info.port else "ready"
        return Check(name, ok=True, detail=detail, needed=False)
    where = f"UDP {LOOPBACK}:{heard.port}"
    if heard.taken:
        mend = f"close the program that listens there, or send to {heard.port + 1} and name that port"
        return Check(name, ok=False, detail=f"{where} is in use", mend=mend, needed=False)
    if not heard.datagrams:
        return Check(name, ok=True, detail=f"ready; nothing heard at {where} in {seconds:g} s", needed=False)
    detail = f"ready; {heard.datagrams} datagrams heard at {where} in {seconds:g} s from {', '.join(heard.hosts)}"
    return Check(name, ok=True, detail=detail, needed=False)


def check_eyes(devices: Path = Path("/dev")) -> list[Check]:
    """Tell what would find people in pictures, and which cameras there are where the system lists them (Linux)."""
    from .sensors.pose_choice import describe

    ready, found, mend = describe()
    cameras = sorted(path.name for path in devices.glob("video[0-9]*"))
    listed = f"; cameras: {', '.join(cameras)}" if cameras else "; no camera is listed"
    told = found + (listed if sys.platform == "linux" else "")
    return [
        Check("sensor webcam:", ready, told, mend, needed=False),
        Check("sensor video:", ready, found, mend, needed=False),
    ]


def check_ports() -> list[Check]:
    """Tell whether the ports that bridges and viewer listen at by default are free, and who would hear OSC."""
    heard = not _is_free(OSC_PORT, socket.SOCK_DGRAM)
    osc = "a receiver listens" if heard else "nothing listens yet: start the receiver before or after, as you like"
    return [
        Check(f"port {OSC_PORT} (osc)", ok=True, detail=osc, needed=False),
        _check_listening("ws", WS_PORT, f"-b ws:{LOOPBACK}:{WS_PORT + 1}"),
        _check_listening("viewer", VIEW_PORT, f"--view {LOOPBACK}:{VIEW_PORT + 1}"),
    ]


def _check_listening(name: str, port: int, other: str) -> Check:
    free = _is_free(port, socket.SOCK_STREAM)
    return Check(
        f"port {port} ({name})", free, "free" if free else "in use", "" if free else f"use {other}", needed=False
    )


def _is_free(port: int, kind: socket.SocketKind) -> bool:
    with socket.socket(socket.AF_INET, kind) as probe:
        if kind == socket.SOCK_STREAM:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def as_json_lines(checks: Iterable[Check]) -> str:
    """Return one JSON object a line."""
    return "\n".join(json.dumps(asdict(check)) for check in checks)


def as_table(checks: Iterable[Check], width: int = 120) -> str:
    """Return a table for people, with the mends of what is not as it should be below their rows."""
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for column in ("", "check", "found"):
        table.add_column(column, overflow="fold")
    for check in checks:
        mark = "ok" if check.ok else ("MEND" if check.needed else "-")
        table.add_row(mark, check.name, check.detail)
        if check.mend and not check.ok:
            table.add_row("", "", f"-> {check.mend}")
    out = io.StringIO()
    Console(file=out, width=width, markup=False, highlight=False).print(table)
    return out.getvalue().rstrip("\n")
