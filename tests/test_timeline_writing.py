"""Laws of keyframes that are written into a timeline: they come back, and nothing else changes."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ganimate.errors import TimelineError
from ganimate.facs import parse_expression
from ganimate.timeline import Keyframe, parse_timeline, with_keyframes

GREETING = (Path(__file__).parent.parent / "examples" / "greeting.yaml").read_text("utf-8")
EXPRESSIONS = ("happiness", "self", "1=0.5,12L=0.25", "fear:0.6,45R=1", "yaw=12,gaze_x=-5", "12=+0.6")
TEXTS = (
    "",
    "# only a comment\n",
    GREETING.replace("duration: 4", "duration: 40"),  # room for all that is drawn here
    "blink: auto\n",
    "{blink: auto, keyframes: [{time: 1, expression: awed}], fps: 30}",
    "{blink: auto}",
    "keyframes:\n- time: 1\n  expression: awed # why\nfps: 30\n",
    "fps: 30\nkeyframes:\n\n  - {time: 2, expression: self}   # the last\n# about blinks\nblink: auto",
    "keyframes: [{time: 1, expression: awed},\n  {time: 2, expression: self}]\nblink: auto\n",
    "keyframes: []\nblink: auto\n",
    "keyframes:\nblink: auto\n",
)


@st.composite
def keyframes(draw: st.DrawFn) -> list[Keyframe]:
    times = draw(st.lists(st.integers(2000, 9999), min_size=1, max_size=5, unique=True))
    return [
        Keyframe(
            2 * n + time / 1e4,
            parse_expression(draw(st.sampled_from(EXPRESSIONS))),
            draw(st.sampled_from(["linear", "in-out", "min-jerk"])),
            draw(st.sampled_from([0.0, 0.5, 0.125])),
        )
        for n, time in enumerate(times)
    ]


@settings(max_examples=100, deadline=None)
@given(keyframes(), st.sampled_from(TEXTS))
def test_keyframes_come_back_and_all_else_stays(given_: list[Keyframe], text: str) -> None:
    written = with_keyframes(text, reversed(given_))
    read = parse_timeline(written)
    assert [str(one.expression) for one in read.keyframes] == [str(one.expression) for one in given_]
    assert [(k.time_s, k.easing, k.hold_s) for k in read.keyframes] == [
        (pytest.approx(k.time_s), k.easing, k.hold_s) for k in given_
    ]
    assert with_keyframes(written, read.keyframes) == written
    if "time:" in text:
        before = parse_timeline(text)
        assert (read.events, read.blinks, read.fps) == (before.events, before.blinks, before.fps)


def test_comments_stay_where_they_are() -> None:
    written = with_keyframes(GREETING, [Keyframe(0.5, parse_expression("awed"))])
    head, _, rest = GREETING.partition("keyframes:")
    assert written == f'{head}keyframes:\n  - {{time: 0.5, expression: "awed"}}\n\n{rest[rest.index("tracks:") :]}'


@pytest.mark.parametrize("text", TEXTS)
def test_without_keyframes_the_rest_is_there(text: str) -> None:
    written = with_keyframes(text, [])
    assert "time:" not in written.partition("tracks")[0] and ("blink" in written) is ("blink" in text)
    assert "fps: 30" not in text or "fps: 30" in written


@pytest.mark.parametrize("text", ["- 1", "a: [", "a: &x 1", "just words"])
def test_what_is_no_timeline_is_told(text: str) -> None:
    with pytest.raises(TimelineError):
        with_keyframes(text, [])
