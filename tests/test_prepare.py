from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from synthetic import SIZE_PX, Shot, make_pack, shoot, write_sources

import ganimate.media.photos
from ganimate.config import CropSpec, PrepareOptions
from ganimate.data.pack import MARGIN, Pack, PackWriter, open_pack
from ganimate.data.prepare import PreparedRow, prepare
from ganimate.errors import ConfigError, OutputError
from ganimate.face.crop import Box, Face, crop_face
from ganimate.face.detect import Detector, FixedDetector
from ganimate.face.eyelids import eyelid_closure
from ganimate.media import read_photo
from ganimate.trackers import read_labels, read_persons

OPTIONS = PrepareOptions(CropSpec(size_px=SIZE_PX), 0.3)
SHOTS = shoot(people=4, photos=2, strangers=3)


def run(
    folder: Path,
    shots: list[Shot],
    *,
    landmarks: bool = True,
    detector: Detector | None = None,
    spoil: Callable[[Path, Path], None] = lambda photos, table: None,
) -> tuple[list[PreparedRow], Pack]:
    photos, table, identities = write_sources(folder, shots, landmarks=landmarks)
    spoil(photos, table)
    annotations = read_labels(table)
    with PackWriter(folder / "faces.pack", OPTIONS.spec, annotations.au_numbers) as writer:
        made = list(prepare(photos, annotations, read_persons(identities), writer, OPTIONS, detector))
    return made, open_pack(folder / "faces.pack")


def test_every_usable_row_is_packed_in_order(tmp_path: Path) -> None:
    made, pack = run(tmp_path, SHOTS)
    assert all(one.skipped is None for one in made)
    assert pack.names.tolist() == [shot.name for shot in SHOTS]
    blink = np.array(pack.au_numbers) == 45
    np.testing.assert_allclose(pack.aus[:, ~blink], np.array([shot.aus for shot in SHOTS])[:, ~blink], atol=0.001)


def test_the_blink_is_read_from_the_eyelids(tmp_path: Path) -> None:
    _, pack = run(tmp_path, SHOTS)
    closures = [eyelid_closure(shot.landmarks) for shot in SHOTS]
    np.testing.assert_allclose(pack.aus[:, pack.au_numbers.index(45)], closures, atol=0.01)


def test_the_crop_is_the_animators_own_with_a_margin(tmp_path: Path) -> None:
    _, pack = run(tmp_path, SHOTS)
    start = round(SIZE_PX * MARGIN)
    for index, shot in enumerate(SHOTS):
        photo = read_photo(tmp_path / "photos" / shot.name)
        crop = crop_face(photo, Face(Box(0, 0, 96, 96), shot.landmarks), OPTIONS.spec)
        differences = [  # JPEG blurs colours, so not 0, but least at the right place
            np.abs(pack.image(index)[top : top + SIZE_PX, start : start + SIZE_PX].astype(int) - crop.image).mean()
            for top in (start, start - 1, start + 1)
        ]
        assert differences[0] == min(differences) < 6


def test_nobody_is_on_both_sides_of_the_split(tmp_path: Path) -> None:
    _, pack = run(tmp_path, shoot(people=12, photos=3, strangers=12))
    training, validation = (set(pack.person[pack.indices(validation=side)]) - {-1} for side in (False, True))
    assert training
    assert validation
    assert not training & validation
    assert len(training | validation) == 12


def test_strangers_are_nobody(tmp_path: Path) -> None:
    _, pack = run(tmp_path, SHOTS)
    known = np.array([bool(shot.person) for shot in SHOTS])
    assert (pack.person[known] >= 0).all()
    assert (pack.person[~known] == -1).all()


