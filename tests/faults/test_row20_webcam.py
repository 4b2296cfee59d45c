"""FAULTS.md 3, row 20: a camera that freezes, blocks, gives nothing, is busy, is pulled out and comes back.

The camera is a fake that does as a file tells it; the process, its watchdog and everything behind it are the real ones.
"""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from faults.figures import figure
from support.sayings import wait_for

from emotus.engine.clock import MonotonicClock
from emotus.engine.errors import InputError
from emotus.engine.events import PoseEvent, StatusEvent
from emotus.engine.pipeline import Engine
from emotus.engine.runner import Runner
from emotus.sensors.webcam import WebcamSensor
from emotus.sensors.worker import Patience

PLENTY_S = 60.0  # for what takes a tenth of it on a machine that has nothing else to do


@pytest.fixture
def mode(tmp_path) -> Path:
    """Offer the file that tells the camera what to do; it begins well."""
    path = tmp_path / "mode"
    path.write_text("well")
    return path


@pytest.fixture
def sensor(mode) -> Iterator[WebcamSensor]:
    """Offer the real sensor before the fake camera, not yet opened."""
    made = webcam(mode)
    yield made
    made.close()


def webcam(mode: Path, **limits: float) -> WebcamSensor:
    """Return the real sensor before the fake camera."""
    fake = {"capture": "support.fake_camera:Camera", "mode": str(mode), "limits": limits}
    return WebcamSensor("0", clock=MonotonicClock(), estimator="support.fake_camera:Seer", settings=fake)


def read_until(sensor: WebcamSensor, happened, seconds: float = PLENTY_S) -> float:
    """Read until something has happened; return the seconds it took."""
    start = time.monotonic()
    while not happened(sensor.read()):
        assert time.monotonic() - start < seconds, f"not within {seconds} s: {sensor.health()}"
    return time.monotonic() - start


def comes(pose) -> bool:
    """Tell whether a pose came."""
    return pose is not None


def test_a_frozen_camera_is_told_and_taken_up_again(sensor, mode):
    """The same frame for ever, also after the camera is opened again: `stale` within a second, back within three."""
    sensor.open()
    read_until(sensor, comes)
    worker = psutil.Process(sensor.pid)
    mode.write_text("frozen")
    lost_s = read_until(sensor, lambda _: "the same picture comes again and again" in sensor.health().message)
    assert sensor.health().state == "stale"
    busy = share_of_a_core(worker, lambda: none_comes(sensor, 0.8))
    mode.write_text("well")
    back_s = read_until(sensor, lambda pose: comes(pose) and sensor.health().state == "live")
    print(f"row 20: frozen: told after {lost_s:.2f} s, back {back_s:.2f} s after, {busy:.1%} of a core meanwhile")
    figure(20, "frozen: told after", lost_s, 1, "s")
    figure(20, "frozen: back after", back_s, 3, "s")
    figure(20, "frozen: share of a core meanwhile", busy, 0.02)
    assert busy < 0.5  # a busy loop takes all of it


def share_of_a_core(process: psutil.Process, act) -> float:
    """Return how much of a core a process takes while something goes on; none where it ends meanwhile."""
    start = time.monotonic()
    try:
        before = process.cpu_times()
        act()
        after = process.cpu_times()
    except psutil.NoSuchProcess:  # so busy a machine that its camera counted as blocked
        return 0.0
    return (after.user + after.system - before.user - before.system) / (time.monotonic() - start)


def none_comes(sensor: WebcamSensor, seconds: float) -> None:
    """Check that no pose comes for so long but those taken before."""
    start_ns = time.monotonic_ns()
    while time.monotonic_ns() - start_ns < seconds * 1e9:
        pose = sensor.read()
        assert pose is None or pose.t_ns < start_ns


@pytest.mark.parametrize(("fault", "said"), [("none", "no picture comes"), ("busy", "cannot be opened")])
def test_a_camera_that_gives_nothing_is_asked_again_without_haste(mode, fault, said):
    """True with no frame, and a plug pulled out: told, asked again now and then, and taken up when it is back."""
    sensor = webcam(mode, lost_s=0.3, retry_s=0.2)
    sensor.open()
    read_until(sensor, comes)
    worker = psutil.Process(sensor.pid)
    mode.write_text(fault)
    lost_s = read_until(sensor, lambda _: said in sensor.health().message)
    busy = share_of_a_core(worker, lambda: none_comes(sensor, 0.5))
    mode.write_text("well")
    back_s = read_until(sensor, comes)
    sensor.close()
    print(f"row 20: {fault}: told after {lost_s:.2f} s, back {back_s:.2f} s after, {busy:.1%} of a core meanwhile")
    figure(20, f"{fault}: told after", lost_s, 1, "s")
    figure(20, f"{fault}: back after", back_s, 3, "s")
    figure(20, f"{fault}: share of a core meanwhile", busy, 0.02)
    assert busy < 0.5  # a busy loop takes all of it


