"""Tables as spreadsheets, languages and tools write them: the same performance in every dialect."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ganimate.errors import AnnotationError
from ganimate.trackers import read_facs, read_labels, read_performance, read_persons
from ganimate.trackers.rows import number, read_rows
from ganimate.trajectory import Performance

GERMAN = (
    "frame;face_id;timestamp;confidence;success;AU01_r;AU12_r\r\n1;0;0,0;0,98;1;0,5;0,0\r\n2;0;0,033;0,98;1;0,5;2,5\r\n"
)
ENGLISH = GERMAN.replace(",", ".").replace(";", ",")


def written(tmp_path: Path, text: str, encoding: str = "utf-8", name: str = "clip.csv") -> Path:
    path = tmp_path / name
    path.write_bytes(text.encode(encoding))
    return path


def same(one: Performance, other: Performance) -> None:
    assert one.aus == other.aus
    np.testing.assert_array_equal(one.times_s, other.times_s)
    np.testing.assert_array_equal(one.values, other.values)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_a_table_of_a_spreadsheet_with_decimal_commas_is_read(tmp_path: Path, encoding: str) -> None:
    english = read_performance(written(tmp_path, ENGLISH))
    same(read_performance(written(tmp_path, GERMAN, encoding)), english)
    assert english.values[1].tolist() == pytest.approx([0.1, 0.5])


def test_decimal_commas_may_be_quoted_and_thousands_are_not_taken_for_them(tmp_path: Path) -> None:
    quoted = "\n".join(",".join(f'"{cell}"' for cell in line.split(";")) for line in GERMAN.splitlines())
    same(read_performance(written(tmp_path, quoted)), read_performance(written(tmp_path, ENGLISH)))
    text = 'timestamp_ms,AU12_r\n0,1\n"1,033",2\n"2,066",3\n'  # over two seconds, or two milliseconds: not known
    assert "2 with a damaged cell" in read_performance(written(tmp_path, text)).notes[0]


def test_the_first_line_may_name_the_separator_or_be_blank(tmp_path: Path) -> None:
    rows = list(read_rows(written(tmp_path, "\n\nsep=;\nfile;AU12\na;1,5\n")))
    assert rows == [(4, ["file", "AU12"]), (5, ["a", "1.5"])]
    assert list(read_rows(written(tmp_path, "sep=|\nfile|AU12\n"))) == [(2, ["file", "AU12"])]


NOTHING = ("", "nan", "-nan", "-nan(ind)", "NaN(0x8)", "1.#IND", "-1.#IND00", "1.#QNAN", "NA", "N/A", "null", "-")


@pytest.mark.parametrize("cell", NOTHING)
def test_what_says_that_there_is_no_number(cell: str) -> None:
    value = number(cell)
    assert value is not None
    assert np.isnan(value)


@pytest.mark.parametrize("cell", ["x", "inf", "-inf", "1,5", "0x1", "nano"])
def test_what_is_no_number(cell: str) -> None:
    assert number(cell) is None


def test_a_column_without_numbers_costs_its_au_alone(tmp_path: Path) -> None:
    lines = [f"{n + 1}, 0, {n / 30:.3f}, 0.9, 1, -nan(ind), {n / 2}" for n in range(8)]
    clip = read_performance(
        written(tmp_path, "\n".join(["frame, face_id, timestamp, confidence, success, AU01_r, AU12_r", *lines]))
    )
    assert clip.aus == (12,)
    assert len(clip) == 8
    assert "left out, as most rows have no number there: AU1" in clip.notes
    lines[0] = lines[0].replace("-nan(ind)", "1.0")  # one number does not keep it
    clip = read_performance(
        written(tmp_path, "\n".join(["frame, face_id, timestamp, confidence, success, AU01_r, AU12_r", *lines]))
    )
    assert (clip.aus, len(clip)) == ((12,), 8)


# Random legal variations: of what stands in a table, how it is written must not change anything.

SEPARATORS, ENDS = st.sampled_from(",;\t"), st.sampled_from(["\n", "\r\n", "\r"])
ENCODINGS = st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
QUOTES = st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC])
VALUES = st.integers(0, 100).map(lambda n: n / 100)
EXTRA = st.sampled_from(["Happy", "pose_Rx", "gaze_0_x", "HeadYaw", "Bemerkung (ö)", "AU28_c", "1st"])
# For each reader its columns with the factor from shares to what stands there, and a column of times.
TABLES: dict[str, tuple[tuple[str, ...], float, str, float]] = {
    "openface": (("AU01_r", "AU12_r", "AU45_r"), 5, "timestamp", 1),
    "libreface": (("au_1_intensity", "au_12_intensity"), 5, "frame_time_in_ms", 1000),
    "trajectory": (("AU01", "AU12"), 1, "time_s", 1),
    "py-feat": (("AU01", "AU12", "AU43"), 1, "frame", 30),
    "blendshapes": (("browInnerUp", "jaw_open", "mouthSmile_L", "blendshape_mouthSmileRight"), 1, "timestamp_us", 1e6),
}


@st.composite
def dialects(draw: st.DrawFn, name: str) -> tuple[list[list[float]], bytes]:
    """Draw the shares in a table, and the bytes of a file that holds them in one of the dialects."""
    columns, top, clock, rate = TABLES[name]
    shares = draw(st.lists(st.lists(VALUES, min_size=len(columns), max_size=len(columns)), min_size=1, max_size=8))
    extra = draw(st.lists(EXTRA, unique=True, max_size=3))
    header = [clock, *columns, *extra]
    body = [
        [f"{n / 30 * rate:.9g}", *(f"{share * top:.9g}" for share in row), *("0.25" for _ in extra)]
        for n, row in enumerate(shares)
    ]
    return shares, draw(files(header, body))


@st.composite
def files(draw: st.DrawFn, header: list[str], body: list[list[str]], fixed: int = 0) -> bytes:
    """Draw the bytes of a file with such a header and such rows, the first `fixed` columns in their places."""
    order = [*range(fixed), *(place + fixed for place in draw(st.permutations(range(len(header) - fixed))))]
    separator, blank = draw(SEPARATORS), draw(st.sampled_from(["", " "]))
    comma = draw(st.booleans())
    stream = io.StringIO()
    writer = csv.writer(stream, delimiter=separator, quoting=draw(QUOTES), lineterminator=draw(ENDS))
    for row in [header, *body]:
        cells = [row[place] for place in order]
        if comma and row is not header:
            cells = [cell.replace(".", ",") if cell.replace(".", "").isdigit() else cell for cell in cells]
        writer.writerow([blank + cell if place else cell for place, cell in enumerate(cells)])
    return stream.getvalue().encode(draw(ENCODINGS))


@pytest.mark.parametrize("name", TABLES)
@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_performance_is_the_same_in_every_dialect(tmp_path: Path, name: str, data: st.DataObject) -> None:
    shares, text = data.draw(dialects(name))
    (tmp_path / "clip.csv").write_bytes(text)
    clip = read_performance(tmp_path / "clip.csv", format=name)
    assert len(clip) == len(shares)
    np.testing.assert_allclose(clip.times_s, np.arange(len(shares)) / 30, atol=1e-5)
    rows = np.array(shares)
    np.testing.assert_allclose(clip.values[:, clip.aus.index(1)], rows[:, 0], atol=1e-6)
    smile = rows[:, 1] if name != "blendshapes" else rows[:, 2:].mean(axis=1)
    told = [n for n, word in enumerate(clip.aus) if word in (12, "12L", "12R")]
    np.testing.assert_allclose(clip.values[:, told].mean(axis=1), smile, atol=1e-6)


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_labels_people_and_codes_are_the_same_in_every_dialect(tmp_path: Path, data: st.DataObject) -> None:
    body = [[f"a{n}.jpg", "ann", f"{n / 2:.9g}", f"{n / 4:.9g}", "2"] for n in range(data.draw(st.integers(1, 6)))]
    path = tmp_path / "table.csv"
    path.write_bytes(data.draw(files(["file", "identity", "AU01_r", "AU12_r", "AU04"], body)))
    table = read_labels(path)
    assert list(table.names) == [row[0] for row in body]
    np.testing.assert_allclose(table.aus, [[float(row[2]) / 5, float(row[3]) / 5] for row in body], atol=1e-6)
    assert read_persons(path) == {row[0]: "ann" for row in body}
    assert {name: codes.tolist() for name, codes in read_facs(path, (4,)).items()} == {
        row[0]: [pytest.approx(0.4)] for row in body
    }


def test_bytes_that_are_no_text_get_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "clip.csv").write_bytes("AU12_r;Müller\n1;2\n".encode("latin-1"))
    with pytest.raises(AnnotationError, match="is not a table in CSV"):
        read_performance(tmp_path / "clip.csv")
