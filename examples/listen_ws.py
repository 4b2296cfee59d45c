"""Hear emotus over WebSocket with nothing but `pip install websockets`.

emotus run -s synthetic:tour -b ws:127.0.0.1:8765
python listen_ws.py [ws://127.0.0.1:8765] [--count 100]
"""

import argparse
import json

from websockets.sync.client import connect


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("address", nargs="?", default="ws://127.0.0.1:8765")
    parser.add_argument("--count", type=int, default=0, help="end after so many events; 0: never")
    asked = parser.parse_args()
    with connect(asked.address, max_queue=1) as socket:  # a short queue: what is heard is what happens now
        hello = json.loads(socket.recv())
        print(f"{hello['name']}, labels {', '.join(hello['labels'])}; {hello['notice']}")
        socket.send(json.dumps({"type": "subscribe", "types": ["emotion", "status"], "max_hz": 10}))
        heard = 0
        for message in socket:
            event = json.loads(message)
            if event["type"] == "emotion":
                shares = "  ".join(f"{label} {share:.2f}" for label, share in event["probs"].items())
                print(f"{event['stream']} appears {event['label']:<8} {shares}  latency {event['latency_ms']:.1f} ms")
            elif event["type"] == "status":
                print(f"{event['stream']} {event['level']}: {event['message']}")
            heard += event["type"] in ("emotion", "status")
            if heard == asked.count > 0:
                break


if __name__ == "__main__":
    main()
