"""Inertial sensors: calibrated in a held pose, they give the body as far as they reach, and nothing beyond."""

from __future__ import annotations

import socket
import time

import numpy as np
import pytest
from scipy.spatial.transform import Rotation
from support.reading import read_all
from support.wearer import (
    FULL_SET,
    Wearer,
    expected,
    json_lines,
    moving,
    pose_rotations,
    write_table,
    write_wide_mapping,
)

from emotus.engine.body import BODY, JOINT_INDEX, JOINT_NAMES
from emotus.engine.clock import NS_PER_S, ManualClock, MonotonicClock
from emotus.engine.errors import TableError
from emotus.engine.osc_codec import encode_bundle, encode_message
from emotus.sensors.imu_body import ImuBody
from emotus.sensors.imu_decoder import ImuDecoder
from emotus.sensors.imu_mapping import ImuMapping, load_mapping, plain_mapping
from emotus.sensors.imu_performer import ImuPerformer
from emotus.sensors.uri import open_sensor

RATE_HZ = 30.0
HOLD_S = 0.5  # what the wearer of these tests must hold still


def perform(wearer, frames, segments=FULL_SET, *, pose="n", held_s=0.7, mapping=None, height_m=1.7, drop=()):
    """Return the poses of a wearer who holds the calibration pose and then moves, fed as datagrams."""
    performer = ImuPerformer(mapping or plain_mapping(), "anna", pose=pose, height_m=height_m, hold_s=HOLD_S)
    decoder = ImuDecoder(performer, "udp")
    still = [pose_rotations(pose)] * round(held_s * RATE_HZ)
    poses = []
    for i, turned in enumerate([*still, *frames]):
        t_s = i / RATE_HZ
        alive = [each for each in segments if not (each in drop and i > len(still) + 30)]
        poses += decoder.feed(json_lines(wearer, turned, alive, t_s), round(t_s * NS_PER_S))
    return poses, decoder


@pytest.mark.parametrize(("pose", "heading_deg"), [("n", 0.0), ("t", 0.0)])
def test_the_body_is_what_forward_kinematics_says(pose, heading_deg):
    """With a sensor on every segment, however strapped on, joints are where scipy puts them, in either pose."""
    frames = moving(1.0)
    poses, decoder = perform(Wearer(seed=3, heading_deg=heading_deg), frames, pose=pose)
    assert "calibrated" in decoder.notes[0]
    for pose_, turned in zip(poses[-len(frames) :], frames, strict=True):
        away = pose_.positions - pose_.positions[0]
        assert away == pytest.approx(expected(turned), abs=1e-4)
    assert (poses[-1].confidence[: JOINT_INDEX["RightToes"]] == 1.0).all()
    assert np.diff([p.t_ns for p in poses]) == pytest.approx(NS_PER_S / RATE_HZ, rel=0.01)


def test_facing_turns_the_world():
    """A wearer who faces 40 degrees off the sensors' x during calibration is told so by `facing`."""
    frames = moving(0.5)
    mapping = ImuMapping(plain_mapping().segments, facing_deg=40.0)
    poses, _ = perform(Wearer(seed=1, heading_deg=40.0), frames, mapping=mapping)
    assert poses[-1].positions - poses[-1].positions[0] == pytest.approx(expected(frames[-1]), abs=1e-4)


def test_front_gives_each_sensor_its_heading():
    """Sensors whose headings are all their own are brought together by the axis that points forward in the pose."""
    rng = np.random.default_rng(5)
    frames, segments = moving(0.5), ("Hips", "Chest", "LeftUpperLeg", "LeftLowerLeg", "LeftFoot")
    wearer = Wearer(seed=2)
    headings = {s: Rotation.from_euler("z", rng.uniform(-180, 180), degrees=True) for s in segments}
    for segment in segments:  # strapped on with the sensor's z forward
        wearer.mounts[JOINT_INDEX[segment]] = Rotation.identity()
    together = wearer.read_all

    def apart(turned, segments):
        q = Rotation.from_quat(together(turned, segments), scalar_first=True)
        return (Rotation.concatenate([headings[s] for s in segments]) * q).as_quat(scalar_first=True)

    wearer.read_all = apart
    mapping = ImuMapping({s: s for s in segments}, front=dict.fromkeys(segments, "z"))
    poses, _ = perform(wearer, frames, segments, mapping=mapping)
    joints = [JOINT_INDEX[name] for name in ("LeftUpperLeg", "LeftLowerLeg", "LeftFoot", "LeftToes", "Neck")]
    away = poses[-1].positions - poses[-1].positions[0]
    spine = JOINT_INDEX["Spine"]
    assert away[joints[:4]] == pytest.approx(expected(frames[-1])[joints[:4]], abs=1e-4)
    assert poses[-1].confidence[spine] == 1.0


