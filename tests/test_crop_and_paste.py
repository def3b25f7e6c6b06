"""Laws of crops and of the paste back: upright, free of aliasing, inverse to each other; nothing else is touched."""

from __future__ import annotations

import tracemalloc

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from ganimate.config import CropSpec
from ganimate.errors import FaceError
from ganimate.face.crop import ANCHOR_POINTS, Box, Crop, Face, align, border_fade, crop_face, cut, transform
from ganimate.face.landmarks import ANCHORS
from ganimate.render.paste import Paster

Image = NDArray[np.uint8]
Matrix = NDArray[np.float64]
S = 32
SPEC = CropSpec(size_px=S)
BLACK, NO_PAINT = np.zeros((S, S, 3), np.float32), np.ones((S, S), np.float32)
WHITE, ALL_PAINT = np.full((S, S, 3), 255, np.float32), np.zeros((S, S), np.float32)


def place(centre: tuple[float, float], width_px: float, angle_deg: float = 0.0, size_px: int = S) -> Matrix:
    """source_to_crop of a crop that covers `width_px` pixels of the photo around `centre`, tilted."""
    scale, angle = size_px / width_px, np.deg2rad(angle_deg)
    linear = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return np.column_stack([linear, (size_px - 1) / 2 - linear @ centre])


def random_places(count: int, height: int, width: int) -> list[Matrix]:
    """Tilted crops from tiny to larger than the photo, some of them partly outside."""
    rng = np.random.default_rng(0)
    return [
        place((rng.uniform(0, width), rng.uniform(0, height)), np.exp(rng.uniform(1.5, 6)), rng.uniform(-180, 180))
        for _ in range(count)
    ]


def noise(height: int, width: int, seed: int = 0) -> Image:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def crop_coordinates(photo: Image, source_to_crop: Matrix) -> NDArray[np.float64]:
    """Where each pixel of the photo lies in the crop, (H, W, 2)."""
    return transform(np.stack(np.meshgrid(np.arange(photo.shape[1]), np.arange(photo.shape[0])), -1), source_to_crop)


def inside(photo: Image, source_to_crop: Matrix, margin: float = 0.0) -> NDArray[np.bool_]:
    """Which pixels of the photo lie in the crop, at least `margin` crop widths from its border."""
    places = (crop_coordinates(photo, source_to_crop) + 0.5) / S
    return np.asarray(((places >= margin) & (places <= 1 - margin)).all(-1))


def pasted(
    photo: Image,
    source_to_crop: Matrix,
    color: NDArray[np.float32] = BLACK,
    attention: NDArray[np.float32] = NO_PAINT,
    displacement: NDArray[np.float32] | None = None,
) -> Image:
    frame = photo.copy()
    Paster(photo.shape, source_to_crop, S).paste(frame, color, attention, displacement)
    return frame


def shift_by(x: float, y: float) -> NDArray[np.float32]:
    return np.broadcast_to(np.array([x, y], np.float32), (S, S, 2)).copy()


def energy(image: Image) -> float:
    """Mean squared difference of neighbours: how sharp an image is."""
    return float(np.square(np.diff(image.astype(np.float64), axis=1)).mean())


# --- boxes and matrices


def test_a_box_knows_its_size() -> None:
    box = Box(10, 20, 40, 80)
    assert (box.width, box.height, box.area) == (30, 60, 1800)


def test_there_and_back_again_is_the_identity() -> None:
    points = np.random.default_rng(1).uniform(-1000, 1000, (50, 2))
    for matrix in random_places(10, 300, 400):
        crop = Crop(noise(S, S), matrix)
        assert np.allclose(transform(transform(points, crop.source_to_crop), crop.crop_to_source), points)


def landmarks(spec: CropSpec = SPEC) -> NDArray[np.float64]:
    """Landmarks that lie in the crop where they belong."""
    points = np.random.default_rng(2).uniform(0, spec.size_px, (68, 2))
    points[ANCHORS] = (ANCHOR_POINTS * spec.interocular + [0.5, spec.eye_line]) * spec.size_px
    return points


