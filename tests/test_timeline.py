"""Timelines: what keyframes, events and loops give, and what is said about files that cannot be played."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganimate.errors import ExpressionError, TimelineError
from ganimate.facs import OPENFACE_AUS, PRESETS, parse_expression
from ganimate.timeline import Event, Keyframe, Timeline, load_timeline, parse_timeline, read_others, with_blinks
from ganimate.timeline.blinks import BlinksAt, frame_at
from ganimate.timeline.contents import GRADES
from ganimate.timeline.document import MAX_BYTES
from ganimate.trajectory.plan import Move, furthest

AUS = (1, 5, 12, 45)
OWN = np.array([0.5, 0.25, 0.125, 0.0], np.float32)


def keyframe(time_s: float, text: str, hold_s: float = 0.0, easing: str = "in-out") -> Keyframe:
    return Keyframe(time_s, parse_expression(text), easing, hold_s)


def column(timeline: Timeline, au: int) -> list[float]:
    values = timeline.trajectory(OWN, AUS).values
    return [round(value, 6) for value in values[:, AUS.index(au)].tolist()]


@pytest.mark.parametrize("fps", [10, 24, 25, 29.97, 60])
def test_keyframes_are_hit_exactly_and_held(fps: float) -> None:
    timeline = Timeline((keyframe(0.5, "12=0.7", 0.4), keyframe(1.3, "1=+0.25,12=0.2")), fps=fps)
    path = timeline.trajectory(OWN, AUS)
    first = parse_expression("12=0.7").resolve(OWN, AUS)
    held = path.values[frame_at(0.5, fps) : frame_at(0.9, fps) + 1]
    assert (path.values[0] == OWN).all()
    assert (held == first).all()
    assert (path.values[-1] == parse_expression("1=0.75,12=0.2").resolve(OWN, AUS)).all()
    assert len(path) == frame_at(1.3, fps) + 1
    assert path.fps == fps


def test_a_keyframe_at_the_start_replaces_the_photo() -> None:
    assert column(Timeline((keyframe(0, "12=1"), keyframe(0.2, "12=0", easing="linear")), fps=10), 12) == [1, 0.5, 0]


def test_others_are_zero_where_asked() -> None:
    values = Timeline((keyframe(0.5, "12=1"),), others="zero").trajectory(OWN, AUS).values
    assert values[0].tolist() == [0, 0, 0, 0]
    assert values[-1].tolist() == [0, 0, 1, 0]


def test_each_keyframe_decides_for_itself_what_becomes_of_the_others() -> None:
    """Emotions replace what the photo shows, lids apart; AUs are laid over it, also after an emotion."""
    own = np.array([0.5, 0.25, 0.125, 0.75], np.float32)
    told = (
        "keyframes: [{time: 0.1, expression: happiness}, {time: 0.2, expression: 1=1}, {time: 0.3, expression: self}]"
    )
    glad = float(np.float32(PRESETS["happiness"].intensities[12]))
    rows = {
        "": [[0, 0, glad, 0.75], [1, 0.25, 0.125, 0.75]],
        "others: auto\n": [[0, 0, glad, 0.75], [1, 0.25, 0.125, 0.75]],
        "others: keep\n": [[0.5, 0.25, glad, 0.75], [1, 0.25, 0.125, 0.75]],
        "others: zero\n": [[0, 0, glad, 0], [1, 0, 0, 0]],
    }
    for others, (happy, raised) in rows.items():
        values = parse_timeline(f"fps: 10\n{others}{told}").trajectory(own, AUS).values.tolist()
        assert values == [[0.0] * 4 if "zero" in others else own.tolist(), happy, raised, own.tolist()], others
        assert read_others(f"{others}{told}") == (others[8:-1] or "auto")
    assert read_others("") == read_others("# nothing yet") == "auto"


@pytest.mark.parametrize("easing", ["linear", "in", "out", "in-out", "min-jerk"])
def test_an_event_is_at_its_intensity_through_the_apex_and_back_at_the_offset(easing: str) -> None:
    event = Event(12, 0.2, 0.5, 0.8, 1.2, intensity=0.6, easing=easing)
    values = column(Timeline(events=(event,), duration_s=1.5), 12)
    own = 0.125
    assert values[:6] == [own] * 6
    assert values[13:21] == [pytest.approx(0.6, abs=1e-6)] * 8  # frames of 0.52 s to 0.8 s
    assert values[30:] == [own] * len(values[30:])
    rise, fall = values[5:14], values[20:31]
    assert rise == sorted(rise)
    assert fall == sorted(fall, reverse=True)
    assert own < values[8] < 0.6 and own < values[25] < 0.6


def test_an_event_without_offset_stays() -> None:
    values = column(Timeline(events=(Event(12, 0, 0.4, intensity=0.5),), duration_s=1, fps=10), 12)
    assert values[4:] == [0.5] * 6


def test_events_lift_and_never_lower_what_keyframes_give() -> None:
    keyed = Timeline((keyframe(0, "12=0.8"), keyframe(1, "12=0")), fps=10)
    both = Timeline(keyed.keyframes, (Event(12, 0, 0.5, 0.8, 1, intensity=0.4),), fps=10)
    under, over = column(keyed, 12), column(both, 12)
    assert all(high >= low for low, high in zip(under, over, strict=True))
    assert over[:6] == [max(low, 0.4) for low in under[:6]]
    assert over[8] == 0.4 > under[8]


def test_of_two_events_of_one_au_the_stronger_counts_in_any_order() -> None:
    weak, strong = Event(12, 0, 0.2, 1, 1.4, 0.3), Event(12, 0.4, 0.6, 0.8, 1, 0.9)
    alone = [column(Timeline(events=(event,), duration_s=1.6, fps=10), 12) for event in (weak, strong)]
    for order in ((weak, strong), (strong, weak)):
        assert column(Timeline(events=order, duration_s=1.6, fps=10), 12) == [
            max(pair) for pair in zip(*alone, strict=True)
        ]


def test_ping_pong_comes_back_the_way_it_came() -> None:
    there = column(Timeline((keyframe(0.4, "12=1", 0.1),), fps=10), 12)
    assert column(Timeline((keyframe(0.4, "12=1", 0.1),), fps=10, loop="ping-pong"), 12) == there + there[-2:0:-1]
    twice = Timeline((keyframe(0.4, "12=1", 0.1),), fps=10, loop="ping-pong", repeat=2)
    assert column(twice, 12) == 2 * (there + there[-2:0:-1])


def test_a_cycle_shows_its_start_in_place_of_its_end() -> None:
    cycle = Timeline((keyframe(0.5, "12=1"), keyframe(1, "self")), fps=10, loop="cycle", repeat=3)
    once = column(Timeline(cycle.keyframes, fps=10), 12)
    assert column(cycle, 12) == 3 * once[:-1]
    assert once[-1] == once[0]
    assert cycle.frames == 30 == len(cycle.trajectory(OWN, AUS))


def test_the_goal_is_the_climax_without_blinks() -> None:
    timeline = parse_timeline(
        "blink: [0.6]\nkeyframes:\n- {time: 0.5, expression: 12=0.9, hold: 1}\n- {time: 2, expression: self}"
    )
    assert timeline.goal(OWN, AUS).tolist() == parse_expression("12=0.9").resolve(OWN, AUS).tolist()
    assert timeline.trajectory(OWN, AUS).values[furthest(timeline.trajectory(OWN, AUS), OWN), 3] == np.float32(0.8)


def test_the_goal_of_a_performance_that_begins_at_rest_is_not_the_rest() -> None:
    smiling = np.array([0, 0, 0.9, 0, 0], np.float32)[: len(AUS)]
    timeline = parse_timeline(
        f"keyframes:\n- {{time: 0, expression: {AUS[2]}=0.2}}\n- {{time: 1, expression: {AUS[2]}=0.75}}\n"
        f"- {{time: 2, expression: {AUS[2]}=0.3}}"
    )
    assert timeline.goal(smiling, AUS)[2] == np.float32(0.75)


def test_the_goal_of_mere_blinks_are_closed_eyes() -> None:
    mere = parse_timeline("{blink: [0.6], duration: 2}")
    assert mere.goal(OWN, AUS)[AUS.index(45)] == np.float32(0.8)
    self_and_blinks = with_blinks(Move(parse_expression("self")), BlinksAt((0.2,)))
    assert self_and_blinks.goal(OWN, AUS)[AUS.index(45)] == np.float32(0.8)
    smile = with_blinks(Move(parse_expression("12=0.9")), BlinksAt((0.2,)))
    assert smile.goal(OWN, AUS)[AUS.index(45)] == OWN[AUS.index(45)]


@pytest.mark.parametrize("text", ["tracks: [{au: 9, onset: 0, apex: 1}]", "keyframes: [{time: 1, expression: 9=1}]"])
def test_aus_that_the_model_lacks_are_told_as_in_expressions(text: str) -> None:
    with pytest.raises(ExpressionError, match=r"does not have AU9 \(nose wrinkler\)"):
        parse_timeline(text).trajectory(OWN, AUS)


def test_blinks_need_their_au() -> None:
    with pytest.raises(ExpressionError, match="does not have AU45"):
        parse_timeline("{blink: auto, duration: 2}").trajectory(OWN[:3], AUS[:3])


WHOLE = """\
# a comment
fps: 30
duration: 4.5
loop: ping-pong
repeat: 2
others: zero
blink: {rate_per_min: 20, seed: 3}
keyframes:
  - {time: 0.5, expression: "happiness:0.6,1=0.2", easing: min-jerk, hold: 0.5}
  - time: 2
    expression: 12=0.4
