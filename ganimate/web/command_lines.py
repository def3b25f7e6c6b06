"""The command line that makes what the page makes, ready to be copied into a shell."""

from __future__ import annotations

import shlex
from collections.abc import Mapping

KINDS = {"GIF": ".gif", "MP4": ".mp4", "PNG frames": "/", "Still": ".png"}


def result_name(stem: str, kind: str) -> str:
    """Return the name of a result made from the photo or clip of that stem."""
    return f"{stem}_edited{KINDS[kind]}"


def animate_line(photo: str, expressions: Mapping[int, str], settings: Mapping[str, object], output: str) -> str:
    """Return the line for faces, by number, that each show an expression."""
    words = ["ganimate", "animate", photo]
    for face, expression in (expressions or {1: "self"}).items():
        words += ["--face", str(face)] * (len(expressions) > 1 or face != 1) + ["-e", expression]
    return _line(words, settings, output)


def interpolate_line(photo: str, face: int, start: str, to: str, settings: Mapping[str, object], output: str) -> str:
    """Return the line for a face that goes from one expression to another."""
    words = ["ganimate", "interpolate", photo, "--from", start, "--to", to] + ["--face", str(face)] * (face != 1)
    return _line(words, settings, output)


def timeline_line(photo: str, face: int, timeline: str, output: str) -> str:
    """Return the line that plays a timeline."""
    words = ["ganimate", "animate", photo, "--timeline", timeline] + ["--face", str(face)] * (face != 1)
    return _line(words, {}, output)


def drive_line(photo: str, face: int, clip: str, filmed: bool, settings: Mapping[str, object], output: str) -> str:
    """Return the line by which a face repeats a clip."""
    words = ["ganimate", "drive", photo, "--video" if filmed else "--aus", clip] + ["--face", str(face)] * (face != 1)
    return _line(words, settings, output)


def _line(words: list[str], settings: Mapping[str, object], output: str) -> str:
    for name, value in settings.items():
        if value is True:
            words.append(f"--{name}")
        elif value is not False and value is not None:
            words += [f"--{name}", f"{value:g}" if isinstance(value, float) else str(value)]
    return " ".join(shlex.quote(word) for word in [*words, "-o", output])
