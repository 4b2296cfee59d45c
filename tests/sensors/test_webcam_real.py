"""The camera's path with the real networks: `make test-webcam`. Skipped where MediaPipe is not installed.

The camera itself is the one thing that is made up: a video file read as a camera would give it.
"""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import psutil
import pytest
from support.performers import CountingRecogniser
from support.reading import read_all

from emotus.engine.body import JOINT_INDEX
from emotus.engine.clock import ManualClock, MonotonicClock
from emotus.engine.events import EmotionEvent
from emotus.engine.pipeline import Engine
from emotus.engine.retarget import match_skeleton, retarget
from emotus.engine.skeleton_tables import MEDIAPIPE_NAMES
from emotus.engine.tables import points_skeleton
from emotus.sensors.eyes import Sight
from emotus.sensors.pose_choice import describe
from emotus.sensors.video import VideoSensor
from emotus.sensors.webcam import WebcamSensor

READY, _, MEND = describe()
DATA = Path(__file__).resolve().parents[3] / "shared" / "data" / "webcam"
SQUATS = DATA / "pose_squats.mp4"

pytestmark = [
    pytest.mark.skipif(not READY, reason=f"nothing finds people in pictures here: {MEND}"),
    pytest.mark.skipif(not SQUATS.exists(), reason=f"{SQUATS} is missing"),
]


def squats(**sight: object) -> VideoSensor:
    """Return the sensor of the squats, as fast as possible."""
    return VideoSensor(SQUATS, clock=MonotonicClock(), speed=0.0, sight=Sight("squats", **sight))


@pytest.fixture(scope="module")
def poses():
    """Read the squats once, without smoothing."""
    sensor = squats(smooth="off")
    sensor.open()
    poses = read_all(sensor)
    sensor.close()
    return poses


def test_every_picture_of_the_squats_is_a_pose_near_the_golden_one(poses):
    """65 of 65, and the 21 joints about the hips less than 5 cm from those of the published landmarks on average."""
    real = [pose for pose in poses if not pose.interpolated]
    points = np.array(json.loads((DATA / "pose_squats_3d.full.json").read_text()), dtype=np.float32)
    golden = retarget(match_skeleton(points_skeleton(MEDIAPIPE_NAMES), place="golden"), points).positions
    assert len(real) == len(golden) == 65
    ours = np.array([pose.positions - pose.positions[0] for pose in real])
    apart_m = np.linalg.norm(ours - (golden - golden[:, :1]), axis=-1)  # (65, 21)
    print(
        f"squats: {100 * apart_m.mean():.1f} cm on average, {100 * apart_m.mean(axis=1).max():.1f} in the worst frame"
    )
    assert apart_m.mean() < 0.05


def test_the_squats_go_down_and_up_on_a_floor(poses):
    """The hips sink by a third of a metre and more, again and again; the lowest toe stays on the floor."""
    hips_m = np.array([pose.positions[0, 1] for pose in poses])
    toes = [JOINT_INDEX["LeftToes"], JOINT_INDEX["RightToes"]]
    lowest_m = np.array([pose.positions[toes, 1].min() for pose in poses])
    assert np.ptp(hips_m) > 0.33
    assert 3 <= sum((hips_m[:-1] > 0.75) & (hips_m[1:] <= 0.75)) <= 8
    assert np.abs(lowest_m).max() < 0.15
    assert all(not pose.travels for pose in poses)
    assert min(pose.confidence.max() for pose in poses) > 0.9


@pytest.mark.parametrize(("rotate", "said"), [(180, "upside down"), (90, "turned"), (270, "turned")])
def test_a_picture_that_is_turned_is_believed_little_and_said_so(rotate, said):
    """Upside down and sideways: no joint is sure enough to be read, the reason is told, and the engine says unknown."""
    sensor = squats(rotate=rotate)
    sensor.open()
    engine = Engine(CountingRecogniser(), ManualClock(), live=False)
    poses, told, answers = [], set(), []
    while sensor.health().state == "live":
        pose = sensor.read()
        if pose is not None:
            poses.append(pose)
            told.add(said in sensor.health().message)
            answers += [event for event in engine.step(pose) if isinstance(event, EmotionEvent)]
    sensor.close()
    assert poses
    assert told == {True}
    assert max(pose.confidence.max() for pose in poses) < 0.3
    assert {event.label for event in answers} == {"unknown"}


def test_it_keeps_up_with_a_camera(tmp_path):
    """Pictures of 640 x 480 at 30 a second: nothing is late by more than it takes to see, and none is waited for."""
    sensor = WebcamSensor(
        str(SQUATS), clock=MonotonicClock(), settings={"capture": "support.film_as_camera:FilmAsCamera"}
    )
    sensor.open()
    poses = []
    while len(poses) < 60:
        pose = sensor.read()
        if pose is not None:
            poses.append(pose)
    took_s = (poses[-1].t_ns - poses[0].t_ns) / 1e9
    counters = sensor.health().counters
    sensor.close()
    print(f"webcam path: {59 / took_s:.1f} poses a second, {counters}")
    assert took_s < 30.0
    assert counters["restarts"] == 0


