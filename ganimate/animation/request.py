"""What is asked of the faces of one photo, and what comes of it before the first frame: where each face goes.

Texts become plans here; libraries load when a request is prepared.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ganimate.animation import other_photos, session
from ganimate.animation.session import PreparedPhoto, Session
from ganimate.config import Driving, Motion, Setup
from ganimate.errors import ExpressionError
from ganimate.facs import Expression, Turn, Word, combine, parse_expression
from ganimate.facs import Others as Others
from ganimate.facs.words import bounds, label, order, title, value_text
from ganimate.system.progress import Progress, Table
from ganimate.timeline import NaturalBlinks, NoBlinks, Timeline, for_face, load_timeline, with_blinks
from ganimate.trajectory import Performance, Trajectory, format_trajectory, load_trajectory
from ganimate.trajectory.plan import SELF, WORTH_TELLING, Move, Perform, Plan, Replay, Row, folded, moves

if TYPE_CHECKING:
    from ganimate.animation.animator import AnimatedFrame, PreparedFace
    from ganimate.face.crop import Image
    from ganimate.face.detect import Selection
    from ganimate.media import Photo
    from ganimate.media.provenance import Mark


def move(start: Sequence[str], to: Sequence[str], others: Others, motion: Motion) -> Plan:
    """Return the plan of a move between expressions, each in one or several texts; raises ExpressionError."""
    return Move(expression(to), expression(start), others, motion)


def replay(path: str) -> Plan:
    """Return the plan that is recorded in the CSV file `path`; raises ExpressionError."""
    return Replay(load_trajectory(path))


def perform(performance: Performance, driving: Driving, fps: float | None) -> Perform:
    """Return the plan of repeating a performance, at `fps` or as fast as `driving` takes it."""
    return Perform(performance, fps or driving.fps_for(performance.fps), driving.smooth_s, driving.relative)


def expression(texts: Sequence[str]) -> Expression:
    """Return what one or several texts ask for, of which later ones win; raises ExpressionError."""
    return combine(parse_expression(text) for text in texts)


def correction(text: str | None) -> Expression:
    """Return what a face shows instead of what the model reads; without a `text`, just that; raises ExpressionError."""
    told = SELF if text is None else parse_expression(text)
    for term in told.terms:
        if isinstance(term, Turn):
            message = f"what the photo shows is where head and eyes are at rest, and {str(term)!r} would turn them"
            raise ExpressionError(message, f"leave {term.name} out of --from, and ask for it with --au")
    return told


def timeline(path: str, fps: float | None) -> Timeline:
    """Return the plan in the YAML file `path`, at `fps` if that is not None; raises TimelineError."""
    told = load_timeline(path)
    return told if fps is None else replace(told, fps=fps)


def blinking(plan: Plan, blink: str, seed: int) -> Plan:
    """Return the plan with blinks at natural intervals ("auto"), or without any ("off")."""
    return with_blinks(plan, NaturalBlinks(seed=seed) if blink == "auto" else NoBlinks())


@dataclass(frozen=True)
class FaceRequest:
    """What is asked of one face; `seen_as` is an expression that corrects what the model reads from it."""

    plan: Plan
    seen_as: Expression = SELF

    def photos(self) -> tuple[str, ...]:
        """Return the paths of the other photos that are asked for."""
        return other_photos.photos_of(self.plan) + self.seen_as.photos()

    def check(self, ready: Session, progress: Progress) -> None:
        """Raise what is wrong with it whatever the photo: PhotoError for another one, ExpressionError for an AU."""
        names = self.photos()
        other_photos.open_photos(names, progress)
        _tell_left_out([self], ready.entry.card.words, progress)
        ready.check(other_photos.filled(self.plan, other_photos.blank(names, ready.entry.card.words)))

    def left_out(self, aus: Sequence[Word]) -> tuple[Word, ...]:
        """Return the words of what is asked that a model of `aus` lacks, and that are left out for that."""
        return tuple(sorted({*self.seen_as.left_out(aus), *self.plan.left_out(aus)}, key=order))

    def blinking(self, blink: str, seed: int) -> FaceRequest:
        """Return the same with blinks, as `blinking` says."""
        return replace(self, plan=blinking(self.plan, blink, seed))


@dataclass(frozen=True)
class FacePath:
    """What one face does: its trajectory, and the expression y_g (N,) that this leads to.

    It `wanders` where that is only one of many things that it shows on its way. `left_out` are the words of what was
    asked that the model lacks.
    """

    trajectory: Trajectory
    target: Row
    wanders: bool = False
    left_out: tuple[Word, ...] = ()


@dataclass(frozen=True)
class Scene:
    """A photo whose chosen faces know where they go, and `alpha` (H, W) where it is transparent somewhere."""

    prepared: PreparedPhoto
    paths: tuple[FacePath, ...]
    alpha: NDArray[np.uint8] | None = None

    @property
    def trajectories(self) -> list[Trajectory]:
        """Each face's own, all of one length."""
        return [path.trajectory for path in self.paths]

    def tables(self) -> list[str]:
        """Return each face's trajectory as a table for people, a line a frame."""
        return [format_trajectory(path) for path in self.trajectories]

    @property
    def targets(self) -> list[Row]:
        """The expression (N,) that each face is led to."""
        return [path.target for path in self.paths]

    def frames(self, lasting: bool = True) -> Iterator[AnimatedFrame]:
        """Return the frames, which are made when they are asked for; see `Animator.frames` for `lasting`."""
        prepared = self.prepared
        return prepared.animator.frames(prepared.photo, prepared.people, self.trajectories, lasting)

    def mark(self) -> Mark:
        """Return what results say of themselves."""
        return self.prepared.mark(self.trajectories)

    def tell(self, progress: Progress) -> None:
        """Note what each face shows, and of the AUs that move where they go."""
        for place, path in enumerate(self.paths):
            _tell_path(self.prepared, place, path, progress)


