"""One animation or still, from what is asked to the written files; prints nothing, and returns what came of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganimate.animation.outputs import Outputs, Recorder, StillRecorder
from ganimate.animation.request import Request, Scene
from ganimate.animation.session import Session, au_facts, face_facts, model_facts
from ganimate.config import Scrutiny
from ganimate.errors import FaceError
from ganimate.facs.words import label
from ganimate.media import Sound, keeps_alpha
from ganimate.media.places import FilePlace
from ganimate.system.progress import Progress
from ganimate.trajectory import LOOPS, save_trajectory
from ganimate.trajectory.plan import nearest

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ganimate.animation.check import Check
    from ganimate.animation.read_back import Doubt


@dataclass(frozen=True)
class Result:
    """What came of a job: the written file, all that is known of it as plain data, and what speaks against it."""

    path: str
    facts: dict[str, Any]
    doubts: tuple[Doubt, ...] = ()


@dataclass(frozen=True)
class Job:
    """An animation that is to be written, and how closely it is looked at."""

    request: Request
    outputs: Outputs
    loop: str = "ping-pong"
    save_trajectory: str | None = None
    scrutiny: Scrutiny = field(default_factory=Scrutiny)
    mark: bool = True
    sound: Sound | None = None

    def make(self, progress: Progress, ready: Session | None = None) -> Result:
        """Do the job, in a session that may be `ready` from another one, and return what came of it."""
        return self.record(self.prepare(progress, ready), progress)

    def prepare(self, progress: Progress, ready: Session | None = None) -> Scene:
        """Find and read the faces, and tell where they go.

        Raises OutputError, before any slow work, where results could not be written.
        """
        read = [Path(name) for name in self.request.photos()]
        if isinstance(self.request.photo, Path):
            read.insert(0, self.request.photo)
        for photo in read:
            self.outputs.check_distinct(photo)
        self._recorder()
        scene = self.request.prepare(progress, ready)
        if self.save_trajectory is not None and len(scene.paths) > 1:
            message = f"a trajectory is that of one face, and {len(scene.paths)} were chosen"
            raise FaceError(message, "choose one with --face, or leave out --save-trajectory")
        scene.tell(progress)
        return scene

    def record(self, scene: Scene, progress: Progress) -> Result:
        """Make, check and write all frames, and what is wanted beside them."""
        from ganimate.animation.check import Check

        with progress.stage("reading the faces"):
            check = Check(scene, self.outputs, self.scrutiny)
        count = self._write(scene, check, progress)
        if self.save_trajectory is not None:
            save_trajectory(scene.trajectories[0], self.save_trajectory, overwrite=self.outputs.overwrite)
        photo = self.request.photo
        check.write(str(photo) if isinstance(photo, Path) else None, scene.mark() if self.mark else None)
        check.tell(progress)
        return Result(self.outputs.path, self._facts(scene, count, check), tuple(check.doubts()))

    def _recorder(self) -> Recorder | StillRecorder:
        """Return what will write the result; raises OutputError where it could not."""
        if self.save_trajectory is not None:
            FilePlace(self.save_trajectory, self.outputs.overwrite).check()
        if self.request.still:
            return StillRecorder(self.outputs)
        fps = self.request.common.plan.fps
        return Recorder(self.outputs, fps, repeats=LOOPS[self.loop].repeats, sound=self.sound)

    def _alpha(self, scene: Scene, progress: Progress) -> NDArray[np.uint8] | None:
        """Return what is transparent in the result, and note where it shows nothing of what is so in the photo."""
        if scene.alpha is None:
            return None
        if self.scrutiny.compare or not keeps_alpha(self.outputs.path):
            keepers = "PNG frames and stills in PNG or WebP keep it, without --compare"
            progress.note(f"what is transparent becomes white: {keepers}")
            return None
        return scene.alpha

    def _write(self, scene: Scene, check: Check, progress: Progress) -> int:
        """Generate and write all frames; return their number."""
        recorder, alpha = self._recorder(), self._alpha(scene, progress)
        paths, name = scene.trajectories, Path(self.outputs.path).name
        with progress.count("making frames", len(paths[0]), f"writing {name}") as counted:
            frames = counted(check.watch(scene.frames(lasting=False)))
            mark = scene.mark() if self.mark else None
            count = recorder.record(frames, nearest(paths, scene.targets), mark, alpha)
        if isinstance(recorder, Recorder) and recorder.sound_failure is not None:
            progress.note(f"the sound could not be kept: {recorder.sound_failure}")
        return count

    def _facts(self, scene: Scene, count: int, check: Check) -> dict[str, Any]:
        """Return the result as plain data."""
        prepared, path = scene.prepared, scene.trajectories[0]
        duration = {} if self.request.still else {"fps": path.fps, "duration_s": round(path.duration_s, 3)}
        extra = {
            "attention": self.outputs.attention, "color": self.outputs.color, "trajectory": self.save_trajectory,
        }  # fmt: skip
        return {
            "path": self.outputs.path,
            "frames": count,
            **duration,
            "width_px": check.width_px,
            "height_px": prepared.photo.shape[0],
            "model": model_facts(prepared.entry),
            "marked": self.mark,
            "faces": [_face(scene, place, check) for place in range(len(scene.paths))],
            **{name: path for name, path in extra.items() if path is not None},
            **check.facts(),
        }


def _face(scene: Scene, place: int, check: Check) -> dict[str, Any]:
    prepared = scene.prepared
    return {
        **face_facts(prepared, place),
        "y_r": au_facts(prepared.aus, prepared.people[place].source_aus),
        "y_g": au_facts(prepared.aus, scene.targets[place]),
        "left_out": [label(word) for word in scene.paths[place].left_out],
        **check.peak_facts(place),
    }
