"""Which photos a batch is about, and how each one's result is called: no two alike, and the same every time."""

from __future__ import annotations

import glob
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from ganimate.errors import InputError, PhotoError
from ganimate.media import PHOTO_SUFFIXES, VIDEO_SUFFIXES, is_video

DEEPEST = 64  # folders above a photo that may tell it from one of the same name


@dataclass(frozen=True)
class Source:
    """One photo or video; `relative` is its path below the folder that was named, or just its name.

    `trouble` says why something named on the command line is neither.
    """

    path: Path
    relative: Path
    trouble: InputError | None = None

    @cached_property
    def is_video(self) -> bool:
        """Whether it is a video, by what is in it and else by its name."""
        return self.trouble is None and is_video(self.path)

    def result_suffix(self, of_photos: str, of_videos: str | None) -> str | None:
        """Return which of these suffixes the result has, None where there is none to be expected."""
        if self.trouble is not None:
            return None
        return of_videos if self.is_video else of_photos


def collect(named: Sequence[str], *, recursive: bool, outside: Path | None) -> list[Source]:
    """Return the photos that files, folders and patterns (``trip/*.jpg``) name, each once, in that order.

    A folder stands for the photos and videos in it, sorted by name, with `recursive` also for those in its folders;
    hidden ones, and what lies in the folder `outside`, where results go if it is one, are passed over.
    """
    found: dict[str, Source] = {}
    for text in named:
        for source in _named(text, recursive, None if outside is None else Path(os.path.realpath(outside))):
            found.setdefault(os.path.realpath(source.path), source)
    return list(found.values())


def _named(text: str, recursive: bool, outside: Path | None) -> Iterator[Source]:
    if os.path.lexists(text) or not glob.has_magic(text):
        matches = [text]
    else:
        matches = sorted(glob.glob(text, recursive=True))
        if not matches:
            yield _nothing(text, f"nothing is called '{text}'", "check the pattern and the folder")
    for match in matches:
        path = Path(match)
        if not os.path.lexists(path):
            yield _nothing(match, f"file or folder '{match}' does not exist", "check the spelling and the folder")
        elif not path.is_dir():
            yield Source(path, Path(path.name))
        else:
            yield from _in_folder(path, recursive, outside)


def _nothing(text: str, message: str, hint: str) -> Source:
    return Source(Path(text), Path(text), PhotoError(message, hint))


def _in_folder(folder: Path, recursive: bool, outside: Path | None) -> Iterator[Source]:
    seen, has_folders = False, False
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(
            name for name in folders if name[0] != "." and Path(os.path.realpath(Path(place, name))) != outside
        )
        has_folders = has_folders or bool(folders)
        if not recursive:
            folders.clear()
        if Path(os.path.realpath(place)) == outside and folder != Path(place):
            continue
        for name in sorted(names):
            path = Path(place, name)
            if name[0] != "." and path.suffix.lower() in PHOTO_SUFFIXES | VIDEO_SUFFIXES:
                seen = True
                yield Source(path, path.relative_to(folder))
    if not seen:
        deeper = has_folders and not recursive
        hint = "--recursive also looks into its folders" if deeper else "name a folder with photos in it"
        yield _nothing(str(folder), f"no photo is in the folder '{folder}'", hint)


def name_results(sources: Sequence[Source], suffix: str, video_suffix: str | None = None) -> dict[Path, Path]:
    """Return for each photo the path of its result below the output folder: the photo's own with another `suffix`.

    Videos have results only where they have a `video_suffix`. Photos that would share one, also on file systems that do
    not tell capitals, all keep their own suffix (``me.jpg.gif``, ``me.png.gif``), or get as many of the folders above
    them as it takes (``a/me.gif``, ``b/me.gif``), or both.
    """
    crowds: dict[tuple[str, str], list[Source]] = {}
    for source in sources:
        ending = source.result_suffix(suffix, video_suffix)
        if ending is not None:
            crowds.setdefault((ending, _key(source.relative.with_suffix(""))), []).append(source)
    named = [
        (source.path, base, ending)
        for (ending, _), crowd in crowds.items()
        for source, base in zip(crowd, _told_apart(crowd), strict=True)
    ]
    taken: set[str] = set()
    results = {}
    for path, base, ending in named:
        name, number = base.with_name(base.name + ending), 1
        while _key(name) in taken:  # me.jpg beside me.png was called as me.jpg.png is
            number += 1
            name = base.with_name(f"{base.name}_{number}{ending}")
        taken.add(_key(name))
        results[path] = name
    return results


def _told_apart(crowd: Sequence[Source]) -> list[Path]:
    """Return the shortest names by which photos with the same stem differ."""
    for way in _ways():
        names = [way(source) for source in crowd]
        if len({_key(name) for name in names}) == len(crowd):
            return names
    return [source.relative for source in crowd]


def _ways() -> Iterator[Callable[[Source], Path]]:
    yield lambda source: source.relative.with_suffix("")
    yield lambda source: source.relative
    for depth in range(1, DEEPEST):
        yield lambda source, depth=depth: _from_above(source, depth).with_suffix("")  # type: ignore[misc]
        yield lambda source, depth=depth: _from_above(source, depth)  # type: ignore[misc]


def _from_above(source: Source, depth: int) -> Path:
    """Return the relative path of a photo with `depth` folders above it."""
    parts = Path(os.path.abspath(source.path)).parts[1:]
    return Path(*parts[-(len(source.relative.parts) + depth) :])


def _key(path: Path) -> str:
    return path.as_posix().casefold()
