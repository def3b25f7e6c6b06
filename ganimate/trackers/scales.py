"""The scale of a table's values where it is not the one that the names of its columns promise."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ganimate.errors import AnnotationError
from ganimate.trackers.formats import Format

SLACK = 0.1  # of the scale: so far beyond its ends values are clipped, and further out the row is damaged
FEW_ROWS, FEW_SHARE = 3, 0.01  # that single damaged cells may cost, far from each other
# Grades of FACS coders and percent; the least highest value by which each is known: 8 may be of 0 to 10.
_SCALES = ((5.0, 1.0 + SLACK), (100.0, 20.0))

Floats = NDArray[np.float64]


def outside(values: Floats, top: float) -> NDArray[np.bool_]:
    """Return which rows (T,) of `values` (T, N) have one beyond a scale from 0 to `top`; NaN is not."""
    with np.errstate(invalid="ignore"):
        return np.asarray(((values < -SLACK * top) | (values > (1.0 + SLACK) * top)).any(axis=1))


def told_scale(table: str, kind: Format, values: Floats) -> tuple[Format, str | None]:
    """Return the format with the scale that `values` (T, N) are in, and a note where that is another one.

    A few rows out of range, none beside another, are taken for damaged ones. Raises AnnotationError for more of them
    that fit no scale.
    """
    if _few(outside(values, kind.top)):
        return kind, None
    for top, least in _SCALES:
        beyond = outside(values, top)
        if top > kind.top and _few(beyond) and np.nanmax(values[~beyond], initial=0.0) > max(least, kind.top):
            note = f"its values go beyond {kind.top:g}, which the names of its columns promise: read as 0 to {top:g}"
            return replace(kind, top=top), note
    rows = outside(values, kind.top)
    finite = values[np.isfinite(values)]
    message = (
        f"{rows.sum()} of {len(rows)} rows of {table} are out of range: "
        f"{kind.title} goes from 0 to {kind.top:g}, and these values from {finite.min():.4g} to {finite.max():.4g}"
    )
    raise AnnotationError(message, "scale the columns to 0 to 1, 0 to 5 or 0 to 100, or leave out what is no intensity")


def _few(rows: NDArray[np.bool_]) -> bool:
    """Say whether the rows (T,) are few, and apart from each other."""
    most = min(max(FEW_ROWS, FEW_SHARE * len(rows)), len(rows) / 2)
    return bool(rows.sum() <= most and not (rows[1:] & rows[:-1]).any())
