"""What is said to people who asked for the right thing in the wrong place."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ganimate.errors import ExpressionError, FaceError, OutputError, PhotoError
from ganimate.face.crop import Box, Face
from ganimate.face.detect import choose_faces
from ganimate.media import check_output, read_photo
from ganimate.trajectory import load_trajectory


def test_a_trackers_table_is_for_drive(tmp_path: Path) -> None:
    (tmp_path / "openface.csv").write_text("frame, face_id, timestamp, AU12_r\n1, 0, 0.0, 1\n2, 0, 0.04, 2\n")
    with pytest.raises(ExpressionError) as caught:
        load_trajectory(tmp_path / "openface.csv")
    assert "ganimate drive PHOTO --aus" in (caught.value.hint or "")


@pytest.mark.parametrize(("name", "still"), [("x.png", True), ("x.jpg", True), ("x.avi", False)])
def test_one_picture_is_a_still(tmp_path: Path, name: str, still: bool) -> None:
    with pytest.raises(OutputError) as caught:
        check_output(tmp_path / name)
    assert ("--still" in (caught.value.hint or "")) is still


def test_faces_count_from_one() -> None:
    with pytest.raises(FaceError, match="face 0 was asked for") as caught:
        choose_faces([Face(Box(0, 0, 9, 9), np.zeros((68, 2), np.float32))], 0)
    assert "they count from 1" in (caught.value.hint or "")


@pytest.mark.parametrize("address", ["https://example.org/me.jpg", "HTTP://example.org/me.jpg"])
def test_an_address_is_no_file(address: str) -> None:
    for path in (address, Path(address)):
        with pytest.raises(PhotoError, match="is an address in the web, not a file") as caught:
            read_photo(path)
        assert address in caught.value.message  # as it was typed, with both slashes
        assert "download the photo first" in (caught.value.hint or "")
