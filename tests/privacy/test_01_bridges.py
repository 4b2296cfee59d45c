"""PRIVACY.md 1: no bridge holds anything of who revoked, whatever it keeps for its receivers."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from contracts.test_bridges import MAKERS
from support.holdings import holds
from support.sayings import emotion, pose, qualities, wait_for

from emotus.engine.outlet import Forgetful, Keeping

MARKER = np.float32(0.8123459)
HEAD = 4


def marked(seq: int):
    """Return a pose of anna's with the marker in it."""
    plain = pose(seq, stream="anna", rotations=True)
    joints = plain.joints.copy()
    joints[HEAD, 1] = MARKER
    return dataclasses.replace(plain, joints=joints)


@pytest.mark.parametrize("name", sorted(MAKERS))
def test_what_a_bridge_holds_of_her_is_gone_when_she_is_forgotten(tmp_path: Path, name: str) -> None:
    """Poses, answers and qualities are sent, she is forgotten, and no object that the bridge reaches has the marker."""
    bridge = MAKERS[name](tmp_path)
    bridge.start()
    try:
        for seq in range(60):
            for event in (marked(seq), emotion(seq, stream="anna"), qualities(seq, stream="anna")):
                bridge.send(event)
        assert isinstance(bridge, Forgetful), "every bridge can take back what it has not passed on"
        bridge.erase("anna") if isinstance(bridge, Keeping) else bridge.forget("anna")
        assert wait_for(lambda: bridge.stats().waiting == 0)
        wait_for(lambda: holds(MARKER, bridge) == [], 3.0)
        assert holds(MARKER, bridge) == []
    finally:
        bridge.close()


def test_the_marker_would_be_found() -> None:
    """An outbox that was not emptied holds it, and so the search above can fail."""
    from emotus.bridges.outbox import Outbox
    from emotus.engine.clock import ManualClock

    outbox = Outbox(ManualClock())
    outbox.open()
    outbox.put(marked(0))
    assert holds(MARKER, outbox)
    outbox.forget("anna")
    assert holds(MARKER, outbox) == []
