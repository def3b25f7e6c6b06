"""A model is measured: held-out people are animated just as users' photos are, and the results are looked at.

All goes through the `Animator`, paste included, so what is measured is what users get: at the crop's own resolution,
as photos serve the pack's stored pictures, crop and margin.
"""

from __future__ import annotations

import math
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np
from numpy.typing import NDArray

from ganimate.animation.animator import AnimatedFrame, Animator, PreparedFace
from ganimate.data.pack import MARGIN
from ganimate.evaluation.bars import PAINTED, Floats, Metric
from ganimate.evaluation.intervals import with_intervals
from ganimate.evaluation.judge_worth import JudgeWorth
from ganimate.evaluation.metrics import (
    LEVELS,
    change_matrix,
    frechet_distance,
    identity_metrics,
    pair_metrics,
    response_metrics,
    seen_metrics,
    sharpness_metric,
)
from ganimate.evaluation.protocol import SHEET_PEOPLE, EvaluationProtocol
from ganimate.face.crop import Box, Crop, Face, Image
from ganimate.face.likeness import energy_where_moved, face_region, mean_change, ssim
from ganimate.facs.words import place_of
from ganimate.trajectory import Trajectory
from ganimate.zoo.checkpoint import Model

AROUND_FACE = 0.08  # crop widths around the face that may move with it: a dropped jaw, raised brows

Work = Generator[None, None, None]


@dataclass(frozen=True)
class Subject:
    """A face of the pack as a photo (P, P, 3) and as a person; `landmarks` (68, 2) in crop widths."""

    photo: Image
    person: PreparedFace
    landmarks: NDArray[np.float32]

    @property
    def face(self) -> Image:
        """The crop (S, S, 3), as cut for animation."""
        return self.person.crop.image

    def crop_of(self, photo: Image) -> Image:
        """Return the crop (S, S, 3) of another picture of the photo."""
        left, top = (round(-offset) for offset in self.person.crop.source_to_crop[:, 2])
        size = len(self.face)
        return photo[top : top + size, left : left + size]


@dataclass(frozen=True)
class ModelMeasurement:
    """What is measured of the model `name`: `matrix` (N asked, N read) is the AU response.

    Of some people, their photos' `names`, their `faces` as crops, and in `results` each with each AU at 1.
    """

    name: str
    aus: tuple[int, ...]
    metrics: tuple[Metric, ...]
    matrix: Floats
    names: tuple[str, ...]
    faces: tuple[Image, ...]
    results: tuple[tuple[Image, ...], ...]

    def find(self, key: str, au: int | None = None) -> Metric | None:
        """Return the metric of that key, of one AU or of all, or None where it could not be measured."""
        return next((m for m in self.metrics if m.key == key and m.au == au and m.read_au is None), None)


def measure_model(
    protocol: EvaluationProtocol, model: Model, name: str, worth: JudgeWorth
) -> Generator[None, None, ModelMeasurement]:
    """Return what is measured of `model`; yields after each photo, `protocol.photos` times in all."""
    protocol.check(model.card, name)
    measuring = _Measuring(protocol, Animator(model))
    yield from measuring.ask_each_au()
    yield from measuring.leave_as_is()
    yield from measuring.copy_pairs()
    yield from measuring.face_the_crowd()
    return measuring.result(name, worth)


