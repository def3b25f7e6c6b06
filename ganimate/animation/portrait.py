"""A photo that is looked at once, and whose faces then show one expression after another: for editing by eye.

What a photo costs once (faces, crops, meshes, y_r) is kept, and so is each face's last edit: while one face is edited,
only that one is made anew. Pictures are small copies, made by the same mesh, muscles and paint as the results.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from ganimate.animation import session
from ganimate.animation.session import Session
from ganimate.config import Setup
from ganimate.errors import FaceError
from ganimate.facs import ACTION_UNITS, TURNS, ActionUnit, Others, Word, parse_expression
from ganimate.facs.words import fold, limits
from ganimate.system.progress import Progress, Silent

if TYPE_CHECKING:
    import os
    from pathlib import Path

    from ganimate.animation.animator import AnimatedFrame, PreparedFace
    from ganimate.animation.read_back import Reader
    from ganimate.animation.small_copy import SmallCopy
    from ganimate.face.crop import Face, Image
    from ganimate.media.provenance import Mark
    from ganimate.render.compose import FaceEdit
    from ganimate.trajectory.plan import Row

PREVIEW_PX = 512


@dataclass(frozen=True)
class View:
    """What a picture of a portrait shows: the whole photo, or, with its number, one `face` close up; how large."""

    face: int | None = None
    size_px: int = PREVIEW_PX


class Studio:
    """A model and a detector, ready for photos; the model loads with the first of them, or when it is warmed up."""

    def __init__(
        self,
        model: str | os.PathLike[str] = Setup.model,
        detector: str = Setup.detector,
        device: str = Setup.device,
        *,
        backend: str = Setup.backend,
        progress: Progress | None = None,
    ) -> None:
        """Find the model; raises ModelError."""
        self.setup, self._progress = Setup(str(model), detector, device, backend), progress or Silent()
        self._session = session.open_session(self.setup, self._progress)

    @property
    def units(self) -> tuple[ActionUnit, ...]:
        """The action units of the model, in its order."""
        return tuple(ACTION_UNITS[number] for number in self._session.entry.card.aus)

    @property
    def sided(self) -> bool:
        """Whether the model moves the sides of a face apart."""
        return any(isinstance(word, str) for word in self._session.entry.card.words)

    @property
    def turns(self) -> dict[str, tuple[str, float]]:
        """The turns of head and eyes that the model knows: what each means, and how far it goes, in degrees."""
        known = self._session.entry.card.words
        return {word: (text, limits(word)[1]) for word, text in TURNS.items() if word in known}

    def warm_up(self) -> None:
        """Load the model and the reader now, so that the first photo need not wait; raises ModelError, ConfigError."""
        from ganimate.animation.check import choose_reader

        choose_reader(self._session.animator)

    def open(self, photo: Path | Image, progress: Progress | None = None) -> Portrait:
        """Return a photo with its faces found; raises PhotoError and FaceError."""
        telling = progress or self._progress
        image = session.open_photo(photo, telling).image
        return Portrait(image, session.find_faces(image, self.setup.detector, telling), self._session)


class Portrait:
    """A photo and its faces, numbered from 1, the largest first. May be used from several threads."""

    def __init__(self, photo: Image, found: Sequence[Face], ready: Session) -> None:
        self.photo, self._found, self._session = photo, found, ready
        self._lock = threading.RLock()
        self._people: dict[int, PreparedFace] = {}
        self._edits: dict[int, tuple[bytes, FaceEdit]] = {}  # the last of each face, and what it was asked
        self._copies: dict[View, SmallCopy] = {}
        self._reader: Reader | None = None

    @property
    def boxes(self) -> list[tuple[float, float, float, float]]:
        """Left, top, right and bottom of each face in pixels of the photo."""
        return [(face.box.left, face.box.top, face.box.right, face.box.bottom) for face in self._found]

    def shown(self, face: int) -> dict[str, float]:
        """Return the AUs that a face shows in the photo, y_r, by words: ``12``, or ``12L`` where sides differ."""
        return self._named(self._person(face).source_aus)

    def asked(self, face: int, expression: str, others: Others = "auto") -> dict[str, float]:
        """Return the AUs and turns that an expression asks of a face, y_g, likewise; raises ExpressionError.

        `others` is what becomes of those that it does not name.
        """
        return self._named(self._target(face, expression, others))

    def picture(self, expressions: Mapping[int, str], view: View | None = None) -> Image:
        """Return the photo, or what `view` shows of it, with an expression on some of its faces, by number.

        The longest side is at most the view's size. Raises ExpressionError and FaceError.
        """
        with self._lock:
            frame = self._frame(expressions, view or View())
        return frame

    def mark(self, expressions: Mapping[int, str]) -> Mark:
        """Return what pictures with these expressions say of themselves."""
        from ganimate.media.provenance import Mark

        return Mark(self._session.entry.card.name, self._session.entry.digest, tuple(expressions.values()))

    def maps(self, face: int, expression: str) -> tuple[Image, Image]:
        """Return the attention (S, S, 3), white where the photo is kept, and the colour (S, S, 3) of one face."""
        from ganimate.animation.outputs import attention_picture, color_picture

        with self._lock:
            frame = self._edited(face, expression)
        attention = attention_picture(frame)
        return np.repeat(attention[..., None], 3, axis=2), color_picture(frame)

    def read_again(self, face: int, expression: str) -> tuple[str, dict[str, float]]:
        """Return who reads the finished face, and the AUs that it reads there, of those that it knows."""
        from ganimate.animation.check import choose_reader
        from ganimate.face.crop import align, cut

        with self._lock:
            if self._reader is None:
                self._reader = choose_reader(self._session.animator)
            reader, person = self._reader, self._person(face)
            image = self._session.animator.still(self.photo, [person], [self._target(face, expression)]).image
            crop = cut(image, align(person.face.landmarks, reader.spec), reader.spec.size_px).image
            read = dict(zip(reader.aus, reader.read(crop[None])[0], strict=True))
        return reader.name, {str(au): round(float(read[au]), 4) for au in self._session.entry.card.aus if au in read}

    def _named(self, row: Row) -> dict[str, float]:
        words, columns = fold(self._words, row)
        return {str(word): round(float(value), 4) for word, value in zip(words, row[columns], strict=True)}

    @property
    def _words(self) -> tuple[Word, ...]:
        return self._session.entry.card.words

    def _person(self, face: int) -> PreparedFace:
        if not 1 <= face <= len(self._found):
            raise FaceError(f"there is no face {face} in the photo", f"its faces are 1 to {len(self._found)}")
        with self._lock:
            if face not in self._people:
                (self._people[face],) = self._session.animator.prepare(self.photo, [self._found[face - 1]])
            return self._people[face]

    def _target(self, face: int, expression: str, others: Others = "auto") -> Row:
        return parse_expression(expression).resolve(self._person(face).source_aus, self._words, others)

    def _edit(self, face: int, expression: str) -> FaceEdit:
        target = self._target(face, expression)
        key, edit = self._edits.get(face, (b"", None))
        if edit is None or key != target.tobytes():
            (edit,) = self._session.animator.edit([self._person(face)], target[None])
            self._edits[face] = target.tobytes(), edit
        return edit

    def _edited(self, face: int, expression: str) -> AnimatedFrame:
        from ganimate.animation.animator import AnimatedFrame

        return AnimatedFrame(self.photo, (self._edit(face, expression),))

    def _frame(self, expressions: Mapping[int, str], view: View) -> Image:
        from ganimate.animation.small_copy import SmallCopy

        if view not in self._copies:
            near = None if view.face is None else self._person(view.face).crop
            self._copies[view] = SmallCopy(self.photo, near, view.size_px)
        copy = self._copies[view]
        moved = {face: text for face, text in expressions.items() if not self._rests(face, text)}
        people = [self._person(face) for face in moved]
        edits = [self._edit(face, text) for face, text in moved.items()]
        pasters, compositor = copy.ready_for(people)
        return compositor.compose([partial(edit.paste, paster) for edit, paster in zip(edits, pasters, strict=True)])

    def _rests(self, face: int, expression: str) -> bool:
        return bool(np.array_equal(self._target(face, expression), self._person(face).source_aus))
