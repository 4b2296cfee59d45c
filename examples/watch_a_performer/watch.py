"""Three synthetic performers in the browser, wired by hand: sensors -> engine -> viewer.

    python examples/watch_a_performer/watch.py [SECONDS] [PORT]

No emotion is read here (the engine gets no recogniser), so the page shows movement only.
"""

import sys

from emotus.bridges.viewer import ViewerBridge
from emotus.engine.clock import MonotonicClock
from emotus.engine.pipeline import Engine
from emotus.engine.runner import Runner
from emotus.sensors.uri import open_sensor

seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 60.0
port = int(sys.argv[2]) if len(sys.argv) > 2 else 8080

clock = MonotonicClock()
sensors = [open_sensor(f"synthetic:{emotion}?seed={i}", clock) for i, emotion in enumerate(("happy", "sad", "angry"))]
viewer = ViewerBridge("127.0.0.1", port, clock=clock)
print(f"open http://127.0.0.1:{port} in a browser; Ctrl-C ends it", flush=True)
summary = Runner(sensors, Engine(None, clock), [viewer], clock).run(seconds)
print(", ".join(f"{count} {kind} events" for kind, count in sorted(summary.events.items())))
