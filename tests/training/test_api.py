"""emotus for programs: events in a loop, consent as on stage, a clean end however the loop ends."""

from __future__ import annotations

import asyncio
import gc
import runpy
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from support.bvh_texts import body_hierarchy, rows_text, text
from support.sayings import wait_for

import emotus
from emotus.engine.errors import InputError, UriError, WeightsError


@pytest.fixture(scope="module")
def engine() -> emotus.Engine:
    """Offer one engine; its weights are loaded once."""
    return emotus.Engine()


@pytest.fixture(scope="module")
def walk(tmp_path_factory) -> Path:
    """Offer a recording of 300 frames in which arms and legs swing, 30 a second."""
    t = np.arange(300)[:, None] / 30.0
    swing = 20.0 * np.sin(2 * np.pi * t + np.arange(66)[None, :])  # (T, channels)
    swing[:, :3] = [0.0, 95.0, 0.0]
    path = tmp_path_factory.mktemp("walk") / "walk.bvh"
    path.write_text(text(body_hierarchy(), rows_text(swing), frames="Frames: 300", time="0.0333333"))
    return path


def running() -> list[threading.Thread]:
    """Return the threads of runs."""
    return [thread for thread in threading.enumerate() if thread.name == "emotus-run"]


def test_importing_emotus_imports_nothing_else():
    """Neither numpy nor torch nor any room; the name Engine is there all the same."""
    script = (
        "import sys; before = set(sys.modules); import emotus; new = set(sys.modules) - before;"
        "assert 'Engine' in dir(emotus); print(*sorted(new))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.split() == ["emotus"]


def test_a_name_that_is_not_there_is_said_not_to_be():
    """As any module does; those of the stub are all there."""
    with pytest.raises(AttributeError, match="Engin"):
        emotus.Engin  # noqa: B018 - looking is the test
    stub = (Path(emotus.__file__).parent / "__init__.pyi").read_text()
    named = [line.rpartition(" as ")[2] for line in stub.splitlines() if line.startswith("from ")]
    assert len(named) >= 9
    assert all(getattr(emotus, name) is not None for name in named)


def test_a_loop_hears_a_live_run_until_its_seconds_are_over(engine):
    """Emotion, pose and qualities; then the loop ends by itself and every thread with it."""
    run = engine.run("synthetic:happy", seconds=1.0)
    kinds = [event.type for event in run]
    assert {"emotion", "pose", "qualities"} <= set(kinds)
    assert len(kinds) + run.dropped == sum(run.summary.events.values())
    assert wait_for(lambda: not running())


def test_a_recording_loses_nothing_however_slow_the_loop_is(engine, walk):
    """The engine waits for the loop: every pose arrives, in order, and none is dropped."""
    with engine.run(Path(walk), types="pose") as run:
        seqs = []
        for event in run:
            seqs.append(event.seq)
            if len(seqs) % 50 == 0:
                time.sleep(0.05)
    assert seqs == list(range(seqs[0], seqs[0] + len(seqs)))
    assert len(seqs) == run.summary.events["pose"]
    assert run.dropped == 0


def test_a_slow_loop_hears_what_is_and_not_what_was(engine):
    """A live run: the newest of each type waits, and what it replaced is counted."""
    with engine.run("synthetic:sad", seconds=3.0, types="emotion") as run:
        seqs = []
        for event in run:
            seqs.append(event.seq)
            time.sleep(0.25)
    assert len(seqs) <= 16
    assert seqs == sorted(seqs)
    assert run.dropped > 0


def test_an_async_loop_hears_the_same_and_others_run_meanwhile(engine):
    """async for, with another task that ticks all the time."""

    async def listen() -> tuple[list[str], int]:
        ticks = 0

        async def tick() -> None:
            nonlocal ticks
            while True:
                await asyncio.sleep(0.005)
                ticks += 1

        ticking = asyncio.create_task(tick())
        async with engine.run("synthetic:happy", seconds=1.0, types=("emotion", "pose")) as run:
            kinds = [event.type async for event in run]
        ticking.cancel()
        return kinds, ticks

    kinds, ticks = asyncio.run(listen())
    assert set(kinds) == {"emotion", "pose"}
    assert ticks > 20
    assert wait_for(lambda: not running())


def test_an_async_loop_that_is_cancelled_closes_its_run(engine):
    """A time limit, as programs set them."""

    async def listen() -> None:
        async with asyncio.timeout(0.5), engine.run("synthetic:happy") as run:
            async for _ in run:
                pass

    with pytest.raises(TimeoutError):
        asyncio.run(listen())
    assert wait_for(lambda: not running())


def test_a_loop_that_is_left_ends_its_run(engine):
    """With `with` at once; without it as soon as nobody holds the run."""
    with engine.run("synthetic:happy") as run:
        for _ in run:
            break
    assert wait_for(lambda: not running())
    assert list(run) == []
    for _ in engine.run("synthetic:happy"):
        break
    gc.collect()
    assert wait_for(lambda: not running())


def test_another_thread_may_close_a_loop_that_waits(engine):
    """A button of the program's own window."""
    run = engine.run("synthetic:happy", types="status")
    threading.Timer(0.5, run.close).start()
    assert all(event.type == "status" for event in run)
    assert wait_for(lambda: not running())


def test_who_stands_before_a_sensor_has_to_consent(engine):
    """Nothing is opened for whom nobody named; recordings and made performers need no name."""
    with pytest.raises(InputError, match="consent=") as told:
        engine.run("xsens:udp://127.0.0.1:9763")
    assert "xsens" in str(told.value)
    emotus.Engine(consent="anna").run("xsens:udp://127.0.0.1:9763").close()
    with pytest.raises(InputError):
        emotus.Engine(consent="no name at all!").run("xsens:udp://127.0.0.1:9763")


def test_at_work_no_emotion_is_inferred():
    """The weights are not opened; qualities are told."""
    with emotus.Engine("no-such-model", context="workplace").run("synthetic:happy", seconds=0.5) as run:
        kinds = {event.type for event in run}
    assert "emotion" not in kinds
    assert "qualities" in kinds


def test_what_is_wrong_is_raised_where_the_program_can_catch_it(engine, tmp_path):
    """Addresses at once, files where the loop begins; each is an EmotusError of one line."""
    for wrong in ("", "nonsense", "smoke:signals"):
        with pytest.raises(UriError):
            engine.run(wrong)
    with pytest.raises(InputError, match="no sensor"):
        engine.run()
    with pytest.raises(emotus.EmotusError):
        engine.run("synthetic:happy", bridges="smoke:signals")
    with pytest.raises(InputError, match="context"):
        emotus.Engine(context="court").run("synthetic:happy")
    with pytest.raises(WeightsError):
        emotus.Engine("no-such-model").run("synthetic:happy")
    broken = tmp_path / "broken.bvh"
    broken.write_text("HIERARCHY\nROOT Hips {")
    with pytest.raises(emotus.EmotusError, match=r"broken\.bvh"):
        list(engine.run(broken))
    with pytest.raises(emotus.EmotusError, match=r"missing\.bvh"):
        list(engine.run(f"bvh:{tmp_path / 'missing.bvh'}"))
    assert wait_for(lambda: not running())


def test_everything_goes_to_bridges_as_well(engine, walk, tmp_path):
    """The loop is one bridge more."""
    out = tmp_path / "out.jsonl"
    with engine.run(Path(walk), bridges=f"jsonl:{out}") as run:
        heard = sum(1 for _ in run)
    assert len(out.read_text().splitlines()) == heard


def test_the_lines_of_the_documentation_run(capsys, tmp_path):
    """The example of docs/python.md, word for word."""
    text = (Path(emotus.__file__).parent / "docs" / "python.md").read_text()
    example = text.partition("```python\n")[2].partition("```")[0]
    assert len(example.strip().splitlines()) <= 10
    file = tmp_path / "example.py"
    file.write_text(example)
    runpy.run_path(str(file))
    assert "synthetic-happy" in capsys.readouterr().out