def test_every_skipped_row_says_why(tmp_path: Path) -> None:
    def spoil(photos: Path, table: Path) -> None:
        (photos / SHOTS[0].name).write_text("no picture")
        (photos / SHOTS[1].name).unlink()
        data = (photos / SHOTS[2].name).read_bytes()
        (photos / SHOTS[2].name).write_bytes(data[: len(data) // 2])
        lines = table.read_text().splitlines()
        lines[4] = lines[4].replace(" 0.98,", " 0.11,", 1)
        lines[5] = lines[5].replace(" 0.98, ", " 0.98, 9", 1)
        lines[6] = ",".join(lines[6].split(",")[:20] + [" 900"] * 136)
        table.write_text("\n".join(lines))

    made, pack = run(tmp_path, SHOTS, spoil=spoil)
    kinds = [one.skipped.kind if one.skipped else "" for one in made]
    assert kinds[:3] == ["unreadable photo"] * 3
    assert kinds[3:6] == ["low confidence", "value out of range", "no face"]
    assert set(kinds[6:]) == {""}
    assert len(pack) == len(SHOTS) - 6
    listed = (pack.path / "skipped.csv").read_text().splitlines()
    assert len(listed) == 7
    assert listed[4].startswith(f"{SHOTS[3].name},low confidence,")


def fixed(landmarks: NDArray[np.float32]) -> FixedDetector:
    return FixedDetector((Face(Box(0, 0, 96, 96), landmarks),))


def test_without_landmarks_the_detector_finds_them(tmp_path: Path) -> None:
    made, pack = run(tmp_path, SHOTS[:4], landmarks=False, detector=fixed(SHOTS[0].landmarks))
    assert all(one.skipped is None for one in made)
    (tmp_path / "other").mkdir()
    _, told = run(tmp_path / "other", SHOTS[:4])
    np.testing.assert_array_equal(pack.image(0), told.image(0))


def test_a_photo_without_a_face_is_skipped(tmp_path: Path) -> None:
    photos, table, _ = write_sources(tmp_path, SHOTS, landmarks=False)
    annotations = read_labels(table)
    writer = PackWriter(tmp_path / "faces.pack", OPTIONS.spec, annotations.au_numbers)
    made = list(prepare(photos, annotations, {}, writer, OPTIONS, FixedDetector()))
    assert {one.skipped.kind for one in made if one.skipped} == {"no face"}
    assert all(one.skipped for one in made)


def test_rows_of_one_photo_are_told_apart_by_landmarks_only(tmp_path: Path) -> None:
    twice = [SHOTS[0], SHOTS[0], SHOTS[1]]
    path = tmp_path / "with"
    path.mkdir()

    def write_once(folder: Path, landmarks: bool) -> Path:
        photos, table, _ = write_sources(folder, SHOTS[:2], landmarks=landmarks)
        lines = table.read_text().splitlines()
        head, last = lines[1].rsplit(",", 1)  # another face in the same photo: the very same row would be a duplicate
        other = f"{head},{float(last) + (0.01 if float(last) < 0.5 else -0.01)}"
        table.write_text("\n".join([lines[0], lines[1], other, lines[2]]))
        return photos

    for landmarks, expected in ((True, [None] * 3), (False, ["ambiguous row", "ambiguous row", None])):
        folder = tmp_path / str(landmarks)
        folder.mkdir()
        photos = write_once(folder, landmarks)
        table = read_labels(folder / "openface.csv")
        writer = PackWriter(folder / "faces.pack", OPTIONS.spec, table.au_numbers)
        made = list(prepare(photos, table, {}, writer, OPTIONS, fixed(SHOTS[0].landmarks)))
        assert [one.name for one in made] == [shot.name for shot in twice]
        assert [one.skipped.kind if one.skipped else None for one in made] == expected


def test_a_full_disk_ends_the_work_instead_of_skipping_every_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: PackWriter, row: object) -> None:
        raise OutputError("faces.pack cannot be written: No space left on device")

    monkeypatch.setattr(PackWriter, "add", full)
    with pytest.raises(OutputError, match="No space left"):
        make_pack(tmp_path, SHOTS)
    assert not list(tmp_path.glob("*.pack")) + list(tmp_path.glob(".*"))


def test_photos_are_read_by_the_animators_own_reader() -> None:
    assert prepare.__globals__["read_photo"] is ganimate.media.photos.read_photo


@pytest.mark.parametrize("share", [-0.1, 0.95, float("nan")])
def test_the_share_must_make_sense(share: float) -> None:
    with pytest.raises(ConfigError, match="validation_share"):
        PrepareOptions(validation_share=share)


def test_a_size_that_no_generator_takes_is_told_before_the_work() -> None:
    with pytest.raises(ConfigError, match="multiple of 16"):
        PrepareOptions(CropSpec(size_px=100))
