"""What the page makes: stills, moves, timelines and repeated clips as files, each with its command line."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import ganimate
from ganimate.web.command_lines import animate_line, drive_line, interpolate_line, result_name, timeline_line
from ganimate.web.editing import Editing, without_photos
from ganimate.web.light import gradio as gr
from ganimate.web.telling import PageProgress, notes_html
from ganimate.web.troubles import telling
from ganimate.web.visits import Visit

Made = tuple[Any, Any, Any, str, str]  # picture, clip, file, command line, notes
MOVIE = (".mp4", ".webm", ".mov")


@dataclass(frozen=True)
class Place:
    """Where a result goes: a path in the visit's folder, and how the command line calls it."""

    path: Path
    name: str

    @classmethod
    def of(cls, visit: Visit, kind: str) -> Place:
        """Return the place of a result of that kind, such as "GIF"."""
        name = result_name(_photo(visit).stem, kind)
        return cls(visit.place(name.rstrip("/")), name)


class Making(Editing):
    """The functions behind the buttons that make files; they have the sliders of the visit, and what is set beside."""

    @telling
    def make_move(
        self,
        kind: str,
        start: str,
        frames: float,
        fps: float,
        easing: str,
        hold: float,
        loop: str,
        blink: bool,
        request: gr.Request,
        progress: gr.Progress = gr.Progress(),
    ) -> Made:
        """Move from `start`, an expression, to what the sliders show: a "GIF", "MP4", "PNG frames" or a "Still".

        Returns the picture or the clip, the file, the command line that makes the same, and what is worth telling.
        """
        visit, listener = self.visit(request), PageProgress(progress)
        photo, place = _photo(visit), Place.of(visit, kind)
        timing: dict[str, Any] = {
            "frames": int(frames),
            "fps": float(fps),
            "easing": easing,
            "hold": hold,
            "loop": loop,
        }
        begins = without_photos(start.strip() or "self")
        expressions = visit.expressions()
        if kind != "Still" and begins != "self":
            to = visit.expression()
            made = ganimate.interpolate(
                photo, begins, to, place.path, face=[visit.face], **timing, **self._means(), progress=listener
            )
            line = interpolate_line(photo.name, visit.face, begins, to, _told(timing), place.name)
        else:
            blinks: Literal["auto"] | None = "auto" if blink and kind != "Still" else None
            made = ganimate.animate(
                photo, expressions or {visit.face: "self"}, place.path, still=kind == "Still", blink=blinks, **timing,
                **self._means(), progress=listener,
            )  # fmt: skip
            options = {"still": True} if kind == "Still" else {**_told(timing), "blink": blinks}
            line = animate_line(photo.name, expressions, options, place.name)
        return _shown(made, line, listener)

    @telling
    def add_keyframe(self, timeline: str, time: float, easing: str, hold: float, request: gr.Request) -> str:
        """Return the timeline, as YAML, with what the sliders show at `time` seconds, and none twice at one time.

        Whatever the timeline does with AUs that are not named, what no slider sets is played as in the photo.
        """
        others = [each for each in ganimate.read_keyframes(timeline) if each.time_s != time]
        shown = self.visit(request).expression()
        if ganimate.read_others(timeline) == "zero" and shown != "self":
            shown = f"self,{shown}"
        row = {"time": time, "expression": shown, "easing": easing, "hold": hold}
        return _written(timeline, [*others, _keyframe(row)])

    @telling
    def edit_keyframes(self, edited: Any, timeline: str, request: gr.Request) -> str:
        """Return the timeline with other keyframes, ``{"keyframes": [{"time": 1, "expression": "fear"}]}``."""
        rows = (edited or {}).get("keyframes") or []
        return _written(timeline, [_keyframe(row) for row in rows])

    @telling
    def list_keyframes(self, timeline: str, request: gr.Request) -> Any:
        """Return the keyframes of a timeline as `edit_keyframes` takes them, or nothing new where it cannot be read."""
        try:
            found = ganimate.read_keyframes(timeline)
        except ganimate.TimelineError:
            return gr.skip()  # somebody is still writing; who plays it is told
        rows = [
            {"time": each.time_s, "expression": str(each.expression), "easing": each.easing, "hold": each.hold_s}
            for each in sorted(found, key=lambda each: each.time_s)
        ]
        return {"keyframes": rows}

    @telling
    def show_keyframe(self, edited: Any, timeline: str, request: gr.Request) -> tuple[Any, float, str, float]:
        """Set the sliders to one of the keyframes, ``"chosen": 0`` beside them; returns them, its time, way and hold.

        What the `timeline` says of AUs that keyframes do not name holds for the sliders, too. What is changed then and
        added at the same time takes the keyframe's place.
        """
        visit, row = self.visit(request), (edited or {})["keyframes"][int(edited["chosen"])]
        keyframe = _keyframe(row)
        self._set_sliders(visit, str(keyframe.expression), ganimate.read_others(timeline))
        return self._panel(visit), keyframe.time_s, keyframe.easing, keyframe.hold_s

    @telling
    def open_timeline(self, file: Any, request: gr.Request) -> str:
        """Return the text of a timeline; raises what is wrong with it."""
        path = self.uploaded(file)
        text = path.read_bytes()[: 256 * 1024 + 1].decode("utf-8-sig", "replace")
        ganimate.parse_timeline(text, file.get("orig_name") or path.name)
        return text

    @telling
    def save_timeline(self, timeline: str, request: gr.Request) -> Any:
        """Return the timeline as a YAML file, which 'ganimate animate --timeline' plays."""
        ganimate.parse_timeline(timeline)
        path = self.visit(request).place("timeline.yaml")
        path.write_text(timeline, "utf-8")
        return gr.update(value=str(path), visible=True)

    @telling
    def make_timeline(
        self, kind: str, timeline: str, request: gr.Request, progress: gr.Progress = gr.Progress()
    ) -> Made:
        """Play a timeline on the face that is worked on; returns as `make_move` does."""
        visit, listener = self.visit(request), PageProgress(progress)
        for keyframe in ganimate.parse_timeline(timeline).keyframes:
            without_photos(str(keyframe.expression))
        photo, place = _photo(visit), Place.of(visit, "GIF" if kind == "Still" else kind)
        script = visit.place("timeline.yaml")
        script.write_text(timeline, "utf-8")
        made = ganimate.animate(
            photo, timeline=script, out=place.path, face=[visit.face], **self._means(), progress=listener
        )
        return _shown(made, timeline_line(photo.name, visit.face, script.name, place.name), listener)

    @telling
    def make_repeat(
        self,
        kind: str,
        clip: Any,
        recorded: Any,
        relative: bool,
        head: bool,
        gaze: bool,
        smooth: float,
        request: gr.Request,
        progress: gr.Progress = gr.Progress(),
    ) -> Made:
        """Let the face that is worked on repeat a `clip`, a table of AUs, or what was `recorded`; see `make_move`."""
        visit, listener = self.visit(request), PageProgress(progress)
        chosen = clip or recorded
        if not chosen:
            raise ganimate.InputError("there is no clip and no table", "choose a file, or record one")
        file = chosen.get("video", chosen)
        path = self.uploaded(file)
        kept = visit.place(Path(file.get("orig_name") or path.name).name)
        shutil.copyfile(path, kept)
        photo, place = _photo(visit), Place.of(visit, "MP4" if kind == "Still" else kind)
        how: dict[str, Any] = {"relative": relative, "head": head, "gaze": gaze, "smooth": smooth}
        made = ganimate.drive(photo, kept, place.path, **how, face=[visit.face], **self._means(), progress=listener)
        filmed = kept.suffix.lower() not in (".csv", ".txt", ".json", ".tsv")
        settings = how | {"smooth": float(smooth) or None}
        line = drive_line(photo.name, visit.face, kept.name, filmed, settings, place.name)
        return _shown(made, line, listener)

    def _means(self) -> dict[str, Any]:
        setup = self.studio.setup
        return {name: getattr(setup, name) for name in ("model", "detector", "device", "backend")}


