"""Which photos a batch is about, and that no two results share a name."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ganimate.animation.batch.collecting import Source, collect, name_results
from ganimate.media import is_video

WITHOUT_PHOTOS = ["empty", "nest", "x*.jpg", "nothing"]


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("in/b.jpg", "in/a.PNG", "in/.hidden.jpg", "in/notes.txt", "in/sub/c.jpg", "in/.git/d.jpg", "in/e.mp4"):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).touch()
    return tmp_path


def paths(named: list[str], recursive: bool = False, outside: str = "out") -> list[str]:
    return [str(source.path) for source in collect(named, recursive=recursive, outside=Path(outside))]


def names(*sources: tuple[str, str]) -> list[str]:
    """The names of results, of photos whose path and path below the named folder these are."""
    found = name_results([Source(Path(path), Path(relative)) for path, relative in sources], ".gif")
    return [found[Path(path)].as_posix() for path, _ in sources]


def test_a_folder_stands_for_its_photos(tree: Path) -> None:
    assert paths(["in"]) == ["in/a.PNG", "in/b.jpg", "in/e.mp4"]
    assert paths(["in"], recursive=True) == ["in/a.PNG", "in/b.jpg", "in/e.mp4", "in/sub/c.jpg"]


def test_a_file_is_taken_whatever_its_name(tree: Path) -> None:
    assert paths(["in/notes.txt", "nowhere.jpg"]) == ["in/notes.txt", "nowhere.jpg"]


def test_patterns_that_no_shell_has_expanded(tree: Path) -> None:
    assert paths(["in/*.jpg", "in/**/c.*"]) == ["in/b.jpg", "in/sub/c.jpg"]
    Path("in/[1].jpg").touch()
    assert paths(["in/[1].jpg"]) == ["in/[1].jpg"], "a file of that very name comes first"


def test_every_photo_once(tree: Path) -> None:
    os.symlink("b.jpg", "in/z.jpg")
    assert paths(["in/b.jpg", "in", "./in/../in/b.jpg"]) == ["in/b.jpg", "in/a.PNG", "in/e.mp4"]


def test_results_are_no_photos(tree: Path) -> None:
    for name in ("in/out/b.gif", "in/out/deep/c.gif"):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).touch()
    assert paths(["in"], recursive=True, outside="in/out") == paths(["in"], recursive=True, outside="in/out/../out")
    assert not [path for path in paths(["in"], recursive=True, outside="in/out") if path.startswith("in/out")]


def test_what_stands_for_nothing_says_so(tree: Path) -> None:
    Path("empty").mkdir()
    Path("nest/inner").mkdir(parents=True)
    troubles = [source.trouble for source in collect(WITHOUT_PHOTOS, recursive=False, outside=Path("out"))]
    assert [str(trouble) for trouble in troubles] == [
        "no photo is in the folder 'empty'",
        "no photo is in the folder 'nest'",
        "nothing is called 'x*.jpg'",
        "file or folder 'nothing' does not exist",
    ]
    assert ["--recursive" in (trouble.hint or "") for trouble in troubles if trouble] == [False, True, False, False]


def test_a_result_is_called_as_its_photo_and_lies_as_it_did() -> None:
    assert names(("in/a.jpg", "a.jpg"), ("in/sub/b.c.png", "sub/b.c.png")) == ["a.gif", "sub/b.c.gif"]


@pytest.mark.parametrize(
    ("sources", "results"),
    [
        ([("me.jpg", "me.jpg"), ("me.png", "me.png")], ["me.jpg.gif", "me.png.gif"]),
        ([("me.jpg", "me.jpg"), ("Me.png", "Me.png")], ["me.jpg.gif", "Me.png.gif"]),
        ([("/t/a/me.jpg", "me.jpg"), ("/t/b/me.jpg", "me.jpg")], ["a/me.gif", "b/me.gif"]),
        ([("/a/t/me.jpg", "me.jpg"), ("/b/t/me.jpg", "me.jpg")], ["a/t/me.gif", "b/t/me.gif"]),
        ([("/a/s/me.jpg", "s/me.jpg"), ("/b/s/me.jpg", "s/me.jpg")], ["a/s/me.gif", "b/s/me.gif"]),
        (
            [("/t/a/me.jpg", "me.jpg"), ("/t/a/me.png", "me.png"), ("/t/b/me.jpg", "me.jpg")],
            ["a/me.jpg.gif", "a/me.png.gif", "b/me.jpg.gif"],
        ),
    ],
)
def test_photos_of_one_name_are_told_apart(sources: list[tuple[str, str]], results: list[str]) -> None:
    assert names(*sources) == results
    assert names(*sources[::-1]) == results[::-1], "the order makes no difference"


def test_names_made_to_tell_photos_apart_meet_no_other() -> None:
    results = names(("me.jpg", "me.jpg"), ("me.png", "me.png"), ("me.jpg.png", "me.jpg.png"))
    assert len(set(results)) == 3


def test_a_video_beside_its_photo_takes_no_name() -> None:
    sources = [Source(Path(name), Path(name)) for name in ("i.jpg", "i.mov", "i.mp4")]
    assert name_results(sources[:2], ".gif") == {Path("i.jpg"): Path("i.gif")}
    found = name_results(sources, ".gif", ".mp4")
    assert [found[source.path].as_posix() for source in sources] == ["i.gif", "i.mov.mp4", "i.mp4.mp4"]
    found = name_results(sources[:2], ".mp4", ".mp4")
    assert [path.as_posix() for path in found.values()] == ["i.jpg.mp4", "i.mov.mp4"]


@pytest.mark.parametrize("suffix", [".m2ts", ".MTS", ".3gp", ".ogv"])
def test_every_kind_of_video_is_told_from_photos(tree: Path, suffix: str) -> None:
    Path(f"in/f{suffix}").touch()
    (found,) = [each for each in collect(["in"], recursive=False, outside=Path("out")) if each.path.stem == "f"]
    assert found.is_video and found.result_suffix(".gif", None) is None
    assert is_video(found.path)