def test_a_driver_that_blocks_is_killed_and_its_camera_opened_again(sensor, mode):
    """A read that never returns: told within a second, the process gone within two, poses again after the mend."""
    sensor.open()
    read_until(sensor, comes)
    worker = psutil.Process(sensor.pid)
    mode.write_text("block")
    lost_s = read_until(sensor, lambda _: "no picture comes" in sensor.health().message)
    killed_s = lost_s + read_until(sensor, lambda _: not worker.is_running())
    mode.write_text("well")
    back_s = read_until(sensor, lambda pose: comes(pose) and sensor.health().state == "live")
    print(f"row 20: blocked: told after {lost_s:.2f} s, killed after {killed_s:.2f} s, back {back_s:.2f} s after")
    figure(20, "blocked: killed after", killed_s, 2, "s")
    figure(20, "blocked: back after", back_s, 3, "s")
    assert sensor.health().counters["restarts"] >= 1


def test_poses_go_on_rising_after_a_restart(sensor, mode):
    """seq and time never go back, whatever happens to the process."""
    sensor.open()
    read_until(sensor, comes)
    first = sensor.read()
    while first is None:
        first = sensor.read()
    psutil.Process(sensor.pid).kill()
    read_until(sensor, lambda _: sensor.health().counters["restarts"] >= 1)
    second = None
    while second is None:
        second = sensor.read()
    assert second.seq > first.seq
    assert second.t_ns > first.t_ns


def test_a_busy_camera_is_told_when_it_is_opened(sensor, mode):
    """One line with the address, what is wrong and what to look at; nothing is left running."""
    mode.write_text("busy")
    with pytest.raises(InputError, match=r"webcam:0: the camera cannot be opened \(does another") as told:
        sensor.open()
    assert "\n" not in str(told.value)
    assert sensor.health().state == "closed"
    assert sensor.pid is None


def test_the_camera_is_let_go_when_the_sensor_closes(sensor):
    """The process that held it is gone, so that its lamp is out."""
    sensor.open()
    worker = psutil.Process(sensor.pid)
    sensor.close()
    assert not worker.is_running()


def test_the_camera_is_let_go_when_the_engine_dies(mode, tmp_path):
    """The process ends by itself as soon as nobody holds its standard input."""
    code = (
        "import os, sys; sys.path[:0] = eval(sys.argv[1])\n"
        "from emotus.engine.clock import MonotonicClock\n"
        "from emotus.sensors.webcam import WebcamSensor\n"
        "fake = {'capture': 'support.fake_camera:Camera', 'mode': sys.argv[2]}\n"
        "sensor = WebcamSensor('0', clock=MonotonicClock(), estimator='support.fake_camera:Seer', settings=fake)\n"
        "sensor.open(); print(sensor.pid, flush=True); os.kill(os.getpid(), 9)\n"
    )
    engine = subprocess.run(
        [sys.executable, "-c", code, repr(sys.path), str(mode)], capture_output=True, text=True, timeout=60
    )
    pid = int(engine.stdout)
    deadline = time.monotonic() + PLENTY_S
    while runs(pid):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def runs(pid: int) -> bool:
    """Tell whether a process still runs; one that nobody has waited for yet does not."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_a_camera_whose_process_dies_again_and_again_is_lost(mode):
    """After its restarts the sensor is lost for good, and read says so once, in one line."""
    fake = {"capture": "support.fake_camera:Camera", "mode": str(mode), "trouble": "kill"}
    seer, patience = "support.fake_camera:Seer", Patience(restarts=1, pause_s=0.01)
    sensor = WebcamSensor("0", clock=MonotonicClock(), estimator=seer, settings=fake, patience=patience)
    sensor.open()
    with pytest.raises(InputError, match="webcam:0: the worker was killed by SIGKILL; started 1 times") as told:
        read_until(sensor, lambda _: False)
    assert "\n" not in str(told.value)
    assert sensor.health().state == "lost"
    assert sensor.read() is None
    sensor.close()


class Listener:
    """A bridge that keeps the sensors' news, and does something at each pose."""

    waiting, gone = 0, False

    def __init__(self, at_pose):
        self.news: list[StatusEvent] = []
        self._at_pose = at_pose

    def start(self):
        pass

    def send(self, event):
        if isinstance(event, PoseEvent):
            self._at_pose()
        if isinstance(event, StatusEvent) and event.stream == "sensors":
            self.news.append(event)

    def close(self):
        pass

    def stats(self):
        return self


def test_a_show_hears_of_it(mode):
    """In a run a status event names the camera and the fault, and another its return; poses go on after it."""
    clock = MonotonicClock()
    poses = []

    def at_pose() -> None:
        poses.append(1)
        if len(poses) == 5:
            mode.write_text("frozen")

    told = Listener(at_pose)
    runner = Runner([webcam(mode)], Engine(None, clock), [told], clock)
    thread = threading.Thread(target=runner.run)
    thread.start()
    said = ("warning", "sensor-stale", "webcam:0: the same picture comes again and again")
    assert wait_for(lambda: said in [(each.level, each.code, each.message) for each in told.news], PLENTY_S)
    mode.write_text("well")
    assert wait_for(lambda: told.news[-1].code == "sensor-live", PLENTY_S)
    so_far = len(poses)
    assert wait_for(lambda: len(poses) > so_far, PLENTY_S)
    runner.stop()
    thread.join(PLENTY_S)
    assert not thread.is_alive()
