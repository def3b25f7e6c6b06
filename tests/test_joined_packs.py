"""Laws of packs that are trained on as one: nothing is lost, nobody is on two sides, what is common counts."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest

from ganimate.config import CropSpec
from ganimate.data.joined_packs import open_packs
from ganimate.data.pack import Pack, PackRow, PackWriter, open_pack, stored_size_px
from ganimate.errors import PackError

SPEC = CropSpec(size_px=32)


def row(name: str, person: int = -1, held: bool = False, spec: CropSpec = SPEC, aus: int = 3) -> PackRow:
    """A photo whose pixels and AUs follow from its name."""
    rng = np.random.default_rng([ord(letter) for letter in name])
    side = stored_size_px(spec)
    image = rng.integers(0, 255, (side, side, 3)).astype(np.uint8)
    return PackRow(name, image, rng.random(aus, np.float32), rng.random((68, 2), np.float32), person, held, 0.0)


def write(path: Path, aus: tuple[int, ...], *rows: PackRow, spec: CropSpec = SPEC) -> Pack:
    with PackWriter(path, spec, aus) as writer:
        for one in rows:
            writer.add(one)
    return open_pack(path)


def test_all_photos_of_all_packs_are_there(tmp_path: Path) -> None:
    one = write(tmp_path / "a", (1, 4, 12), row("a0", 0), row("a1", 0), row("a2", 1, True))
    two = write(tmp_path / "b", (1, 4, 12), row("b0", 0), row("b1", -1, True))
    both = open_packs([one.path, two.path])
    assert both.paths == (one.path, two.path) and len(both) == 5 and not both.notes
    parts = [(one, 0), (one, 1), (one, 2), (two, 0), (two, 1)]
    for index, (pack, place) in enumerate(parts):
        np.testing.assert_array_equal(both.image(index), pack.image(place))
        np.testing.assert_array_equal(both.landmarks[index], pack.landmarks[place])
        np.testing.assert_array_equal(both.aus[index], pack.aus[place])
        assert both.validation[index] == pack.validation[place] and both.names[index] == pack.names[place]
    assert both.person.tolist() == [0, 0, 1, 2, -1]  # nobody of one is somebody of the other
    again = pickle.loads(pickle.dumps(both))
    assert again.fingerprint == both.fingerprint != one.fingerprint
    np.testing.assert_array_equal(again.image(3), both.image(3))
    assert open_packs([two.path, one.path]).fingerprint != both.fingerprint


def test_one_pack_is_itself(tmp_path: Path) -> None:
    pack = write(tmp_path / "a", (1, 4, 12), row("a0"), row("a1"))
    assert open_packs([pack.path]).fingerprint == pack.fingerprint


def test_aus_that_not_all_know_are_left_out_and_named(tmp_path: Path) -> None:
    one = write(tmp_path / "a", (4, 12, 24), row("a0"))
    two = write(tmp_path / "b", (12, 9, 4), row("b0"))
    both = open_packs([one.path, two.path])
    assert both.au_numbers == (4, 12)
    np.testing.assert_array_equal(both.aus, [one.aus[0, [0, 1]], two.aus[0, [2, 0]]])
    (note,) = both.notes
    assert f"{one.path}: AU24" in note and f"{two.path}: AU9" in note
    three = write(tmp_path / "c", (1, 2, 5), row("c0"))
    with pytest.raises(PackError, match="no AU is known to all"):
        open_packs([one.path, three.path])


def test_a_photo_in_two_packs_is_taken_once_and_nobody_is_on_two_sides(tmp_path: Path) -> None:
    one = write(tmp_path / "a", (1, 4, 12), row("same", 0), row("a1", 0), row("a2", 1))
    two = write(tmp_path / "b", (1, 4, 12), row("b0", 4, True), row("same", 4, True), row("b1", 5))
    both = open_packs([one.path, two.path])
    assert both.names.tolist() == ["same", "a1", "a2", "b0", "b1"]
    assert both.validation.tolist() == [True, True, False, True, False]
    assert len(set(both.person[[0, 1, 3]].tolist())) == 1 and len(set(both.person.tolist())) == 3
    assert both.notes == (
        "photos that are in more than one pack, taken once: 1",
        "held out, too, as another pack holds these people out: 2 photos",
    )


def test_who_is_named_in_one_pack_only_is_known_in_both(tmp_path: Path) -> None:
    one = write(tmp_path / "a", (1, 4, 12), row("same"), row("a1"))
    two = write(tmp_path / "b", (1, 4, 12), row("same", 7), row("b1", 7))
    both = open_packs([one.path, two.path])
    assert both.person[0] == both.person[2] >= 0 and both.person[1] == -1


def test_the_same_pack_twice_is_that_pack(tmp_path: Path) -> None:
    pack = write(tmp_path / "a", (1, 4, 12), row("a0", 0), row("a1", 1, True))
    twice = open_packs([pack.path, pack.path])
    assert twice.fingerprint == pack.fingerprint and twice.notes[0].endswith(": 2")


def test_faces_that_are_cut_otherwise_are_refused(tmp_path: Path) -> None:
    other = CropSpec(size_px=64)
    one = write(tmp_path / "a", (1, 4, 12), row("a0"))
    two = write(tmp_path / "b", (1, 4, 12), row("b0", spec=other), spec=other)
    with pytest.raises(PackError, match=r"cut another way than those in .*: size_px"):
        open_packs([one.path, two.path])