@dataclass
class _Measuring:
    """A model under measurement, and what was seen of it so far."""

    protocol: EvaluationProtocol
    animator: Animator
    readings: list[Floats] = field(default_factory=list)  # (N asked, L, N read) a person
    attention: list[Floats] = field(default_factory=list)  # (N, 2) a person: mean A, share that is painted
    outside: list[Floats] = field(default_factory=list)  # (N,) a person
    energies: list[Floats] = field(default_factory=list)  # (N, 2) a person: of the result, of the source
    distances: list[Floats] = field(default_factory=list)  # a person; none without an embedder
    untouched: list[float] = field(default_factory=list)
    changed: list[tuple[float, float]] = field(default_factory=list)  # L1 and SSIM of a pair
    unchanged: list[tuple[float, float]] = field(default_factory=list)
    frechet: float | None = None
    shown: list[tuple[Image, tuple[Image, ...]]] = field(default_factory=list)

    def subject(self, index: int) -> Subject:
        """Return a face of the pack, its AUs read by the model's own head."""
        pack, size = self.protocol.pack, self.protocol.pack.spec.size_px
        start, points = round(size * MARGIN), self.protocol.pack.landmarks[index]
        crop = Crop(self.protocol.face(index), np.array([[1.0, 0.0, -start], [0.0, 1.0, -start]]))
        face = Face(Box(*points.min(0).tolist(), *points.max(0).tolist()), points)
        own = self.animator.look([face], [crop])[0]
        landmarks = (points + np.float32(0.5 - start)) / np.float32(size)
        glasses = self.animator.glasses(face, crop)
        (person,) = self.animator.assemble([pack.image(index)], [face], [crop], [own], [glasses])
        return Subject(pack.image(index), person, landmarks)

    def show(self, subject: Subject, goals: NDArray[np.float32]) -> list[AnimatedFrame]:
        """Return the photo with each of the goals (F, W), the model's rows, as an animation's frames."""
        path = Trajectory(goals, 1.0, self.animator.model.card.words)
        return list(self.animator.frames(subject.photo, [subject.person], [path]))

    def goal(self, subject: Subject, photo: int) -> NDArray[np.float32]:
        """Return what the model is to show (1, W): the labels of another photo, and what is its own beside them."""
        goal = subject.person.source_aus.copy()
        for au, label in zip(self.protocol.aus, self.protocol.labels[photo], strict=True):
            goal[place_of(au, self.animator.model.card.words)] = label
        return goal[None]

    def ask_each_au(self) -> Work:
        """Ask each person for each AU at each level, the others as in the photo."""
        n_aus, n_levels = len(self.protocol.aus), len(LEVELS)
        for place, index in enumerate(self.protocol.held_out.people):
            subject = self.subject(int(index))
            words = self.animator.model.card.words
            goals = np.tile(subject.person.source_aus, (n_aus, n_levels, 1))  # (N, L, W)
            for goal, au in zip(goals, self.protocol.aus, strict=True):
                goal[:, place_of(au, words)] = np.array(LEVELS)[:, None]
            frames = self.show(subject, goals.reshape(-1, len(words)))
            read, _ = self.protocol.read(np.stack([subject.crop_of(frame.image) for frame in frames]))
            self.readings.append(read.reshape(n_aus, n_levels, n_aus))
            full = frames[n_levels - 1 :: n_levels]
            self._look(subject, full)
            # an embedding takes as long as all else: of every person every second AU, as on a chessboard
            self._compare(subject, full[place % 2 :: 2] or full)
            yield

    def _look(self, subject: Subject, frames: Sequence[AnimatedFrame]) -> None:
        """Measure one person's pictures with each AU at 1."""
        crops = [subject.crop_of(frame.image) for frame in frames]
        background = ~face_region(subject.landmarks, len(subject.face), AROUND_FACE)
        edits = [frame.edits[0] for frame in frames]
        self.attention.append(np.array([(e.attention.mean(), (e.attention < PAINTED).mean()) for e in edits], float))
        self.outside.append(np.array([mean_change(crop, subject.face, background) for crop in crops]))
        energies = (
            energy_where_moved(subject.face, crop, edit.attention, edit.displacement)
            for crop, edit in zip(crops, edits, strict=True)
        )
        self.energies.append(np.array(list(energies), float))
        if len(self.shown) < SHEET_PEOPLE:
            self.shown.append((subject.face, tuple(crops)))

    def _compare(self, subject: Subject, frames: Sequence[AnimatedFrame]) -> None:
        """Measure how far one person's pictures are from who it is."""
        found: list[float] = []
        if self.protocol.embedder is not None:
            points = subject.person.face.landmarks
            own = self.protocol.embedder.embed(subject.photo, points)
            embeddings = (self.protocol.embedder.embed(frame.image, points) for frame in frames)
            found = [float(np.linalg.norm(embedding - own)) for embedding in embeddings]
        self.distances.append(np.array(found))

    def leave_as_is(self) -> Work:
        """Ask each person for what the photo shows already."""
        for index in self.protocol.held_out.people:
            subject = self.subject(int(index))
            (frame,) = self.show(subject, subject.person.source_aus[None])
            self.untouched.append(mean_change(subject.crop_of(frame.image), subject.face))
            yield

    def copy_pairs(self) -> Work:
        """Give a person the expression of another photo of the same person, and compare with that photo."""
        for index, other in self.protocol.held_out.pairs:
            subject, goal = self.subject(int(index)), self.subject(int(other))
            (frame,) = self.show(subject, self.goal(subject, int(other)))
            where = face_region(subject.landmarks, len(subject.face)) | face_region(goal.landmarks, len(goal.face))
            for seen, face in ((self.changed, subject.crop_of(frame.image)), (self.unchanged, subject.face)):
                seen.append((mean_change(face, goal.face, where), ssim(face, goal.face, where)))
            yield

    def face_the_crowd(self) -> Work:
        """Give each photo of the crowd the expression of the next, and compare all results with all photos."""
        crowd, made, real = self.protocol.held_out.crowd, [], []
        for index, other in zip(crowd, np.roll(crowd, -1), strict=True):
            subject = self.subject(int(index))
            (frame,) = self.show(subject, self.goal(subject, int(other)))
            made.append(subject.crop_of(frame.image))
            real.append(subject.face)
            yield
        if not len(crowd):
            return
        features = [self.protocol.read(np.stack(faces))[1] for faces in (real, made)]
        if len(crowd) > features[0].shape[1]:  # fewer do not settle their covariance
            self.frechet = frechet_distance(*features)

    def result(self, name: str, worth: JudgeWorth) -> ModelMeasurement:
        """Return all that was seen, as numbers."""
        held_out, pack = self.protocol.held_out, self.protocol.pack
        names = tuple(str(pack.names[index]) for index in held_out.people[: len(self.shown)])
        metrics = [
            *with_intervals(partial(self._measure_people, worth), np.arange(len(held_out.people))),
            *with_intervals(self._measure_pairs, pack.person[held_out.pairs[:, 0]].astype(np.int64)),
        ]
        if self.frechet is not None:
            metrics.append(Metric("frechet_judge_features", self.frechet, len(held_out.crowd)))
        faces, results = zip(*self.shown, strict=True)
        matrix = change_matrix(np.stack(self.readings))
        return ModelMeasurement(name, self.protocol.aus, tuple(metrics), matrix, names, faces, results)

    def _measure_people(self, worth: JudgeWorth, places: NDArray[np.int64]) -> list[Metric]:
        """Return what is measured of the people at some places, of whom some may be there more than once."""
        n, readings = len(places), np.stack(self.readings)[places]
        distances = [self.distances[place] for place in places]
        often = self.protocol.pack.seen_often[self.protocol.held_out.people[places]]
        attention, painted = np.stack(self.attention)[places].mean((0, 1))
        result, source = np.stack(self.energies)[places].sum((0, 1))
        found = [
            *response_metrics(readings, worth),
            *identity_metrics(np.concatenate(distances), n),
            Metric("untouched_change", float(np.array(self.untouched)[places].mean()), n),
            Metric("outside_change", float(np.stack(self.outside)[places].mean()), n),
            Metric("attention_mean", float(attention), n),
            Metric("painted_share", float(painted), n),
            *sharpness_metric(float(result), float(source), n),
            *seen_metrics(readings, distances, often, worth),
        ]
        return [metric for metric in found if math.isfinite(metric.value)]

    def _measure_pairs(self, places: NDArray[np.int64]) -> list[Metric]:
        """Return what is measured of the pairs at some places."""
        found = pair_metrics(*(np.array(seen).reshape(-1, 2)[places] for seen in (self.changed, self.unchanged)))
        return [metric for metric in found if math.isfinite(metric.value)]
