# Hears emotus over OSC (UDP) and tells the scene: connect to `said` and `moved`. Needs no plug-in.
# emotus run -s synthetic:tour -b "osc:127.0.0.1:9000?template=godot" turns the axes into Godot's.
extends Node

signal said(performer, label, confidence)  # which emotion a movement appears to express; "unknown" is an answer too
signal moved(performer, joint, place)  # where a joint is: Vector3 in metres

export(int) var port = 9000
export(bool) var tell = false  # print what is said

var _udp = PacketPeerUDP.new()
var _confidence = {}
var _left = -1  # answers to hear before the program ends; -1: for ever


func _ready():
	if OS.has_environment("EMOTUS_PORT"):
		port = int(OS.get_environment("EMOTUS_PORT"))
		tell = true
	if OS.has_environment("EMOTUS_COUNT"):
		_left = int(OS.get_environment("EMOTUS_COUNT"))
	if _udp.listen(port, "127.0.0.1") != OK:
		push_error("port %d is taken" % port)
		get_tree().quit(2)
	print("listening on 127.0.0.1:%d" % port)


func _process(_delta):
	while _udp.get_available_packet_count() > 0:
		var bytes = StreamPeerBuffer.new()
		bytes.big_endian = true
		bytes.data_array = _udp.get_packet()
		_packet(bytes, bytes.get_size())


func _packet(bytes, end):
	if bytes.data_array[bytes.get_position()] != 0x23:  # '#', of "#bundle"
		_message(bytes, end)
		return
	bytes.seek(bytes.get_position() + 16)  # the word and the time tag
	while bytes.get_position() + 4 <= end:
		var size = bytes.get_32()
		var next = bytes.get_position() + size
		if size <= 0 or next > end:
			return
		_packet(bytes, next)
		bytes.seek(next)


func _message(bytes, end):
	var path = _string(bytes, end).split("/", false)  # emotus, performer, what, ...
	var tags = _string(bytes, end)
	var values = []
	for tag in tags.substr(1):
		if bytes.get_position() + 4 > end:
			return
		match tag:
			"f": values.append(bytes.get_float())
			"i": values.append(bytes.get_32())
			"s": values.append(_string(bytes, end))
			_: return
	if path.size() >= 3 and path[0] == "emotus" and not values.empty():
		_heard(path, values)


func _heard(path, values):
	var performer = path[1]
	match path[2]:
		"confidence":
			_confidence[performer] = values[0]
		"label":
			var confidence = _confidence.get(performer, 0.0)
			emit_signal("said", performer, values[0], confidence)
			if tell:
				print("%s appears %s %.2f" % [performer, values[0], confidence])
			_left -= 1
			if _left == 0:
				get_tree().quit()
		"joint":
			if path.size() == 4 and values.size() >= 3:
				emit_signal("moved", performer, path[3], Vector3(values[0], values[1], values[2]))


func _string(bytes, end):
	var from = bytes.get_position()
	var to = from
	while to < end and bytes.data_array[to] != 0:
		to += 1
	bytes.seek(int(min((to / 4 + 1) * 4, end)))
	return bytes.data_array.subarray(from, to - 1).get_string_from_utf8() if to > from else ""
