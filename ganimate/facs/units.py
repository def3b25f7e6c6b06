"""The action units (AUs) of the face: number, name and muscles, and the order in which OpenFace lists them.

Source: Ekman & Friesen, Facial Action Coding System (1978); Ekman, Friesen & Hager (2002).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

OPENFACE_AUS: tuple[int, ...] = (1, 2, 4, 5, 6, 7, 9, 10, 12, 14, 15, 17, 20, 23, 25, 26, 45)


@dataclass(frozen=True)
class ActionUnit:
    """One visible movement of the face: its FACS number, name and the muscles that make it."""

    number: int
    name: str
    muscle: str

    @property
    def label(self) -> str:
        """``AU12``."""
        return f"AU{self.number}"

    def __str__(self) -> str:
        return f"{self.label} ({self.name})"


_EYE_CLOSING = "relaxation of levator palpebrae superioris; orbicularis oculi, pars palpebralis"
_NO_MUSCLE = "none specified (an action descriptor)"

_FACS = (
    ActionUnit(1, "inner brow raiser", "frontalis, pars medialis"),
    ActionUnit(2, "outer brow raiser", "frontalis, pars lateralis"),
    ActionUnit(4, "brow lowerer", "corrugator supercilii, depressor supercilii, procerus"),
    ActionUnit(5, "upper lid raiser", "levator palpebrae superioris"),
    ActionUnit(6, "cheek raiser", "orbicularis oculi, pars orbitalis"),
    ActionUnit(7, "lid tightener", "orbicularis oculi, pars palpebralis"),
    ActionUnit(8, "lips toward each other", "orbicularis oris"),
    ActionUnit(9, "nose wrinkler", "levator labii superioris alaeque nasi"),
    ActionUnit(10, "upper lip raiser", "levator labii superioris"),
    ActionUnit(11, "nasolabial deepener", "zygomaticus minor"),
    ActionUnit(12, "lip corner puller", "zygomaticus major"),
    ActionUnit(13, "sharp lip puller", "levator anguli oris"),
    ActionUnit(14, "dimpler", "buccinator"),
    ActionUnit(15, "lip corner depressor", "depressor anguli oris"),
    ActionUnit(16, "lower lip depressor", "depressor labii inferioris"),
    ActionUnit(17, "chin raiser", "mentalis"),
    ActionUnit(18, "lip pucker", "incisivii labii superioris and inferioris"),
    ActionUnit(19, "tongue show", _NO_MUSCLE),
    ActionUnit(20, "lip stretcher", "risorius, with platysma"),
    ActionUnit(21, "neck tightener", "platysma"),
    ActionUnit(22, "lip funneler", "orbicularis oris"),
    ActionUnit(23, "lip tightener", "orbicularis oris"),
    ActionUnit(24, "lip pressor", "orbicularis oris"),
    ActionUnit(25, "lips part", "depressor labii inferioris, or relaxation of mentalis or orbicularis oris"),
    ActionUnit(26, "jaw drop", "relaxation of masseter, temporalis and medial pterygoid"),
    ActionUnit(27, "mouth stretch", "pterygoids, digastric"),
    ActionUnit(28, "lip suck", "orbicularis oris"),
    ActionUnit(29, "jaw thrust", _NO_MUSCLE),
    ActionUnit(30, "jaw sideways", _NO_MUSCLE),
    ActionUnit(31, "jaw clencher", "masseter"),
    ActionUnit(32, "lip bite", _NO_MUSCLE),
    ActionUnit(33, "cheek blow", _NO_MUSCLE),
    ActionUnit(34, "cheek puff", _NO_MUSCLE),
    ActionUnit(35, "cheek suck", _NO_MUSCLE),
    ActionUnit(36, "tongue bulge", _NO_MUSCLE),
    ActionUnit(37, "lip wipe", _NO_MUSCLE),
    ActionUnit(38, "nostril dilator", "nasalis, pars alaris"),
    ActionUnit(39, "nostril compressor", "nasalis, pars transversa; depressor septi nasi"),
    ActionUnit(41, "lid droop", "relaxation of levator palpebrae superioris"),
    ActionUnit(42, "slit", "orbicularis oculi, pars palpebralis"),
    ActionUnit(43, "eyes closed", _EYE_CLOSING),
    ActionUnit(44, "squint", "orbicularis oculi, pars palpebralis"),
    ActionUnit(45, "blink", _EYE_CLOSING),
    ActionUnit(46, "wink", _EYE_CLOSING),
)

ACTION_UNITS: Mapping[int, ActionUnit] = MappingProxyType({unit.number: unit for unit in _FACS})
