"""Laws of eyelids: closure follows height over width, and narrow eyes are not shut."""

from __future__ import annotations

import numpy as np
import pytest
from synthetic import mean_face

from ganimate.face.eyelids import REST_CLOSURE, eyelid_closure, eyes_shut

UPPER_LIDS, LOWER_LIDS = [37, 38, 43, 44], [41, 40, 47, 46]


def test_narrow_eyes_are_not_shut() -> None:
    shut, previous = [], -1.0
    for openness in (1.0, 0.5, 0.35, 0.2, 0.0):
        face = mean_face()
        middle = (face[UPPER_LIDS] + face[LOWER_LIDS]) / 2
        for lids in (UPPER_LIDS, LOWER_LIDS):
            face[lids] = middle + openness * (face[lids] - middle)
        assert eyelid_closure(face) >= previous
        previous = float(eyelid_closure(face))
        shut.append(float(eyes_shut(face)))
        if previous <= REST_CLOSURE:
            assert shut[-1] == 0
    assert shut[0] == 0 and shut[-1] == 1


@pytest.mark.parametrize(("ratio", "closure"), [(0.4, 0.0), (0.27, 0.0), (0.195, 0.5), (0.12, 1.0), (0.0, 1.0)])
def test_the_closure_of_eyelids_follows_height_over_width(ratio: float, closure: float) -> None:
    face = mean_face()
    for corner, other, upper, lower in ((36, 39, [37, 38], [41, 40]), (42, 45, [43, 44], [47, 46])):
        width = np.linalg.norm(face[corner] - face[other])
        face[upper] = face[corner] + [width / 2, -ratio * width / 2]
        face[lower] = face[corner] + [width / 2, ratio * width / 2]
    assert eyelid_closure(face) == pytest.approx(closure, abs=1e-4)
    assert eyelid_closure(np.stack([face, 3 * face + 7])).tolist() == pytest.approx([closure] * 2, abs=1e-4)
