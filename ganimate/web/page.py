"""The page: what stands where, and which function each part of it calls."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import ganimate
from ganimate.web.editing import CLOSE_UP, WHOLE
from ganimate.web.light import gradio as gr
from ganimate.web.making import Making
from ganimate.web.parts import call_on, custom
from ganimate.web.results_page import motions

CONSENT = (
    "Ask the person in the photo before you animate it, and say of the result that it is synthetic. "
    "Nothing leaves this machine; files are removed when the server ends, and after an hour."
)
QUICK = {"queue": False, "show_progress": "hidden"}


@dataclass(frozen=True)
class Parts:
    """The parts of the page by which faces are edited."""

    told: gr.HTML
    photo: gr.Image
    example: gr.Button
    name: gr.Textbox
    view: gr.Radio
    stage: gr.HTML
    presets: gr.HTML
    panel: gr.HTML
    look: gr.CheckboxGroup
    readings: gr.HTML
    maps: gr.Gallery


def build(making: Making) -> gr.Blocks:
    """Return the page."""
    with gr.Blocks(title="ganimate", analytics_enabled=False) as page:
        gr.Markdown("# ganimate\nFacial expressions from one photo, muscle by muscle, on this machine.")
        with gr.Row():
            with gr.Column(scale=5, min_width=300):
                parts = _photo_and_picture()
            with gr.Column(scale=6, min_width=300):
                parts |= _sliders(making)
        keyframe = motions(making, parts["panel"])
        _connect(making, Parts(**parts), keyframe)
        page.load(making.warm_up, api_visibility="private", queue=False)
        page.unload(making.leave)
    return page


def _photo_and_picture() -> dict[str, Any]:
    parts: dict[str, Any] = {}
    parts["photo"] = gr.Image(
        label="Photo: drop, paste or take one",
        sources=["upload", "clipboard", "webcam"],
        image_mode=None,
        type="filepath",
        height=130,
        elem_id="photo",
    )
    parts["example"] = gr.Button("Try it with the example photo", size="sm", elem_id="example")
    parts["told"] = gr.HTML(elem_id="photo-told")
    gr.Markdown(CONSENT, elem_classes="consent")
    parts["stage"] = custom("stage")
    with gr.Row():
        parts["view"] = gr.Radio([WHOLE, CLOSE_UP], value=WHOLE, label="View", elem_id="view")
        choices = ["read again", "attention and colour"]
        parts["look"] = gr.CheckboxGroup(choices, label="Look closely", elem_id="look")
    parts["name"] = gr.Textbox(label="Open photo", interactive=False, visible="hidden")
    parts["readings"] = gr.HTML(elem_id="readings")
    parts["maps"] = gr.Gallery(label="Attention and colour", columns=2, height=220, visible=False, elem_id="maps")
    return parts


def _sliders(making: Making) -> dict[str, Any]:
    known = [{"name": preset.name, "source": preset.source} for preset in ganimate.PRESETS.values()]
    gr.Markdown("### Presets")
    presets = custom("presets", presets=[{"name": "neutral", "source": "every action unit at 0"}, *known])
    gr.Markdown("### Action units\nThe mark on a track is what the photo itself shows.")
    return {"presets": presets, "panel": custom("panel", regions=regions(making.studio))}


def regions(studio: ganimate.Studio) -> dict[str, list[dict[str, Any]]]:
    """Return what the sliders are: the model's action units by the regions of the face, and turns of head and eyes."""
    found: dict[str, list[dict[str, Any]]] = {}
    for region, numbers in ganimate.FACE_REGIONS.items():
        members = [
            {"word": str(unit.number), "label": unit.label, "name": unit.name, "muscle": unit.muscle}
            for unit in studio.units
            if unit.number in numbers
        ]
        found[region] = [unit | {"sides": studio.sided} for unit in members]
    for word, (name, most) in studio.turns.items():
        region = "gaze" if word.startswith("gaze") else "head"
        found.setdefault(region, []).append({"word": word, "name": name, "small": "", "range": [-most, most, 1]})
    return {region: members for region, members in found.items() if members}


def _connect(making: Making, parts: Parts, keyframe: Any) -> None:
    """Let the parts call functions; after `keyframe` the sliders show another expression, too."""
    told, shown = parts.told, [parts.stage, parts.panel, parts.view, parts.name]
    opening = {"outputs": shown, "show_progress": "minimal", "show_progress_on": [parts.photo]}
    opened = call_on(
        parts.photo.input, making, making.open_photo, told, inputs=parts.photo, preprocess=False, **opening
    )
    opened.success(lambda: None, None, parts.photo, api_visibility="private", **QUICK)
    call_on(parts.example.click, making, making.open_example, told, **opening)
    choosing = {"inputs": parts.stage, "outputs": [parts.stage, parts.panel]}
    call_on(parts.stage.select, making, making.choose_face, told, **choosing, **QUICK)
    call_on(parts.view.input, making, making.look_at, told, inputs=parts.view, outputs=parts.stage, **QUICK)
    preset = call_on(
        parts.presets.click, making, making.use_preset, told, inputs=parts.presets, outputs=parts.panel, **QUICK
    )
    # Of a slider that moves only the newest value is asked for, when the picture before it is there.
    sliders = {"inputs": [parts.panel, parts.view], "outputs": parts.stage, "trigger_mode": "always_last", **QUICK}
    parts.panel.input(making.preview, api_name="preview", **sliders)
    for event in (preset.success, keyframe.success):
        event(making.preview, api_visibility="private", **sliders)
    closely = {"inputs": parts.look, "outputs": [parts.readings, parts.maps], "trigger_mode": "always_last", **QUICK}
    parts.look.input(making.look_closely, api_name="look_closely", **closely)
    for event in (parts.panel.release, preset.success, keyframe.success):
        event(making.look_closely, api_visibility="private", **closely)
