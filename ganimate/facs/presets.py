"""Presets: named expressions and the publications that say which AUs make them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from ganimate.facs.words import Word, order


@dataclass(frozen=True)
class Preset:
    """A named expression: the intensity in (0, 1] of each AU that makes it, and the publication that says so.

    An AU of one side alone is a word such as ``14R``. An `emotion` is what a whole face shows; a wink is none. The AUs
    that it `allows` (their numbers) may come with it or not, so it says nothing against those of a photo.
    """

    name: str
    intensities: Mapping[Word, float]
    source: str
    emotion: bool = True
    allows: frozenset[int] = frozenset()


def _preset(name: str, source: str, *full: Word, allows: Iterable[int] = (), **weaker: float) -> Preset:
    """The preset in which the AUs of `full` are at 1 and those of `weaker`, as in ``au5=0.4``, below it."""
    below: dict[Word, float] = {_word(label): value for label, value in weaker.items()}
    intensities = sorted((dict.fromkeys(full, 1.0) | below).items(), key=lambda item: order(item[0]))
    return Preset(name, MappingProxyType(dict(intensities)), source, allows=frozenset(allows))


def _action(name: str, source: str, word: Word) -> Preset:
    """The preset of one AU at 1 that is no emotion."""
    return Preset(name, MappingProxyType({word: 1.0}), source, emotion=False)


def _word(label: str) -> Word:
    text = label[2:]
    return int(text) if text.isdigit() else text


_EMFACS = "EMFACS (Friesen & Ekman 1983), after Ekman & Friesen, FACS Investigator's Guide (1978)"
_DU = "Du, Tao & Martinez, Compound facial expressions of emotion, PNAS 111 (2014), table 1"

# FACS grades A to E are fifths here, as in OpenFace's 0-5: A is 0.2, B is 0.4.
_PRESETS = (
    # Du et al. also found 25: people smile with shut and with open mouths, and a laugh is not to be shut.
    _preset("happiness", f"{_EMFACS}: 6+12", 6, 12, allows=(25, 26)),
    # A jaw that drops parts the lips: EMFACS does not count 25 beside 26, Du et al. found it in both expressions.
    _preset("surprise", f"{_EMFACS}: 1+2+5B+26; 25 after {_DU}", 1, 2, 25, 26, au5=0.4),
    _preset("fear", f"{_EMFACS}: 1+2+4+5+7+20+26; 25 after {_DU}", 1, 2, 4, 5, 7, 20, 25, au26=0.5),
    _preset("anger", f"{_EMFACS}: 4+5+7+23", 4, 5, 7, 23),
    _preset("sadness", f"{_EMFACS}: 1+4+15", 1, 4, 15),
    # EMFACS gives 9+15+16, of which OpenFace, and so most models, lack 16.
    _preset("disgust", f"{_DU}: 9+10+17", 9, 10, au17=0.5),
    # With the corner raised far it would be half a smile: 14 leads, 12 keeps the trace of the source.
    _preset("contempt", f"{_EMFACS}: 12A+14A on the right side", "14R", au12R=0.2),
    _action("blink", "Ekman, Friesen & Hager, FACS (2002): 45", 45),
    _action("wink", "Ekman, Friesen & Hager, FACS (2002): 46, which is 45 of one eye", "45L"),
    _preset("happily-surprised", _DU, 1, 2, 12, 25),
    _preset("happily-disgusted", _DU, 10, 12, 25),
    _preset("sadly-fearful", _DU, 1, 4, 20, 25),
    _preset("sadly-surprised", _DU, 1, 4, 25, 26),
    _preset("fearfully-angry", _DU, 4, 20, 25),
    _preset("fearfully-surprised", _DU, 1, 2, 5, 20, 25),
    _preset("fearfully-disgusted", _DU, 1, 4, 10, 20, 25),
    _preset("angrily-surprised", _DU, 4, 25, 26),
    _preset("angrily-disgusted", _DU, 4, 10, 17),
    _preset("disgustedly-surprised", _DU, 1, 2, 5, 10),
    _preset("awed", _DU, 1, 2, 5, 25),
)

PRESETS: Mapping[str, Preset] = MappingProxyType({preset.name: preset for preset in _PRESETS})

RESETS: Mapping[str, str] = MappingProxyType(
    {"neutral": "every AU of the model at 0", "self": "every AU as the photo shows it"}
)
