"""Laws of the AU vocabulary and of the presets."""

from __future__ import annotations

import pytest

from ganimate import facs as aus_module
from ganimate.facs import ACTION_UNITS, OPENFACE_AUS, PRESETS, RESETS, Word, did_you_mean
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
        ("fear", {1, 2, 4, 5, 7, 20, 25, 26}),
        ("anger", {4, 5, 7, 23}),
        ("sadness", {1, 4, 15}),
        ("disgust", {9, 10, 17}),
        ("contempt", {"12R", "14R"}),
        ("blink", {45}),
        ("wink", {"45L"}),
        ("happily-surprised", {1, 2, 12, 25}),
        ("awed", {1, 2, 5, 25}),
    ],
)
def test_presets_follow_the_literature(name: str, aus: set[Word]) -> None:
    assert set(PRESETS[name].intensities) == aus


def test_every_preset_is_known_to_facs_in_range_and_has_a_source() -> None:
    for name, preset in PRESETS.items():
        assert preset.name == name and preset.source
        assert all(is_known(word) for word in preset.intensities)
        assert all(0.0 < value <= 1.0 for value in preset.intensities.values())
    assert not set(PRESETS) & set(RESETS)


def test_did_you_mean_names_the_nearest_first_or_nothing() -> None:
    assert did_you_mean("FAER", ["anger", "fear", "blink"]) == "did you mean 'fear' or 'anger'?"
    assert did_you_mean("zzz", ["fear"]) is None