def test_a_face_that_is_where_it_belongs_stays() -> None:
    assert np.allclose(align(landmarks(), SPEC), [[1, 0, 0], [0, 1, 0]], atol=1e-9)


def test_aligning_undoes_any_turn_shift_and_scale() -> None:
    for matrix in random_places(10, 300, 400):
        crop = Crop(noise(S, S), matrix)
        points = transform(landmarks(), crop.crop_to_source)
        assert np.allclose(align(points, SPEC), matrix, atol=1e-6)


def test_the_aligned_eyes_are_level_and_at_the_height_of_the_spec(astronaut_face: Face) -> None:
    spec = CropSpec(size_px=100, interocular=0.3, eye_line=0.4)
    points = transform(astronaut_face.landmarks, align(astronaut_face.landmarks, spec))
    left, right = points[36:42].mean(0), points[42:48].mean(0)
    assert abs(left[1] - right[1]) < 2 and (left[1] + right[1]) / 2 == pytest.approx(40, abs=2)
    assert right[0] - left[0] == pytest.approx(30, abs=2) and (left[0] + right[0]) / 2 == pytest.approx(50, abs=3)


def test_expressions_do_not_move_the_crop() -> None:
    smiling = landmarks()
    smiling[48:68] += 5
    smiling[17:27] -= 5
    smiling[0:17, 1] += 7
    assert np.array_equal(align(smiling, SPEC), align(landmarks(), SPEC))


@pytest.mark.parametrize("points", [np.zeros((68, 2)), np.full((68, 2), np.nan), np.full((68, 2), np.inf)])
def test_landmarks_in_one_point_are_no_face(points: NDArray[np.float64]) -> None:
    with pytest.raises(FaceError, match="landmarks"):
        align(points, SPEC)


def test_a_mirrored_face_has_no_upright_crop() -> None:
    points = landmarks()
    points[ANCHORS] = np.array([1.0, -1.0]) * (points[ANCHORS] - 10) * [1, 0] + 10
    with pytest.raises(FaceError, match="landmarks"):
        align(points * [0, 1], SPEC)


# --- crops


def test_a_tilted_head_gives_the_same_crop(astronaut: Image, astronaut_face: Face) -> None:
    spec = CropSpec(size_px=64)
    tilt = np.asarray(cv2.getRotationMatrix2D((224.0, 130.0), 30, 1.0))
    tilted = np.asarray(cv2.warpAffine(astronaut, tilt, (512, 512), flags=cv2.INTER_CUBIC), np.uint8)
    face = Face(astronaut_face.box, transform(astronaut_face.landmarks, tilt).astype(np.float32))
    upright, again = crop_face(astronaut, astronaut_face, spec), crop_face(tilted, face, spec)
    difference = np.abs(upright.image.astype(np.int16) - again.image)[8:-8, 8:-8]
    assert difference.mean() < 2.5


@pytest.mark.parametrize("width_px", [10, 40, 60, 130, 201.7, 400])
@pytest.mark.parametrize("angle_deg", [0, 25, 180])
def test_a_crop_shows_what_the_matrix_says_at_every_scale(width_px: float, angle_deg: float) -> None:
    ramp = np.arange(500, dtype=np.float64)[None, :, None] * np.array([0.5, 0.25, 0.0]) + [0, 0, 7]
    photo = np.broadcast_to(ramp, (450, 500, 3)).round().astype(np.uint8)
    matrix = place((250, 220), width_px, angle_deg)
    crop = cut(photo, matrix, S)
    x = transform(np.stack(np.meshgrid(np.arange(S), np.arange(S)), -1), crop.crop_to_source)[..., 0]
    middle = (x > 12) & (x < 487)
    assert crop.image.shape == (S, S, 3) and crop.image.dtype == np.uint8
    assert np.abs(crop.image[..., 0] - x * 0.5)[middle].max() < 1.2
    assert np.abs(crop.image[..., 1] - x * 0.25)[middle].max() < 1.2
    assert (crop.image[..., 2] == 7).all()


