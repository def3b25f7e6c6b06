"""Laws of the AU vocabulary and of the presets."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from measure_presets import measured, people_go, read_codes

from ganimate import facs as aus_module
from ganimate.facs import ACTION_UNITS, OPENFACE_AUS, PRESETS, RESETS, Preset, Word, did_you_mean
from ganimate.facs.words import is_known


def test_all_is_defined() -> None:
    assert all(hasattr(aus_module, name) for name in aus_module.__all__)


def test_openface_aus_are_those_of_the_design_page_and_described() -> None:
    assert OPENFACE_AUS == (1, 2, 4, 5, 6, 7, 9, 10, 12, 14, 15, 17, 20, 23, 25, 26, 45)
    assert set(OPENFACE_AUS) < set(ACTION_UNITS)
    for number, unit in ACTION_UNITS.items():
        assert unit.number == number and unit.name and unit.muscle
    assert ACTION_UNITS[12].label == "AU12" and str(ACTION_UNITS[12]) == "AU12 (lip corner puller)"
    assert ACTION_UNITS[12].muscle == "zygomaticus major"


@pytest.mark.parametrize(
    ("name", "aus"),
    [
        ("happiness", {6, 12}),
        ("surprise", {1, 2, 5, 25, 26}),
        ("fear", {1, 2, 4, 5, 20, 25, 26}),
        ("anger", {4, 7, 17, 23}),
        ("sadness", {1, 4, 6, 15, 17}),
        ("disgust", {9, 10, 17}),
        ("contempt", {"12R", "14R"}),
        ("blink", {45}),
        ("wink", {"45L"}),
        ("happily-surprised", {1, 2, 5, 12, 25, 26}),
        ("awed", {1, 2, 5, 20, 25, 26}),
    ],
)
def test_presets_have_the_aus_that_the_literature_names_and_people_show(name: str, aus: set[Word]) -> None:
    assert set(PRESETS[name].intensities) == aus


def test_every_preset_is_known_to_facs_in_range_and_has_a_source() -> None:
    for name, preset in PRESETS.items():
        assert preset.name == name and preset.source
        assert all(is_known(word) for word in preset.intensities)
        assert all(0.0 < value <= 1.0 for value in preset.intensities.values())
    assert not set(PRESETS) & set(RESETS)


@pytest.mark.parametrize("name", [name for name, preset in PRESETS.items() if preset.cited])
def test_emotions_go_no_further_than_people_and_say_where_that_is_from(name: str) -> None:
    """Nobody of CFEE's 2,241 coded photos goes beyond 1.81 in all AUs together."""
    preset = PRESETS[name]
    assert set(preset.intensities) <= set(OPENFACE_AUS) - preset.allows
    values = np.array([*preset.intensities.values()])
    assert np.linalg.norm(values) <= 1.75 and values.max() <= 0.8
    assert np.allclose(20 * values, np.round(20 * values))
    assert "CFEE" in preset.source.partition("Intensities: ")[2]
    for number in preset.cited ^ set(preset.intensities):
        assert str(number) in re.findall(r"\d+", preset.source)


def test_only_what_cfee_lacks_is_not_measured() -> None:
    assert [name for name, preset in PRESETS.items() if not preset.cited] == ["contempt", "blink", "wink"]


def test_the_measurement_takes_the_mean_of_those_who_show_most(tmp_path: Path) -> None:
    """1 and 4 are in half of the photos or more, 2 and 6 in a quarter, 9 in a fifth; 6 and 9 are cited."""
    path, preset = tmp_path / "facs.csv", Preset("glee", {}, "", cited=frozenset({6, 9}), allows=frozenset({25}))
    rows = [[number // 4, number >= 10, number >= 15, number >= 15, number >= 16, 5, 5] for number in range(20)]
    lines = [",".join(map(str, ["a.jpg", "Glad", *map(int, row)])) for row in rows]
    path.write_text("\n".join(["file,emotion,AU01,AU04,AU02,AU06,AU09,AU24,AU25", *lines, "b.jpg,Sad,0,0,0,0,0,0,0"]))
    codes = read_codes(path)
    assert measured(codes["Glad"], preset) == {1: 0.8, 4: 0.2, 6: 0.2}
    assert set(codes) == {"Glad", "Sad"} and people_go(codes, {1: 1.0}) == pytest.approx(0.8)


def test_did_you_mean_names_the_nearest_first_or_nothing() -> None:
    assert did_you_mean("FAER", ["anger", "fear", "blink"]) == "did you mean 'fear' or 'anger'?"
    assert did_you_mean("zzz", ["fear"]) is None
