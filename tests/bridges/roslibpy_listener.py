"""A ROS program: roslibpy subscribes to topics of a rosbridge server and prints each message as a line of JSON.

`python roslibpy_listener.py PORT TOPIC=TYPE...`; in a process of its own, as its reactor cannot be started twice.
"""

from __future__ import annotations

import functools
import json
import sys

import roslibpy

ros = roslibpy.Ros("127.0.0.1", int(sys.argv[1]))
ros.run(timeout=20)


def tell(topic: str, message: dict) -> None:
    """Print one message."""
    print(json.dumps([topic, dict(message)]), flush=True)


for asked in sys.argv[2:]:
    name, _, kind = asked.partition("=")
    roslibpy.Topic(ros, name, kind).subscribe(functools.partial(tell, name))
sys.stdin.read()
ros.terminate()
