from __future__ import annotations

import json
import pickle
import shutil
import stat
from pathlib import Path

import numpy as np
import pytest

import ganimate.data.pack
from ganimate.config import CropSpec
from ganimate.data.pack import Pack, PackRow, PackWriter, open_pack, stored_size_px
from ganimate.errors import GanimateError, OutputError, PackError

SPEC = CropSpec(size_px=32)
AUS = (1, 12)


def row(name: str = "a.jpg", person: int = 0, validation: bool = False) -> PackRow:
    rng = np.random.default_rng(len(name) + person)
    side = stored_size_px(SPEC)
    image = np.full((side, side, 3), rng.integers(0, 255, 3), np.uint8)
    aus, landmarks = rng.random(2, np.float32), rng.random((68, 2), np.float32) * side
    return PackRow(name, image, aus, landmarks, person, validation, 0.25)


def write(path: Path, rows: list[PackRow], *, overwrite: bool = False) -> Pack:
    with PackWriter(path, SPEC, AUS, overwrite=overwrite) as writer:
        for one in rows:
            writer.add(one)
        writer.skip("bad.jpg", "no face", 'a "reason", with commas')
    return open_pack(path)


def test_what_goes_into_a_pack_comes_out_of_it(tmp_path: Path) -> None:
    rows = [row("a.jpg", 0), row("bb.jpg", 1, True), row("ccc.jpg", -1)]
    pack = write(tmp_path / "faces.pack", rows)
    assert len(pack) == 3
    assert pack.spec == SPEC
    assert pack.au_numbers == AUS
    for index, one in enumerate(rows):
        assert pack.names[index] == one.name
        np.testing.assert_array_equal(pack.aus[index], one.aus)
        np.testing.assert_array_equal(pack.landmarks[index], one.landmarks)
        assert (pack.person[index], pack.validation[index], pack.outside[index]) == (one.person, one.validation, 0.25)
        np.testing.assert_allclose(pack.image(index).astype(int), one.image, atol=3)  # JPEG
    assert pack.indices(validation=True).tolist() == [1]
    assert pack.indices(validation=False).tolist() == [0, 2]


def test_skipped_rows_are_listed_in_the_pack(tmp_path: Path) -> None:
    write(tmp_path / "faces.pack", [row()])
    listed = (tmp_path / "faces.pack" / "skipped.csv").read_text().splitlines()
    assert listed == ["file,kind,reason", 'bad.jpg,no face,"a ""reason"", with commas"']


def test_a_pack_is_as_readable_as_other_folders(tmp_path: Path) -> None:
    (tmp_path / "plain").mkdir()
    write(tmp_path / "faces.pack", [row()])
    modes = {stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("plain", "faces.pack")}
    assert len(modes) == 1


def test_a_pack_is_sent_to_workers_by_name(tmp_path: Path) -> None:
    pack = write(tmp_path / "faces.pack", [row()] * 50)
    sent = pickle.dumps(pack)
    assert len(sent) < 500
    np.testing.assert_array_equal(pickle.loads(sent).image(3), pack.image(3))


def test_people_are_seen_often_where_there_are_several_photos_of_them(tmp_path: Path) -> None:
    persons = [3, -1, 0, 3, 7, -1, 7, 7]  # of 0 there is one, and two unknown are not one
    pack = write(tmp_path / "faces.pack", [row(person=person) for person in persons])
    assert pack.seen_often.tolist() == [True, False, False, True, True, False, True, True]


def test_the_fingerprint_tells_packs_apart(tmp_path: Path) -> None:
    first = write(tmp_path / "a.pack", [row("a"), row("bb")])
    same = write(tmp_path / "b.pack", [row("a"), row("bb")])
    other = write(tmp_path / "c.pack", [row("bb"), row("a")])
    assert first.fingerprint == same.fingerprint != other.fingerprint


def test_nothing_is_written_where_something_is(tmp_path: Path) -> None:
    write(tmp_path / "faces.pack", [row()])
    with pytest.raises(OutputError, match="exists already") as caught:
        PackWriter(tmp_path / "faces.pack", SPEC, AUS)
    assert caught.value.hint is not None
    assert "--force" in caught.value.hint
    (tmp_path / "folder").mkdir()
    with pytest.raises(OutputError, match="exists already"):  # not a pack: not even by force
        PackWriter(tmp_path / "folder", SPEC, AUS, overwrite=True)
    with pytest.raises(OutputError, match="cannot be written"):
        PackWriter(tmp_path / "none" / "faces.pack", SPEC, AUS)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["faces.pack", "folder"]


