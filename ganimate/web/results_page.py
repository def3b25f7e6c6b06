"""The half of the page that makes files: moves, timelines, clips that are repeated, and what comes of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ganimate.web.command_lines import KINDS
from ganimate.web.light import gradio as gr
from ganimate.web.making import Making
from ganimate.web.parts import EASINGS, LOOPS, call_on, custom

Maker = tuple[Callable[..., Any], gr.Button, list[Any], gr.HTML]


def motions(making: Making, sliders: gr.HTML) -> Any:
    """Put the controls of all kinds of results on the page, and the results below them.

    Returns the event after which the `sliders` show a keyframe of the timeline.
    """
    gr.Markdown("## Make a picture or a clip")
    kind = gr.Radio(list(KINDS), value="GIF", label="Result", elem_id="kind")
    with gr.Tabs():
        with gr.Tab("Move"):
            move = _move(making, kind)
        with gr.Tab("Timeline"):
            timeline, shown = _timeline(making, kind, sliders)
        with gr.Tab("Clip or table"):
            repeat = _repeat(making, kind)
    results, line = _results()
    for function, button, inputs, told in (move, timeline, repeat):
        call_on(
            button.click,
            making,
            function,
            told,
            inputs=inputs,
            outputs=results,
            show_progress="full",
            show_progress_on=[line],
            preprocess=function != making.make_repeat,
        )
    return shown


def _results() -> tuple[list[Any], gr.Textbox]:
    picture = gr.Image(label="Result", visible=False, interactive=False, elem_id="picture", buttons=["fullscreen"])
    film = gr.Video(label="Result", visible=False, interactive=False, autoplay=True, loop=True, elem_id="film")
    file = gr.File(label="Save", interactive=False, visible=False, elem_id="result")
    line = gr.Textbox(label="The command line that makes the same", buttons=["copy"], interactive=False, elem_id="line")
    return [picture, film, file, line, gr.HTML(elem_id="notes")], line


def _move(making: Making, kind: gr.Radio) -> Maker:
    start = gr.Textbox("self", label="Start: self is the photo; or neutral, sadness, 12=0.3 …", elem_id="start")
    with gr.Row():
        frames = gr.Slider(2, 100, 16, step=1, label="Frames, one way")
        fps = gr.Slider(1, 60, 25, step=1, label="Frames a second")
        hold = gr.Slider(0, 5, 0.5, step=0.1, label="Hold, seconds")
    with gr.Row():
        easing = gr.Dropdown(EASINGS, value="in-out", label="Easing")
        loop = gr.Radio(LOOPS, value="ping-pong", label="Then")
        blink = gr.Checkbox(label="Blinks at natural intervals")
    make = gr.Button("Make", variant="primary", elem_id="make")
    told = gr.HTML(elem_id="move-told")
    return making.make_move, make, [kind, start, frames, fps, easing, hold, loop, blink], told


def _timeline(making: Making, kind: gr.Radio, sliders: gr.HTML) -> tuple[Maker, Any]:
    """Return what plays the timeline, and the event after which the sliders show one of its keyframes."""
    with gr.Row():
        time = gr.Number(1, label="At, seconds", minimum=0, elem_id="keyframe-time")
        hold = gr.Number(0, label="Hold, seconds", minimum=0)
        easing = gr.Dropdown(EASINGS, value="in-out", label="Easing of the way there")
        add = gr.Button("Add the sliders as a keyframe", elem_id="add-keyframe")
    keyframes = custom("keyframes", easings=EASINGS)
    told = gr.HTML(elem_id="timeline-told")
    with gr.Row():
        play = gr.Button("Play it", variant="primary", elem_id="play")
        save = gr.Button("Save as YAML", elem_id="save-timeline")
        open_file = gr.UploadButton("Open a YAML file", file_types=[".yaml", ".yml"], elem_id="open-timeline")
    saved = gr.File(label="Saved timeline", interactive=False, visible=False, elem_id="saved-timeline")
    text = gr.Textbox(
        "",
        label="As text: what is played and saved; tracks and blinks are written here",
        lines=4,
        elem_id="timeline",
        placeholder='keyframes:\n  - {time: 1, expression: "happiness"}',
    )
    quick = {"queue": False, "show_progress": "hidden"}
    call_on(add.click, making, making.add_keyframe, told, inputs=[text, time, easing, hold], outputs=text, queue=False)
    edited = call_on(
        keyframes.input, making, making.edit_keyframes, told, inputs=[keyframes, text], outputs=text, queue=False
    )
    listing = {"inputs": text, "outputs": keyframes, **quick}
    text.change(making.list_keyframes, api_name="list_keyframes", trigger_mode="always_last", **listing)
    edited.failure(making.list_keyframes, api_visibility="private", **listing)
    place = {"inputs": [keyframes, text], "outputs": [sliders, time, easing, hold]}
    shown = call_on(keyframes.select, making, making.show_keyframe, told, queue=False, **place)
    call_on(save.click, making, making.save_timeline, told, inputs=text, outputs=saved)
    call_on(open_file.upload, making, making.open_timeline, told, inputs=open_file, outputs=text, preprocess=False)
    return (making.make_timeline, play, [kind, text], told), shown


def _repeat(making: Making, kind: gr.Radio) -> Maker:
    with gr.Row():
        clip = gr.File(label="A video of a face, or a tracker's table", height=150, elem_id="clip")
        recorded = gr.Video(label="or record your own face", sources=["webcam"], height=150, elem_id="recorded")
    with gr.Row():
        relative = gr.Checkbox(label="Only what changes since its first frame")
        head = gr.Checkbox(label="Turn the head, too")
        gaze = gr.Checkbox(label="Turn the eyes, too")
        smooth = gr.Slider(0, 1, 0, step=0.05, label="Smooth, seconds")
    repeat = gr.Button("Repeat it", variant="primary", elem_id="repeat")
    return (
        making.make_repeat,
        repeat,
        [kind, clip, recorded, relative, head, gaze, smooth],
        gr.HTML(elem_id="repeat-told"),
    )
