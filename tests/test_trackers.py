from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from synthetic import shoot, write_identities, write_table

from ganimate.errors import AnnotationError
from ganimate.facs import OPENFACE_AUS
from ganimate.trackers import read_facs, read_labels, read_persons

SHOTS = shoot(people=2, photos=2, strangers=1)


def table_of(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "table.csv"
    path.write_text(text, "utf-8")
    return path


def test_a_table_of_openface_is_read_by_column_name(tmp_path: Path) -> None:
    write_table(tmp_path / "table.csv", SHOTS)
    table = read_labels(tmp_path / "table.csv")
    assert table.au_numbers == OPENFACE_AUS
    assert list(table.names) == [shot.name for shot in SHOTS]
    np.testing.assert_allclose(table.aus, [shot.aus for shot in SHOTS], atol=0.001)
    assert table.landmarks is not None
    np.testing.assert_allclose(table.landmarks, [shot.landmarks for shot in SHOTS], atol=0.01)
    assert all(table.problem(row) is None for row in range(len(SHOTS)))


def test_columns_may_come_in_any_order_and_with_spaces(tmp_path: Path) -> None:
    table = read_labels(table_of(tmp_path, " AU12_r ,AU01_r, image\n 2.5, 1.0, a.jpg\n"))
    assert table.au_numbers == (1, 12)
    assert table.names == ["a.jpg"]
    np.testing.assert_allclose(table.aus, [[0.2, 0.5]])
    assert table.landmarks is None


def test_a_byte_order_mark_and_presence_columns_do_not_disturb(tmp_path: Path) -> None:
    table = read_labels(table_of(tmp_path, "\ufefffile, AU12_c, AU12_r\na.jpg, 1, 5\n"))
    assert table.au_numbers == (12,)
    assert table.aus.tolist() == [[1.0]]


@pytest.mark.parametrize(
    ("row", "kind", "reason"),
    [
        ("a.jpg, 0.2, 1.0", "low confidence", "confidence 0.20, under 0.5"),
        ("a.jpg, 0.9, 5.5", "value out of range", "AU12 is 5.5, not 0 to 5"),
        ("a.jpg, 0.9, -1", "value out of range", "AU12 is -1, not 0 to 5"),
        ("a.jpg, 0.9, nan", "value out of range", "AU12 is nan, not 0 to 5"),
        ("a.jpg, 0.9, much", "incomplete row", "a field is missing or not a number"),
        ("a.jpg, 0.9", "incomplete row", "a field is missing or not a number"),
        (" , 0.9, 1", "incomplete row", "the row names no photo"),
    ],
)
def test_a_row_that_cannot_be_used_says_why(tmp_path: Path, row: str, kind: str, reason: str) -> None:
    table = read_labels(table_of(tmp_path, f"file, confidence, AU12_r\n{row}\nb.jpg, 0.9, 1\n"))
    complaint = table.problem(0)
    assert complaint is not None
    assert (complaint.kind, complaint.reason) == (kind, reason)
    assert table.problem(1) is None


def test_a_landmark_that_is_no_number_spoils_the_row(tmp_path: Path) -> None:
    write_table(tmp_path / "table.csv", SHOTS)
    lines = (tmp_path / "table.csv").read_text().splitlines()
    lines[1] = lines[1].rsplit(",", 1)[0] + ", nan"
    complaint = read_labels(table_of(tmp_path, "\n".join(lines))).problem(0)
    assert complaint is not None
    assert complaint.reason == "a landmark is not a number"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("file,mood\na.jpg,1\n", "no columns of AUs or blendshapes that are known"),
        ("AU12_r,face\n1,0\n", "does not name the photos"),
        ("file,AU12_r\n", "has no rows"),
        ("", "has no rows"),
    ],
)
def test_a_bad_table_gets_a_sentence(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(AnnotationError, match=message):
        read_labels(table_of(tmp_path, text))


def test_what_is_no_table_gets_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "table.csv").write_bytes(bytes(range(256)) * 4)
    with pytest.raises(AnnotationError, match="is not a table in CSV"):
        read_labels(tmp_path / "table.csv")
    with pytest.raises(AnnotationError, match="does not exist"):
        read_labels(tmp_path / "none.csv")
    with pytest.raises(AnnotationError, match="cannot be read"):
        read_labels(tmp_path)


def test_who_is_who_leaves_strangers_out(tmp_path: Path) -> None:
    write_identities(tmp_path / "who.csv", SHOTS)
    assert read_persons(tmp_path / "who.csv") == {shot.name: shot.person for shot in SHOTS if shot.person}


def test_who_is_who_needs_its_columns(tmp_path: Path) -> None:
    with pytest.raises(AnnotationError, match="lacks the columns 'file' and 'identity'"):
        read_persons(table_of(tmp_path, "photo,who\na,b\n"))