@dataclass(frozen=True)
class Request:
    """What is asked of the chosen `faces` of a photo, which may be read already; `still` is a picture of the target.

    `apart` has the faces, by their numbers, of which something of their own is asked; its plans have the frames of
    `common`'s. `opened` is the photo of a path that was read before.
    """

    photo: Path | Image
    common: FaceRequest
    setup: Setup = field(default_factory=Setup)
    faces: Selection = "largest"
    apart: Mapping[int, FaceRequest] = field(default_factory=dict)
    still: bool = False
    opened: Photo | None = None

    def photos(self) -> list[str]:
        """Return the paths of the other photos that are asked for."""
        return [name for each in (self.common, *self.apart.values()) for name in each.photos()]

    def prepare(self, progress: Progress, ready: Session | None = None) -> Scene:
        """Find the faces, read them, and return where each goes; `ready` is a session of another request.

        Raises PhotoError, ModelError, ConfigError, ExpressionError and FaceError, the quick ones first.
        """
        photo = self.opened or session.open_photo(self.photo, progress)
        names = self.photos()
        others = other_photos.open_photos(names, progress)
        open_session = ready or Session.of(self.setup, progress)
        aus = open_session.entry.card.words
        blank = other_photos.blank(names, aus)
        wishes = (self.common, *self.apart.values())
        open_session.check(*(other_photos.filled(each.plan, blank) for each in wishes))
        _tell_left_out(wishes, aus, progress)
        if isinstance(self.common.plan, Perform) and self.common.plan.evened(aus):
            progress.note("the model moves both sides of a face alike: it shows the mean of the clip's left and right")
        prepared = open_session.prepare(photo.image, self.faces, progress)
        readings = other_photos.read_photos(others, prepared.animator, self.setup.detector, progress)
        asked = [self.apart.get(number, self.common) for number in prepared.numbers]
        prepared = prepared.corrected([each.seen_as.with_readings(readings) for each in asked])
        plans = [for_face(other_photos.filled(each.plan, readings), place) for place, each in enumerate(asked)]
        missing = [each.left_out(aus) for each in asked]
        paths = zip(plans, prepared.people, missing, strict=True)
        return Scene(prepared, tuple(self._path(*each, aus) for each in paths), photo.alpha)

    def _path(self, plan: Plan, person: PreparedFace, missing: tuple[Word, ...], aus: tuple[Word, ...]) -> FacePath:
        target = plan.goal(person.source_aus, aus)
        path = Trajectory(target[None], 1.0, aus) if self.still else plan.trajectory(person.source_aus, aus)
        return FacePath(path, target, isinstance(plan, Perform) and not self.still, missing)


def _tell_left_out(wishes: Sequence[FaceRequest], aus: Sequence[Word], progress: Progress) -> None:
    """Note which AUs of what is asked of some faces the model lacks."""
    missing = sorted({word for each in wishes for word in each.left_out(aus)}, key=order)
    what = "clip" if any(isinstance(each.plan, Perform) for each in wishes) else "expression"
    if missing:
        progress.note(left_out_note(missing, what))


def left_out_note(missing: Sequence[Word], what: str) -> str:
    """Return what is told of words that the model lacks of `what`, such as "expression"."""
    return f"the model lacks {', '.join(map(label, missing))} of the {what}: left out"


def _tell_path(prepared: PreparedPhoto, place: int, path: FacePath, progress: Progress) -> None:
    shown, kept_columns = folded(path.trajectory, prepared.people[place].source_aus, path.target)
    source_aus, target = prepared.people[place].source_aus[kept_columns], path.target[kept_columns]
    moved = moves(shown, source_aus)
    columns = {"photo": source_aus} | _told_columns(replace(path, trajectory=shown, target=target), moved, source_aus)
    words = shown.aus
    progress.note(f"face {prepared.numbers[place]} of {prepared.found}")
    if moved.any():
        rows = tuple(
            (f"  {label(words[n])}", title(words[n]), *(value_text(words[n], row[n]) for row in columns.values()))
            for n in np.flatnonzero(moved)
        )
        progress.table(Table(("", "", *columns), rows, numeric=(2, 3, 4)))
    else:
        progress.note("  already shows what is asked for, so nothing will move")
    kept = np.flatnonzero(~moved & (source_aus >= WORTH_TELLING))
    if len(kept):
        progress.note(f"  as in the photo: {', '.join(f'{label(words[n])} {source_aus[n]:.2f}' for n in kept)}")


def _told_columns(path: FacePath, moved: NDArray[np.bool_], source_aus: Row) -> dict[str, Row]:
    """Return what is told of the AUs that move: whence and where to, or how far down and up where they do both."""
    values, target = path.trajectory.values, path.target
    start, least, most = values[0], values.min(axis=0), values.max(axis=0)
    furthest = bounds(path.trajectory.aus)[1]
    beyond = np.maximum(most - np.maximum(start, target), np.minimum(start, target) - least) / furthest
    if path.wanders or (beyond[moved] >= WORTH_TELLING).any():  # they blink, or a timeline has them come and go
        return {"least": least, "most": most}
    from_elsewhere = len(values) > 1 and float((np.abs(start - source_aus) / furthest).max()) >= WORTH_TELLING
    return {"from": start, "to": target} if from_elsewhere else {"to": target}
