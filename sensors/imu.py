"""Perform what inertial sensors on some segments tell: `imu:udp://HOST:PORT`, `imu:osc://...`, `imu:FILE`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import numpy as np

from ..engine.body import HEIGHT_M
from ..engine.clock import Clock
from ..engine.errors import PacketError, TableError, UriError
from ..engine.pose import Pose
from .base import Sensor
from .datagram import DatagramSensor
from .endpoint import parse_endpoint
from .imu_calibration import HOLD_S, POSES
from .imu_decoder import READERS, ImuDecoder, ImuRowDecoder
from .imu_mapping import ImuMapping, load_mapping, plain_mapping
from .imu_performer import ImuPerformer
from .imu_sample import Field, samples_of
from .info import Option, SensorInfo, stream_option
from .lsl import SCOPES, LslSensor
from .options import check_keys, number, stream_name, switch
from .replay import Recording, Replay, stream_of
from .table_file import NumberTable, read_table
from .table_time import times_of

PORT: Final = 9770
INFOS: Final = (
    SensorInfo(
        "imu",
        "imu:udp://[HOST]:PORT, imu:osc://[HOST]:PORT, imu:lsl://NAME or imu:PATH",
        "inertial sensors on some segments: quaternions, or accelerometer and gyroscope, from any maker",
        (
            Option("map", "a TOML file: which sensor is on which segment, and how its numbers come; else by name"),
            Option("calibrate", "the pose to hold still at the start: n (arms down), t, or none", "n"),
            Option("hold", "seconds to hold it", "2"),
            Option("height", "the wearer's height in metres; scales the bones", "1.7"),
            Option("from", "hosts to hear, with commas between them; all of this machine unless given"),
            Option("scope", "of LSL: how far to look for the stream: machine, link (this network), site", "machine"),
            Option("speed", "of a file: 1 at its own rate, 2 twice as fast, 0 every frame at once", "1"),
            Option("loop", "of a file: 1 begins again at the end", "0"),
            stream_option("imu, or the file's name"),
        ),
        "imu:udp://127.0.0.1:9770?calibrate=n&height=1.75",
        port=PORT,
        gives="the joints whose chain of segments carries sensors; the others have confidence 0",
    ),
)
_OPTIONS: Final = tuple(option.name for option in INFOS[0].options)
_FILE_OPTIONS: Final = ("speed", "loop")


class ImuFileSensor(Replay):
    """Perform a table of inertial sensors: a CSV or TSV file, plain or packed."""

    def __init__(
        self,
        path: str | Path,
        mapping: ImuMapping,
        *,
        clock: Clock,
        stream: str | None = None,
        pose: str = "n",
        hold_s: float = HOLD_S,
        height_m: float = HEIGHT_M,
        speed: float = 1.0,
        loop: bool = False,
    ) -> None:
        super().__init__(
            lambda: load_imu(path, mapping, pose=pose, hold_s=hold_s, height_m=height_m),
            clock=clock,
            stream=stream or stream_of(path),
            speed=speed,
            loop=loop,
        )


def load_imu(
    path: str | Path, mapping: ImuMapping, *, pose: str = "n", hold_s: float = HOLD_S, height_m: float = HEIGHT_M
) -> Recording:
    """Read a table of inertial sensors and build the body of every row; raise TableError or MappingError.

    Time is the file's own clock, or its rate. The first stretch that is still calibrates; the rows before are no poses.
    """
    table = read_table(path)
    clock_column = mapping.time if mapping.time and table.column(mapping.time) is not None else None
    t_ns, rate_hz, clock_note = times_of(table, clock_column, None)
    performer = ImuPerformer(mapping, "", pose=pose, hold_s=hold_s, height_m=height_m, live=False)
    poses = _poses(table, t_ns.tolist(), performer)
    if not poses:
        mend = "hold the pose at the start, or calibrate=none"
        raise TableError(table.place, f"no pose of {hold_s:g} s was held still: {performer.notes[0]}", mend=mend)
    notes = (*performer.notes, clock_note)
    return _recording(poses, rate_hz, performer.counters, tuple(note for note in notes if note))


def _poses(table: NumberTable, t_ns: list[int], performer: ImuPerformer) -> list[Pose]:
    """Return the poses of all rows of a table."""
    mapping = performer.mapping
    poses: list[Pose] = []
    for index, row in enumerate(table.rows.tolist()):
        fields: dict[str, Field] = dict(zip(table.columns, row, strict=True))
        if mapping.sensor_field is not None and mapping.sensor_field not in fields and len(mapping.segments) == 1:
            fields[mapping.sensor_field] = next(iter(mapping.segments))  # a file of the one sensor there is
        try:
            samples = samples_of(fields, mapping)
        except PacketError as error:
            mend = f"columns are {', '.join(table.columns[:8])}; name them in [fields] of the mapping"
            raise TableError(table.place, str(error), line=table.first_line + index, mend=mend) from error
        poses += performer.take(samples, t_ns[index])
    return poses


def _recording(poses: list[Pose], rate_hz: float, counters: Mapping[str, int], notes: tuple[str, ...]) -> Recording:
    times = np.array([pose.t_ns for pose in poses], dtype=np.int64)
    return Recording(
        times - times[0],
        np.array([pose.seq for pose in poses], dtype=np.int64),
        np.stack([pose.positions for pose in poses]),
        np.stack([pose.confidence for pose in poses]),
        np.stack([pose.rotations for pose in poses if pose.rotations is not None]),
        rate_hz,
        travels=False,
        counters=counters,
        notes=notes,
    )


def from_uri(path: str, options: Mapping[str, str], clock: Clock) -> Sensor:
    """Make the sensor of `imu:udp://HOST:PORT?map=FILE&calibrate=n&hold=2&height=1.7&from=HOST&stream=NAME`.

    Raises UriError for options that make no sense here, and MappingError for a mapping file that cannot be understood.
    """
    place = f"imu:{path}"
    check_keys(place, options, _OPTIONS)
    pose = options.get("calibrate", "n").lower()
    if pose not in POSES:
        raise UriError(place, f"calibrate={pose}", mend=f"one of {', '.join(POSES)}")
    hold_s = number(place, options, "hold", HOLD_S, 0.2, 60.0)
    height_m = number(place, options, "height", HEIGHT_M, 0.5, 2.5)
    mapping = load_mapping(options["map"]) if "map" in options else plain_mapping()
    transport, slashes, rest = path.partition("://")
    if not slashes:
        return _file(place, path, options, mapping, clock, pose=pose, hold_s=hold_s, height_m=height_m)
    for option in _FILE_OPTIONS:
        if option in options:
            raise UriError(place, f"{option} is for files", mend=f"leave out {option}")
    performer = ImuPerformer(mapping, stream_name(place, options, "imu"), pose=pose, hold_s=hold_s, height_m=height_m)
    if transport.lower() == "lsl":
        return _stream(place, rest, options, performer, clock)
    return _live(place, path, options, performer, clock)


def _stream(place: str, name: str, options: Mapping[str, str], performer: ImuPerformer, clock: Clock) -> LslSensor:
    scope = options.get("scope", SCOPES[0])
    if not name:
        raise UriError(place, "no stream is named", mend="write imu:lsl://NAME")
    if scope not in SCOPES:
        raise UriError(place, f"scope={scope}", mend=f"one of {', '.join(SCOPES)}")
    decoder = ImuRowDecoder(performer)
    return LslSensor(name, clock=clock, decoder=decoder, scope=scope, understand=decoder.labels_of)


def _live(place: str, path: str, options: Mapping[str, str], performer: ImuPerformer, clock: Clock) -> DatagramSensor:
    endpoint = parse_endpoint(place, path, default_port=PORT, transports=tuple(READERS))
    return DatagramSensor(
        place,
        endpoint.host,
        endpoint.port,
        ImuDecoder(performer, endpoint.transport),
        clock,
        allow=tuple(host for host in options.get("from", "").split(",") if host),
        hint=f"send one line a sample, or check that the sender's port is {endpoint.port}",
    )


def _file(
    place: str,
    path: str,
    options: Mapping[str, str],
    mapping: ImuMapping,
    clock: Clock,
    *,
    pose: str,
    hold_s: float,
    height_m: float,
) -> ImuFileSensor:
    if not path:
        raise UriError(place, "neither a file nor a port", mend="write imu:PATH or imu:udp://127.0.0.1:9770")
    if "from" in options:
        raise UriError(place, "from is for live sensors", mend="leave out from")
    return ImuFileSensor(
        path,
        mapping,
        clock=clock,
        stream=stream_name(place, options, stream_of(path)),
        pose=pose,
        hold_s=hold_s,
        height_m=height_m,
        speed=number(place, options, "speed", 1.0, 0.0, 100.0),
        loop=switch(place, options, "loop", default=False),
    )
