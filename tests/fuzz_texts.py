"""Tables, expressions, timelines and settings for `fuzz.py`: good ones, how they are damaged, and what reads them."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from pathlib import Path

from fuzz_mutations import damage, edit_table, edit_words, odd_json, odd_text

EXPRESSION_AUS = (1, 2, 4, 5, 6, 7, 9, 10, 12, 14, 15, 17, 20, 23, 25, 26, 45)

OPENFACE = """frame, face_id, timestamp, confidence, success, pose_Rx, AU01_r, AU12_r, AU45_r, AU12_c, AU28_c
1, 0, 0.000, 0.98, 1, 0.1, 0.00, 2.50, 0.5, 1, 0
2, 0, 0.040, 0.98, 1, 0.1, 1.00, 5.00, 0.5, 1, 0
3, 1, 0.080, 0.00, 0, 0.1, 0.00, 0.00, 0.0, 0, 0
5, 0, 0.160, 0.98, 1, 0.1, 0.50, 1.25, 0.5, 1, 0
"""
PYFEAT = """FaceRectX,FaceScore,x_0,AU01,AU12,AU43,mouthSmileLeft,Identity,input,frame,approx_time
10.0,0.999,1.0,0.25,0.5,0.9,0.7,Person_0,me.mp4,0,00:00
10.0,0.999,1.0,0.5,1.0,0.8,0.7,Person_1,me.mp4,15,00:00
,,,,,,,,me.mp4,30,00:01
10.0,0.999,1.0,0.0,0.0,0.7,0.7,Person_0,me.mp4,60,00:02
"""
LIBREFACE = """frame_idx,frame_time_in_ms,lm_mp_0_x,au_1,au_12,au_1_intensity,au_12_intensity
0,0.0,0.5,0,0,0.0,1.0
1,33.333,0.5,0,1,0.5,5.0
2,66.667,0.5,0,1,1.0,2.5
"""
MEDIAPIPE = """timestamp_ms,_neutral,browInnerUp,mouthSmileLeft,mouthSmileRight,jawOpen,mouthClose,eyeBlinkLeft
0,0,0.2,0.4,0.6,0.5,0.1,1.0
500,0,0.2,0.4,0.6,0.7,0.1,0.5
"""
LIVE_LINK = """Timecode,BlendShapeCount,BrowInnerUp,JawOpen,MouthSmileLeft,HeadYaw
14:03:52:28.000,61,0.2,0.5,0.4,0.1
14:03:52:58.000,61,0.2,0.1,0.4,0.1
23:59:59:59.5,0,,,,
"""
TRAJECTORY = "time_s,AU01,AU12,AU45\n0,0,0.25,1\n0.04,0.5,0.5,0\n0.08,1,0.75,0.125\n"
TABLES = (OPENFACE, PYFEAT, LIBREFACE, MEDIAPIPE, LIVE_LINK, TRAJECTORY)

GERMAN = (
    "frame;face_id;timestamp;confidence;success;AU01_r;AU12_r\r\n1;0;0,0;0,98;1;0,5;0,0\r\n2;0;0,033;0,98;1;0,5;2,5\r\n"
)
TWO_FACES = """FaceRectX,FaceRectY,FaceRectWidth,FaceRectHeight,FaceScore,AU01,AU12,AU43,frame,approx_time
10.0,10.0,50.0,60.0,0.999,0.25,0.5,0.9,0,00:00
210.0,10.0,50.0,60.0,0.999,0.75,0.5,0.1,0,00:00
211.0,10.0,50.0,60.0,0.999,0.7,1.0,0.1,1,00:00
11.0,10.0,50.0,60.0,0.999,0.2,1.0,0.8,1,00:00
12.0,10.0,50.0,60.0,0.999,0.1,0.0,0.7,2,00:01
"""
PERCENT = "timestamp,AU01,AU12,AU45\n0,0,25,100\n40,50,50,0\n80,100,75,12.5\n"
LANDMARKS = [[{"x": 0.1 * k, "y": 0.2 * k, "z": 0.0} for k in range(3)]]
RESULT = {
    "timestamp_ms": 40,
    "face_blendshapes": [[{"category_name": name, "score": 0.5} for name in ("jawOpen", "eyeBlinkLeft", "_neutral")]],
    "face_landmarks": LANDMARKS,
}
SCRIPT_RESULT = {
    "timestamp": 0.5,
    "faceBlendshapes": [{"categories": [{"categoryName": "mouthSmileLeft", "score": 0.25}], "headIndex": -1}],
    "faceLandmarks": LANDMARKS,
}
EMPTY_RESULT = {"timestamp_ms": 80, "face_blendshapes": [], "face_landmarks": []}
JSON_TABLES = (
    json.dumps([RESULT, EMPTY_RESULT]),
    json.dumps({"fps": 30, "frames": [SCRIPT_RESULT, RESULT]}),
    "\n".join(map(json.dumps, (RESULT, RESULT | {"timestamp_ms": 80}))),
)


def table_seeds() -> list[bytes]:
    """Return what trackers and spreadsheets write, in their dialects."""
    texts = [*TABLES, GERMAN, TWO_FACES, PERCENT, *JSON_TABLES]
    return [*(text.encode() for text in texts), ("\ufeff" + GERMAN).encode(), OPENFACE.encode("utf-16")]


def damage_table(rng: random.Random, data: bytes, others: Sequence[bytes]) -> bytes:
    """Return a damaged table: mostly edited, sometimes broken as any file; of JSON mostly with odd values."""
    if data.startswith((b"{", b"[")) and rng.random() < 0.8:
        values = [odd_json(rng, json.loads(line)) for line in data.splitlines()]
        return b"\n".join(map(odd_text, values))
    return (edit_table if rng.random() < 0.8 else damage)(rng, data, others)


def read_clip(path: Path) -> object:
    """Read what a face did, as `ganimate drive` does, now and then with options."""
    from ganimate.config import Driving
    from ganimate.trackers import read_performance

    odd = path.stat().st_size
    clip = read_performance(
        path, table_fps=25.0 if odd % 5 == 0 else None, face="2" if odd % 7 == 0 else None, trim=odd % 2 == 0
    )
    frames = clip.between(None, None).resampled(Driving().fps_for(clip.fps), smooth_s=0.1)
    assert frames.values.min() >= 0 and frames.values.max() <= 1
    return len(frames)


def read_trajectory(path: Path) -> object:
    """Read a saved trajectory, and tell it."""
    from ganimate.trajectory import format_trajectory, load_trajectory

    return format_trajectory(load_trajectory(path), max_rows=8)


def label_seeds() -> list[bytes]:
    """Return tables of photos, of people and of human codes."""
    points = [f"{axis}_{i}" for axis in "xy" for i in range(68)]
    places = ",".join("50.5" for _ in points)
    whole = (
        f"file, confidence, AU01_r, AU12_r, {', '.join(points)}\na.png, 0.9, 1.5, 5.0, {places}\nb.png,,0,0,{places}\n"
    )
    return [
        whole.encode(), b"name, AU01_r, AU12_r\na.png, 0.5, 5\nb.png, 2.5, 0\n",
        b"file,identity\na.png,ann\nb.png,\nc.png,ann\n", b"file,AU01,AU12,AU43\na.png,0,5,1\nb.png,3,2,0\n",
    ]  # fmt: skip


def read_labels(path: Path) -> object:
    """Read a table as labels of photos, as a list of people, and as human codes: one of them must take it."""
    from ganimate.errors import GanimateError
    from ganimate.trackers import read_facs, read_persons

    taken: list[object] = []
    refusal: GanimateError | None = None
    for reader in (_read_photos, read_persons, lambda path: read_facs(path, EXPRESSION_AUS)):
        try:
            taken.append(reader(path))
        except GanimateError as error:
            refusal = error
    if not taken and refusal is not None:
        raise refusal
    return len(taken)


def _read_photos(path: Path) -> object:
    from ganimate.trackers import read_labels

    table = read_labels(path)
    return [table.problem(row) for row in range(len(table.names))]


EXPRESSIONS = (
    "12=1.0", "AU12=1,au 6=0.5", "12=+0.4,4=-0.2", "happiness:0.8,45=0.2", "neutral", "self,surprise",
    "@other.jpg,45=0", '@"a, ""b"".jpg",1=.5', "happily-surprised:1", "fear:0.6,1=0.3,2=-1",
)  # fmt: skip
EXPRESSION_WORDS = (
    "12", "=", ":", ",", "+", "-", "@", '"', '""', "au", "AU12", "happiness", "neutral", "self", "99", "45", "0.5",
    "1e1",    ".jpg", "fear", "blink", " ", "1_0", "infinity",
)  # fmt: skip


def damage_expression(rng: random.Random, data: bytes, others: Sequence[bytes]) -> bytes:
    """Return an expression with words wrong."""
    return edit_words(rng, data, others, EXPRESSION_WORDS)


def read_expression(path: Path) -> object:
    """Parse an expression, write it, and let it act on a face."""
    import numpy as np

    from ganimate.facs import format_expression, parse_expression

    expression = parse_expression(path.read_bytes().decode("utf-8", "surrogateescape"))
    assert parse_expression(format_expression(expression)) == expression
    read = expression.with_readings({name: {12: 0.5} for name in expression.photos()})
    goal = read.resolve(np.full(len(EXPRESSION_AUS), 0.25, np.float32), EXPRESSION_AUS)
    assert goal.min() >= 0 and goal.max() <= 1
    return str(expression)


TIMELINES = (
    """fps: 25
