"""Values on another scale than the names of their columns promise: recognised and told, or refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ganimate.errors import AnnotationError
from ganimate.trackers import read_performance

APEX = np.sin(np.linspace(0, np.pi, 15)) ** 2  # a smile that comes and goes


def table(tmp_path: Path, column: str, values: np.ndarray) -> Path:
    path = tmp_path / "clip.csv"
    path.write_text(f"frame,{column}\n" + "".join(f"{n},{value:.6g}\n" for n, value in enumerate(values)))
    return path


@pytest.mark.parametrize(
    ("column", "top"),
    [("AU12", 5), ("AU12", 100), ("AU12_r", 100), ("au_12_intensity", 100), ("mouthSmileLeft", 100), ("jawOpen", 5)],
)
@pytest.mark.parametrize("strength", [1.0, 0.4])
def test_the_scale_is_recognised_and_said(tmp_path: Path, column: str, top: float, strength: float) -> None:
    clip = read_performance(table(tmp_path, column, APEX * strength * top))
    place = clip.aus.index(26 if column == "jawOpen" else 12)
    np.testing.assert_allclose(clip.values[:, place], APEX * strength, atol=1e-6)
    assert any(f"read as 0 to {top}" in note for note in clip.notes)


def test_an_apex_of_two_rows_is_not_dropped(tmp_path: Path) -> None:
    values = np.array([0, 0.2, 0.5, 0.9, 1.3, 1.4, 0.9, 0.5, 0.2, 0, 0, 0])
    np.testing.assert_allclose(read_performance(table(tmp_path, "AU12", values)).values[:, 0], values / 5, atol=1e-6)


def test_single_damaged_values_are_skipped(tmp_path: Path) -> None:
    values = APEX.copy()
    values[[3, 9]] = 77, -5
    clip = read_performance(table(tmp_path, "AU12", values))
    assert len(clip) == 13
    assert "2 with a value out of range (line 5 and on)" in clip.notes[0]


@pytest.mark.parametrize("values", [APEX * 9, APEX * 1000, APEX * 4 - 2, np.full(15, -1.0)])
def test_what_fits_no_scale_is_refused(tmp_path: Path, values: np.ndarray) -> None:
    with pytest.raises(AnnotationError, match=r"rows of clip\.csv are out of range: py-feat goes from 0") as caught:
        read_performance(table(tmp_path, "AU12", values))
    assert "0 to 5 or 0 to 100" in (caught.value.hint or "")


@pytest.mark.parametrize("column", ["AU12", "AU12_r", "jawOpen"])
def test_a_scale_that_is_kept_is_not_mentioned(tmp_path: Path, column: str) -> None:
    top = 5 if column == "AU12_r" else 1
    assert not any("read as 0 to" in note for note in read_performance(table(tmp_path, column, APEX * top)).notes)
