"""Local servers that answer as a platform would at a given moment of a recorded history."""