duration: 4
loop: ping-pong
repeat: 2
others: auto
blink: auto
keyframes:
  - {time: 0.8, expression: "happiness:0.6", easing: in-out, hold: 0.5}
  - {time: 2, expression: "4=0.2,45=0"}
tracks:
  - {au: 12, onset: 0.4, apex: 0.9, apex_end: 2.0, offset: 2.8, intensity: C, easing: linear}
  - {au: 4B, onset: 1, apex: 1.5}
""",
    "blink: [0.5, 1.25]\nduration: 3\n",
    "blink: {rate_per_min: 17, seed: 1}\nduration: 5\nothers: zero\n",
    "keyframes:\n- time: 1\n  expression: self\n- time: 1.5\n  expression: neutral\n  hold: 1\nloop: cycle\n",
)
TIMELINE_WORDS = (
    "fps", "duration", "loop", "repeat", "others", "blink", "keyframes", "tracks", "time", "expression", "easing",
    "hold",    "au", "onset", "apex", "apex_end", "offset", "intensity", "rate_per_min", "seed", ": ", "- ", "[",
    "]", "{", "}",
    ",",    "\n", "\n  ", "\n- ", "&a ", "*a", "!!python/object:os.system ", "!!int ", "---\n", "...\n",
    "%YAML 9.9\n", "? ",
    "| ",    "> ", "#", '"', "'", '"\\U00110000"', "0.01", "1e5", "1000", "100000", "-1", "1:30", "off", "~", "[" * 50,
    "{a: " * 50,    "12C", "L12", "neutral", "happiness", "\t", "1e-9", "1e9", "99999999",
)  # fmt: skip


def damage_timeline(rng: random.Random, data: bytes, others: Sequence[bytes]) -> bytes:
    """Return a timeline with words wrong, or broken as any file."""
    return damage(rng, data, others) if rng.random() < 0.2 else edit_words(rng, data, others, TIMELINE_WORDS)


def read_timeline(path: Path) -> object:
    """Load a timeline and play it on a face, as `ganimate animate --timeline` does."""
    import numpy as np

    from ganimate.timeline import load_timeline

    timeline = load_timeline(path)
    timeline = timeline.with_readings({name: {12: 0.5} for name in timeline.photos()})
    frames = timeline.trajectory(np.full(len(EXPRESSION_AUS), 0.25, np.float32), EXPRESSION_AUS)
    assert frames.values.min() >= 0 and frames.values.max() <= 1
    return len(frames)


def config_seeds() -> list[bytes]:
    """Return the config of a run."""
    from ganimate.config import TrainConfig, to_dict

    return [odd_text(to_dict(TrainConfig()))]


def damage_json(rng: random.Random, data: bytes, others: Sequence[bytes]) -> bytes:
    """Return JSON with odd values, or broken as any file."""
    if rng.random() < 0.3:
        return damage(rng, data, others)
    return odd_text(odd_json(rng, json.loads(data)))


def read_config(path: Path) -> object:
    """Read settings for a run, and the config of one."""
    from ganimate.config import to_dict
    from ganimate.config.resolve import new_config, read_changes

    return to_dict(new_config(read_changes(path), 128))
