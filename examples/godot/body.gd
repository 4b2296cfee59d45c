# Draws the joints that are heard as lines, in the colour of what the movement appears to express.
extends ImmediateGeometry

const PARENTS = {
	"Spine": "Hips", "Chest": "Spine", "Neck": "Chest", "Head": "Neck",
	"LeftShoulder": "Chest", "LeftUpperArm": "LeftShoulder", "LeftLowerArm": "LeftUpperArm", "LeftHand": "LeftLowerArm",
	"RightShoulder": "Chest", "RightUpperArm": "RightShoulder", "RightLowerArm": "RightUpperArm", "RightHand": "RightLowerArm",
	"LeftUpperLeg": "Hips", "LeftLowerLeg": "LeftUpperLeg", "LeftFoot": "LeftLowerLeg", "LeftToes": "LeftFoot",
	"RightUpperLeg": "Hips", "RightLowerLeg": "RightUpperLeg", "RightFoot": "RightLowerLeg", "RightToes": "RightFoot",
}
const COLORS = {
	"happy": Color("#ffc43d"), "sad": Color("#5692ff"), "angry": Color("#ff5446"),
	"proud": Color("#be78ff"), "unsure": Color("#48d1b2"), "neutral": Color("#d0d6e0"),
}
const UNKNOWN = Color("#808896")

var _places = {}  # by performer: joint -> Vector3
var _colors = {}


func _ready():
	var flat = SpatialMaterial.new()
	flat.flags_unshaded = true
	flat.vertex_color_use_as_albedo = true
	flat.params_line_width = 3.0
	material_override = flat
	var emotus = get_node("../Emotus")
	emotus.connect("said", self, "_on_said")
	emotus.connect("moved", self, "_on_moved")


func _on_said(performer, label, confidence):
	_colors[performer] = COLORS.get(label, UNKNOWN)
	get_node("../Said").text = "%s: apparent expression %s %.2f" % [performer, label, confidence]


func _on_moved(performer, joint, place):
	if not _places.has(performer):
		_places[performer] = {}
	_places[performer][joint] = place


func _process(_delta):
	clear()
	begin(Mesh.PRIMITIVE_LINES)
	for performer in _places:
		set_color(_colors.get(performer, UNKNOWN))
		var places = _places[performer]
		var hips = places.get("Hips", Vector3())
		for joint in PARENTS:
			if places.has(joint) and places.has(PARENTS[joint]):
				add_vertex(places[joint] - Vector3(hips.x, 0, hips.z))
				add_vertex(places[PARENTS[joint]] - Vector3(hips.x, 0, hips.z))
	end()
