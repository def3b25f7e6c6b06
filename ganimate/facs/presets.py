"""Presets: named expressions, the publications that say which AUs make them, and how far people go in them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from ganimate.facs.words import Word, order


@dataclass(frozen=True)
class Preset:
    """A named expression: the intensity in (0, 1] of each AU that makes it, and the publications that say so.

    An AU of one side alone is a word such as ``14R``. An `emotion` is what a whole face shows; a wink is none. The AUs
    that it `allows` (their numbers) may come with it or not, so it says nothing against those of a photo. Those that
    the publications name are `cited`; an emotion that was measured may lack some of them and have others.
    """

    name: str
    intensities: Mapping[Word, float]
    source: str
    emotion: bool = True
    allows: frozenset[int] = frozenset()
    cited: frozenset[int] = frozenset()


def _measured(
    name: str, publications: Mapping[str, Iterable[int]], intensities: Mapping[Word, float], allows: Iterable[int] = ()
) -> Preset:
    """The preset of an emotion for which `publications` name AUs and CFEE tells which are shown, and how far."""
    cited = frozenset(number for numbers in publications.values() for number in numbers)
    named = "; ".join(f"{publication}: {_sum(numbers)}" for publication, numbers in publications.items())
    rare, usual = cited.difference(intensities), set(intensities).difference(cited)
    without = f"; not {_sum(rare)}, which under a quarter of CFEE's photos of it show" if rare else ""
    more = f"; also {_sum(usual)}, which at least half of CFEE's photos of it show" if usual else ""
    source = f"AUs: {named}{without}{more}. Intensities: {_CFEE}"
    return Preset(name, MappingProxyType(dict(intensities)), source, allows=frozenset(allows), cited=cited)


def _action(name: str, source: str, word: Word) -> Preset:
    """The preset of one AU at 1 that is no emotion."""
    return Preset(name, MappingProxyType({word: 1.0}), source, emotion=False)


def _sum(words: Iterable[Word]) -> str:
    """``1+4+15``."""
    return "+".join(str(word) for word in sorted(words, key=order))


_EMFACS = "EMFACS (Friesen & Ekman 1983), after Ekman & Friesen, FACS Investigator's Guide (1978)"
_DU = "Du, Tao & Martinez, Compound facial expressions of emotion, PNAS 111 (2014), table 1"
_CFEE = "mean FACS codes of the tenth of the photos of it that show most in CFEE (Du, Tao & Martinez 2014)"

# Measured by tests/measure_presets.py on CFEE's FACS codes, whose grades A to E are fifths here: A is 0.2, B is 0.4.
# Of the AUs that the publications name those stay that at least a quarter of the photos of an emotion show, and those
# that half of its photos show come to them. Only OpenFace's 17 count: four fifths of the angry press their lips (24),
# but OpenFace does not read that, nor has any model here learnt it, and each `anger` would be told to lack it.
_PRESETS = (
    # All of CFEE's happy show 25, too; but people smile with shut and with open mouths, and a laugh is not to be shut.
    _measured("happiness", {_EMFACS: (6, 12)}, {6: 0.55, 12: 0.8}, allows=(25, 26)),
    # A jaw that drops parts the lips: EMFACS does not count 25 beside 26, Du et al. found it in both expressions.
    _measured("surprise", {_EMFACS: (1, 2, 5, 26), _DU: (25,)}, {1: 0.7, 2: 0.7, 5: 0.55, 25: 0.7, 26: 0.7}),
    _measured(
        "fear",
        {_EMFACS: (1, 2, 4, 5, 7, 20, 26), _DU: (25,)},
        {1: 0.55, 2: 0.45, 4: 0.55, 5: 0.6, 20: 0.45, 25: 0.6, 26: 0.3},
    ),
    _measured("anger", {_EMFACS: (4, 5, 7, 23)}, {4: 0.75, 7: 0.55, 17: 0.4, 23: 0.3}),
    _measured("sadness", {_EMFACS: (1, 4, 15)}, {1: 0.4, 4: 0.6, 6: 0.35, 15: 0.55, 17: 0.55}),
    # EMFACS gives 9+15+16, of which OpenFace, and so most models, lack 16.
    _measured("disgust", {_DU: (9, 10, 17)}, {9: 0.65, 10: 0.7, 17: 0.3}),
    # Not in CFEE. With the corner raised far it would be half a smile: 14 leads, 12 keeps the trace of the source.
    Preset("contempt", MappingProxyType({"12R": 0.2, "14R": 1.0}), f"{_EMFACS}: 12A+14A on the right side"),
    _action("blink", "Ekman, Friesen & Hager, FACS (2002): 45", 45),
    _action("wink", "Ekman, Friesen & Hager, FACS (2002): 46, which is 45 of one eye", "45L"),
    _measured("happily-surprised", {_DU: (1, 2, 12, 25)}, {1: 0.6, 2: 0.6, 5: 0.6, 12: 0.65, 25: 0.7, 26: 0.65}),
    _measured("happily-disgusted", {_DU: (10, 12, 25)}, {6: 0.6, 9: 0.55, 10: 0.7, 12: 0.65, 25: 0.6}),
    _measured("sadly-fearful", {_DU: (1, 4, 20, 25)}, {1: 0.5, 4: 0.6, 20: 0.55, 25: 0.6}),
    _measured("sadly-surprised", {_DU: (1, 4, 25, 26)}, {1: 0.5, 4: 0.5, 25: 0.6, 26: 0.55}),
    _measured("fearfully-angry", {_DU: (4, 20, 25)}, {4: 0.55, 20: 0.5, 25: 0.6}),
    _measured("fearfully-surprised", {_DU: (1, 2, 5, 20, 25)}, {1: 0.65, 2: 0.65, 5: 0.7, 20: 0.55, 25: 0.65}),
    _measured(
        "fearfully-disgusted",
        {_DU: (1, 4, 10, 20, 25)},
        {1: 0.45, 2: 0.55, 4: 0.35, 5: 0.45, 10: 0.6, 20: 0.5, 25: 0.6},
    ),
    _measured("angrily-surprised", {_DU: (4, 25, 26)}, {4: 0.6, 25: 0.65, 26: 0.6}),
    _measured("angrily-disgusted", {_DU: (4, 10, 17)}, {4: 0.6, 7: 0.2, 9: 0.6, 10: 0.65, 17: 0.4}),
    _measured("disgustedly-surprised", {_DU: (1, 2, 5, 10)}, {1: 0.55, 2: 0.6, 5: 0.55, 10: 0.65, 17: 0.45}),
    _measured("awed", {_DU: (1, 2, 5, 25)}, {1: 0.6, 2: 0.55, 5: 0.5, 20: 0.45, 25: 0.6, 26: 0.4}),
)

PRESETS: Mapping[str, Preset] = MappingProxyType({preset.name: preset for preset in _PRESETS})

RESETS: Mapping[str, str] = MappingProxyType(
    {"neutral": "every AU of the model at 0", "self": "every AU as the photo shows it"}
)