def test_facs_codes_are_read_by_column_name(tmp_path: Path) -> None:
    path = table_of(tmp_path, "file,emotion,AU12,AU01,AU43\na.jpg,Joy,5,0,2\n b.jpg,Calm,1,2.5,0\n")
    codes = read_facs(path, (1, 12, 14, 45))
    assert list(codes) == ["a.jpg", "b.jpg"]
    np.testing.assert_allclose(codes["a.jpg"], [0, 1, np.nan, 0.4])  # closed eyes (43) stand for a blink (45)
    np.testing.assert_allclose(codes["b.jpg"], [0.5, 0.2, np.nan, 0])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("file,emotion\na.jpg,Joy\n", "not a table of FACS codes"),
        ("image,AU01\na.jpg,1\n", "not a table of FACS codes"),
        ("file,AU01_r\na.jpg,1\n", "not a table of FACS codes"),
        ("file,AU01\na.jpg,some\n", "missing or not a number"),
        ("file,AU01\na.jpg\n", "missing or not a number"),
    ],
)
def test_other_tables_hold_no_facs_codes(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(AnnotationError, match=message):
        read_facs(table_of(tmp_path, text), (1, 12))


@pytest.mark.filterwarnings("error")
def test_a_number_too_large_for_the_machine_spoils_its_row(tmp_path: Path) -> None:
    table = read_labels(table_of(tmp_path, "file,AU01_r\na.png,1e300\nb.png,1\n"))
    assert table.problem(1) is None
    complaint = table.problem(0)
    assert complaint is not None and complaint.kind == "value out of range"
    codes = read_facs(table_of(tmp_path, "file,AU01\na.png,1e300\nb.png,5\n"), (1,))
    assert codes["b.png"].tolist() == [1]


def test_the_tables_that_drive_reads_are_labels_too(tmp_path: Path) -> None:
    text = "FaceRectX,FaceScore,AU01,AU12,AU43,Happy,input\n1,0.9,0.25,1,0.5,0,/home/ann/a.jpg\n1,0.2,0,0,0,0,b.jpg\n"
    table = read_labels(table_of(tmp_path, text))
    assert table.names == ["a.jpg", "b.jpg"]
    assert table.au_numbers == (1, 12, 45)
    np.testing.assert_allclose(table.aus[0], [0.25, 1, 0.5])
    assert table.problem(0) is None
    unsure = table.problem(1)
    assert unsure is not None and unsure.kind == "low confidence"


def test_what_labels_lack_is_told(tmp_path: Path) -> None:
    write_table(tmp_path / "table.csv", SHOTS)
    assert read_labels(tmp_path / "table.csv").notes == ()
    header, *rows = [line.split(", ") for line in (tmp_path / "table.csv").read_text().splitlines()]
    gone = [header.index("y_31"), header.index("AU05_r")]
    lines = [", ".join(cell for n, cell in enumerate(row) if n not in gone) for row in (header, *rows)]
    table = read_labels(table_of(tmp_path, "\n".join(lines)))
    assert table.landmarks is None
    assert 5 not in table.au_numbers
    assert "table.csv has no labels of AU05, which OpenFace writes: the pack is without them" in table.notes
    assert "1 of the 136 columns of landmarks are missing (y_31): none is used" in table.notes


def test_a_column_of_no_numbers_costs_its_au_and_not_the_rows(tmp_path: Path) -> None:
    table = read_labels(table_of(tmp_path, "file,AU01_r,AU12_r\na.jpg,-nan(ind),1\nb.jpg,-nan(ind),2\n"))
    assert table.au_numbers == (12,)
    assert table.problem(0) is None
    assert "left out, as most rows have no number there: AU1" in table.notes


def test_rows_that_are_there_again_are_counted(tmp_path: Path) -> None:
    table = read_labels(table_of(tmp_path, "file,AU12_r\na.jpg,1\nb.jpg,2\na.jpg,1\na.jpg,3\n"))
    assert [table.problem(row) for row in (0, 1, 3)] == [None, None, None]
    again = table.problem(2)
    assert again is not None
    assert (again.kind, again.reason) == ("duplicate row", "the same as row 1")


def test_labels_on_another_scale_are_read_as_such_and_told(tmp_path: Path) -> None:
    table = read_labels(table_of(tmp_path, "file,AU01,AU12\na.jpg,1,5\nb.jpg,2,4\nc.jpg,0,0\n"))
    np.testing.assert_allclose(table.aus, [[0.2, 1], [0.4, 0.8], [0, 0]])
    assert any("read as 0 to 5" in note for note in table.notes)
    with pytest.raises(AnnotationError, match=r"2 of 3 rows of table\.csv are out of range"):
        read_labels(table_of(tmp_path, "file,AU12\na.jpg,-7\nb.jpg,9\nc.jpg,0\n"))
