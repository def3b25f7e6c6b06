"""MediaPipe's results as JSON, in the layouts that its languages and people's scripts write."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from ganimate.errors import AnnotationError
from ganimate.trackers import read_performance, results
from ganimate.trajectory import Performance

SMILES = [0.0, 0.25, 0.5, 1.0]


def categories(smile: float, camel: bool = False) -> list[dict[str, Any]]:
    name, shown = ("categoryName", "displayName") if camel else ("category_name", "display_name")
    scores = {"_neutral": 0.0, "mouthSmileLeft": smile, "mouthSmileRight": smile, "jawOpen": 0.5}
    return [{"index": n, "score": score, name: each, shown: ""} for n, (each, score) in enumerate(scores.items())]


def smiles(clip: Performance) -> NDArray[np.float32]:
    """Return AU 12 (T,), of both sides where they are told apart and alike."""
    columns = [n for n, word in enumerate(clip.aus) if word in (12, "12L", "12R")]
    assert np.array_equal(clip.values[:, columns[0]], clip.values[:, columns[-1]])
    return clip.values[:, columns[0]]


def python_results() -> list[dict[str, Any]]:
    return [{"timestamp_ms": 40 * n, "face_blendshapes": [categories(smile)]} for n, smile in enumerate(SMILES)]


LAYOUTS: dict[str, Callable[[], str]] = {
    "a list of results": lambda: json.dumps(python_results(), indent=2),
    "below a key": lambda: json.dumps({"video": "me.mp4", "fps": 25, "frames": python_results()}),
    "one a line": lambda: "\n".join(map(json.dumps, python_results())),
    "JavaScript": lambda: json.dumps(
        [
            {"timestampMs": 40 * n, "faceBlendshapes": [{"categories": categories(smile, True), "headIndex": -1}]}
            for n, smile in enumerate(SMILES)
        ]
    ),
    "without a list of faces": lambda: json.dumps(
        [{"timestamp_us": 40_000 * n, "face_blendshapes": categories(smile)} for n, smile in enumerate(SMILES)]
    ),
    "names and scores": lambda: json.dumps(
        [
            {"timestamp_ms": 40 * n, "face_blendshapes": [{"mouthSmileLeft": smile, "jawOpen": 0.5}]}
            for n, smile in enumerate(SMILES)
        ]
    ),
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_results_are_read_as_a_table(tmp_path: Path, layout: str, encoding: str) -> None:
    path = tmp_path / "results.json"
    path.write_text(LAYOUTS[layout](), encoding)
    clip = read_performance(path)
    np.testing.assert_allclose(clip.times_s, np.arange(4) / 25)
    np.testing.assert_allclose(smiles(clip), SMILES)
    np.testing.assert_allclose(clip.values[:, clip.aus.index(26)], 0.5)


def test_a_result_without_a_face_is_a_row_without_one(tmp_path: Path) -> None:
    told = python_results()
    told[1]["face_blendshapes"] = []
    path = tmp_path / "results.json"
    path.write_text(json.dumps(told))
    clip = read_performance(path)
    assert len(clip) == 3
    assert "3 of 4 rows; skipped: 1 without a face (line 2)" in clip.notes[0]


def test_several_faces_are_followed_by_their_landmarks(tmp_path: Path) -> None:
    def result(n: int) -> dict[str, Any]:
        faces = [(0.2 + n / 100, 1.0), (0.7, 0.0)]
        faces = faces[:: -1 if n % 2 else 1]
        points = [[{"x": x, "y": 0.4, "z": 0}, {"x": x + 0.1, "y": 0.6, "z": 0}] for x, _ in faces]
        shapes = [categories(smile) for _, smile in faces]
        return {"timestamp_ms": 40 * n, "face_landmarks": points, "face_blendshapes": shapes}

    path = tmp_path / "results.json"
    path.write_text(json.dumps([result(n) for n in range(6)]))
    for face, smile in (("1", 1.0), ("2", 0.0)):
        clip = read_performance(path, face=face)
        assert len(clip) == 6
        assert set(smiles(clip).tolist()) == {smile}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"AU12": [1, 2]}', "has no list called face_blendshapes"),
        ("[]", "has no list called face_blendshapes"),
        ("[1, 2", "is neither a table in CSV nor JSON"),
        ("[" * 100_000, "is neither a table in CSV nor JSON"),
        ('[{"face_blendshapes": []}]', "is empty"),
        ('[{"face_blendshapes": [[{"score": 1}]]}]', "is empty"),
        ('[{"face_blendshapes": [[{"category_name": "jawOpen", "score": "much"}]]}]', "no row of"),
    ],
)
def test_other_json_gets_a_sentence(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "results.json").write_text(text)
    with pytest.raises(AnnotationError, match=message):
        read_performance(tmp_path / "results.json")


def test_results_without_end_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(results, "MOST_BYTES", 1000)
    (tmp_path / "results.json").write_text(LAYOUTS["a list of results"]())
    with pytest.raises(AnnotationError, match="is larger than"):
        read_performance(tmp_path / "results.json")


NAMES = st.sampled_from(["face_blendshapes", "faceBlendshapes", "categories", "category_name", "score", "timestamp_ms",
                         "face_landmarks", "x", "y", "jawOpen", "frame"])  # fmt: skip
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.sampled_from(["jawOpen", "mouthSmileLeft", ""])),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(NAMES, inner, max_size=3)),
    max_leaves=12,
)


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.dictionaries(NAMES, VALUES, max_size=4), max_size=4))
def test_any_json_is_a_performance_or_gets_a_sentence(tmp_path: Path, told: list[Any]) -> None:
    (tmp_path / "results.json").write_text(json.dumps(told))
    try:
        clip = read_performance(tmp_path / "results.json")
    except AnnotationError as error:
        assert error.message
    else:
        assert len(clip) >= 1


@pytest.mark.parametrize(
    "odd",
    [10**400, -(10**400), float("inf"), float("nan"), 1e300, True],
    ids=["huge", "low", "inf", "nan", "far", "on"],
)
def test_landmarks_that_are_no_places_are_left_out(tmp_path: Path, odd: object) -> None:
    told = [result | {"face_landmarks": [[{"x": odd, "y": 0.5}, {"x": 0.1, "y": odd}]]} for result in python_results()]
    path = tmp_path / "results.json"
    path.write_text(json.dumps(told))
    assert len(read_performance(path)) == len(SMILES)
