"""What the page does with a photo: open it, choose a face, move its sliders, and look closely."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import ganimate
from ganimate.web.light import gradio as gr
from ganimate.web.pictures import data_uri
from ganimate.web.telling import readings_html, told_html
from ganimate.web.troubles import telling
from ganimate.web.visits import Visit, Visits, spoken

WHOLE, CLOSE_UP = "whole photo", "close-up"
SMALL = 0.25  # of the photo's width: a face that is smaller is shown close up at first, if it is the only one


Opened = tuple[Any, Any, Any, Any]


class Editing:
    """The functions behind photo, sliders and presets. All are given the request, which says whose visit it is."""

    def __init__(self, studio: ganimate.Studio, visits: Visits, uploads: Path, example: Path | None = None) -> None:
        """Prepare; `uploads` is the folder in which what is uploaded lies, `example` a photo to begin with."""
        self.studio, self._visits, self._uploads, self._example = studio, visits, uploads, example

    def warm_up(self) -> None:
        """Load the model while the visitor looks for a photo."""
        threading.Thread(target=self.studio.warm_up, daemon=True).start()

    @telling
    def open_photo(self, photo: Any, request: gr.Request) -> Opened:
        """Open a photo, find its faces, and return the picture, the sliders, the view and the photo's name.

        `photo` is a file: of gradio_client, `handle_file("me.jpg")`.
        """
        if not photo:
            return gr.skip(), gr.skip(), gr.skip(), gr.skip()
        uploaded = self.uploaded(photo)
        return self._open(self._visits.of(request.session_hash), uploaded, photo.get("orig_name") or uploaded.name)

    @telling
    def open_example(self, request: gr.Request) -> Opened:
        """Open the example photo; returns as `open_photo` does."""
        if self._example is None:
            raise ganimate.InputError("there is no example photo", "open one of your own")
        return self._open(self._visits.of(request.session_hash), self._example, self._example.name)

    def _open(self, visit: Visit, photo: Path, name: str) -> Opened:
        kept = visit.place(Path(name).name)
        shutil.copyfile(photo, kept)
        visit.take(kept, self.studio.open(kept))
        left, _, right, _ = visit.opened().boxes[0]
        small = len(visit.opened().boxes) == 1 and right - left < SMALL * visit.opened().photo.shape[1]
        view = CLOSE_UP if small else WHOLE
        return self._stage(visit, view), self._panel(visit), view, kept.name

    def uploaded(self, file: Mapping[str, Any]) -> Path:
        """Return where an uploaded file lies; raises InputError for any other."""
        path = Path(str(file.get("path"))).resolve()
        if not path.is_relative_to(self._uploads.resolve()) or not path.is_file():
            raise ganimate.InputError("only files that were uploaded to this page can be used", "upload it again")
        return path

    @telling
    def choose_face(self, chosen: Any, request: gr.Request) -> tuple[Any, Any]:
        """Work on another face, ``{"chosen": 2}``, and return the picture and its sliders; each face keeps its own."""
        visit = self._visits.of(request.session_hash)
        number = int((chosen or {}).get("chosen", 1))
        visit.opened().shown(number)
        visit.face = number
        return {"chosen": number}, self._panel(visit)

    @telling
    def preview(self, sliders: Any, view: str, request: gr.Request) -> Any:
        """Return the picture with these sliders, ``{"values": {"12": 1.0}}``, on the face that is worked on.

        `view` is "whole photo" or "close-up"; with ``"face": 2`` they are those of another face. AUs that are not
        named stay as in the photo.
        """
        visit = self._visits.of(request.session_hash)
        portrait = visit.opened()
        told = sliders or {}
        values = {str(word): float(value) for word, value in (told.get("values") or {}).items()}
        face = int(told.get("face") or visit.face)
        portrait.asked(face, spoken(values))  # raises for what cannot be asked, before it is kept
        visit.values[face] = values
        seen = ganimate.View(visit.face if view == CLOSE_UP else None)
        return {"frame": _frame(portrait, visit, seen)}

    @telling
    def look_at(self, view: str, request: gr.Request) -> Any:
        """Show the whole photo, or the face that is worked on in close-up; returns the picture."""
        return self._stage(self._visits.of(request.session_hash), view)

    @telling
    def use_preset(self, preset: Any, request: gr.Request) -> Any:
        """Set the sliders to a preset, ``{"preset": "fear", "intensity": 0.6}``, and return them.

        Those of AUs that it takes away from what the photo shows are at 0, as the command line's are.
        """
        visit = self._visits.of(request.session_hash)
        name, intensity = str((preset or {}).get("preset")), float((preset or {}).get("intensity", 1))
        text = name if name in ("neutral", "self") or intensity == 1 else f"{name}:{intensity:g}"
        known = visit.values.get(visit.face, {})
        turned = {word: each for word, each in known.items() if word in self.studio.turns}
        self._set_sliders(visit, text)
        visit.values[visit.face] = turned | visit.values[visit.face]
        return self._panel(visit)

    @telling
    def look_closely(self, what: list[str] | None, request: gr.Request) -> tuple[Any, Any]:
        """Return what was asked and read again as a table, and attention and colour as pictures, as `what` names them.

        `what` is a list of "read again" and "attention and colour".
        """
        visit = self._visits.of(request.session_hash)
        portrait, face, wanted = visit.opened(), visit.face, what or []
        table, maps = "", []
        if "read again" in wanted:
            reader, read = portrait.read_again(face, visit.expression())
            asked = portrait.asked(face, visit.expression())
            rows = [
                (unit.label, unit.name, both_sides(asked, unit.number), read.get(str(unit.number)))
                for unit in self.studio.units
            ]
            table = readings_html(reader, rows)
        if "attention and colour" in wanted:
            attention, color = portrait.maps(face, visit.expression())
            maps = [(attention, "attention: white keeps the photo"), (color, "colour that is painted")]
        return table, gr.update(value=maps, visible=bool(maps))

    def trouble(self, request: gr.Request) -> str:
        """Return the last error of this visit, as the page shows it."""
        visit = self._visits.of(request.session_hash)
        return told_html(*(visit.trouble or ("something went wrong", "the terminal tells more")))

    def visit(self, request: gr.Request) -> Visit:
        """Return whose request it is."""
        return self._visits.of(request.session_hash)

    def leave(self, request: gr.Request) -> None:
        """Forget a visit whose page was closed."""
        self._visits.forget(request.session_hash)

    def _stage(self, visit: Visit, view: str = "") -> dict[str, Any]:
        """Return the photo as it was and is, and where its faces are, in shares of its sides."""
        portrait = visit.opened()
        seen = ganimate.View(visit.face if view == CLOSE_UP else None)
        height, width = portrait.photo.shape[:2]
        boxes = [
            {"left": left / width, "top": top / height, "right": right / width, "bottom": bottom / height}
            for left, top, right, bottom in portrait.boxes
        ]
        return {
            "photo": data_uri(portrait.picture({}, seen)),
            "frame": _frame(portrait, visit, seen),
            "boxes": [] if seen.face else boxes,
            "chosen": visit.face,
        }

    @staticmethod
    def _set_sliders(visit: Visit, text: str, others: ganimate.Others = "auto") -> None:
        """Set the sliders of the face that is worked on to an expression; what the photo shows anyway stays unset."""
        portrait = visit.opened()
        own, asked = portrait.shown(visit.face), portrait.asked(visit.face, without_photos(text), others)
        visit.values[visit.face] = {
            word: round(value, 2) for word, value in asked.items() if value != own.get(word, own.get(whole(word)))
        }

    @staticmethod
    def _panel(visit: Visit) -> dict[str, Any]:
        own, values = visit.opened().shown(visit.face), visit.values.get(visit.face, {})
        return {"face": visit.face, "own": own, "values": values}


def whole(word: str) -> str:
    """Return the word of both sides for that of one, as ``12`` for ``12L``; others as they are."""
    return word[:-1] if word[:1].isdigit() and word[-1] in "LR" else word


def both_sides(values: Mapping[str, float], number: int) -> float:
    """Return the mean of both sides of an AU; readers see no sides."""
    sides = [value for word, value in values.items() if whole(word) == str(number)]
    return sum(sides) / len(sides)


def _frame(portrait: ganimate.Portrait, visit: Visit, view: ganimate.View) -> str:
    """Return the picture as it is now; it says of itself that it is synthetic, wherever it is copied to."""
    expressions = visit.expressions()
    return data_uri(portrait.picture(expressions, view), portrait.mark(expressions).packet() if expressions else None)


def without_photos(text: str) -> str:
    """Return an expression as it is; raises InputError where it would read a file of the server, as ``@me.jpg``."""
    if ganimate.parse_expression(text).photos():
        hint = "set the sliders, or use the command line"
        raise ganimate.InputError("the page reads no other photos by their names", hint)
    return text
