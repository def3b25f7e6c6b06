"""Names of results that nobody named: beside the photo, telling what was asked for, safe on every file system."""

from __future__ import annotations

import os
import re
from pathlib import Path

LONGEST_NAME_BYTES = 240  # file systems take 255


def beside(photo: Path, words: str, suffix: str) -> Path:
    """Return the path of a result for `photo`: ``me.jpg``, ``happiness:0.8,45=0.2`` -> ``me_happiness-0.8_45=0.2.gif``.

    `words` say what was asked for; `suffix` is the ending with its point.
    """
    told = re.sub(r"[^\w=+.,-]+", "-", words).replace(",", "_")[:80].strip("-_.")
    name = f"{photo.stem}_{told}{suffix}"
    fits = told and len(os.fsencode(name)) <= LONGEST_NAME_BYTES
    return photo.with_name(name if fits else photo.stem + suffix)
