"""The doctor tells what is there and how to mend what is not, and asks nobody outside."""

from __future__ import annotations

import importlib.util
import json
import re
import socket
import sys
import threading
from pathlib import Path

import pytest

import emotus.doctor as doctor
from emotus.bridges.uri import SCHEMES
from emotus.doctor import Check
from emotus.sensors.info import SensorInfo
from emotus.sensors.uri import sensor_schemes


def test_a_tested_machine_is_well() -> None:
    """Where these tests run, everything that emotus needs is as it should be."""
    assert [check for check in doctor.diagnose() if check.needed and not check.ok] == []


def test_every_finding_has_a_name_of_its_own_and_faults_have_a_mend() -> None:
    """Names can be told apart by programs, and whatever is not well says how to mend it."""
    checks = doctor.diagnose()
    names = [check.name for check in checks]
    assert len(set(names)) == len(names)
    assert all(check.detail for check in checks)
    assert all(check.mend for check in checks if not check.ok)


def test_nobody_is_called(monkeypatch: pytest.MonkeyPatch) -> None:
    """No connection is opened and no datagram sent while diagnosing."""

    def refuse(*_: object) -> None:
        raise AssertionError("the doctor called somebody")

    for method in ("connect", "connect_ex", "sendto"):
        monkeypatch.setattr(socket.socket, method, refuse)
    assert doctor.diagnose()


def test_an_old_python_is_told() -> None:
    """Python 3.10 is too old, 3.11 is not."""
    assert doctor.check_python((3, 11, 0)).ok
    old = doctor.check_python((3, 10, 14))
    assert not old.ok
    assert old.mend == "install Python 3.11 or newer"


def test_requirements_are_read_from_metadata() -> None:
    """Names, lower bounds and extras come out; `all`, ourselves and lines for another Python do not."""
    lines = [
        "numpy>=1.26",
        'viser>=1.0; extra == "viewer"',
        'mediapipe==0.10.14; python_version < "3.13" and extra == "webcam"',
        'mediapipe==0.10.31; python_version >= "99.0" and extra == "webcam"',
        'emotus[viewer]; extra == "all"',
        'viser; extra == "all"',
    ]
    found = [(each.package, each.oldest, each.extra) for each in doctor.requirements(lines)]
    wanted = [("numpy", "1.26", ""), ("viser", "1.0", "viewer"), ("mediapipe", "0.10.14", "webcam")]
    assert found == wanted[: 3 if doctor.MIN_PYTHON <= (3, 12) else 2]


@pytest.mark.parametrize(("version", "key"), [("2.13.0+cpu", (2, 13, 0)), ("0.9.7.post1", (0, 9, 7)), ("", ())])
def test_versions_compare_by_their_numbers(version: str, key: tuple[int, ...]) -> None:
    """Local versions and suffixes do not count."""
    assert doctor.version_key(version) == key


def test_missing_and_old_packages_are_told_with_their_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """A missing package and an old one both make an extra fail, and the mend names the extra and what it is for."""
    monkeypatch.setattr(doctor, "installed", {"new": "2.10", "old": "2.9"}.get)
    wanted = [doctor.Requirement(package, "2.10", "viewer") for package in ("new", "old", "missing")]
    check = doctor.check_extra("viewer", wanted)
    assert not check.ok
    assert not check.needed
    assert check.detail == "new 2.10, old 2.9, missing missing"
    assert check.mend == "pip install 'emotus[viewer]'  (for old>=2.10, missing>=2.10)"