def test_height_scales_the_bones():
    """A wearer of 1.87 m has bones a tenth longer than one of 1.70 m."""
    frames = moving(0.2)
    poses, _ = perform(Wearer(), frames, height_m=1.87)
    assert poses[-1].positions - poses[-1].positions[0] == pytest.approx(expected(frames[-1], 1.87), abs=1e-4)


SPARSE = {
    "trunk and one arm": (
        ("Hips", "Chest", "LeftUpperArm", "LeftLowerArm"),
        {"Hips", "Spine", "Chest", "Neck", "LeftShoulder", "LeftUpperArm", "LeftLowerArm", "LeftHand", "LeftUpperLeg",
         "RightUpperLeg", "RightShoulder", "RightUpperArm"},
    ),
    "a forearm without its upper arm": (
        ("Hips", "Chest", "RightLowerArm"),
        {"Hips", "Spine", "Chest", "Neck", "LeftShoulder", "RightShoulder", "LeftUpperArm", "RightUpperArm",
         "LeftUpperLeg", "RightUpperLeg"},
    ),
    "wrists and ankles alone": (("LeftLowerArm", "RightLowerArm", "LeftLowerLeg", "RightLowerLeg"), set()),
    "chest and arms, no hips": (
        ("Chest", "Head", "LeftUpperArm", "LeftLowerArm", "RightUpperArm", "RightLowerArm"),
        {"Chest", "Neck", "Head", "LeftShoulder", "LeftUpperArm", "LeftLowerArm", "LeftHand", "RightShoulder",
         "RightUpperArm", "RightLowerArm", "RightHand"},
    ),
    "hips and legs": (
        ("Hips", "LeftUpperLeg", "LeftLowerLeg", "RightUpperLeg", "RightLowerLeg"),
        {"Hips", "Spine", "LeftUpperLeg", "LeftLowerLeg", "LeftFoot", "RightUpperLeg", "RightLowerLeg", "RightFoot"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", SPARSE)
def test_a_sparse_set_knows_its_chains_and_no_joint_beyond(name):
    """Confidence is above 0 exactly for the joints that the chain of known segments reaches, and those are right."""
    segments, known = SPARSE[name]
    frames = moving(0.5)
    poses, _ = perform(Wearer(seed=7), frames, segments)
    pose = poses[-1]
    assert {JOINT_NAMES[i] for i in np.flatnonzero(pose.confidence > 0)} == known
    assert np.isfinite(pose.positions).all()
    sure = [JOINT_INDEX[j] for j in known if pose.confidence[JOINT_INDEX[j]] == 1.0]
    if sure:
        start = JOINT_INDEX["Hips" if "Hips" in segments else "Chest"]
        truth = expected(frames[-1])
        chain = [j for j in sure if j != JOINT_INDEX["Spine"] or "Hips" in segments]
        assert pose.positions[chain] - pose.positions[start] == pytest.approx(truth[chain] - truth[start], abs=1e-4)


def test_a_sensor_that_falls_silent_leaves_its_chain_unknown_and_comes_back():
    """After 0.2 s without the upper arm's sensor elbow and hand have confidence 0; the rest goes on."""
    frames = moving(1.5)
    poses, _ = perform(Wearer(), frames, drop=("LeftUpperArm",))
    elbow, hand, head = (JOINT_INDEX[name] for name in ("LeftLowerArm", "LeftHand", "Head"))
    assert poses[-1].confidence[[elbow, hand]].tolist() == [0.0, 0.0]
    assert poses[-1].confidence[head] == 1.0
    known = [pose.confidence[elbow] > 0 for pose in poses]
    gone = known.index(False)
    assert not any(known[gone:])
    assert (poses[gone].t_ns - (0.7 + 31 / RATE_HZ) * NS_PER_S) / NS_PER_S < 0.25


def test_a_wearer_who_moves_is_not_calibrated_and_told_who_moved():
    """While the pose is not held still there is no pose, and the note names the segment that turned."""
    frames = moving(3.0)
    performer = ImuPerformer(plain_mapping(), "anna", hold_s=HOLD_S)
    decoder = ImuDecoder(performer, "udp")
    wearer, poses = Wearer(), []
    for i, turned in enumerate(frames):
        poses += decoder.feed(json_lines(wearer, turned, FULL_SET, i / RATE_HZ), round(i / RATE_HZ * NS_PER_S))
    assert poses == []
    assert "N-pose and hold still" in decoder.notes[0]
    assert "turned by" in decoder.notes[0]
    start_s = len(frames) / RATE_HZ
    for i in range(round(1.2 * RATE_HZ)):
        t_s = start_s + i / RATE_HZ
        poses += decoder.feed(json_lines(wearer, pose_rotations("n"), FULL_SET, t_s), round(t_s * NS_PER_S))
    assert poses
    assert "calibrated" in decoder.notes[0]


def test_late_double_and_impossible_samples_are_dropped_and_counted():
    """Rows 3 and 4: duplicates, overtaken samples, NaN, zero and huge quaternions never reach the body."""
    frames = moving(0.5)
    wearer, decoder = Wearer(), ImuDecoder(ImuPerformer(plain_mapping(), "anna", hold_s=HOLD_S), "udp")
    clean, dirty = [], []
    still = [pose_rotations("n")] * round(0.7 * RATE_HZ)
    for i, turned in enumerate([*still, *frames]):
        data = json_lines(wearer, turned, FULL_SET, i / RATE_HZ)
        clean += decoder.feed(data, round(i / RATE_HZ * NS_PER_S))
    decoder.reset()
    for i, turned in enumerate([*still, *frames]):
        t_ns = round(i / RATE_HZ * NS_PER_S)
        dirty += decoder.feed(json_lines(wearer, turned, FULL_SET, i / RATE_HZ), t_ns)
        for k, bad in enumerate(("[0, 0, 0, 1e38]", "[NaN, 0, 0, 1]", "[1e-9, 0, 0, 0]", "[0, 0, 0, 0]")):
            t_s = (i + 0.5 + 0.1 * k) / RATE_HZ
            line = f'{{"sensor": "Hips", "t": {t_s}, "q": {bad}}}'
            dirty += decoder.feed(line.encode(), round(t_s * NS_PER_S))
        dirty += decoder.feed(json_lines(wearer, turned, ("Head",), i / RATE_HZ), t_ns)
        dirty += decoder.feed(json_lines(wearer, turned, ("Hips", "Head"), (i - 3) / RATE_HZ), t_ns)
    assert [p.t_ns for p in dirty] == [p.t_ns for p in clean]
    assert np.array_equal(np.stack([p.positions for p in dirty]), np.stack([p.positions for p in clean]))
    counters = decoder.counters
    frames_fed = len(still) + len(frames)
    assert counters["dropped_impossible"] == 2 * frames_fed
    assert counters["dropped_gaps"] == 2 * frames_fed
    assert counters["dropped_late"] + counters["dropped_duplicate"] >= 2 * (frames_fed - 4)


def test_the_floor_carries_the_feet():
    """Where legs are known the lowest foot stands on the floor, in a squat as when standing."""
    squat = [Rotation.identity()] * len(BODY.names)
    for side in ("Left", "Right"):
        squat[JOINT_INDEX[f"{side}UpperLeg"]] = Rotation.from_euler("x", -80, degrees=True)
        squat[JOINT_INDEX[f"{side}LowerLeg"]] = Rotation.from_euler("x", 40, degrees=True)
    for turned in ([Rotation.identity()] * len(BODY.names), squat):
        segments = {JOINT_INDEX[name]: turned[JOINT_INDEX[name]].as_quat(scalar_first=True) for name in FULL_SET}
        positions, _, _ = ImuBody(1.7).place(segments)
        assert positions[:, 1].min() == pytest.approx(0.0, abs=1e-6)


def test_osc_messages_are_heard():
    """Quaternions come as four arguments of an address that names the sensor, bundled or alone."""
    frames, wearer = moving(0.3), Wearer(seed=4)
    decoder = ImuDecoder(ImuPerformer(plain_mapping(), "anna", hold_s=HOLD_S), "osc")
    poses = []
    for i, turned in enumerate([*[pose_rotations("n")] * 21, *frames]):
        messages = [encode_message(f"/imu/{s}", *map(float, wearer.read(turned, s))) for s in FULL_SET]
        bundle = encode_bundle([*messages, encode_message("/other", 1)])
        poses += decoder.feed(bundle, round(i / RATE_HZ * NS_PER_S))
    away = poses[-1].positions - poses[-1].positions[0]
    assert away == pytest.approx(expected(frames[-1]), abs=1e-3)


def inertial(turned, wearer, segment, step_s):
    """Return accelerometer (T, 3) and gyroscope (T, 3) of a sensor on a segment that turns, gravity alone acting."""
    seen = {id(each): wearer.read(each, segment) for each in turned}
    worlds = Rotation.from_quat(np.array([seen[id(each)] for each in turned]), scalar_first=True)
    gravity = worlds.inv().apply([0.0, 0.0, 9.80665])
    turns = (worlds[:-1].inv() * worlds[1:]).as_rotvec() / step_s
    return gravity, np.concatenate([turns[:1], turns])


def test_accelerometer_and_gyroscope_find_the_orientation(tmp_path):
    """VQF follows a swinging arm, so that the hand is where it is to within two centimetres."""
    pytest.importorskip("vqf", reason="vqf is not installed (pip install 'emotus[imu]')")
    rate_hz, segments = 100.0, ("Hips", "Chest", "LeftUpperArm", "LeftLowerArm")
    still = [pose_rotations("n")] * 300
    frames = []
    for i in range(300):
        turned = list(still[0])
        lift = Rotation.from_euler("x", -50 * np.sin(2 * np.pi * 0.4 * i / rate_hz), degrees=True)
        for name in ("LeftUpperArm", "LeftLowerArm", "LeftHand"):
            turned[JOINT_INDEX[name]] = lift * turned[JOINT_INDEX[name]]
        frames.append(turned)
    mapping = tmp_path / "map.toml"
    mapping.write_text(
        "[segments]\n" + "".join(f'{s} = "{s}"\n' for s in segments)
        + '[fields]\nkind = "inertial"\nacceleration = ["ax", "ay", "az"]\ngyroscope = ["gx", "gy", "gz"]\n'
        'acceleration_unit = "g"\ngyroscope_unit = "deg/s"\n[world]\nrate = 100\nfront = "z"\n'
    )  # fmt: skip
    wearer = Wearer()
    for segment in segments:  # strapped on so that the sensor's z points forward in the pose
        wearer.mounts[JOINT_INDEX[segment]] = pose_rotations("n")[JOINT_INDEX[segment]].inv()
    read = {s: inertial([*still, *frames], wearer, s, 1 / rate_hz) for s in segments}
    decoder = ImuDecoder(ImuPerformer(load_mapping(mapping), "anna"), "udp")
    poses = []
    for i in range(len(still) + len(frames)):
        lines = []
        for s in segments:
            numbers = [*(read[s][0][i] / 9.80665), *np.degrees(read[s][1][i])]
            lines.append(",".join([s, *(f"{x:.7f}" for x in numbers)]))
        poses += decoder.feed("\n".join(lines).encode(), round(i / rate_hz * NS_PER_S))
    worst = 0.0
    for pose, turned in zip(poses[-len(frames) :], frames, strict=True):
        away = pose.positions - pose.positions[JOINT_INDEX["LeftUpperArm"]]
        truth = expected(turned) - expected(turned)[JOINT_INDEX["LeftUpperArm"]]
        hand = JOINT_INDEX["LeftHand"]
        worst = max(worst, float(np.linalg.norm(away[hand] - truth[hand])))
    print(f"hand of a swinging arm by accelerometer and gyroscope: at worst {100 * worst:.2f} cm off")
    assert worst < 0.02


def test_accelerometers_alone_give_no_joint(tmp_path):
    """A set without orientation plays as a resting body of confidence 0, and says why."""
    table = tmp_path / "acc.tsv"
    rows = "\n".join(f"{i / 100:.2f}\t0.1\t0.2\t0.9" for i in range(50))
    table.write_text("Time\tW X\tW Y\tW Z\n" + rows + "\n")
    mapping = tmp_path / "map.toml"
    mapping.write_text(
        '[segments]\nLeftLowerArm = "W"\n[fields]\nkind = "acceleration"\ntime = "Time"\nacceleration_unit = "g"\n'
        'acceleration = ["{sensor} X", "{sensor} Y", "{sensor} Z"]\n'
    )
    sensor = open_sensor(f"imu:{table}?map={mapping}&speed=0", ManualClock())
    sensor.open()
    assert "no joint of the body is known" in sensor.health().message
    poses = read_all(sensor)
    assert len(poses) == 50
    assert all((pose.confidence == 0).all() for pose in poses)


def test_a_table_plays(tmp_path):
    """A CSV file with all sensors side by side gives the body after its calibration, at the file's rate."""
    frames, wearer, segments = moving(1.0), Wearer(seed=9), ("Hips", "Spine", "Chest", "Neck", "Head")
    table = write_table(tmp_path / "take.csv", wearer, frames, segments, held=65)
    mapping = write_wide_mapping(tmp_path / "map.toml", segments)
    sensor = open_sensor(f"imu:{table}?map={mapping}&speed=0", ManualClock())
    sensor.open()
    poses = read_all(sensor)
    assert poses[0].stream == "take"
    assert len(poses) == pytest.approx(len(frames) + 5, abs=3)
    chain = [JOINT_INDEX[name] for name in ("Spine", "Chest", "Neck", "Head")]
    away = poses[-1].positions - poses[-1].positions[0]
    assert away[chain] == pytest.approx(expected(frames[-1])[chain], abs=1e-4)


def test_a_table_without_a_still_pose_says_so(tmp_path):
    """A file whose wearer never holds still is refused with the mend."""
    segments = ("Hips", "LeftUpperArm", "LeftLowerArm")
    table = write_table(tmp_path / "a.csv", Wearer(), moving(3.0), segments, held=0)
    mapping = write_wide_mapping(tmp_path / "map.toml", segments)
    with pytest.raises(TableError, match=r"held still.*calibrate=none"):
        open_sensor(f"imu:{table}?map={mapping}", ManualClock()).open()


def send_until(sensor, datagrams, wanted, seconds=20.0):
    """Send datagrams to a sensor and read until it has given so many poses."""
    poses, deadline = [], time.monotonic() + seconds
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for data in datagrams:
            sender.sendto(data, ("127.0.0.1", sensor.port))
            pose = sensor.read()
            if pose is not None:
                poses.append(pose)
            if len(poses) >= wanted or time.monotonic() > deadline:
                return poses
    return poses


def is_live_after_a_pose(sensor, lines):
    """Tell whether a sensor is live right after a pose; a machine that pauses in between gets more chances."""
    for _ in range(50):
        (pose,) = send_until(sensor, lines, 1)
        assert pose.stream == "anna"
        if sensor.health().state == "live":
            return True
    return False


def test_a_live_wearer_is_heard_goes_silent_and_comes_back():
    """Over UDP: poses come, silence is stale within 0.2 s, and the next datagram is a pose again."""
    sensor = open_sensor("imu:udp://127.0.0.1:0?calibrate=none&stream=anna", MonotonicClock())
    sensor.open()
    try:
        q = '"q": [1, 0, 0, 0]}'
        lines = (b"\n".join(f'{{"sensor": "{s}", {q}'.encode() for s in FULL_SET) for _ in range(1000))
        assert len(send_until(sensor, lines, 5)) == 5
        assert is_live_after_a_pose(sensor, lines)
        deadline = time.monotonic() + 10
        while sensor.health().state != "stale" and time.monotonic() < deadline:
            sensor.read()
        assert sensor.health().state == "stale"
        assert "silent" in sensor.health().message
        assert is_live_after_a_pose(sensor, lines)
        send_until(sensor, [b"\xff\xfe", b"{", b'{"sensor": "Hips"}', *[b"[1]"] * 3], 1)
        for _ in range(20):
            sensor.read()
        assert sensor.health().counters["dropped_malformed"] == 6
    finally:
        sensor.close()