@pytest.mark.parametrize("ratio", [4, 6.5, 12.3])
@pytest.mark.parametrize("angle_deg", [0, 20])
def test_a_huge_face_does_not_alias(ratio: float, angle_deg: float) -> None:
    stripes = np.zeros((600, 600, 3), np.uint8)
    stripes[:, ::2] = 255
    crop = cut(stripes, place((300, 300), S * ratio, angle_deg), S).image
    assert np.abs(crop - 127.5).max() < 16  # the average; aliasing would show bands from 0 to 255


@pytest.mark.parametrize("ratio", [2, 3, 8])
def test_a_huge_face_is_averaged_by_area(ratio: int) -> None:
    photo = noise(S * ratio, S * ratio)
    reference = cv2.resize(photo, (S, S), interpolation=cv2.INTER_AREA)
    crop = cut(photo, place(((S * ratio - 1) / 2,) * 2, S * ratio), S).image
    assert np.abs(crop.astype(np.int16) - reference).max() <= 1


def test_what_lies_outside_the_photo_repeats_its_edge() -> None:
    photo = np.zeros((60, 60, 3), np.uint8)
    photo[:, :4] = 200
    crop = cut(photo, place((0, 30), 2 * S), S).image
    assert (crop[:, : S // 2] == 200).all() and (crop[:, S // 2 + 4 :] == 0).all()


@pytest.mark.parametrize("width_px", [20, 200])
def test_a_crop_or_paste_beside_the_photo_is_refused(width_px: float) -> None:
    matrix = place((-300, 40), width_px)
    with pytest.raises(FaceError, match="outside the photo"):
        cut(noise(80, 80), matrix, S)
    with pytest.raises(FaceError, match="outside the photo"):
        Paster((80, 80, 3), matrix, S)


def test_a_panorama_beyond_opencvs_limit_is_cut_and_pasted() -> None:
    photo = np.zeros((40, 33_000, 3), np.uint8)
    photo[:, 32_900:] = noise(40, 100)
    matrix = place((32_950, 20), S)
    assert np.array_equal(cut(photo, matrix, S).image, cut(photo[:, 32_900:], place((50, 20), S), S).image)
    frame = pasted(photo, matrix, WHITE, ALL_PAINT, shift_by(1, 0))
    assert frame[20, 32_950, 0] == 255 and np.array_equal(frame[:, :32_900], photo[:, :32_900])


def test_a_face_beyond_opencvs_limit_is_refused_in_words() -> None:
    with pytest.raises(FaceError, match="more than 16000"):
        Paster((40, 33_000, 3), place((16_000, 20), 20_000), S)


# --- the paste back


@pytest.mark.parametrize("size_px", [16, 32, 48, 100, 128, 512])
def test_the_fade_is_zero_at_the_border_one_inside_and_symmetric(size_px: int) -> None:
    fade = border_fade(size_px)
    assert not fade[[0, -1]].any() and not fade[:, [0, -1]].any()
    assert fade[size_px // 8 : -size_px // 8, size_px // 8 : -size_px // 8].min() > 1 - 1e-6
    assert np.allclose(fade, fade[::-1]) and np.allclose(fade, fade.T)


@pytest.mark.parametrize("index", range(24))
def test_where_nothing_is_asked_the_frame_is_the_photo_to_the_last_bit(index: int) -> None:
    photo, matrix = noise(150, 200), random_places(24, 150, 200)[index]
    paint = noise(S, S, seed=1).astype(np.float32)
    assert np.array_equal(pasted(photo, matrix, paint), photo)
    assert np.array_equal(pasted(photo, matrix, paint, displacement=shift_by(0, 0)), photo)


@pytest.mark.parametrize("index", range(24))
def test_pixels_outside_the_crops_footprint_are_the_photos_to_the_last_bit(index: int) -> None:
    photo, matrix = noise(150, 200), random_places(24, 150, 200)[index]
    wild = np.random.default_rng(1).normal(0, S / 4, (S, S, 2)).astype(np.float32)
    frame = pasted(photo, matrix, 255 - photo[:S, :S].astype(np.float32), ALL_PAINT, wild)
    outside = ~inside(photo, matrix)
    assert np.array_equal(frame[outside], photo[outside])
    if inside(photo, matrix, 0.1).sum() > 20:
        assert (frame != photo).any()


@pytest.mark.parametrize("index", range(24))
def test_full_paint_covers_the_inside(index: int) -> None:
    photo, matrix = noise(150, 200), random_places(24, 150, 200)[index]
    frame = pasted(photo, matrix, WHITE, ALL_PAINT)
    assert (frame[inside(photo, matrix, 0.2)] == 255).all()


@pytest.mark.parametrize("width_px", [14, 40, 70, 150, 300])
@pytest.mark.parametrize("angle_deg", [0, 33])
def test_paint_lands_where_the_matrix_says_at_every_scale(width_px: float, angle_deg: float) -> None:
    photo, matrix = noise(320, 320), place((161.3, 158.9), width_px, angle_deg)
    ramp = np.stack(np.broadcast_arrays(np.arange(S) * 7.0, np.arange(S)[:, None] * 6.0, 9.0), -1).astype(np.float32)
    frame, here = pasted(photo, matrix, ramp, ALL_PAINT), inside(photo, matrix, 0.15)
    expected = crop_coordinates(photo, matrix)[here] * [7, 6]
    assert np.abs(frame[here][:, :2] - expected).max() < 1.5


def test_half_attention_is_half_paint() -> None:
    photo, matrix = noise(150, 150), place((75, 75), 100, 15)
    frame, here = pasted(photo, matrix, WHITE, ALL_PAINT + 0.5), inside(photo, matrix, 0.1)
    assert np.abs(frame[here] - (photo[here] / 2 + 127.5)).max() <= 0.51


@pytest.mark.parametrize(("angle_deg", "x_px", "y_px"), [(0, 12, -8), (90, -8, -12), (180, -12, 8)])
def test_a_displacement_of_crop_pixels_moves_the_photos_own_pixels(angle_deg: float, x_px: int, y_px: int) -> None:
    photo, matrix = noise(200, 200), place((99.5, 99.5), 4 * S, angle_deg)  # 4 pixels of the photo for one of the crop
    frame, here = pasted(photo, matrix, displacement=shift_by(3, -2)), inside(photo, matrix, 0.15)
    moved = np.roll(photo, (-y_px, -x_px), (0, 1))  # at p the photo at p + displacement
    assert np.array_equal(frame[here], moved[here])


@pytest.mark.parametrize(("width_px", "angle_deg"), [(20, 10), (90, -35), (300, 70)])
def test_a_displacement_is_turned_and_scaled_with_the_crop(width_px: float, angle_deg: float) -> None:
    photo = np.asarray(cv2.GaussianBlur(noise(320, 320), (0, 0), 2), np.uint8)
    matrix = place((160, 160), width_px, angle_deg)
    frame, here = pasted(photo, matrix, displacement=shift_by(1.5, 1.0)), inside(photo, matrix, 0.15)
    by = np.linalg.inv(matrix[:, :2]) @ [1.5, 1.0]
    flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    moved = cv2.warpAffine(photo, np.column_stack([np.eye(2), by]), (320, 320), flags=flags)
    assert np.abs(frame.astype(np.int16) - moved)[here].max() <= 2


def test_a_moved_photo_stays_as_sharp_as_it_was() -> None:
    photo, matrix = cv2.GaussianBlur(noise(300, 300), (0, 0), 0.8), place((150, 150), 8 * S, 20)
    ys, xs = np.mgrid[:S, :S].astype(np.float32)
    wave = np.stack([np.sin(ys / 5), np.cos(xs / 6)], -1) * 1.3
    frame = pasted(np.asarray(photo, np.uint8), matrix, displacement=wave)
    region = np.s_[80:220, 80:220]
    through_the_crop = cv2.resize(cv2.resize(photo[region], (18, 18), interpolation=cv2.INTER_AREA), (140, 140))
    assert energy(frame[region]) > 0.8 * energy(np.asarray(photo, np.uint8)[region])
    assert energy(np.asarray(through_the_crop, np.uint8)) < 0.05 * energy(frame[region])  # what repainting would give


def test_a_huge_face_moves_smoothly_where_its_flow_is_smooth() -> None:
    photo = np.broadcast_to((np.arange(640) * 0.35)[None, :, None], (320, 640, 3)).round().astype(np.uint8)
    flow = shift_by(0, 0)
    flow[..., 0] = (np.arange(S) - 15.5) * 0.3
    frame = pasted(photo, place((320, 160), 640), displacement=flow)
    steps = np.diff(frame[160, 120:-120, 0].astype(np.int16))
    assert steps.min() >= 0 and steps.max() <= 1  # 0.35 · 1.3 levels a pixel: no staircase of crop pixels


def test_what_moves_in_from_beside_the_crop_is_the_photo_not_its_repeated_edge() -> None:
    photo, matrix = noise(200, 200), place((99.5, 99.5), 2 * S)
    frame = pasted(photo, matrix, displacement=shift_by(-8, 0))
    here = inside(photo, matrix, 0.1)
    assert np.array_equal(frame[here], np.roll(photo, 16, 1)[here])


def test_paint_lies_over_the_moved_photo() -> None:
    photo, matrix = noise(200, 200), place((99.5, 99.5), 2 * S)
    frame, here = pasted(photo, matrix, WHITE, ALL_PAINT + 0.5, shift_by(4, 0)), inside(photo, matrix, 0.1)
    assert np.abs(frame[here] - (np.roll(photo, -8, 1)[here] / 2 + 127.5)).max() <= 0.51


def test_overlapping_faces_lie_one_over_the_other() -> None:
    photo, first, second = noise(120, 160), place((60, 60), 80, 10), place((100, 60), 80, -20)
    frame = pasted(pasted(photo, first, BLACK, ALL_PAINT), second, WHITE, ALL_PAINT)
    in_first, in_second = inside(photo, first), inside(photo, second)
    assert (frame[inside(photo, second, 0.1)] == 255).all()
    assert (frame[inside(photo, first, 0.1) & ~in_second] == 0).all()
    assert np.array_equal(frame[~in_first & ~in_second], photo[~in_first & ~in_second])
    below = frame[in_second & ~inside(photo, second, 0.05) & inside(photo, first, 0.1)]
    assert below.min() == 0 and below.max() > 200  # the second fades into the first, not into the photo


def around(value: float, by: float) -> Image:
    """Noise of small contrast, twice as fine as the crop sees it."""
    return np.clip(value + np.random.default_rng(4).uniform(-by, by, (200, 200, 3)), 0, 255).astype(np.uint8)


def test_a_shadow_is_laid_over_the_photos_detail() -> None:
    photo, matrix = around(120, 40), place((100, 100), 150)
    moved = cut(photo, matrix, S).image.astype(np.float32)
    frame = photo.copy()
    Paster(photo.shape, matrix, S).paste(frame, moved - 5, ALL_PAINT, None, moved)
    middle = inside(photo, matrix, 0.2)
    change = frame.astype(np.int16) - photo
    assert np.abs(change[middle] + 5).max() <= 2
    assert energy(frame) == pytest.approx(energy(photo), rel=0.02)


def test_another_thing_is_painted_over_the_photos_detail() -> None:
    photo, matrix = around(200, 20), place((100, 100), 150)
    moved = cut(photo, matrix, S).image.astype(np.float32)
    frame = photo.copy()
    Paster(photo.shape, matrix, S).paste(frame, BLACK, ALL_PAINT, None, moved)
    assert frame[inside(photo, matrix, 0.2)].max() <= 2


def test_with_or_without_detail_the_crop_sees_the_papers_equation() -> None:
    photo, matrix = cv2.GaussianBlur(noise(200, 200), (0, 0), 12), place((100, 100), 100)
    moved = cut(photo, matrix, S).image.astype(np.float32)
    color, half = np.clip(moved + 40 * np.sin(np.arange(S) / 20)[:, None], 0, 255).astype(np.float32), ALL_PAINT + 0.5
    plain, kept = photo.copy(), photo.copy()
    Paster(photo.shape, matrix, S).paste(plain, color, half, None)
    Paster(photo.shape, matrix, S).paste(kept, color, half, None, moved)
    assert np.abs(plain.astype(np.int16) - kept).max() <= 4


def test_what_is_not_painted_stays_to_the_last_bit_also_with_detail() -> None:
    photo, matrix = noise(200, 200), place((100, 100), 150)
    moved, frame = cut(photo, matrix, S).image.astype(np.float32), photo.copy()
    Paster(photo.shape, matrix, S).paste(frame, WHITE, NO_PAINT, None, moved)
    assert np.array_equal(frame, photo)


def test_strips_leave_no_seam(monkeypatch: pytest.MonkeyPatch) -> None:
    photo, matrix = noise(200, 200), place((101.3, 97.8), 150, 25)
    wave = (np.random.default_rng(1).normal(0, 1, (S, S, 2))).astype(np.float32)
    paint, half = noise(S, S, seed=1).astype(np.float32), ALL_PAINT + 0.5
    whole = pasted(photo, matrix, paint, half, wave)
    monkeypatch.setattr("ganimate.render.paste.STRIP_PX", 1)
    assert np.abs(pasted(photo, matrix, paint, half, wave).astype(np.int16) - whole).max() <= 1


def test_a_read_only_photo_is_never_written() -> None:
    photo = noise(100, 100)
    photo.flags.writeable = False
    assert cut(photo, place((50, 50), 50), S).image.flags.writeable
    with pytest.raises(ValueError, match="read-only"):
        Paster(photo.shape, place((50, 50), 50), S).paste(photo, WHITE, ALL_PAINT)


def peak_bytes(photo: Image, matrix: Matrix) -> int:
    paster, wave = Paster(photo.shape, matrix, S), shift_by(1, 1)
    tracemalloc.start()
    paster.paste(photo, WHITE, ALL_PAINT, wave)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


def test_a_paste_costs_the_same_in_a_small_photo_and_in_one_of_12_megapixels() -> None:
    small = peak_bytes(noise(300, 300), place((150, 150), 200, 20))
    large = peak_bytes(np.zeros((3000, 4000, 3), np.uint8), place((2150, 1150), 200, 20))
    assert large == pytest.approx(small, rel=0.02)
    windows = [
        Paster(shape, place(centre, 200, 20), S).window
        for shape, centre in (((300, 300, 3), (150, 150)), ((3000, 4000, 3), (2150, 1150)))
    ]
    assert [w.stop - w.start for w in windows[0]] == [w.stop - w.start for w in windows[1]]


def test_a_face_of_thousands_of_pixels_is_pasted_in_little_more_memory_than_its_copy() -> None:
    photo = np.zeros((2000, 2400, 3), np.uint8)
    assert peak_bytes(photo, place((1200, 1000), 2000, 10)) < photo.nbytes + 16e6


def test_where_a_displacement_is_torn_the_paint_stands_alone() -> None:
    photo, matrix = noise(64, 64), place((32, 32), S)
    color = np.full((S, S, 3), 128, np.float32)
    torn = np.zeros((S, S), np.float32)
    torn[:, S // 2 :] = 1
    frame = photo.copy()
    # The moved crop is the paint itself: a shade of nothing, which else leaves the photo as it is.
    Paster(photo.shape, matrix, S).paste(frame, color, ALL_PAINT, None, color, torn)
    rows, left, right = slice(28, 36), slice(24, 28), slice(36, 40)
    assert np.array_equal(frame[rows, left], photo[rows, left])
    assert (frame[rows, right] == 128).all()