def test_an_error_leaves_nothing_behind_and_the_old_pack_in_place(tmp_path: Path) -> None:
    old = write(tmp_path / "faces.pack", [row()])
    with pytest.raises(RuntimeError), PackWriter(tmp_path / "faces.pack", SPEC, AUS, overwrite=True) as writer:
        writer.add(row("b"))
        raise RuntimeError
    with pytest.raises(GanimateError, match="no face was prepared"):
        write(tmp_path / "faces.pack", [], overwrite=True)
    assert [path.name for path in tmp_path.iterdir()] == ["faces.pack"]
    assert open_pack(tmp_path / "faces.pack").fingerprint == old.fingerprint


def test_force_replaces_the_old_pack(tmp_path: Path) -> None:
    write(tmp_path / "faces.pack", [row()])
    assert len(write(tmp_path / "faces.pack", [row(), row("b")], overwrite=True)) == 2
    assert [path.name for path in tmp_path.iterdir()] == ["faces.pack"]


class Crash(BaseException):
    """The end of the process, as far as its own code can tell."""


@pytest.mark.parametrize("survived_renames", [0, 1, 2])
def test_a_crash_while_replacing_loses_no_pack(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, survived_renames: int
) -> None:
    old = write(tmp_path / "faces.pack", [row()])
    done = 0
    real = ganimate.data.pack.os.rename

    def rename(source: Path, target: Path) -> None:
        nonlocal done
        if done == survived_renames:
            raise Crash
        done += 1
        real(source, target)

    writer = PackWriter(tmp_path / "faces.pack", SPEC, AUS, overwrite=True)
    writer.add(row("new"))
    with monkeypatch.context() as patch, pytest.raises(Crash):
        patch.setattr(ganimate.data.pack.os, "rename", rename)
        patch.setattr(ganimate.data.pack.shutil, "rmtree", lambda *_, **__: None)  # a crash does not tidy up
        patch.setattr(ganimate.data.pack, "_put_back", lambda _: None)
        writer.__exit__(None, None, None)
        raise Crash
    found = open_pack(tmp_path / "faces.pack")
    assert found.names.tolist() == (["new"] if survived_renames == 2 else old.names.tolist())
    assert len(found.image(0))
    assert len(write(tmp_path / "faces.pack", [row(), row("b")], overwrite=True)) == 2


def damage(path: Path, how: str) -> None:
    if how == "no table":
        (path / "table.npz").unlink()
    elif how == "table cut short":
        (path / "table.npz").write_bytes((path / "table.npz").read_bytes()[:-200])
    elif how == "images cut short":
        (path / "images.bin").write_bytes((path / "images.bin").read_bytes()[:-1])
    elif how == "no images":
        (path / "images.bin").write_bytes(b"")
    elif how == "not json":
        (path / "pack.json").write_text("{")
    elif how == "json of another kind":
        (path / "pack.json").write_text("[1, 2]")
    elif how == "other AUs":
        facts = json.loads((path / "pack.json").read_text())
        (path / "pack.json").write_text(json.dumps(facts | {"aus": [1]}))


@pytest.mark.parametrize(
    "how",
    ["no table", "table cut short", "images cut short", "no images", "not json", "json of another kind", "other AUs"],
)
def test_a_damaged_pack_is_refused_with_a_sentence(tmp_path: Path, how: str) -> None:
    write(tmp_path / "faces.pack", [row(), row("b")])
    damage(tmp_path / "faces.pack", how)
    with pytest.raises(PackError, match="is damaged") as caught:
        open_pack(tmp_path / "faces.pack")
    assert caught.value.hint is not None


def test_what_is_no_pack_is_refused_with_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(PackError, match="is not a pack"):
        open_pack(tmp_path)
    path = tmp_path / "faces.pack"
    write(path, [row()])
    (path / "pack.json").write_text('{"format": "other-2"}')
    with pytest.raises(PackError, match="unknown format 'other-2'"):
        open_pack(path)


def test_a_damaged_image_is_told_when_it_is_met(tmp_path: Path) -> None:
    path = tmp_path / "faces.pack"
    write(path, [row(), row("b")])
    data = bytearray((path / "images.bin").read_bytes())
    data[:50] = bytes(50)
    (path / "images.bin").write_bytes(data)
    pack = open_pack(path)
    with pytest.raises(PackError, match=r"image 0 of .* is damaged"):
        pack.image(0)
    assert pack.image(1).shape == (stored_size_px(SPEC),) * 2 + (3,)


def test_the_size_must_be_that_of_the_networks(tmp_path: Path) -> None:
    pack = write(tmp_path / "faces.pack", [row()])
    pack.require_size(32)
    with pytest.raises(PackError, match="are 32 px wide, the networks 64"):
        pack.require_size(64)


def test_copies_of_a_pack_are_packs(tmp_path: Path) -> None:
    pack = write(tmp_path / "faces.pack", [row()])
    shutil.copytree(pack.path, tmp_path / "copy")
    assert open_pack(tmp_path / "copy").fingerprint == pack.fingerprint
