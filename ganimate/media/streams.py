"""What all writers of animations share: frames go in one by one, the result appears whole or not at all."""

from __future__ import annotations

from abc import ABC, abstractmethod
from types import TracebackType
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ganimate.errors import OutputError
from ganimate.media.places import Place
from ganimate.media.provenance import Mark
from ganimate.media.stills import check_pixels
from ganimate.system.files import promise, settle

Frame = NDArray[np.uint8]  # (H, W, 3) RGB


class FrameWriter(Protocol):
    """Takes the frames of one animation inside a `with` block.

    Leaving the block normally completes the result and moves it into place; leaving it by an exception, Ctrl-C
    included, leaves nothing behind.
    """

    mark: Mark | None  # what the result will say of itself; may be given until the first frame
    alpha: NDArray[np.uint8] | None  # (H, W), what of all frames is transparent; likewise. GIF and MP4 show white there
    sound_failure: str | None  # why sound had to be left out, known after the block

    def append(self, frame: Frame) -> None:
        """Take the next frame, (H, W, 3) uint8 RGB, all of one size; the array may be reused afterwards.

        Raises OutputError when it cannot be written, ValueError for an array of another kind or size.
        """

    def __enter__(self) -> FrameWriter: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class PlacedWriter(ABC):
    """A FrameWriter for a Place; the kinds of animation fill in how to begin, add a frame, finish and let go."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.mark: Mark | None = None
        self.alpha: NDArray[np.uint8] | None = None
        self.sound_failure: str | None = None
        self._open = False
        self._shape: tuple[int, ...] | None = None

    @abstractmethod
    def _begin(self, height: int, width: int) -> None:
        """Start, now that the size is known."""

    @abstractmethod
    def _add(self, frame: Frame) -> None:
        """Take one contiguous frame; it is not to be kept."""

    @abstractmethod
    def _finish(self) -> None:
        """Complete the result under the temporary name."""

    def _release(self) -> None:  # noqa: B027 - most have nothing to let go
        """End child processes and close files, whatever has happened."""

    def __enter__(self) -> PlacedWriter:
        self.place.check()
        promise(self, self._undo)
        self._open = True
        return self

    def append(self, frame: Frame) -> None:
        """See FrameWriter."""
        if not self._open:
            raise ValueError("frames can be appended only inside the writer's with block")
        check_pixels(frame)
        if self._shape not in (None, frame.shape):
            raise ValueError(f"all frames must be of one size: {self._shape}, then {frame.shape}")
        with self.place.explained():
            if self._shape is None:
                self._begin(*frame.shape[:2])
                self._shape = frame.shape
            self._add(np.ascontiguousarray(frame))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open = False
        try:
            if error is not None:
                return
            if self._shape is None:
                raise OutputError(f"no frames for '{self.place.shown}'", "ask for at least one frame")
            with self.place.explained():
                self._finish()
                self.place.publish()
        finally:
            self._undo()
            settle(self)

    def _undo(self) -> None:
        self._release()
        self.place.discard()
