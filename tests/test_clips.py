"""Tables of what a face did over time, in the layouts that their tools write."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ganimate.errors import AnnotationError
from ganimate.trackers import FORMATS, clips, read_performance, rows
from ganimate.trackers.blendshapes import SHAPES_OF, aus_of_shapes
from ganimate.trajectory import Performance, Trajectory, load_trajectory, save_trajectory

OPENFACE = """frame, face_id, timestamp, confidence, success, pose_Rx, AU01_r, AU12_r, AU45_r, AU12_c, AU28_c
1, 0, 0.000, 0.98, 1, 0.1, 0.00, 2.50, 0.5, 1, 0
2, 0, 0.040, 0.98, 1, 0.1, 1.00, 5.00, 0.5, 1, 0
3, 0, 0.080, 0.00, 0, 0.1, 0.00, 0.00, 0.0, 0, 0
4, 0, 0.120, 0.30, 1, 0.1, 0.00, 0.00, 0.0, 0, 0
5, 0, 0.160, 0.98, 1, 0.1, 0.50, 1.25, 0.5, 1, 0
"""
PYFEAT = """FaceRectX,FaceRectY,FaceScore,x_0,AU01,AU12,AU24,AU43,Happy,mouthSmileLeft,Identity,input,frame,approx_time
10.0,20.0,0.999,1.0,0.25,0.5,0.1,0.9,0.8,0.7,Person_0,me.mp4,0,00:00
10.0,20.0,0.999,1.0,0.5,1.0,0.1,0.8,0.8,0.7,Person_0,me.mp4,15,00:00
,,,,,,,,,,,me.mp4,30,00:01
10.0,20.0,0.200,1.0,0.5,1.0,0.1,0.8,0.8,0.7,Person_0,me.mp4,45,00:01
10.0,20.0,0.999,1.0,0.0,0.0,0.1,0.7,0.8,0.7,Person_0,me.mp4,60,00:02
"""
LIBREFACE = """frame_idx,frame_time_in_ms,lm_mp_0_x,yaw,au_1,au_7,au_12,au_1_intensity,au_12_intensity
0,0.0,0.5,1.0,0,1,0,0.0,1.0
1,33.333,0.5,1.0,0,1,1,0.5,5.0
2,66.667,0.5,1.0,0,1,1,1.0,2.5
"""
SHAPES = ("_neutral", "browInnerUp", "mouthSmileLeft", "mouthSmileRight", "jawOpen", "mouthClose", "eyeBlinkLeft")


def written(tmp_path: Path, text: str, name: str = "clip.csv") -> Path:
    path = tmp_path / name
    path.write_text(text, "utf-8")
    return path


def told(performance: Performance) -> str:
    return "\n".join(performance.notes)


def test_openface_skips_rows_without_a_sure_face_and_says_so(tmp_path: Path) -> None:
    clip = read_performance(written(tmp_path, OPENFACE))
    assert clip.aus == (1, 12, 45)
    np.testing.assert_allclose(clip.times_s, [0, 0.04, 0.16])
    np.testing.assert_allclose(clip.values, [[0, 0.5, 0.1], [0.2, 1, 0.1], [0.1, 0.25, 0.1]])
    assert "read as OpenFace: 3 of 5 rows" in told(clip)
    assert "1 without a face (line 4)" in told(clip)
    assert "1 of low confidence (line 5)" in told(clip)


def test_pyfeat_has_closed_eyes_for_a_blink_and_frames_for_times(tmp_path: Path) -> None:
    clip = read_performance(written(tmp_path, PYFEAT))
    assert clip.aus == (1, 12, 24, 45)
    np.testing.assert_allclose(clip.times_s, [0, 0.5, 2])
    np.testing.assert_allclose(clip.values[:, 3], [0.9, 0.8, 0.7])
    assert "read as py-feat: 3 of 4 rows" in told(clip)  # the row without a face is nobody's
    assert "1 of low confidence (line 5)" in told(clip)
    assert "the column 'frame' counts 30 frames a second (--table-fps)" in told(clip)
    faster = read_performance(written(tmp_path, PYFEAT), table_fps=60)
    assert faster.times_s.tolist() == [0, 0.25, 1]
    assert "--table-fps" not in told(faster)


def test_libreface_has_times_and_its_switches_are_not_used(tmp_path: Path) -> None:
    clip = read_performance(written(tmp_path, LIBREFACE))
    assert clip.aus == (1, 12)
    np.testing.assert_allclose(clip.times_s, [0, 0.033333, 0.066667])
    np.testing.assert_allclose(clip.values, [[0, 0.2], [0.1, 1], [0.2, 0.5]])


def test_blendshapes_of_mediapipe_and_of_live_link_face_are_the_same(tmp_path: Path) -> None:
    values = ("0", "0.2", "0.4", "0.6", "0.5", "0.1", "1.0")
    mediapipe = f"timestamp_ms,{','.join(SHAPES)}\n" + "".join(f"{t},{','.join(values)}\n" for t in (0, 500))
    pascal = [name[0].upper() + name[1:] for name in SHAPES[1:]]
    lines = [f"14:03:52:{frame:06.3f},61,{','.join(values[1:])},0.1\n" for frame in (28, 58)]
    live_link = f"Timecode,BlendShapeCount,{','.join(pascal)},HeadYaw\n" + "".join(lines)
    for text in (mediapipe, live_link):
        clip = read_performance(written(tmp_path, text))
        assert clip.aus == (1, "12L", "12R", 25, 26, 45)
        np.testing.assert_allclose(clip.values, [[0.2, 0.4, 0.6, 0.4, 0.5, 1.0]] * 2, atol=1e-6)
        np.testing.assert_allclose(clip.times_s, [0, 0.5])
        assert "approximate" in told(clip)
    assert "timecodes are taken to count 60 frames" in told(clip)


@pytest.mark.parametrize(("highest", "rate"), [(23.5, 24), (24, 25), (29.97, 30), (30, 50), (59, 60)])
def test_the_rate_of_timecodes_shows_when_seconds_go_by(tmp_path: Path, highest: float, rate: float) -> None:
    stamps = ["23:59:58:00.000", f"23:59:58:{highest:06.3f}", "23:59:59:01.000", "24:00:00:00.000"]
    text = "Timecode,BlendShapeCount,JawOpen\n" + "".join(f"{stamp},61,0.5\n" for stamp in stamps)
    clip = read_performance(written(tmp_path, text))
    np.testing.assert_allclose(clip.times_s, [0, highest / rate, 1 + 1 / rate, 2])


def test_live_link_rows_without_a_face_are_skipped(tmp_path: Path) -> None:
    text = "Timecode,BlendShapeCount,JawOpen\n0:00:00:00.0,0\n0:00:00:30.0,61,0.5\n0:00:01:00.0,0,0\n"
    clip = read_performance(written(tmp_path, text))
    assert clip.times_s.tolist() == [0, 0.5, 1]
    assert "comes at 0.5 s and is there until 0.5 s of 0 s to 1 s: its pose is held there (--trim)" in told(clip)
    assert read_performance(written(tmp_path, text), trim=True).times_s.tolist() == [0.5]
    assert "2 without a face (line 2 and on)" in told(clip)


def test_a_saved_trajectory_comes_back(tmp_path: Path) -> None:
    saved = Trajectory(np.random.default_rng(0).uniform(0, 1, (9, 2)).astype(np.float32), 24, (12, 43))
    save_trajectory(saved, tmp_path / "clip.csv")
    clip = read_performance(tmp_path / "clip.csv")
    assert clip.aus == saved.aus
    assert (clip.values == saved.values).all()
    assert clip.fps == 24
    assert "read as a saved trajectory: 9 of 9 rows" in told(clip)


def test_every_blendshape_of_the_table_moves_its_au_and_no_other() -> None:
    names = {name.lower() for names in SHAPES_OF.values() for name in names}
    still = {name: np.zeros(1) for name in names}
    for number, shapes in SHAPES_OF.items():
        found = aus_of_shapes(still | {name.lower(): np.ones(1) for name in shapes})
        moved = {word for word, value in found.items() if value[0] > 0}
        paired = shapes[0].endswith("Left")
        assert moved - {25} == ({f"{number}L", f"{number}R"} if paired else {number})
        assert all(found[word][0] == 1 for word in moved)
        assert (25 in moved) == (number in (10, 16, 26))


def test_one_side_of_a_pair_is_that_side_and_stands_for_both_where_it_is_alone() -> None:
    wink = {"eyeblinkleft": np.ones(1), "eyeblinkright": np.zeros(1)}
    assert {word: value[0] for word, value in aus_of_shapes(wink).items()} == {"45L": 1, "45R": 0}
    assert aus_of_shapes({"eyeblinkleft": np.ones(1)})[45][0] == 1


TURNED = """timestamp,success,AU12_r,pose_Rx,pose_Ry,pose_Rz,gaze_angle_x,gaze_angle_y
0,1,1,0.1,-0.2,0,0.2,0.1
1,1,1,0.1,-0.2,0,0.2,0.1
2,1,1,0,-0.3,0.1,0.4,0.1
3,1,1,nan,-0.9,0.1,0.4,0.1
4,1,1,0.1,-0.2,0,0.2,0.1
"""


def test_openface_tells_head_and_eyes_from_their_usual_pose(tmp_path: Path) -> None:
    path = written(tmp_path, TURNED)
    assert read_performance(path).aus == (12,)
    clip = read_performance(path, head=True, gaze=True)
    assert clip.aus == (12, "yaw", "pitch", "roll", "gaze_x", "gaze_y")
    degrees = np.degrees(0.1)
    # To the person's left, up, tilted to the left; the eyes 0.1 further than the head, and down as it looks up.
    np.testing.assert_allclose(clip.values[2, 1:], degrees * np.array([1, 1, 1, 1, -1]), atol=1e-4)
    assert not clip.values[[0, 1, 4], 1:].any()
    assert clip.values[3, 1] == 20 and "held there" in told(clip)
    assert 0 < clip.values[3, 2] < degrees  # where a cell is missing, between those beside it
    assert read_performance(path, gaze=True).aus == (12, "gaze_x", "gaze_y")


@pytest.mark.parametrize("landscape", [False, True])
def test_live_link_face_turns_as_its_eyes_tell(tmp_path: Path, landscape: bool) -> None:
    sign = -1 if landscape else 1
    header = "EyeLookOutLeft,EyeLookInLeft,EyeLookInRight,EyeLookOutRight,HeadYaw,HeadPitch,HeadRoll,LeftEyeYaw"
    rows = [
        (0, 0, 0, 0, 0, 0, 0, 0),
        (0, 0, 0, 0, 0, 0, 0, 0),
        (0.5, 0, 0.5, 0, -0.1 * sign, 0.1, -0.2 * sign, -0.3 * sign),
    ]
    lines = "".join(f"0:00:0{n}:00.0,61,0.5,{','.join(map(str, row))}\n" for n, row in enumerate(rows))
    path = written(tmp_path, f"Timecode,BlendShapeCount,JawOpen,{header}\n{lines}")
    clip = read_performance(path, head=True, gaze=True)
    asked = dict(zip(clip.aus, clip.values[2], strict=True))
    assert asked["gaze_x"] == pytest.approx(15)
    assert [asked[word] for word in ("yaw", "pitch", "roll")] == pytest.approx(np.degrees([0.1, 0.1, 0.2]).tolist())


def test_a_saved_trajectory_gives_its_sides_and_turns_back(tmp_path: Path) -> None:
    saved = Trajectory(
        np.float32([[0.1, 0.2, 0.5, 5, 0], [0.3, 0.4, 0.5, -7, 0]]), 25, ("12L", "12R", 45, "yaw", "gaze_x")
    )
    save_trajectory(saved, tmp_path / "clip.csv")
    assert load_trajectory(tmp_path / "clip.csv").aus == ("12L", "12R", 45, "yaw")
    clip = read_performance(tmp_path / "clip.csv", head=True)
    assert clip.aus == ("12L", "12R", 45, "yaw") and np.array_equal(clip.values, saved.values[:, :4])


@pytest.mark.parametrize(("asked", "hint"), [("head", "pose_Rx"), ("gaze", "gaze_angle_x")])
def test_a_table_without_turns_is_refused_where_they_are_wanted(tmp_path: Path, asked: str, hint: str) -> None:
    path = written(tmp_path, "timestamp,success,AU12_r\n0,1,1\n1,1,2\n")
    with pytest.raises(AnnotationError, match="does not tell how the") as caught:
        read_performance(path, head=asked == "head", gaze=asked == "gaze")
    assert hint in (caught.value.hint or "")


def test_lips_that_stay_closed_over_an_open_jaw_do_not_part() -> None:
    found = aus_of_shapes({"jawopen": np.array([0.8]), "mouthclose": np.array([0.8])})
    assert found[26][0] == 0.8
    assert found[25][0] == 0


def test_the_person_with_most_usable_rows_is_taken_or_the_one_asked_for(tmp_path: Path) -> None:
    lines = [
        f"{frame},{face},{frame / 10},1,{face / 2}\n" for frame in range(6) for face in (7, 8) if face == 8 or frame < 4
    ]
    path = written(tmp_path, "frame,face_id,timestamp,success,AU12_r\n" + "".join(lines))
    clip = read_performance(path)
    assert len(clip) == 6
    assert "of the 2 faces in it, 8 is taken: 7 (4 rows), 8 (6 rows) (--table-face)" in told(clip)
    other = read_performance(path, face="7")
    assert other.times_s.tolist() == [0, 0.1, 0.2, 0.3, 0.5]  # it leaves early: its last pose is held
    np.testing.assert_allclose(other.values, 0.7)
    with pytest.raises(AnnotationError, match="has no face '9'"):
        read_performance(path, face="9")
    with pytest.raises(AnnotationError, match="shows one face alone"):
        read_performance(written(tmp_path, LIBREFACE), face="9")


def test_damaged_rows_are_counted_and_the_rest_is_used(tmp_path: Path) -> None:
    text = (
        "timestamp,AU01_r,AU12_r\n0,1,1\n0.1,much,1\n0.2,1\n0.3,1,9\n0.3,1,inf\nsoon,1,1\n0.4,1,5.4\n0.4,1,1\n0.2,1,1\n"
    )
    clip = read_performance(written(tmp_path, text))
    np.testing.assert_allclose(clip.times_s, [0, 0.4])
    np.testing.assert_allclose(clip.values, [[0.2, 0.2], [0.2, 1]])  # 5.4 is near enough to be clipped
    assert "2 of 9 rows" in told(clip)
    assert "4 with a damaged cell (line 3 and on)" in told(clip)
    assert "1 with a value out of range (line 5)" in told(clip)
    assert "2 at no later time than the row before (line 9 and on)" in told(clip)


def test_a_column_that_is_always_empty_is_left_out(tmp_path: Path) -> None:
    clip = read_performance(written(tmp_path, "timestamp,AU01_r,AU12_r\n0,1,\n0.1,2,nan\n"))
    assert clip.aus == (1,)
    assert len(clip) == 2


def test_rows_without_times_count_as_frames(tmp_path: Path) -> None:
    path = written(tmp_path, "file, AU12_r\na.jpg, 1\nb.jpg, x\nc.jpg, 3\n")
    clip = read_performance(path)
    np.testing.assert_allclose(clip.times_s, [0, 2 / 30])
    assert "tells no times, so rows count 30 frames a second (--table-fps)" in told(clip)


def test_one_row_is_one_expression(tmp_path: Path) -> None:
    clip = read_performance(written(tmp_path, "face, confidence, AU12_r\n0, 0.9, 2.5\n"))
    assert len(clip) == 1
    assert clip.values.tolist() == [[0.5]]


def test_times_in_milliseconds_are_told_by_their_steps(tmp_path: Path) -> None:
    clip = read_performance(written(tmp_path, "timestamp,AU12_r\n1700000000000,1\n1700000000040,2\n"))
    assert clip.duration_s == pytest.approx(0.04)
    assert "taken to be in milliseconds" in told(clip)


def test_told_frames_a_second_win_over_the_tables_times(tmp_path: Path) -> None:
    text = "frame,timestamp,AU12_r\n1,0.001,1\n2,0.002,1\n4,0.004,1\n"
    assert read_performance(written(tmp_path, text), table_fps=10).times_s.tolist() == [0, 0.1, 0.3]


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_separators_of_spreadsheets(tmp_path: Path, separator: str) -> None:
    text = "\ufefftime_s,AU01\r\n0,0.5\r\n1,1\r\n".replace(",", separator)
    assert read_performance(written(tmp_path, text)).values.tolist() == [[0.5], [1]]


@pytest.mark.parametrize("header", ["AU12_r", "au_12_intensity", "AU12", "jawOpen", "time_s,AU12"])
def test_the_format_is_told_by_the_columns(tmp_path: Path, header: str) -> None:
    names = {"AU12_r": "openface", "au_12_intensity": "libreface", "AU12": "py-feat", "jawOpen": "blendshapes"}
    name = names.get(header, "trajectory")
    path = written(tmp_path, f"{header}\n" + ",".join("1" * (header.count(",") + 1)) + "\n")
    clip = read_performance(path)
    assert f"read as {FORMATS[name].title}" in told(clip)
    assert (read_performance(path, format=name).values == clip.values).all()


def test_the_told_format_wins(tmp_path: Path) -> None:
    clip = read_performance(written(tmp_path, PYFEAT), format="blendshapes")
    assert clip.aus == (12,)
    np.testing.assert_allclose(clip.values, 0.7)


@pytest.mark.parametrize(
    ("text", "options", "message", "hint"),
    [
        ("a,b,c,d,e,f,g\n1,2,3,4,5,6,7\n", {}, "its columns are a, b, c, d, e, f … (7 in all)", "AU01_r (openface)"),
        ("AU12\n1\n", {"format": "openface"}, "has no columns of OpenFace, such as AU01_r: its columns are AU12", ""),
        ("AU12\n1\n", {"format": "opensmile"}, "there is no table format 'opensmile'", "openface, libreface"),
        ("AU12,AU012\n1,1\n", {}, "has two columns for one thing: 'AU12' and 'AU012'", ""),
        (
            "AU12\n8\n9\n",
            {},
            "2 of 2 rows of clip.csv are out of range: py-feat goes from 0 to 1, and these",
            "0 to 100",
        ),
        ("AU12\n", {}, "has no rows below its header", ""),
        ("", {}, "is empty", "first line"),
        (",,\n , \n", {}, "is empty", "first line"),
        ("mouthClose\n1\n", {}, "no blendshape that tells an AU", ""),
        ("AU12\n1\n", {"table_fps": 0.0}, "frames a second must be above 0", ""),
        ("AU12\n1\n", {"table_fps": math.nan}, "frames a second must be above 0", ""),
    ],
)
def test_a_bad_table_gets_a_sentence(
    tmp_path: Path, text: str, options: dict[str, object], message: str, hint: str
) -> None:
    with pytest.raises(AnnotationError) as caught:
        read_performance(written(tmp_path, text), **options)  # type: ignore[arg-type]
    assert message in caught.value.message
    assert hint in (caught.value.hint or "")


@pytest.mark.parametrize("content", [bytes(range(256)) * 4, b"\xff\xfeA\x00U\x001\x00\n", b'AU12\n"' + b"1" * 200_000])
def test_what_is_no_table_gets_a_sentence(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "clip.csv").write_bytes(content)
    with pytest.raises(AnnotationError, match="is not a table in CSV"):
        read_performance(tmp_path / "clip.csv")


@pytest.mark.parametrize("name", ["none.csv", ".", "a\0b"])
def test_a_table_that_is_not_there_gets_a_sentence(tmp_path: Path, name: str) -> None:
    with pytest.raises(AnnotationError):
        read_performance(tmp_path / name)


def test_tables_without_end_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clips, "MAX_ROWS", 3)
    with pytest.raises(AnnotationError, match="more than 3 rows"):
        read_performance(written(tmp_path, "AU12\n" + "1\n" * 4))
    monkeypatch.setattr(rows, "LONGEST_LINE", 20)
    with pytest.raises(AnnotationError, match="is not a table in CSV"):
        read_performance(written(tmp_path, "AU12,AU04\n" + "0.1," * 40))


CELLS = st.one_of(
    st.sampled_from(
        ["", "0", "1", "0.5", "2.5", "nan", "inf", "-1", "1e308", "-1e308", "00:00:01:02.5", "x", '"', "0\0"]
    ),
    st.floats().map(str),
    st.text(max_size=5),
)
NAMES = """frame timestamp time_s Timecode frame_time_in_ms success confidence FaceScore BlendShapeCount face_id
Identity AU01_r AU12_r AU01 AU43 au_1_intensity jawOpen JawOpen mouthClose MouthSmileLeft other"""
COLUMNS = st.sampled_from(NAMES.split())
TABLES = st.one_of(
    st.text(max_size=80),
    st.builds(
        lambda header, body: "\n".join(",".join(row) for row in [header, *body]),
        st.lists(COLUMNS, min_size=1, max_size=6),
        st.lists(st.lists(CELLS, max_size=7), max_size=5),
    ),
)


@settings(max_examples=400, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(TABLES, st.sampled_from([None, *FORMATS]), st.sampled_from([None, 30.0]))
def test_any_text_is_a_performance_or_gets_a_sentence(
    tmp_path: Path, text: str, name: str | None, table_fps: float | None
) -> None:
    (tmp_path / "clip.csv").write_bytes(text.encode("utf-8", "surrogatepass"))
    try:
        clip = read_performance(tmp_path / "clip.csv", format=name, table_fps=table_fps)
    except AnnotationError as error:
        assert error.message
    else:
        assert len(clip) >= 1
        assert clip.notes


@given(st.lists(st.tuples(st.floats(0, 5), st.floats(0, 5)), min_size=1, max_size=20), st.floats(1, 120))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_what_openface_writes_is_what_is_read(tmp_path: Path, graded: list[tuple[float, float]], fps: float) -> None:
    lines = [f"{n + 1}, {n / fps!r}, 1.0, 1, {a!r}, {b!r}" for n, (a, b) in enumerate(graded)]
    path = written(tmp_path, "\n".join(["frame, timestamp, confidence, success, AU04_r, AU25_r", *lines]))
    clip = read_performance(path)
    np.testing.assert_allclose(clip.values, np.array(graded) / 5, atol=1e-6)
    np.testing.assert_allclose(clip.times_s, np.arange(len(graded)) / fps)
