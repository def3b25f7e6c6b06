"""Laws of expressions: what their terms do, and the grammar in which they are asked for."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from ganimate.errors import ExpressionError
from ganimate.facs import (
    ACTION_UNITS,
    OPENFACE_AUS,
    PRESETS,
    RESETS,
    ChangeAU,
    Expression,
    LikePhoto,
    Others,
    Reset,
    SetAU,
    Term,
    Turn,
    UsePreset,
    Word,
    combine,
    format_expression,
    parse_expression,
    words_of,
)
from ganimate.facs.opposed import OPPOSED
from ganimate.facs.words import MOST_DEGREES, bounds, fold, limits

MESH_WORDS = words_of(OPENFACE_AUS, mesh=True)
NOTHING = np.zeros(len(MESH_WORDS), np.float32)  # of a face at rest
intensities = st.floats(0.0, 1.0)
numbers = st.sampled_from(sorted(ACTION_UNITS))
sides = st.sampled_from(["", "L", "R"])
turns = st.sampled_from(sorted(MOST_DEGREES)).flatmap(
    lambda name: st.builds(Turn, st.just(name), st.floats(-MOST_DEGREES[name], MOST_DEGREES[name]))
)
terms = st.one_of(
    st.builds(SetAU, numbers, intensities, sides),
    st.builds(ChangeAU, numbers, st.floats(-1.0, 1.0), sides),
    turns,
    st.builds(UsePreset, st.sampled_from(sorted(PRESETS)), st.floats(0.0, 1.0, exclude_min=True)),
    st.builds(Reset, st.sampled_from(sorted(RESETS))),
    st.builds(LikePhoto, st.text(min_size=1).filter(str.strip)),
    st.builds(LikePhoto, st.text(alphabet='a ,"@=:./', min_size=1).filter(str.strip)),
)
expressions = st.builds(Expression, st.lists(terms, min_size=1, max_size=6).map(tuple))
both_sided = [name for name, preset in PRESETS.items() if all(isinstance(word, int) for word in preset.intensities)]
openface_terms = st.one_of(
    st.builds(SetAU, st.sampled_from(OPENFACE_AUS), intensities),
    st.builds(ChangeAU, st.sampled_from(OPENFACE_AUS), st.floats(-1.0, 1.0)),
    st.builds(UsePreset, st.sampled_from(sorted(both_sided))),
    st.builds(Reset, st.sampled_from(sorted(RESETS))),
)
own_rows = st.lists(st.floats(0.0, 1.0, width=32), min_size=17, max_size=17).map(lambda row: np.array(row, np.float32))


def row(**values: float) -> NDArray[np.float32]:
    """An OpenFace row that is 0 but for ``au12=0.5`` and the like."""
    return np.array([values.get(f"au{number}", 0.0) for number in OPENFACE_AUS], dtype=np.float32)


def resolved(text: str, own: NDArray[np.float32] | None = None) -> dict[int, float]:
    """The AUs that are not 0 after `text`."""
    goal = parse_expression(text).resolve(row() if own is None else own, OPENFACE_AUS)
    return {number: round(float(value), 6) for number, value in zip(OPENFACE_AUS, goal, strict=True) if value}


def refused(text: str) -> ExpressionError:
    with pytest.raises(ExpressionError) as caught:
        parse_expression(text)
    return caught.value


@given(expressions)
def test_parse_of_format_is_the_identity(expression: Expression) -> None:
    assert parse_expression(format_expression(expression)) == expression


@given(st.lists(expressions, min_size=1, max_size=3))
def test_combining_is_joining_with_commas(parts: list[Expression]) -> None:
    assert combine(parts) == parse_expression(",".join(map(format_expression, parts)))


@given(st.lists(openface_terms, min_size=1, max_size=5), own_rows, st.sampled_from(get_args(Others)))
def test_a_goal_is_in_range_and_leaves_the_photo_alone(
    some: list[Term], own: NDArray[np.float32], others: Others
) -> None:
    before = own.copy()
    goal = Expression(tuple(some)).resolve(own, OPENFACE_AUS, others)
    assert goal.shape == (17,) and goal.dtype == np.float32
    assert np.all((goal >= 0) & (goal <= 1))
    assert np.array_equal(own, before) and not np.shares_memory(goal, own)


@given(own_rows, st.permutations(OPENFACE_AUS))
def test_the_order_of_the_models_aus_does_not_matter(own: NDArray[np.float32], order: list[int]) -> None:
    expression = parse_expression("fear:0.6,12=+0.3,45=0.2")
    goal = dict(zip(OPENFACE_AUS, expression.resolve(own, OPENFACE_AUS), strict=True))
    shuffled = np.array([own[OPENFACE_AUS.index(number)] for number in order], dtype=np.float32)
    assert dict(zip(order, expression.resolve(shuffled, order), strict=True)) == goal


@pytest.mark.parametrize("text", ["12=1.0", "AU12=1", "au 12=1", "Au12 = 1.", " 012=1e0 ", "AU_12=1", "aU-12=1"])
def test_an_au_can_be_written_in_several_ways(text: str) -> None:
    assert parse_expression(text) == Expression((SetAU(12, 1.0),))


@pytest.mark.parametrize("text", ["happily-surprised:0.5", "Happily Surprised : 0.5", "HAPPILY_SURPRISED:.5"])
def test_a_preset_can_be_written_in_several_ways(text: str) -> None:
    assert parse_expression(text) == Expression((UsePreset("happily-surprised", 0.5),))


def test_a_sign_makes_a_change() -> None:
    assert parse_expression("12=+0.4,6=-.2") == Expression((ChangeAU(12, 0.4), ChangeAU(6, -0.2)))


def test_terms_built_in_code_format_like_those_that_were_parsed() -> None:
    made = Expression((SetAU(12, 1), SetAU(6, -0.0), ChangeAU(1, np.float64(0.25)), UsePreset("fear", 1)))
    assert str(made) == "12=1.0,6=0.0,1=+0.25,fear"


@pytest.mark.parametrize(
    ("text", "goal"),
    [
        ("12=1.0,6=0.5", {12: 1.0, 6: 0.5}),
        ("12=0.2,12=0.7", {12: 0.7}),
        ("12=0.5,12=+0.25", {12: 0.75}),
        ("12=+0.4,12=+0.4,12=-0.1", {12: 0.7}),
        ("12=+0.9,12=+0.9", {12: 1.0}),
        ("12=-0.5", {}),
        ("happiness:0.8,45=0.2", {6: 0.44, 12: 0.64, 45: 0.2}),
        ("12=0.3,happiness", {6: 0.55, 12: 0.8}),
        ("happiness:0.5,12=+0.2", {6: 0.275, 12: 0.6}),
        ("surprise:0.5", {1: 0.35, 2: 0.35, 5: 0.275, 25: 0.35, 26: 0.35}),
        ("happiness,neutral", {}),
        ("neutral,12=1", {12: 1.0}),
        ("happiness,self", {}),
    ],
)
def test_what_terms_do_to_a_blank_face(text: str, goal: dict[int, float]) -> None:
    assert resolved(text) == goal


@pytest.mark.parametrize(
    ("text", "goal"),
    [
        ("self", {1: 0.25, 12: 0.5}),
        ("neutral", {}),
        ("12=+0.25", {1: 0.25, 12: 0.75}),
        ("12=-0.25", {1: 0.25, 12: 0.25}),
        ("12=0", {1: 0.25}),
        ("neutral,12=+0.25", {12: 0.25}),
        ("neutral,self,1=0", {12: 0.5}),
        ("happiness:0.5", {6: 0.275, 12: 0.4}),
        ("blink:0.5", {1: 0.25, 12: 0.5, 45: 0.5}),
    ],
)
def test_what_terms_do_to_a_photo(text: str, goal: dict[int, float]) -> None:
    assert resolved(text, row(au1=0.25, au12=0.5)) == goal


@pytest.mark.parametrize(
    ("text", "goal"),
    [
        ("12=+0.25", row(au12=0.75)),
        ("6=1", row(au6=1.0)),
        ("self", row(au1=0.25, au12=0.5)),
        ("self,6=1", row(au1=0.25, au6=1.0, au12=0.5)),
        ("blink", row(au45=1.0)),
    ],
)
def test_others_zero_clears_only_what_no_term_names(text: str, goal: NDArray[np.float32]) -> None:
    own = row(au1=0.25, au12=0.5)
    assert np.array_equal(parse_expression(text).resolve(own, OPENFACE_AUS, "zero"), goal)


SAD = {1: 0.4, 4: 0.6, 6: 0.35, 15: 0.55, 17: 0.55}
SMILING = row(au1=0.25, au12=0.75, au25=0.5, au45=0.875)  # with lids nearly shut


@pytest.mark.parametrize(
    ("text", "goal"),
    [
        ("sadness", SAD | {45: 0.875}),
        (
            "sadness:0.5",
            {1: 0.2, 4: 0.3, 6: 0.175, 15: 0.275, 17: 0.275, 45: 0.875},
        ),  # half of it, on a face that is calm else
        ("sadness,12=0.25", SAD | {12: 0.25, 45: 0.875}),
        ("12=0.25,sadness", SAD | {12: 0.25, 45: 0.875}),  # whichever comes first
        ("sadness,12=-0.25", SAD | {12: 0.5, 45: 0.875}),  # from what the photo shows
        ("happiness:0.5", {6: 0.275, 12: 0.4, 25: 0.5, 45: 0.875}),  # a laugh stays one, open mouth and all
        ("happiness,sadness", SAD | {12: 0.8, 45: 0.875}),  # 6 of both: the later's
        ("sadness,happiness", SAD | {6: 0.55, 12: 0.8, 45: 0.875}),
        ("happiness,25=0", {6: 0.55, 12: 0.8, 45: 0.875}),
        ("anger,blink", {4: 0.75, 7: 0.55, 17: 0.4, 23: 0.3, 45: 1.0}),
        ("happily-surprised", {1: 0.6, 2: 0.6, 5: 0.6, 12: 0.65, 25: 0.7, 26: 0.65, 45: 0.875}),
        ("neutral", {}),
        ("self,sadness", SAD | {12: 0.75, 25: 0.5, 45: 0.875}),  # the photo's own is named
        ("sadness,self", {1: 0.25, 12: 0.75, 25: 0.5, 45: 0.875}),
        ("15=1", {1: 0.25, 15: 1.0, 25: 0.5, 45: 0.875}),  # corners go up or down
        ("self,15=1", {1: 0.25, 12: 0.75, 15: 1.0, 25: 0.5, 45: 0.875}),
        ("1=1,4=1,15=1", {1: 1.0, 4: 1.0, 15: 1.0, 25: 0.5, 45: 0.875}),
        ("blink", {1: 0.25, 12: 0.75, 25: 0.5, 45: 1.0}),
    ],
)
def test_an_emotion_replaces_what_the_photo_shows_but_for_its_lids(text: str, goal: dict[int, float]) -> None:
    assert resolved(text, SMILING) == goal


@pytest.mark.parametrize("name", PRESETS)
def test_presets_are_emotions_but_for_actions_of_a_part_of_the_face(name: str) -> None:
    assert PRESETS[name].emotion == (name not in ("blink", "wink"))
    own = np.full(len(MESH_WORDS), 0.5, np.float32)
    goal = parse_expression(name).resolve(own, MESH_WORDS)
    named = {word for term in PRESETS[name].intensities for word in (term, f"{term}L", f"{term}R")}
    for word, value in zip(MESH_WORDS, goal, strict=True):
        if word not in named:
            laughs = name == "happiness" and word in ("25L", "25R", "26L", "26R")
            stays = laughs or not PRESETS[name].emotion or word in ("45L", "45R", *MOST_DEGREES)  # lids, head and eyes
            assert value == (0.5 if stays else 0.0), word


@given(st.lists(openface_terms, min_size=1, max_size=5), own_rows)
def test_auto_is_keep_or_zero_but_for_lids_laughs_and_what_gives_way(
    some: list[Term], own: NDArray[np.float32]
) -> None:
    expression = Expression(tuple(some))
    auto, keep, zero = (expression.resolve(own, OPENFACE_AUS, others) for others in ("auto", "keep", "zero"))
    emotions = {term.name for term in some if isinstance(term, UsePreset)} - {"blink", "wink"}
    stay = [OPENFACE_AUS.index(au) for au in ((25, 26, 45) if emotions == {"happiness"} else (45,))]
    give = [OPENFACE_AUS.index(au) for au in {au for opposed in OPPOSED.values() for au in opposed}]
    assert np.array_equal(np.delete(auto, stay + give), np.delete(zero if emotions else keep, stay + give))
    assert (auto[give] <= keep[give]).all()
    rest = [place for place in stay if place not in give]
    assert np.array_equal(auto[rest], keep[rest])


def shown_after(text: str, others: Others = "auto", **own: float) -> dict[int, float]:
    row = np.array([own.get(f"au{au}", 0.0) for au in OPENFACE_AUS], np.float32)
    return dict(zip(OPENFACE_AUS, parse_expression(text).resolve(row, OPENFACE_AUS, others).tolist(), strict=True))


def test_what_no_face_shows_beside_an_au_gives_way_to_it_as_far_as_it_comes() -> None:
    assert shown_after("15=1", au12=0.8, au6=0.5) == shown_after("12=0,15=1", au6=0.5)  # cheeks stay
    assert shown_after("15=0.5", au12=0.8)[12] == pytest.approx(0.4)
    assert shown_after("15=0.75", au12=0.8, au15=0.5)[12] == pytest.approx(0.4)  # half of what 15 has left to go
    assert shown_after("17=1", au25=0.7, au26=0.3, au12=0.2) == shown_after("12=0,17=1,25=0,26=0")
    assert shown_after("12=+0.5", au15=0.6)[15] == pytest.approx(0.3)


@pytest.mark.parametrize("text", ["12=0.8,15=1", "self,15=1", "15=0.1", "4=1"])
def test_what_is_named_or_comes_no_stronger_makes_nothing_give_way(text: str) -> None:
    assert shown_after(text, au12=0.8, au15=0.2)[12] == pytest.approx(0.8)
    assert shown_after("15=1", "keep", au12=0.8)[12] == pytest.approx(0.8)


def test_one_side_gives_way_on_that_side() -> None:
    own = np.full(len(MESH_WORDS), 0.5, np.float32)
    goal = dict(zip(MESH_WORDS, parse_expression("15L=1").resolve(own, MESH_WORDS), strict=True))
    assert (goal["12L"], goal["12R"]) == (0.0, 0.5)


def test_zero_clears_lids_and_turns_as_well() -> None:
    own = np.full(len(MESH_WORDS), 0.5, np.float32)
    for text, others in (("sadness", "zero"), ("neutral", "auto"), ("neutral", "keep")):
        goal = dict(zip(MESH_WORDS, parse_expression(text).resolve(own, MESH_WORDS, others), strict=True))
        assert not any(goal[word] for word in ("45L", "45R", *MOST_DEGREES)), (text, others)


@pytest.mark.parametrize(
    ("text", "aus", "missing"),
    [
        ("happiness", OPENFACE_AUS, ()),
        ("happiness,fear:0.5,12=1", (12, 1, 4), (2, 5, 6, 20, 25, 26)),
        ("fear,surprise", (1, 2, 4), (5, 20, 25, 26)),  # each once
        ("contempt", (12, 25), ("14R",)),  # a lack of sides is another thing, and refused
        ("12=1,self", (1, 2), ()),
    ],
)
def test_what_a_model_lacks_of_presets_is_told(text: str, aus: tuple[int, ...], missing: tuple[Word, ...]) -> None:
    assert parse_expression(text).left_out(aus) == missing
    assert parse_expression(text).left_out(words_of(aus, mesh=True)) == missing


@given(own_rows)
def test_self_is_the_photo_to_the_bit(own: NDArray[np.float32]) -> None:
    assert np.array_equal(parse_expression("neutral,self").resolve(own, OPENFACE_AUS), own)


def test_a_model_may_have_any_aus_and_presets_leave_out_those_that_it_lacks() -> None:
    small = (24, 12)
    own = np.array([0.5, 0.0], dtype=np.float32)
    goal = parse_expression("happiness,24=+0.25").resolve(own, small)
    assert goal.tolist() == [0.75, pytest.approx(0.8)]


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("", "the expression is empty", "happiness:0.6"),
        (" ", "the expression is empty", "self"),
        ("12=1,", "the expression '12=1,' has an empty term", "quotes"),
        ("12=1,,6=1", "has an empty term", "comma"),
        ("12=1.5", "AU12 must be between 0 and 1, not 1.5", "0-5 scale"),
        ("12=1.0000001", "not 1.0000001", "0 is absent"),
        ("12=nan", "AU12 must be between 0 and 1, not nan", ""),
        ("12=inf", "not inf", ""),
        ("12=1e400", "not inf", ""),
        ("12=+1.5", "AU12 can change by at most 1 in either direction, not by +1.5", ""),
        ("12=-inf", "not by -inf", ""),
        ("12=+nan", "not by +nan", ""),
        ("12=strong", "'strong' in '12=strong' is not a number", "0.5"),
        ("12=50%", "'50%' in '12=50%' is not a number", "write 12=0.5"),
        ("12=+20%", "'+20%' in '12=+20%' is not a number", "write 12=+0.2"),
        ("12=150%", "AU12 must be between 0 and 1, not 1.5", "0 is absent"),
        ("12=--0.5", "not a number", "change"),
        ("12=0.5=0.6", "'0.5=0.6' in '12=0.5=0.6' is not a number", ""),
        ("12", "the term '12' gives AU12 no value", "write 12=0.5"),
        ("12=", "gives AU12 no value", "12=+0.4"),
        ("12:0.5", "the term '12:0.5' gives AU12 no value", "write 12=0.5"),
        ("12=0,5", "the term '5' gives AU5 no value", "decimals take a point"),
        (
            "3=1",
            "FACS has no action unit 3 of the face",
            "did you mean AU23 (lip tightener) or AU2 (outer brow raiser) or AU4 (brow lowerer)?",
        ),
        ("99=1", "FACS has no action unit 99", "AU9 (nose wrinkler) or AU45 (blink) or AU26 (jaw drop)?"),
        ("112=1", "FACS has no action unit 112", "AU12 (lip corner puller)"),
        ("999999=1", "FACS has no action unit 999999", "AU9"),
        ("hapiness", "'hapiness' is neither an AU nor a preset", "did you mean happiness"),
        ("surprized:0.5", "'surprized' is neither an AU nor a preset", "surprise"),
        ("smile", "'smile' is neither an AU nor a preset", "did you mean happiness?"),
        ("happy=1", "'happy' is neither an AU nor a preset", "did you mean happiness"),
        ("lip corner puller=1", "'lip-corner-puller' is neither", "12=1.0 (lip corner puller)"),
        ("xyzzy", "'xyzzy' is neither an AU nor a preset", "presets: happiness"),
        ("=1", "'=1' is neither an AU nor a preset", "presets:"),
        ("-5=1", "is neither an AU nor a preset", ""),
        ("9" * 5000 + "=1", "is neither an AU nor a preset", ""),
        ("happiness=0.5", "the term 'happiness=0.5' gives 'happiness' no intensity", "write happiness:0.5"),
        ("happiness=2", "gives 'happiness' no intensity", "write happiness:0.6"),
        ("happiness:", "gives 'happiness' no intensity", "write happiness:0.6"),
        ("happiness:much", "'much' in 'happiness:much' is not a number", "0.5"),
        ("happiness:1.2", "the intensity of 'happiness' must be above 0 and at most 1, not 1.2", "happiness,12=1"),
        ("sadness:1.3", "the intensity of 'sadness' must be above 0 and at most 1, not 1.3", "added: sadness,15=1"),
        ("sadness:50%", "'50%' in 'sadness:50%' is not a number", "fractions of 1, and not percent: write sadness:0.5"),
        ("sadness:130%", "must be above 0 and at most 1, not 1.3", "sadness,15=1"),
        ("sadness:0%", "must be above 0", "neutral"),
        ("sadness:0,5", "must be above 0", "decimals take a point"),
        ("blink:2", "the intensity of 'blink' must be above 0 and at most 1, not 2.0", "1 is full: write blink"),
        ("sad:0.5", "'sad' is neither an AU nor a preset", "did you mean sadness:0.5?"),
        ("happiness:0", "must be above 0", "neutral"),
        ("happiness:nan", "not nan", ""),
        ("neutral:0.5", "'neutral' takes no value", "write neutral"),
        ("self=1", "'self' takes no value", "write self"),
        ("12Q=1", "is neither an AU nor a preset", ""),
        ("12L", "gives AU12L no value", "write 12L=0.5"),
        ("99R=1", "FACS has no action unit 99", "did you mean"),
        ("12L=2", "AU12L must be between 0 and 1, not 2", "0 is absent"),
        ("12R=+1.5", "AU12R can change by at most 1", ""),
        ("yaw", "gives yaw no degrees", "write yaw=10"),
        ("yaw=21", "yaw must be between -20 and 20 degrees, not 21", "nobody can know"),
        ("gaze_y=-31", "gaze_y must be between -30 and 30 degrees, not -31", "nobody can know"),
        ("roll=nan", "roll must be between -20 and 20 degrees", ""),
        ("roll=far", "'far' in 'roll=far' is not a number", "such as roll=10"),
        ("yaw=50%", "'50%' in 'yaw=50%' is not a number", "such as yaw=10"),
        ("jaw=1", "'jaw' is neither an AU nor a preset", "yaw=10 (head turned left, degrees)"),
        ("head=10", "'head' is neither an AU nor a preset", "yaw=10"),
        ("@", "the term '@' names no photo", "@other.jpg"),
        ('12=1,@" "', "the term '@' names no photo", "@other.jpg"),
        ('@"a.jpg', "the quoted path in '@\"a.jpg' does not end", "double quotes"),
        ('@"a.jpg"b', "does not end before the comma", "double quotes"),
        ("Other.JPG", "'Other.JPG' is neither an AU nor a preset", "write @Other.JPG"),
    ],
)
def test_what_is_refused_and_how(text: str, message: str, hint: str) -> None:
    error = refused(text)
    assert message in error.message and "\n" not in error.message
    assert hint in (error.hint or "")


@pytest.mark.parametrize(
    ("word", "preset"),
    [
        ("sad", "sadness"),
        ("smile", "happiness"),
        ("Happy", "happiness"),
        ("angry", "anger"),
        ("scared", "fear"),
        ("surprised", "surprise"),
        ("disgusted", "disgust"),
        ("calm", "neutral"),
    ],
)
def test_an_everyday_word_means_one_preset(word: str, preset: str) -> None:
    assert refused(word).hint == f"did you mean {preset}?"
    assert parse_expression(preset)


@pytest.mark.parametrize("name", PRESETS)
def test_what_is_to_be_written_for_more_than_a_preset_is_more_and_can_be_written(name: str) -> None:
    hint = refused(f"{name}:1.5").hint or ""
    more = parse_expression(hint.rpartition(": ")[2].removeprefix("write ")).resolve(NOTHING, MESH_WORDS)
    whole = parse_expression(name).resolve(NOTHING, MESH_WORDS)
    assert (more >= whole).all()
    assert (more > whole).any() == ("can be added" in hint)


@pytest.mark.parametrize(
    ("text", "paths"),
    [
        ("@other.jpg", ["other.jpg"]),
        (" @ My Photos/Ann =1.JPG ,12=1", ["My Photos/Ann =1.JPG"]),
        ("12=1,@C:\\\\a.jpg,@b.jpg", ["C:\\\\a.jpg", "b.jpg"]),
        ('@"a, b.jpg", @c.jpg', ["a, b.jpg", "c.jpg"]),
        ('@"say ""hi"".jpg"', ['say "hi".jpg']),
        ('@" a.jpg"', [" a.jpg"]),
        ('@5".jpg', ['5".jpg']),
    ],
)
def test_paths_of_photos_are_kept_as_they_are(text: str, paths: list[str]) -> None:
    assert list(parse_expression(text).photos()) == paths


def test_what_a_photo_shows_takes_the_place_of_its_term() -> None:
    expression = parse_expression("1=1,@a.jpg,12=+0.5,@a.jpg:0.6")
    assert expression.photos() == ("a.jpg", "a.jpg:0.6")  # colons belong to names: C:/a.jpg
    filled = parse_expression("1=1,@a.jpg,12=+0.5").with_readings({"a.jpg": {1: 0.25, 12: 0.125}, "b.jpg": {}})
    assert str(filled) == "1=1.0,1=0.25,12=0.125,12=+0.5"
    assert filled.resolve(np.zeros(2, np.float32), (1, 12)).tolist() == [0.25, 0.625]


def test_a_photo_that_nobody_read_is_refused() -> None:
    with pytest.raises(ExpressionError, match=r"'@a\.jpg' has not been read"):
        resolved("@a.jpg")
    with pytest.raises(ExpressionError, match=r"'a\.jpg' has not been read"):
        parse_expression("@a.jpg").with_readings({})


@given(expressions)
def test_expressions_without_photos_need_no_readings(expression: Expression) -> None:
    read = expression.with_readings({path: {12: 0.5} for path in expression.photos()})
    assert read.photos() == ()
    assert len(read.terms) == len(expression.terms)
    if not expression.photos():
        assert read == expression


@given(st.text(alphabet='@"0123456789aAuU=+-:., neutralsf_\x00é１', max_size=20))
def test_any_text_is_an_expression_or_an_expression_error(text: str) -> None:
    try:
        assert parse_expression(format_expression(parse_expression(text))) == parse_expression(text)
    except ExpressionError as error:
        assert error.message


def test_an_au_that_only_this_model_lacks_is_told_apart_from_one_that_nobody_knows() -> None:
    with pytest.raises(ExpressionError, match=r"this model does not have AU24 \(lip pressor\)") as caught:
        parse_expression("24=1").resolve(row(), OPENFACE_AUS)
    assert caught.value.hint == "its AUs are 1, 2, 4, 5, 6, 7, 9, 10, 12, 14, 15, 17, 20, 23, 25, 26, 45"
    with pytest.raises(ExpressionError, match=r"this model does not have AU43 \(eyes closed\)"):
        parse_expression("43=+0.1").resolve(row(), OPENFACE_AUS)


def test_a_preset_of_which_the_model_has_nothing_is_refused() -> None:
    with pytest.raises(ExpressionError, match=r"no AU of the preset 'blink': AU45 \(blink\)"):
        parse_expression("blink").resolve(np.zeros(2, np.float32), (1, 2))


@pytest.mark.parametrize(
    ("own", "message"),
    [
        (np.zeros(16, np.float32), r"shape \(16,\), the model has 17"),
        (np.zeros((1, 17), np.float32), r"shape \(1, 17\)"),
        (row(au12=float("nan")), "own AU12 must be between 0 and 1, not nan"),
        (row(au4=1.5), "own AU4 must be between 0 and 1, not 1.5"),
    ],
)
def test_a_photo_row_that_cannot_be_is_refused(own: NDArray[np.float32], message: str) -> None:
    with pytest.raises(ExpressionError, match=message):
        parse_expression("12=1").resolve(own, OPENFACE_AUS)


def test_combining_nothing_and_unknown_others_are_refused() -> None:
    with pytest.raises(ExpressionError, match="the expression is empty"):
        combine([])
    with pytest.raises(ExpressionError, match="'auto', 'keep' or 'zero', not 'drop'"):
        parse_expression("self").resolve(row(), OPENFACE_AUS, "drop")  # type: ignore[arg-type]


def test_terms_built_in_code_obey_the_same_law() -> None:
    with pytest.raises(ExpressionError, match="neither an AU nor a preset"):
        UsePreset("glee")
    with pytest.raises(ExpressionError, match="neither an AU nor a preset"):
        Reset("happiness")


def test_who_asks_for_au43_is_told_of_au45() -> None:
    with pytest.raises(ExpressionError) as caught:
        parse_expression("43=1").resolve(np.zeros(len(OPENFACE_AUS), np.float32), OPENFACE_AUS)
    assert caught.value.hint is not None
    assert "45=1, which stands for closed eyes" in caught.value.hint


mesh_terms = st.one_of(
    st.builds(SetAU, st.sampled_from(OPENFACE_AUS), intensities, sides),
    st.builds(ChangeAU, st.sampled_from(OPENFACE_AUS), st.floats(-1.0, 1.0), sides),
    st.builds(UsePreset, st.sampled_from(sorted(PRESETS))),
    turns,
)


def on_a_mesh(text: str) -> dict[Word, float]:
    """What is not 0 after `text` on a face without expression, for a model that knows sides and turns."""
    goal = parse_expression(text).resolve(np.zeros(len(MESH_WORDS), np.float32), MESH_WORDS)
    return {word: round(float(value), 6) for word, value in zip(MESH_WORDS, goal, strict=True) if value}


@given(st.lists(mesh_terms, min_size=1, max_size=5))
def test_a_goal_with_sides_and_turns_is_in_range(some: list[Term]) -> None:
    goal = Expression(tuple(some)).resolve(np.zeros(len(MESH_WORDS), np.float32), MESH_WORDS)
    least, most = bounds(MESH_WORDS)
    assert goal.shape == (39,) and np.all((goal >= least) & (goal <= most))


@pytest.mark.parametrize("text", ["12L=1", "AU12L=1", "12 l = 1", "L12=1", "au_12L=1"])
def test_a_side_can_be_written_in_several_ways(text: str) -> None:
    assert parse_expression(text) == Expression((SetAU(12, 1.0, "L"),))


@pytest.mark.parametrize("text", ["gaze_x=-5", "Gaze X = -5", "gaze-x=-5.0"])
def test_a_turn_can_be_written_in_several_ways(text: str) -> None:
    assert parse_expression(text) == Expression((Turn("gaze_x", -5.0),))


@pytest.mark.parametrize(
    ("text", "goal"),
    [
        ("12=1", {"12L": 1, "12R": 1}),
        ("12L=1", {"12L": 1}),
        ("12=0.4,12R=1", {"12L": 0.4, "12R": 1}),
        ("12R=1,12=0.4", {"12L": 0.4, "12R": 0.4}),
        ("12=0.4,12L=+0.3", {"12L": 0.7, "12R": 0.4}),
        ("yaw=10,yaw=-5", {"yaw": -5}),
        ("yaw=12,12=0.6,neutral", {}),
        ("wink:0.5", {"45L": 0.5}),
        ("contempt", {"12R": 0.2, "14R": 1}),
    ],
)
def test_sides_and_turns(text: str, goal: dict[Word, float]) -> None:
    assert on_a_mesh(text) == goal


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("12L=1", "moves both sides of a face alike, and not AU12L alone", "write 12=1 for both"),
        ("wink", "not AU45L alone", "architecture mesh"),
        ("contempt", "not AU12R alone", "architecture mesh"),
        ("yaw=10", "this model turns neither head nor eyes, as 'yaw=10.0' asks", "architecture mesh"),
        ("gaze_x=1", "turns neither head nor eyes", "such as the default one"),
    ],
)
def test_models_without_a_mesh_refuse_sides_and_turns(text: str, message: str, hint: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        parse_expression(text).resolve(row(), OPENFACE_AUS)
    assert message in caught.value.message and hint in (caught.value.hint or "")


def test_what_a_mesh_model_lacks_is_told_as_its_lack() -> None:
    with pytest.raises(ExpressionError, match=r"this model does not have AU24 \(lip pressor\)") as caught:
        on_a_mesh("24L=1")
    assert caught.value.hint == f"its AUs are {', '.join(map(str, OPENFACE_AUS))}"


@given(st.lists(mesh_terms, min_size=1, max_size=4))
def test_folding_loses_nothing(some: list[Term]) -> None:
    goal = Expression(tuple(some)).resolve(np.zeros(len(MESH_WORDS), np.float32), MESH_WORDS)
    words, columns = fold(MESH_WORDS, goal)
    told = Expression(tuple(_set(word, float(goal[n])) for word, n in zip(words, columns, strict=True)))
    assert np.array_equal(told.resolve(np.zeros(len(MESH_WORDS), np.float32), MESH_WORDS), goal)


def _set(word: Word, value: float) -> Term:
    (term,) = parse_expression(f"{word}=0").terms
    assert isinstance(term, SetAU | Turn) and limits(word)[0] <= value <= limits(word)[1]
    return Turn(term.name, value) if isinstance(term, Turn) else SetAU(term.number, value, term.side)
