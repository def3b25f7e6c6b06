"""The one grammar in which expressions are asked for.

    expression = term { "," term }
    term       = au "=" intensity             12=1.0  AU12=1     set it, 0 absent … 1 full
               | au "=" ("+" | "-") change    12=+0.4  12=-0.2   add to what is there, clipped to [0, 1]
               | preset [ ":" intensity ]     happiness  fear:0.6
               | "neutral"                                       every AU of the model 0
               | "self"                                          every AU as the photo shows it
               | "@" path                      @other.jpg        every AU as another photo shows it
               | "@" quoted path               @"a, b.jpg"       the same; a quote in it is doubled

Terms act from left to right and later ones win; "what is there" is the photo's own value or what an earlier term
left. Case and spaces do not matter, but in paths, which end at a comma unless they are in double quotes.
Intensities are fractions of 1: OpenFace's 0-5 divided by 5.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ganimate.errors import ExpressionError
from ganimate.facs.expressions import ChangeAU, Expression, LikePhoto, Reset, SetAU, Term, UsePreset
from ganimate.facs.hints import require_known, unknown_word
from ganimate.facs.presets import PRESETS, RESETS


def format_expression(expression: Expression) -> str:
    """The expression in the grammar; `parse_expression` gives the very same expression back."""
    return str(expression)


_TERM = re.compile(r'\s*@"((?:[^"]|"")*)"\s*(?:,|$)|([^,]*)(?:,|$)')
_PHOTO_NAME = re.compile(r".*\.(?:jpe?g|png|webp|tiff?|avif|bmp|gif)", re.IGNORECASE | re.DOTALL)
_AU_SUBJECT = re.compile(r"(?:au[\s_-]*)?(\d{1,6})", re.ASCII | re.IGNORECASE)


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
    if au := _AU_SUBJECT.fullmatch(subject):
        return _parse_au(int(au[1]), separator, amount, term)
    return _parse_name(re.sub(r"[\s_-]+", "-", subject.lower()), separator, amount, term)


def _parse_photo(term: str) -> LikePhoto:
    if term.startswith('@"'):
        hint = """put the whole path in double quotes and double those in it; shells want '@"a, b.jpg"'"""
        raise ExpressionError(f"the quoted path in {term!r} does not end before the comma", hint)
    return LikePhoto(term[1:].strip())


def _parse_au(number: int, separator: str, amount: str, term: str) -> SetAU | ChangeAU:
    require_known(number)
    if separator != "=" or not amount:
        hint = f"write {number}=0.5 to set it or {number}=+0.4 to add to what is there; decimals take a point"
        raise ExpressionError(f"the term {term!r} gives AU{number} no value", hint)
    value = _parse_number(amount, term)
    return ChangeAU(number, value) if amount[0] in "+-" else SetAU(number, value)


def _parse_name(name: str, separator: str, amount: str, term: str) -> UsePreset | Reset:
    if name in RESETS and separator:
        raise ExpressionError(f"{name!r} takes no value, as it has in {term!r}", f"write {name}")
    if name in RESETS:
        return Reset(name)
    if name not in PRESETS and _PHOTO_NAME.fullmatch(term):
        raise ExpressionError(f"{term!r} is neither an AU nor a preset", f"for the face of a photo, write @{term}")
    if name not in PRESETS:
        raise unknown_word(name or term)
    if not separator:
        return UsePreset(name)
    if separator == "=" or not amount:
        raise ExpressionError(f"the term {term!r} gives {name!r} no intensity after a colon", f"write {name}:0.6")
    return UsePreset(name, _parse_number(amount, term))


def parse_rows(text: str) -> list[int] | Expression:
    """Return the AUs that a text like ``1,2,12`` lists, or else the one expression that it is.

    Raises ExpressionError for an AU that FACS lacks, and for what no expression can be.
    """
    found = [_AU_SUBJECT.fullmatch(part.strip()) for part in text.split(",")]
    if not all(found):
        return parse_expression(text)
    numbers = [int(au[1]) for au in found if au is not None]
    for number in numbers:
        require_known(number)
    return numbers


def _parse_number(amount: str, term: str) -> float:
    try:
        return float(amount)
    except ValueError:
        hint = "write a decimal such as 0.5; + or - in front of an AU's value makes it a change"
        raise ExpressionError(f"{amount!r} in {term!r} is not a number", hint) from None