@pytest.mark.parametrize(("version", "ok"), [(None, True), ("0.10.14", True), ("0.10.35", False), ("1.2.2", False)])
def test_a_mediapipe_that_calls_home_is_told(version: str | None, ok: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """From 0.10.35 on mediapipe reports metrics over the network, and the doctor says so."""
    monkeypatch.setattr(doctor, "installed", lambda _: version)
    (check,) = doctor.check_telemetry() or [Check("mediapipe", ok=True, detail="")]
    assert check.ok == ok


def test_altered_weights_are_told(tmp_path: Path) -> None:
    """Weights that are not what their hash says are a fault, and so is having none."""
    assert not doctor.check_weights(tmp_path)[0].ok
    (tmp_path / "mine.safetensors").write_bytes(b"altered")
    (tmp_path / "mine.json").write_text('{"sha256": "0"}')
    (check,) = doctor.check_weights(tmp_path)
    assert check.name == "weights: mine"
    assert not check.ok
    assert check.detail.startswith("hash ")
    assert check.mend


def test_every_address_is_told() -> None:
    """Each sensor and bridge that the command line can name has a line of its own."""
    checks = {check.name: check for check in doctor.check_addresses()}
    assert set(checks) >= {f"sensor {scheme}:" for scheme in sensor_schemes()}
    assert set(checks) >= {f"bridge {scheme}:" for scheme in SCHEMES}
    assert [name for name, check in checks.items() if check.needed and not check.ok] == []


def test_what_a_bridge_lacks_is_told_with_its_mend(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A package that is missing names its extra, MIDI without a sequencer what loads it; neither is a fault."""
    real = importlib.util.find_spec
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name in ("sacn", "pylsl") else real(name))
    monkeypatch.setattr("sys.platform", "linux")
    checks = {check.name: check for check in doctor.check_bridges(tmp_path)}
    assert set(checks) == {f"bridge {scheme}:" for scheme in SCHEMES}
    assert (checks["bridge sacn:"].ok, checks["bridge sacn:"].mend) == (False, "pip install 'emotus[lights]'")
    assert (checks["bridge lsl:"].ok, checks["bridge lsl:"].needed) == (False, False)
    assert not checks["bridge midi:"].ok
    assert checks["bridge osc:"].ok
    (tmp_path / "snd").mkdir()
    (tmp_path / "snd" / "seq").touch()
    monkeypatch.setattr("importlib.util.find_spec", lambda name: object() if name == "rtmidi" else real(name))
    assert {check.name: check for check in doctor.check_bridges(tmp_path)}["bridge midi:"].ok


def test_cameras_and_what_sees_through_them_are_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What finds people, which cameras are listed; where there is nothing, why and how to mend it; never a fault."""
    (tmp_path / "video0").touch()
    monkeypatch.setattr("emotus.sensors.pose_choice.describe", lambda: (True, "mediapipe 0.10.14", ""))
    webcam, video = doctor.check_eyes(tmp_path)
    assert webcam.ok
    assert video.detail == "mediapipe 0.10.14"
    assert webcam.detail.startswith("mediapipe 0.10.14")
    assert sys.platform != "linux" or webcam.detail.endswith("cameras: video0")
    monkeypatch.setattr("emotus.sensors.pose_choice.describe", lambda: (False, "no model", "make webcam"))
    for check in doctor.check_eyes(tmp_path / "nothing"):
        assert (check.ok, check.needed, check.mend) == (False, False, "make webcam")


def test_a_port_in_use_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """A listener on the WebSocket port makes that one check fail, with another port to use."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        monkeypatch.setattr(doctor, "WS_PORT", taken.getsockname()[1])
        found = {check.name.partition("(")[2]: check for check in doctor.check_ports()}
    assert not found["ws)"].ok
    assert found["ws)"].mend == f"use -b ws:127.0.0.1:{doctor.WS_PORT + 1}"


def test_who_listens_for_osc_is_no_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    """A receiver on the OSC port is what one wants: it is told, and it is well."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
        receiver.bind(("127.0.0.1", 0))
        monkeypatch.setattr(doctor, "OSC_PORT", receiver.getsockname()[1])
        osc = doctor.check_ports()[0]
    assert osc.ok
    assert osc.detail == "a receiver listens"


def test_json_is_one_object_a_line() -> None:
    """Each line of the JSON form is one check, whole."""
    checks = [Check("a", ok=True, detail="fine"), Check("b", ok=False, detail="not\nfine", mend="do")]
    read = [json.loads(line) for line in doctor.as_json_lines(checks).splitlines()]
    assert [each["name"] for each in read] == ["a", "b"]
    assert read[1] == {"name": "b", "ok": False, "detail": "not\nfine", "mend": "do", "needed": True}


def test_the_table_shows_what_to_mend() -> None:
    """What is well gets no mend, what is needed and missing stands out, what is optional does not."""
    checks = [
        Check("fine", ok=True, detail="here", mend="never shown"),
        Check("core", ok=False, detail="gone", mend="get it"),
        Check("extra", ok=False, detail="absent [x]", mend="pip install 'emotus[x]'", needed=False),
    ]
    lines = doctor.as_table(checks).splitlines()
    assert [line.split()[0] for line in lines[1:] if not line.startswith(" ")] == ["ok", "MEND", "-"]
    assert "-> get it" in "\n".join(lines)
    assert "emotus[x]" in "\n".join(lines)
    assert "never shown" not in "\n".join(lines)


def test_what_is_heard_at_a_sensors_port_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Datagrams are counted with their host, a silent port says so, and a taken one says how to mend it."""
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender,
    ):
        taken.bind(("127.0.0.1", 0))
        free.bind(("127.0.0.1", 0))
        taken_port, port = taken.getsockname()[1], free.getsockname()[1]
        free.close()
        infos = tuple(
            SensorInfo(scheme, f"{scheme}:", "a sensor", (), f"{scheme}:x", port=number, packages=packages)
            for scheme, number, packages in (
                ("loud", port, ()), ("taken", taken_port, ()), ("bare", None, (("no_such_package_at_all", "lsl"),))
            )
        )  # fmt: skip
        monkeypatch.setattr("emotus.sensors.uri.sensor_infos", lambda: infos)
        stop = threading.Event()

        def send() -> None:
            while not stop.wait(0.01):
                sender.sendto(b"hello", ("127.0.0.1", port))

        thread = threading.Thread(target=send)
        thread.start()
        loud, busy, bare = doctor.check_ears(1.0)
        stop.set()
        thread.join()
        (silent, _, _) = doctor.check_ears(0.01)
    assert loud.ok
    assert re.search(rf"\d+ datagrams heard at UDP 127.0.0.1:{port} in 1 s from 127.0.0.1", loud.detail)
    assert silent.detail == f"ready; nothing heard at UDP 127.0.0.1:{port} in 0.01 s"
    assert not busy.ok
    assert busy.detail == f"UDP 127.0.0.1:{taken_port} is in use"
    assert str(taken_port + 1) in busy.mend
    assert (bare.ok, bare.needed, bare.mend) == (False, False, "pip install 'emotus[lsl]'")


def test_a_learned_signature_that_was_altered_is_told(tmp_path: Path) -> None:
    """The shipped one is whole; one with another hash is a fault with a mend."""
    from emotus.models.store import FOLDER

    (check,) = [check for check in doctor.check_weights() if check.name == "weights: bandai-signature"]
    assert check.ok
    for ending in ("json", "safetensors"):
        (tmp_path / f"bandai-signature.{ending}").write_bytes((FOLDER / f"bandai-signature.{ending}").read_bytes())
    with (tmp_path / "bandai-signature.safetensors").open("ab") as file:
        file.write(b"\0")
    (check,) = doctor.check_weights(tmp_path)
    assert not check.ok
    assert check.detail.startswith("hash ")
    assert check.mend
