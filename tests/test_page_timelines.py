"""The page's timelines without a browser and a model: what sliders show is what their keyframes play."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace
from typing import get_args

import numpy as np
import pytest

import ganimate
from ganimate.facs import OPENFACE_AUS, words_of

pytestmark = pytest.mark.skipif(find_spec("gradio") is None, reason="needs the extra: pip install 'ganimate[web]'")
WORDS = words_of(OPENFACE_AUS, mesh=True)
SMILING = np.array([0.6 if word in ("6L", "6R", "12L", "12R", "25L", "25R") else 0.0 for word in WORDS], np.float32)
TIMELINES = ("", *(f"others: {others}\n" for others in get_args(ganimate.Others)), "{others: zero, fps: 30}")


@pytest.mark.parametrize("timeline", TIMELINES)
@pytest.mark.parametrize("values", [{}, {"1": 0.5}, {"12L": 0.0, "yaw": -8.0}, {"12": 0.0, "25": 1.0}])
def test_a_keyframe_plays_what_the_sliders_showed(tmp_path: Path, timeline: str, values: dict[str, float]) -> None:
    from ganimate.web.light import gradio
    from ganimate.web.making import Making
    from ganimate.web.visits import Visits

    making = Making(SimpleNamespace(), Visits(tmp_path), tmp_path)  # type: ignore[arg-type]  # no model is asked
    request = gradio.Request(session_hash="one")
    visit = making.visit(request)
    visit.values[1] = values
    made = ganimate.parse_timeline(making.add_keyframe(timeline, 0.4, "linear", 0.2, request))
    shown = ganimate.parse_expression(visit.expression()).resolve(SMILING, WORDS)
    played = made.trajectory(SMILING, WORDS).values
    assert np.allclose(played[round(0.4 * made.fps) : round(0.6 * made.fps) + 1], shown, atol=1e-6)
