"""Bring a take into Blender: the movement as an armature, and a marker where what it appears to express changes.

    emotus recognize take.bvh --json > take.json
    blender --background --python import_take.py -- take.bvh take.json take.blend

Without --background it stays open. The markers are inferences about apparent expression, not what anybody felt.
"""

import builtins
import contextlib
import json
import sys

import bpy

PLAIN_OPEN = builtins.open


def open_in_any_python(file, mode="r", *args, **options):
    """Open a file; Blender before 3.5 asks for the mode U, which Python no longer has since 3.11."""
    return PLAIN_OPEN(file, mode.replace("U", ""), *args, **options)


@contextlib.contextmanager
def blender_as_it_was():
    """Let Blender's own BVH import open files."""
    builtins.open = open_in_any_python
    try:
        yield
    finally:
        builtins.open = PLAIN_OPEN


bvh, told, *out = sys.argv[sys.argv.index("--") + 1 :]

bpy.ops.object.select_all(action="SELECT")
bpy.ops.object.delete()
settings = {"axis_forward": "-Z", "axis_up": "Y", "update_scene_fps": True, "update_scene_duration": True}
with blender_as_it_was():
    bpy.ops.import_anim.bvh(filepath=bvh, global_scale=0.01, **settings)  # centimetres, as in most files
armature = bpy.context.object
scene = bpy.context.scene
scene.frame_end = round(armature.animation_data.action.frame_range[1])
rate_hz = scene.render.fps / scene.render.fps_base
print(f"{len(armature.data.bones)} bones, {scene.frame_end} frames, {rate_hz:.2f} Hz")

with PLAIN_OPEN(told, encoding="utf-8") as file:
    take = json.loads(file.readline())
before = None
for moment in take["timeline"]:
    if moment["label"] != before:
        before = moment["label"]
        marker = scene.timeline_markers.new(before, frame=round(moment["start_s"] * rate_hz) + 1)
        print(f"frame {marker.frame}: appears {before}")

if out:
    bpy.ops.wm.save_as_mainfile(filepath=out[0])
