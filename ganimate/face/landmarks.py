"""What lies where among the 68 landmarks of a face (iBUG order)."""

from __future__ import annotations

BROWS, EYES, MOUTH = ([*range(*ends)] for ends in ((17, 27), (36, 48), (48, 68)))
LEFT_EYE, RIGHT_EYE = EYES[:6], EYES[6:]  # in the picture
LOWER_LID_LINES = ([36, 41, 40, 39], [42, 47, 46, 45])  # of each eye, from corner to corner, left to right
CORNERS = [MOUTH[0], MOUTH[6]]  # of the mouth
NOSE_TIP, NOSE_BASE = 30, 33
NOSE_SKIN = [28, 29, 30, 31, 35]  # that glasses leave free
# What hardly any expression moves: bridge and base of the nose, corners of the eyes.
ANCHORS = [36, 39, 42, 45, 27, 28, 29, 30, 33]