def _photo(visit: Visit) -> Path:
    visit.opened()
    assert visit.photo is not None  # as all have that are open
    return visit.photo


def _told(timing: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a command line says of the timing: what is not the default."""
    usual = {"frames": 16, "fps": 25.0, "easing": "in-out", "hold": 0.5, "loop": "ping-pong"}
    return {name: value for name, value in timing.items() if value != usual[name]}


def _keyframe(row: Mapping[str, Any]) -> ganimate.Keyframe:
    """Return a keyframe of the page; raises TimelineError and ExpressionError."""
    asked = ganimate.parse_expression(str(row.get("expression", "self")))
    time, hold = (float(row.get(name) or 0.0) for name in ("time", "hold"))
    return ganimate.Keyframe(time, asked, str(row.get("easing") or "in-out"), hold)


def _written(timeline: str, keyframes: Sequence[ganimate.Keyframe]) -> str:
    """Return a timeline with these keyframes; raises TimelineError where they cannot be played one after the other."""
    text = ganimate.with_keyframes(timeline, keyframes)
    if len(keyframes) > 1:  # one alone, at 0, is a beginning
        ganimate.parse_timeline(text)
    return text


def _shown(made: ganimate.Result, line: str, listener: PageProgress) -> Made:
    """Return what the page shows of a result: folders of frames as an archive."""
    path = Path(made.path)
    notes = [*listener.notes, *(f"warning: {doubt.message}; {doubt.hint}" for doubt in made.doubts)]
    if path.is_dir():
        picture: str | None = str(sorted(path.iterdir())[0])
        path = Path(shutil.make_archive(str(path), "zip", path))
    else:
        picture = None if path.suffix in MOVIE else str(path)
    clip = str(path) if path.suffix in MOVIE else None
    return (
        gr.update(value=picture, visible=picture is not None),
        gr.update(value=clip, visible=clip is not None),
        gr.update(value=str(path), visible=True),
        line,
        notes_html(notes),
    )
