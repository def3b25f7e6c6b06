"""Names of results that nobody named."""

from __future__ import annotations

from pathlib import Path

import pytest

from ganimate.media.naming import beside


@pytest.mark.parametrize(
    ("words", "name"),
    [
        ("12=1.0", "me_12=1.0.gif"),
        ("happiness:0.8,45=0.2", "me_happiness-0.8_45=0.2.gif"),
        ("12=+0.4", "me_12=+0.4.gif"),
        ("../../etc/passwd", "me_etc-passwd.gif"),
        ('a<b>c:"d|e?f*', "me_a-b-c-d-e-f.gif"),
        ("", "me.gif"),
    ],
)
def test_names_tell_what_was_asked_and_stay_beside_the_photo(words: str, name: str) -> None:
    assert beside(Path("there/me.jpg"), words, ".gif") == Path("there") / name


def test_names_fit_into_a_file_system() -> None:
    long = Path("é" * 115 + ".jpg")
    assert beside(long, "happiness," * 50, ".gif").name == "é" * 115 + ".gif"
    assert len(beside(Path("me.jpg"), "happiness," * 50, ".gif").name) < 100