tracks:
  - {au: AU12, onset: 0.1, apex: 0.4, hold: 0.5, offset: 1.5, intensity: c}
  - {au: 4D, onset: 1, apex: 2, apex_end: 2, offset: 3}
  - {au: 5, onset: 1, apex: 1.5, intensity: 0.25, easing: out}
"""


def test_a_whole_file(tmp_path: Path) -> None:
    (tmp_path / "whole.yaml").write_text(WHOLE, "utf-8-sig")
    timeline = load_timeline(tmp_path / "whole.yaml")
    assert timeline.keyframes == (keyframe(0.5, "happiness:0.6,1=0.2", 0.5, "min-jerk"), keyframe(2, "12=0.4"))
    assert timeline.events == (
        Event(12, 0.1, 0.4, 0.9, 1.5, 0.6),
        Event(4, 1, 2, 2, 3, 0.8),
        Event(5, 1, 1.5, intensity=0.25, easing="out"),
    )
    assert (timeline.fps, timeline.duration_s, timeline.loop, timeline.repeat) == (30, 4.5, "ping-pong", 2)
    assert timeline.others == "zero"
    assert timeline.frames == 2 * 2 * 135


def test_the_grades_of_facs_are_fifths() -> None:
    assert list(GRADES.values()) == [number / 5 for number in range(1, 6)]


def test_the_timeline_of_the_readme_can_be_played() -> None:
    readme = (Path(__file__).resolve().parent.parent / "README.md").read_text("utf-8")
    (told,) = re.findall(r"```yaml\n(.*?)```", readme, re.DOTALL)
    timeline = parse_timeline(told)
    assert timeline.frames == 100
    assert timeline.blinks_s


@pytest.mark.parametrize("word", ["off", "OFF"])
def test_off_is_a_word_and_no_truth_value(word: str) -> None:
    assert parse_timeline(f"blink: {word}\nkeyframes: [{{time: 1, expression: fear}}]").blinks_s == []


ONE = "keyframes: [{time: 1, expression: fear}]"
BAD = {
    "": (None, "is empty"),
    "# nothing\n---\n": (None, "is empty"),
    "hello": (1, "is the text 'hello'"),
    "- 1\n- 2": (1, "is a list"),
    "fps: 25": (None, "neither keyframes nor tracks"),
    "\nkeyframes: []": (2, "neither keyframes nor tracks"),
    "blink: auto": (1, "neither keyframes nor tracks"),
    f"{ONE}\nsped: 2": (2, "no key 'sped'"),
    "keyframes:\n- time: 1\n  expresion: fear": (3, "no key 'expresion'"),
    "keyframes:\n- {time: 1, expression: 1=1,2=1}": (2, "no key '2=1'"),
    "keyframes:\n- time: 1": (2, "lacks the key 'expression'"),
    "keyframes:\n- {time: 1,\n   expression: }": (3, "expression has no value"),
    "keyframes:\n- {expression: fear}": (2, "lacks the key 'time'"),
    "keyframes:\n- time: -1\n  expression: fear": (2, "time must be between 0"),
    "keyframes:\n- time: 1:02.5\n  expression: fear": (2, "'1:02.5', which is not a number"),
    "keyframes:\n- expression: fear\n  time: .inf": (3, "not a number"),
    "keyframes:\n- expression: fear\n  time: inf": (3, "finite"),
    "keyframes:\n- time: 1\n  expression: hapiness": (3, "expression: 'hapiness' is neither"),
    "keyframes:\n- time: 1\n  expression: 99=1": (3, "no action unit 99"),
    f"keyframes:\n- time: 1\n  expression: {'x' * 2000}": (3, "text of 2000 letters"),
    "keyframes:\n- time: 1\n  expression: fear\n  easing: inout": (4, "no easing 'inout'"),
    "keyframes:\n- time: 1\n  expression: fear\n  hold: -1": (4, "hold must be between 0"),
    "keyframes:\n- {time: 2, expression: fear}\n- {time: 1, expression: fear}": (3, "does not come after"),
    "keyframes:\n- {time: 1, expression: fear, hold: 2}\n- {time: 2, expression: fear}": (3, "falls into the hold"),
    f"duration: 0.5\n{ONE}": (2, "lasts until 1 s"),
    f"{ONE}\nduration: 0": (1, "lasts until 1 s"),
    f"{ONE}\nduration: -2": (2, "duration must be between"),
    "keyframes: 3": (1, "keyframes is a list, not the text '3'"),
    "keyframes:\n- 3": (2, "a keyframe is a table"),
    "keyframes:\n  time: 1": (1, "keyframes is a list, not a table"),
    "keyframes: [{time: 0, expression: fear}]": (1, "less than two frames"),
    f"duration: 86400\n{ONE}": (1, "more than 100000 frames"),
    f"fps: fast\n{ONE}": (1, "fps is 'fast'"),
    f"fps: 1000\n{ONE}": (1, "fps must be between"),
    f"fps: [25]\n{ONE}": (1, "fps is one value, not a list"),
    f"loop: pingpong\n{ONE}": (1, "no loop 'pingpong'"),
    f"{ONE}\nrepeat: 2": (2, "plays one time"),
    f"{ONE}\nloop: cycle\nrepeat: 1.5": (3, "whole number"),
    f"{ONE}\nloop: cycle\nrepeat: 0": (3, "repeat must be between"),
    f"others: some\n{ONE}": (1, "no others 'some'"),
    f"{ONE}\nfps: 2\nfps: 3": (3, "'fps' is there twice, first on line 2"),
    f"{ONE}\nblink: maybe": (2, "blink is the text 'maybe'"),
    f"{ONE}\nblink:": (2, "blink is empty"),
    f"{ONE}\nblink:\n- 0.1\n- soon": (4, "the text 'soon'"),
    f"{ONE}\nduration: 2\nblink:\n- 0.5\n- 0.6": (5, "begins before the one"),
    f"{ONE}\nduration: 2\nblink:\n- 1.9": (4, "not over when the timeline ends"),
    f"{ONE}\nblink: [nan]": (2, "blink must be between 0"),
    f"{ONE}\nblink: {{rate_per_min: 0}}": (2, "rate_per_min must be between"),
    f"{ONE}\nblink:\n  seed: -1": (3, "seed must be 0 or more"),
    f"{ONE}\nblink: {{often: 1}}": (2, "blink has no key 'often'"),
    "tracks:\n- {onset: 0, apex: 1}": (2, "lacks the key 'au'"),
    "tracks:\n- {au: 12, apex: 1}": (2, "lacks the key 'onset'"),
    "tracks:\n- {au: 12, onset: 0}": (2, "lacks the key 'apex'"),
    "tracks:\n- onset: 0\n  apex: 1\n  au: 99": (4, "no action unit 99"),
    "tracks:\n- onset: 0\n  apex: 1\n  au: smile": (4, "not the number of an AU"),
    "tracks:\n- onset: 0\n  apex: 1\n  au: 6+12": (4, "not the number of an AU"),
    "tracks:\n- onset: 0\n  apex: 1\n  au: U12B": (4, "no upper or lower half here"),
    "tracks:\n- onset: 0\n  apex: 1\n  au: yaw": (4, "which turns and is no AU"),
    "tracks:\n- au: 12\n  onset: 1\n  apex: 0.5": (4, "apex (0.5 s) comes before onset (1 s)"),
    "tracks:\n- au: 12\n  onset: 1\n  apex: 2\n  offset: 1.5": (5, "offset (1.5 s) comes before apex (2 s)"),
    "tracks:\n- {au: 12, onset: 1, apex: 2, apex_end: 4,\n   offset: 3}": (3, "offset (3 s) comes before apex_end"),
    "tracks:\n- {au: 12, onset: 1, apex: 2, hold: 1}": (2, "no offset"),
    "tracks:\n- {au: 12, onset: 1, apex: 2,\n hold: 1, apex_end: 3, offset: 4}": (3, "hold and apex_end"),
    "tracks:\n- {au: 12, onset: 0, apex: 1,\n intensity: 3}": (3, "between 0 and 1, not 3"),
    "tracks:\n- {au: 12, onset: 0, apex: 1,\n intensity: F}": (3, "intensity is 'F'"),
    "tracks:\n- {au: 12B, onset: 0, apex: 1,\n intensity: C}": (3, "has the grade B already"),
    "duration: 1\ntracks:\n- {au: 12, onset: 0, apex: 1, offset: 2}": (3, "lasts until 2 s"),
    "keyframes: &all\n- {time: 1, expression: fear}": (1, "anchors and aliases"),
    "keyframes: *all": (1, "anchors and aliases"),
    "keyframes: !!python/name:os.system": (1, "the tag"),
    "keyframes:\n\t- 1": (2, "not YAML"),
    "keyframes: [{time: 1": (1, "not YAML"),
    "a: b: c": (1, "not YAML"),
    f"{ONE}\n---\n{ONE}": (2, "second document"),
    "[" * 100: (1, "nested too deep"),
    "? [a]\n: 1": (1, "a key is a word"),
    "a\x00b": (None, "not a text"),
    '"\\U00110000"': (None, "not YAML"),
    f"%YAML {'9' * 5000}.0\n---\na": (None, "not YAML"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "line", "sentence"), [(text, *told) for text, told in BAD.items()])
def test_what_cannot_be_played_is_told_with_its_line(text: str, line: int | None, sentence: str) -> None:
    with pytest.raises(TimelineError) as caught:
        parse_timeline(text, "play.yaml")
    message = caught.value.message
    assert sentence in message
    assert message.startswith("play.yaml" if line is None else f"play.yaml, line {line}: "), message
    assert caught.value.hint


def test_files_that_are_no_timelines(tmp_path: Path) -> None:
    (tmp_path / "latin.yaml").write_bytes("é: 1".encode("latin-1"))
    (tmp_path / "large.yaml").write_text("# " + "é" * MAX_BYTES, "utf-8")
    for name, sentence in {
        "none.yaml": "cannot be read",
        "latin.yaml": "UTF-8",
        "large.yaml": "larger",
        ".": "folder",
    }.items():
        with pytest.raises(TimelineError, match=sentence):
            load_timeline(tmp_path / name)
    with pytest.raises(TimelineError, match="regular file"):
        load_timeline("/dev/null")
    with pytest.raises(TimelineError, match="cannot be read"):
        load_timeline("a\0b")


LINES = sorted({line for text in (WHOLE, *BAD) for line in text.splitlines() if len(line) < 200})
PIECES = ["{", "}", "[", "]", ": ", ", ", "- ", "\n", "\n  ", '"', "time", "expression", "keyframes", "tracks", "blink"]
VALUES = ["0", "1", "-1", "1e9", "nan", "fear", "12=1", "auto", "cycle", "A", "&a", "*a", "!!int", "\t", "#", "|", ">"]


def scribbles() -> st.SearchStrategy[str]:
    """Texts that have something of a timeline, and texts that have nothing of one."""
    changed = st.tuples(st.integers(0, len(WHOLE)), st.integers(0, 12), st.sampled_from([*PIECES, *VALUES, ""])).map(
        lambda cut: WHOLE[: cut[0]] + cut[2] + WHOLE[cut[0] + cut[1] :]
    )
    lines = st.lists(st.sampled_from(LINES), max_size=12).map("\n".join)
    return st.one_of(changed, lines, st.lists(st.sampled_from(PIECES + VALUES), max_size=30).map("".join), st.text())


@given(scribbles())
def test_any_text_is_a_timeline_or_refused(text: str) -> None:
    try:
        timeline = parse_timeline(text)
    except TimelineError as error:
        assert error.hint
        return
    if timeline.frames > 2000:  # a trajectory checks its own range; long ones only take long
        return
    path = timeline.trajectory(np.full(len(OPENFACE_AUS), 0.3, np.float32), OPENFACE_AUS)
    assert len(path) == timeline.frames >= 2
