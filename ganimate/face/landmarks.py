"""What lies where among the 68 landmarks of a face (iBUG order)."""

from __future__ import annotations

import numpy as np

# The mirror image of each.
MIRROR = np.array(
    [
        *range(16, -1, -1), *range(26, 16, -1), 27, 28, 29, 30, *range(35, 30, -1),
        45, 44, 43, 42, 47, 46, 39, 38, 37, 36, 41, 40,
        *range(54, 47, -1), *range(59, 54, -1), *range(64, 59, -1), *range(67, 64, -1),
    ]
)  # fmt: skip
JAW, BROWS, NOSE, EYES, MOUTH = ([*range(*ends)] for ends in ((0, 17), (17, 27), (27, 36), (36, 48), (48, 68)))
LEFT_BROW, RIGHT_BROW, LEFT_EYE, RIGHT_EYE = BROWS[:5], BROWS[5:], EYES[:6], EYES[6:]  # in the picture
OUTER_CORNERS = [36, 45]  # of the eyes
UPPER_LIDS, LOWER_LIDS = [37, 38, 43, 44], [41, 40, 47, 46]
LOWER_LID_LINES = ([36, 41, 40, 39], [42, 47, 46, 45])  # of each eye, from corner to corner, left to right
UPPER_LIPS, LOWER_LIPS = [61, 62, 63], [67, 66, 65]  # the inner edges
# Of each side: the corners of the eye, and its lids and brow.
EYES_AND_BROWS = (([36, 39], [37, 38, 40, 41, *range(17, 22)]), ([42, 45], [43, 44, 46, 47, *range(22, 27)]))
OUTER_LIPS = MOUTH[:12]  # around the mouth
CORNERS = [48, 54]  # of the mouth
MOUTH_MIDDLE = [51, 57, 62, 66]
NOSE_TIP, NOSE_BASE = 30, 33
NOSE_ROOT = 27  # between the eyes
NOSTRILS = NOSE[4:]
NOSE_SKIN = [28, 29, 30, 31, 35]  # that glasses leave free
HALVES_MEET = 29  # on the bridge of the nose, at the height where the upper and the lower half of a face meet
# What no expression moves: bridge of the nose, corners of the eyes; and what hardly does, with the base of the nose.
STEADY = [27, 28, 29, 30, 36, 39, 42, 45]
ANCHORS = [36, 39, 42, 45, 27, 28, 29, 30, 33]
BROW_LIDS = dict(zip(BROWS, [36, 37, 37, 38, 39, 42, 43, 44, 44, 45], strict=True))  # below each, the nearest
BROWS_ABOVE = [19, 20, 23, 24]  # the upper lids
# Crop widths between the lips, from which teeth may be seen, and no doubt is left; and that a mouth opens further,
# until all that opens is seen.
TEETH_SEEN, TEETH_SURE, OPENED = 0.012, 0.024, 0.02
CLOSED = 0.004  # crop widths: nearer to each other, lids and lips are closed, and the flow between them would tear
