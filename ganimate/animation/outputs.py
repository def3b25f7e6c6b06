"""Frames to files: the animation and, where wanted, the masks that it was made with."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ganimate.errors import OutputError
from ganimate.media import STILL_SUFFIXES, FrameWriter, Sound, check_output, open_writer, write_image
from ganimate.media.places import FilePlace
from ganimate.media.provenance import Mark

if TYPE_CHECKING:  # loads OpenCV and more, and a bad name for a result is told before that
    from ganimate.animation.animator import AnimatedFrame

Picture = NDArray[np.uint8]


REPORT_SUFFIXES = (".json", ".csv", ".png")


@dataclass(frozen=True)
class Outputs:
    """Where results go: the animation or still itself, and masks, film strip and reports, where they are wanted."""

    path: str
    attention: str | None = None
    color: str | None = None
    overwrite: bool = False
    strip: str | None = None
    reports: tuple[str, ...] = ()

    @property
    def masks(self) -> list[tuple[str, Callable[[AnimatedFrame], Picture]]]:
        """The wanted masks: where each goes, and what draws it."""
        wanted = [(self.attention, attention_picture), (self.color, color_picture)]
        return [(path, draw) for path, draw in wanted if path is not None]

    def check_distinct(self, photo: Path, kind: str = "photo") -> None:
        """Raise OutputError when two results share one name, or one would replace what it is made of, a `kind`."""
        places = [os.path.realpath(photo)]
        strip = [] if self.strip is None else [self.strip]
        for path in [self.path, *(path for path, _ in self.masks), *strip, *self.reports]:
            if os.path.realpath(path) == places[0]:
                raise OutputError(f"'{path}' is the {kind} itself", "choose another name for the result")
            if os.path.realpath(path) in places:
                raise OutputError(f"two results cannot both be written to '{path}'", "give each a name of its own")
            places.append(os.path.realpath(path))

    def check_beside(self) -> None:
        """Raise OutputError unless film strip and reports, which are written after the animation, could be."""
        if self.strip is not None:
            check_output(self.strip, self.overwrite, "still")
        for path in self.reports:
            suffix = Path(path).suffix.lower()
            if suffix not in REPORT_SUFFIXES:
                raise OutputError(f"cannot write a report to '{path}'", f"use one of {', '.join(REPORT_SUFFIXES)}")
            FilePlace(path, self.overwrite).check()


def attention_picture(frame: AnimatedFrame) -> Picture:
    """Return the attention maps of a frame's faces side by side, (S, faces·S): white keeps the photo."""
    return np.hstack([_picture(edit.attention * 255) for edit in frame.edits])


def color_picture(frame: AnimatedFrame) -> Picture:
    """Return the colours that a frame's faces were painted with side by side, (S, faces·S, 3)."""
    return np.hstack([_picture(edit.color) for edit in frame.edits])


def _picture(values: NDArray[np.float32]) -> Picture:
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


class StillRecorder:
    """Writes one frame, and its masks, as pictures."""

    def __init__(self, outputs: Outputs) -> None:
        """Prepare; raises OutputError at once for what could not be written."""
        self._outputs = outputs
        outputs.check_beside()
        for path in [outputs.path, *(path for path, _ in outputs.masks)]:
            check_output(path, outputs.overwrite, "still")

    def record(
        self, frames: Iterable[AnimatedFrame], peak: int = 0, mark: Mark | None = None, alpha: Picture | None = None
    ) -> int:
        """Write the one frame of `frames` and return 1; `mark` goes into all results. Raises OutputError.

        `alpha` (H, W) is what of the frame is transparent.
        """
        (frame,) = frames
        for path, draw in self._outputs.masks:
            write_image(path, draw(frame), self._outputs.overwrite, mark=mark)
        write_image(self._outputs.path, frame.image, self._outputs.overwrite, mark=mark, alpha=alpha)
        return 1


class Recorder:
    """Writes one animation, frame by frame, and its masks in step with it.

    A mask whose name is that of a still picture gets the mask of one frame only, the `peak`.
    """

    def __init__(self, outputs: Outputs, fps: float, *, repeats: bool, sound: Sound | None = None) -> None:
        """Prepare; raises OutputError at once for what could not be written. Nothing is left on disk until `record`.

        `repeats` makes GIFs start again at their end; `sound` goes under an MP4 animation.
        """
        self._writers: list[tuple[FrameWriter, Callable[[AnimatedFrame], Picture]]] = []
        self._stills: list[tuple[str, Callable[[AnimatedFrame], Picture]]] = []
        self._overwrite = outputs.overwrite
        outputs.check_beside()
        self._main = open_writer(outputs.path, fps, loop=repeats, overwrite=outputs.overwrite, sound=sound)
        self._writers.append((self._main, _image))
        for path, draw in outputs.masks:
            if Path(path).suffix.lower() in STILL_SUFFIXES:
                check_output(path, outputs.overwrite, "still")
                self._stills.append((path, draw))
            else:
                self._writers.append((open_writer(path, fps, loop=repeats, overwrite=outputs.overwrite), draw))

    @property
    def sound_failure(self) -> str | None:
        """Why the sound had to be left out, known after `record`."""
        return self._main.sound_failure

    def record(
        self, frames: Iterable[AnimatedFrame], peak: int, mark: Mark | None = None, alpha: Picture | None = None
    ) -> int:
        """Write all `frames` and return their number; the results appear when the last is written, or not at all.

        `mark` is what all of them, the masks too, say of themselves; `alpha` (H, W) what of the frames is transparent.
        """
        self._main.alpha = alpha
        count = 0
        pictures: list[tuple[str, Picture]] = []
        with ExitStack() as stack:
            for writer, _ in self._writers:
                writer.mark = mark
                stack.enter_context(writer)
            for frame in frames:
                for writer, draw in self._writers:
                    writer.append(_rgb(draw(frame)))
                if count == peak:
                    pictures = [(path, draw(frame)) for path, draw in self._stills]
                count += 1
            for path, picture in pictures:
                write_image(path, picture, self._overwrite, mark=mark)
        return count


def _image(frame: AnimatedFrame) -> Picture:
    return frame.image


def _rgb(picture: Picture) -> Picture:
    return picture if picture.ndim == 3 else np.repeat(picture[..., None], 3, axis=2)