@pytest.mark.skipif(sys.platform != "linux" or shutil.which("strace") is None, reason="strace is not here")
def test_no_connection_is_opened_and_no_picture_written(tmp_path):
    """Every system call of the process that sees, by strace: no internet socket, and no write as large as a picture."""
    trace = tmp_path / "calls"
    code = (
        "import sys; sys.path[:0] = eval(sys.argv[1])\n"
        "from emotus.sensors.webcam_worker import play\n"
        "from emotus.sensors.worker_channel import Channel\n"
        "play(Channel(open('/dev/null', 'wb')), {'place': 'x', 'source': sys.argv[2],"
        " 'capture': 'emotus.sensors.capture:open_file', 'estimator': 'emotus.sensors.pose_mediapipe:Solutions'})\n"
    )
    watched = "trace=execve,socket,connect,sendto,sendmsg,write,writev,pwrite64,sendfile,memfd_create"
    command = ["strace", "-f", "-qq", "-e", watched, "-o", str(trace)]
    ran = subprocess.run([*command, sys.executable, "-c", code, repr(sys.path), str(SQUATS)], capture_output=True)
    if ran.returncode and b"ptrace" in ran.stderr:
        pytest.skip("strace may not trace here")
    assert ran.returncode == 0, ran.stderr[-500:]
    calls = [line.split(maxsplit=1) for line in trace.read_text().splitlines()]
    first = calls[0][0]
    others = {pid for pid, call in calls if call.startswith("execve(") and pid != first}  # gcc, asked for libraries
    ours = [call for pid, call in calls if pid not in others]
    assert [call for call in ours if "AF_INET" in call or call.startswith(("connect(", "sendto(", "sendmsg("))] == []
    written = [int(call.rpartition("= ")[2]) for call in ours if "write" in call.partition("(")[0] and "= " in call]
    messages = [size for size in written if size > 800]  # a sighting of one person is 818 bytes
    print(f"strace: {len(ours)} calls, {len(messages)} sightings, the largest write {max(written)} bytes")
    assert len(messages) == 65
    assert max(written) < 1000


def test_the_process_that_sees_has_no_network_connection():
    """While it works, no thread of it has an internet socket open."""
    sensor = squats()
    sensor.open()
    worker = psutil.Process(sensor._eyes.pid)
    seen = []
    while sensor.health().state == "live":
        sensor.read()
        if worker.is_running():
            try:
                seen += [each for each in worker.net_connections() if each.family in (socket.AF_INET, socket.AF_INET6)]
            except psutil.Error:
                break
    sensor.close()
    assert seen == []


def test_the_command_prints_poses_and_emotions():
    """emotus run -s video:... -b jsonl:- from the shell, to the end."""
    words = [sys.executable, "-m", "emotus", "run", "-s", f"video:{SQUATS}?speed=0", "-b", "jsonl:-"]
    known = subprocess.run([*words[:4], "--help"], capture_output=True, text=True).stdout
    words += ["--consent", "me"] if "--consent" in known else []
    ran = subprocess.run(words, capture_output=True, text=True, timeout=110, env={**os.environ, "COLUMNS": "120"})
    assert ran.returncode == 0, ran.stderr
    types = [json.loads(line)["type"] for line in ran.stdout.splitlines()]
    assert types.count("pose") > 300
    assert types.count("emotion") > 300


@pytest.fixture
def networks(tmp_path) -> str:
    """Offer a folder with the two networks, read where MediaPipe has them."""
    if importlib.util.find_spec("ai_edge_litert") is None:
        pytest.skip("pip install ai-edge-litert")
    modules = Path(importlib.util.find_spec("mediapipe").origin).parent / "modules"
    files = {"pose_detector": "pose_detection/pose_detection", "pose_landmarks": "pose_landmark/pose_landmark_full"}
    for name, path in files.items():
        (tmp_path / f"{name}.tflite").symlink_to(modules / f"{path}.tflite")
    return str(tmp_path)


@pytest.mark.filterwarnings("ignore::UserWarning")  # of the library itself
def test_the_networks_without_mediapipe_see_the_same(networks):
    """Our own glue about the same two networks: within 2 cm of MediaPipe's landmarks on a still picture."""
    import cv2

    from emotus.sensors.pose_mediapipe import Solutions
    from emotus.sensors.pose_networks import Networks

    picture = cv2.imread(str(DATA / "pose.jpg"))
    ours, theirs = Networks({"place": "x", "model": networks, "people": 1}), Solutions({})
    for _ in range(3):
        (mine,), (its,) = ours.see(picture, 0), theirs.see(picture, 0)
    apart_m = np.linalg.norm(mine.world[:, :3] - its.world[:, :3], axis=1).mean()
    print(f"own glue: {100 * apart_m:.1f} cm from MediaPipe's landmarks")
    assert apart_m < 0.02
    assert np.abs(mine.image - its.image).mean() < 0.01 * picture.shape[1]
    assert mine.world[:, 3] == pytest.approx(its.world[:, 3], abs=0.1)


def test_two_people_are_seen_and_a_third_place_stays_empty(networks):
    """A picture beside its mirror image: two people, as far from the middle; with one place the other is counted."""
    import cv2

    from emotus.sensors.pose_networks import Networks

    picture = cv2.imread(str(DATA / "pose.jpg"))
    both = np.hstack((picture, picture[:, ::-1]))
    people = Networks({"place": "x", "model": networks, "people": 3}).see(both, 0)
    hips = sorted(float(one.image[23:25, 0].mean()) for one in people)
    assert len(hips) == 2
    assert hips[0] == pytest.approx(both.shape[1] - hips[1], abs=0.01 * both.shape[1])
    alone = Networks({"place": "x", "model": networks, "people": 1})
    assert len(alone.see(both, 0)) == 1
    assert alone.bystanders == 1
