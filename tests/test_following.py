"""Several faces in one table: followed by their boxes, whatever the order of their rows."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ganimate.errors import AnnotationError
from ganimate.trackers import read_performance
from ganimate.trajectory import Performance

BOXES = "FaceRectX,FaceRectY,FaceRectWidth,FaceRectHeight"


def table(tmp_path: Path, lines: list[str], header: str) -> Path:
    path = tmp_path / "call.csv"
    path.write_text("\n".join([header, *lines]), "utf-8")
    return path


def two_faces(tmp_path: Path, seed: int, sizes: bool, frames: int = 12) -> Path:
    """Write a table of py-feat: a frown that walks left, and a smile that walks right, in changing order."""
    rng = random.Random(seed)
    lines: list[str] = []
    for n in range(frames):
        size = ",90.0,90.0" if sizes else ""
        pair = [f"{420 - n}.0,43.0{size},0.98,0.9,0.0,{n}", f"{80 + n}.0,90.0{size},0.99,0.0,{0.5 + n / 100},{n}"]
        lines += rng.sample(pair, 2)
    return table(tmp_path, lines, (BOXES if sizes else BOXES[:19]) + ",FaceScore,AU04,AU12,frame")


def smile_and_frown(path: Path) -> tuple[Performance, Performance]:
    return read_performance(path, face="1"), read_performance(path, face="2")


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 10_000), st.booleans())
def test_two_faces_in_changing_order_are_followed_by_their_boxes(tmp_path: Path, seed: int, sizes: bool) -> None:
    smile, frown = smile_and_frown(two_faces(tmp_path, seed, sizes))
    np.testing.assert_allclose(smile.values, [[0, 0.5 + n / 100] for n in range(12)], atol=1e-6)
    np.testing.assert_allclose(frown.values, [[0.9, 0]] * 12, atol=1e-6)
    assert any("of the 2 faces in it, 1 is taken: 1 (12 rows, first at " in note for note in smile.notes)


def test_a_face_that_is_not_there_is_told(tmp_path: Path) -> None:
    path = two_faces(tmp_path, 0, True)
    with pytest.raises(AnnotationError, match="has no face '3'") as caught:
        read_performance(path, face="3")
    assert "it has 1 (12 rows, first at 125, 135), 2 (12 rows" in (caught.value.hint or "")


def test_the_face_with_most_rows_is_taken_and_one_that_comes_and_goes_is_another(tmp_path: Path) -> None:
    lines = [f"100,50,90,90,0.9,{n / 20},{n}" for n in range(10)]
    lines[4:4] = ["400,60,90,90,0.9,1.0,4", "402,60,90,90,0.9,1.0,4"]  # one guest, found twice
    clip = read_performance(
        table(tmp_path, sorted(lines, key=lambda line: int(line.rsplit(",", 1)[1])), f"{BOXES},FaceScore,AU12,frame")
    )
    np.testing.assert_allclose(clip.values[:, 0], np.arange(10) / 20, atol=1e-6)
    assert "1 with a face that another row of the frame has" in clip.notes[0]


def test_faces_that_cross_cannot_be_told_apart(tmp_path: Path) -> None:
    lines: list[str] = []
    for n in range(9):  # two heads that pass before each other
        lines += [f"{100 + 40 * n},50,90,90,0.9,1.0,{n}", f"{420 - 40 * n},50,90,90,0.9,0.0,{n}"]
    with pytest.raises(AnnotationError, match=r"two faces of call\.csv cannot be told apart at line"):
        read_performance(table(tmp_path, lines, f"{BOXES},FaceScore,AU12,frame"))


def test_faces_without_boxes_or_names_are_refused(tmp_path: Path) -> None:
    lines = [f"{face},{n}" for n in range(6) for face in (0.1, 0.9)]
    with pytest.raises(AnnotationError, match="has several rows of one frame, such as line 3, and nothing tells"):
        read_performance(table(tmp_path, lines, "AU12,frame"))
    named = [
        f"{face},{n},{name}" for n in range(6) for face, name in random.Random(n).sample([(0.1, "a"), (0.9, "b")], 2)
    ]
    path = table(tmp_path, named, "AU12,frame,identity")
    assert set(read_performance(path, face="b").values.ravel().tolist()) == {np.float32(0.9)}


def test_one_label_for_two_faces_is_told_apart_too(tmp_path: Path) -> None:
    lines = two_faces(tmp_path, 1, True).read_text().splitlines()[1:]
    path = table(tmp_path, [f"{line},Person_0" for line in lines], f"{BOXES},FaceScore,AU04,AU12,frame,Identity")
    smile, frown = smile_and_frown(path)
    assert (smile.values[:, 0].max(), frown.values[:, 1].max()) == (0, 0)


def test_a_face_that_comes_late_is_held_as_long_as_the_table_is(tmp_path: Path) -> None:
    lines = [f"{n},{n / 10},{int(2 <= n < 5)},{n if 2 <= n < 5 else 0}" for n in range(8)]
    path = table(tmp_path, lines, "frame,timestamp,success,AU12_r")
    clip = read_performance(path)
    assert (clip.times_s[0], clip.times_s[-1]) == (0, 0.7)
    np.testing.assert_allclose(clip.values[:, 0], [0.4, 0.4, 0.6, 0.8, 0.8])
    assert (
        "the face comes at 0.2 s and is there until 0.4 s of 0 s to 0.7 s: its pose is held there (--trim)"
        in clip.notes
    )
    trimmed = read_performance(path, trim=True)
    np.testing.assert_allclose(trimmed.times_s, [0.2, 0.3, 0.4])
