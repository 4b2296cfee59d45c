"""A ROS program that hears emotus: `pip install roslibpy`, and a rosbridge server between the two.

emotus run -s synthetic:tour?stream=anna -b rosbridge:ws://127.0.0.1:9090
python listen.py anna [--host 127.0.0.1] [--port 9090] [--count 0]
"""

import argparse
import json
import threading

import roslibpy


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("performer")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=9090)
    parser.add_argument("--count", type=int, default=0, help="end after so many answers; 0: never")
    asked = parser.parse_args()
    enough, heard = threading.Event(), 0

    def hear(message: dict) -> None:
        nonlocal heard
        event = json.loads(message["data"])
        print(f"{event['stream']} appears {event['label']} {event['confidence']:.2f}", flush=True)
        heard += 1
        if heard == asked.count:
            enough.set()

    ros = roslibpy.Ros(asked.host, asked.port)
    ros.run()
    topic = roslibpy.Topic(ros, f"/emotus/{asked.performer}/emotion", "std_msgs/msg/String")
    topic.subscribe(hear)
    print("listening", flush=True)
    enough.wait()
    ros.terminate()


if __name__ == "__main__":
    main()
