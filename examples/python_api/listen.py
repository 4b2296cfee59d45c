"""Hear emotus in a loop: python listen.py [SENSOR], such as bvh:take.bvh, or webcam:0 with --consent NAME."""

import argparse

import emotus

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("sensor", nargs="?", default="synthetic:tour?stream=anna")
parser.add_argument("--consent", default=(), help="who is before a live sensor, and consents")
parser.add_argument("--seconds", type=float, default=10.0)
asked = parser.parse_args()

with emotus.Engine(consent=asked.consent).run(asked.sensor, seconds=asked.seconds, types="emotion") as run:
    for event in run:
        if event.seq % 15 == 0:  # twice a second
            print(f"{event.stream} appears {event.label} {event.confidence:.2f}", flush=True)
