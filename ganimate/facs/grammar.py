"""The one grammar in which expressions are asked for.

    expression = term { "," term }
    term       = au "=" intensity             12=1.0  12L=1      set it, 0 absent … 1 full
               | au "=" ("+" | "-") change    12=+0.4  12R=-0.2  add to what is there, clipped to [0, 1]
               | turn "=" degrees             yaw=10  yaw=-10    turn head or eyes from how the photo shows them
               | preset [ ":" intensity ]     happiness  fear:0.6
               | "neutral"                                       every AU of the model 0
               | "self"                                          every AU as the photo shows it
               | "@" path                      @other.jpg        every AU as another photo shows it
               | "@" quoted path               @"a, b.jpg"       the same; a quote in it is doubled

Terms act from left to right and later ones win; "what is there" is the photo's own value or what an earlier term
left. An AU is a number with or without AU before it; with L or R behind it (or before it, as coders write) it is the
person's own left or right side alone. Turns are yaw, pitch, roll, gaze_x and gaze_y (`facs.words`); their sign is a
direction, as the photo's own is 0. Case and spaces do not matter, but in paths, which end at a comma unless they are in
double quotes. Intensities are fractions of 1: OpenFace's 0-5 divided by 5.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ganimate.errors import ExpressionError
from ganimate.facs.expressions import ChangeAU, Expression, LikePhoto, Reset, SetAU, Term, Turn, UsePreset
from ganimate.facs.hints import require_known, unknown_word
from ganimate.facs.presets import PRESETS, RESETS
from ganimate.facs.words import TURNS, Word, one_sided


def format_expression(expression: Expression) -> str:
    """The expression in the grammar; `parse_expression` gives the very same expression back."""
    return str(expression)


_TERM = re.compile(r'\s*@"((?:[^"]|"")*)"\s*(?:,|$)|([^,]*)(?:,|$)')
_PHOTO_NAME = re.compile(r".*\.(?:jpe?g|png|webp|tiff?|avif|bmp|gif)", re.IGNORECASE | re.DOTALL)
_AU_SUBJECT = re.compile(r"(?:au[\s_-]*)?(?:(\d{1,6})\s*([lr])?|([lr])(\d{1,6}))", re.ASCII | re.IGNORECASE)
_FRACTION = re.compile(r"1(?:\.0*)?|0?\.\d*[1-9]\d*", re.ASCII)  # what a preset's intensity can be
_PERCENT = re.compile(r"([+-]?)(\d{1,6}(?:\.\d*)?|\.\d+)\s*%", re.ASCII)


def parse_expression(text: str) -> Expression:
    """The expression that `text` asks for, in the grammar at the top of this module.

    Raises ExpressionError, naming the term, for anything that the grammar does not allow: an AU or a name that
    nobody knows (with the nearest ones), a value that is no number or out of range, an empty term.
    """
    if not text.strip():
        return Expression(())
    return Expression(tuple(_parse_terms(text)))


def _parse_terms(text: str) -> Iterator[Term]:
    place = 0
    while place <= len(text):
        match = _TERM.match(text, place)
        assert match is not None  # its second half matches anything
        quoted, plain = match.groups()
        yield _parse_term(plain.strip(), text) if quoted is None else LikePhoto(quoted.replace('""', '"'))
        place = match.end() if match[0].endswith(",") else len(text) + 1


def _parse_term(term: str, text: str) -> Term:
    if not term:
        hint = "remove the extra comma, or put the expression in quotes if it has spaces"
        raise ExpressionError(f"the expression {text!r} has an empty term", hint)
    if term.startswith("@"):
        return _parse_photo(term)
    parts = re.split("([=:])", term, maxsplit=1)
    subject, separator, amount = (part.strip() for part in (*parts, "", "")[:3])
    if au := parse_au(subject):
        return _parse_au(*au, separator, amount, term)
    if (turn := _turn(subject)) is not None:
        return _parse_turn(turn, separator, amount, term)
    return _parse_name(re.sub(r"[\s_-]+", "-", subject.lower()), separator, amount, term)


def _parse_photo(term: str) -> LikePhoto:
    if term.startswith('@"'):
        hint = """put the whole path in double quotes and double those in it; shells want '@"a, b.jpg"'"""
        raise ExpressionError(f"the quoted path in {term!r} does not end before the comma", hint)
    return LikePhoto(term[1:].strip())


def parse_au(text: str) -> tuple[int, str] | None:
    """Return number and side ("" for both) of an AU such as ``12``, ``AU12``, ``12L``, ``L12``; None of other text."""
    found = _AU_SUBJECT.fullmatch(text.strip())
    if found is None:
        return None
    return int(found[1] or found[4]), (found[2] or found[3] or "").upper()


def _turn(subject: str) -> str | None:
    """Return the name of a turn, in which a space or a hyphen may stand for _."""
    name = re.sub(r"[\s-]+", "_", subject.lower())
    return name if name in TURNS else None


def _parse_au(number: int, side: str, separator: str, amount: str, term: str) -> SetAU | ChangeAU:
    require_known(number)
    if separator != "=" or not amount:
        name = f"{number}{side}"
        hint = f"write {name}=0.5 to set it or {name}=+0.4 to add to what is there; decimals take a point"
        raise ExpressionError(f"the term {term!r} gives AU{name} no value", hint)
    value = _parse_number(amount, term)
    return ChangeAU(number, value, side) if amount[0] in "+-" else SetAU(number, value, side)


def _parse_turn(name: str, separator: str, amount: str, term: str) -> Turn:
    if separator != "=" or not amount:
        hint = f"write {name}=10 or {name}=-10; decimals take a point"
        raise ExpressionError(f"the term {term!r} gives {name} no degrees", hint)
    return Turn(name, _parse_number(amount, term, f"write degrees as a plain number, such as {name}=10"))


def _parse_name(name: str, separator: str, amount: str, term: str) -> UsePreset | Reset:
    if name in RESETS and separator:
        raise ExpressionError(f"{name!r} takes no value, as it has in {term!r}", f"write {name}")
    if name in RESETS:
        return Reset(name)
    if name not in PRESETS and _PHOTO_NAME.fullmatch(term):
        raise ExpressionError(f"{term!r} is neither an AU nor a preset", f"for the face of a photo, write @{term}")
    if name not in PRESETS:
        raise unknown_word(name or term, amount if _FRACTION.fullmatch(amount) else "")
    if not separator:
        return UsePreset(name)
    if separator == "=" or not amount:
        hint = f"write {name}:{amount if _FRACTION.fullmatch(amount) else 0.6}"
        raise ExpressionError(f"the term {term!r} gives {name!r} no intensity after a colon", hint)
    return UsePreset(name, _parse_number(amount, term))


def parse_rows(text: str) -> list[Word] | Expression:
    """Return the words that a text like ``1,2,12L,yaw`` lists, or else the one expression that it is.

    Raises ExpressionError for an AU that FACS lacks, and for what no expression can be.
    """
    found: list[Word] = []
    for part in text.split(","):
        au, turn = parse_au(part), _turn(part.strip())
        if au is not None:
            require_known(au[0])
            found.append(one_sided(*au) if au[1] else au[0])
        elif turn is not None:
            found.append(turn)
        else:
            return parse_expression(text)
    return found


def _parse_number(amount: str, term: str, hint: str = "") -> float:
    try:
        return float(amount)
    except ValueError:
        told = hint or _without_percent(amount, term)
        raise ExpressionError(f"{amount!r} in {term!r} is not a number", told) from None


def _without_percent(amount: str, term: str) -> str:
    """What to write for an amount that is no number; raises ExpressionError where it is more percent than there are."""
    percent = _PERCENT.fullmatch(amount)
    if percent is None:
        return "write a decimal such as 0.5; + or - in front of an AU's value makes it a change"
    instead = f"{term.removesuffix(amount)}{percent[1]}{float(percent[2]) / 100:g}"
    _parse_term(instead, instead)
    return f"intensities are fractions of 1, and not percent: write {instead}"
