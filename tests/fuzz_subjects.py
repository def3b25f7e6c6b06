"""The readers that `fuzz.py` feeds: good files to begin with, how they are damaged, and what reads them."""

from __future__ import annotations

import functools
import io
import json
import random
import struct
import tempfile
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fuzz_mutations import Mutation, damage, edit_table, edit_words, mend_png, odd_json, odd_text

EXPRESSION_AUS = (1, 2, 4, 5, 6, 7, 9, 10, 12, 14, 15, 17, 20, 23, 25, 26, 45)


@dataclass(frozen=True)
class Subject:
    """One reader: `read` is handed the path of an input; `share` is its part of a whole run, in inputs."""

    name: str
    share: int
    suffix: str
    make_seeds: Callable[[], list[bytes]]
    read: Callable[[Path], object]
    mutate: Mutation = damage

    def seeds(self) -> list[bytes]:
        """Return good inputs, the same each time."""
        return _seeds(self.name)

    def name_of(self, index: int) -> str:
        """Return the name of the file that holds an input."""
        return f"input{self.suffix}"


@functools.cache
def _seeds(name: str) -> list[bytes]:
    return SUBJECTS[name].make_seeds()


def make_input(subject: Subject, seeds: Sequence[bytes], seed: int, index: int) -> bytes:
    """Return input `index` of a subject, which follows from the seed alone."""
    rng = random.Random(f"{seed} {subject.name} {index}")
    return subject.mutate(rng, rng.choice(seeds), seeds)


# Photos


def image_seeds() -> list[bytes]:
    """Return small pictures in every format and in many of their kinds."""
    import numpy as np
    from PIL import Image, ImageCms

    rng = np.random.default_rng(0)
    smooth = rng.integers(0, 255, (5, 6, 3)).astype(np.uint8)
    rgb = Image.fromarray(smooth).resize((40, 36), Image.Resampling.BICUBIC)
    rgba = Image.merge("RGBA", (*rgb.split(), rgb.getchannel(0)))
    grey, palette, cmyk = rgb.convert("L"), rgb.quantize(16), rgb.convert("CMYK")
    deep = Image.fromarray(np.asarray(grey).astype(np.uint16) * 257)
    other = rgb.transpose(Image.Transpose.ROTATE_180)
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010E] = "a photo"
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes().replace(b"sRGB", b"P3P3")
    wanted: list[tuple[Image.Image, str, dict[str, Any]]] = [
        (rgb, "JPEG", {"exif": exif}), (rgb, "JPEG", {"progressive": True, "icc_profile": srgb}), (grey, "JPEG", {}),
        (cmyk, "JPEG", {"subsampling": 0}), (rgb, "MPO", {"save_all": True, "append_images": [other.copy()]}),
        (rgb, "PNG", {"exif": exif}), (rgba, "PNG", {"icc_profile": srgb}), (grey, "PNG", {}), (deep, "PNG", {}),
        (palette, "PNG", {"transparency": 3}), (rgb.convert("1"), "PNG", {}),
        (rgb, "PNG", {"save_all": True, "append_images": [other.copy()]}),
        (grey.convert("LA"), "PNG", {"icc_profile": profile}),
        (rgb, "WEBP", {"exif": exif, "icc_profile": srgb}), (rgba, "WEBP", {"lossless": True}),
        (rgb, "WEBP", {"save_all": True, "append_images": [other.copy()]}),
        (palette, "GIF", {}), (palette, "GIF", {"save_all": True, "append_images": [other.quantize(8)]}),
        (rgb, "TIFF", {"exif": exif}), (rgb, "TIFF", {"compression": "tiff_lzw", "icc_profile": srgb}),
        (rgb, "TIFF", {"compression": "jpeg"}), (rgba, "TIFF", {"compression": "tiff_adobe_deflate"}),
        (rgb.convert("1"), "TIFF", {"compression": "group4"}), (deep, "TIFF", {}), (palette, "TIFF", {}),
        (cmyk, "TIFF", {"compression": "packbits"}), (rgb, "TIFF", {"save_all": True, "append_images": [other.copy()]}),
        (rgb.convert("YCbCr"), "TIFF", {"compression": "tiff_adobe_deflate"}), (rgb.convert("LAB"), "TIFF", {}),
        (rgb, "BMP", {}), (palette, "BMP", {}), (grey, "PPM", {}), (rgb, "PPM", {}),
        (rgb, "AVIF", {"exif": exif}), (rgba, "AVIF", {"quality": 30}),
        (rgb, "JPEG2000", {}), (rgba, "JPEG2000", {"irreversible": True}),
    ]  # fmt: skip
    made = []
    for image, kind, options in wanted:
        stream = io.BytesIO()
        try:
            image.copy().save(stream, kind, **options)  # a copy: saving leaves its settings behind
        except (KeyError, ValueError, OSError):  # a format that this Pillow was built without
            continue
        made.append(stream.getvalue())
    return made


def _still_seeds() -> list[bytes]:
    """Return those of the pictures that hold one photo each, and so can be read."""
    from PIL import Image

    def frames(data: bytes) -> int:
        with Image.open(io.BytesIO(data)) as image:
            return 1 if image.format == "MPO" else getattr(image, "n_frames", 1)

    return [data for data in image_seeds() if frames(data) == 1]


def damage_picture(rng: random.Random, data: bytes, others: Sequence[bytes]) -> bytes:
    """Return a damaged picture; of PNGs mostly one whose checksums are right, and at times a bomb."""
    if rng.random() < 0.01:
        return bomb(rng)
    if rng.random() < 0.1:
        data = rng.choice(_animated())
    if data.startswith(b"\x89PNG") and rng.random() < 0.3:
        return mend_png(_odd_chunk(rng, damage(rng, data, others) if rng.random() < 0.3 else data))
    damaged = damage(rng, data, others)
    return mend_png(damaged) if rng.random() < 0.8 else damaged


@functools.cache
def _animated() -> list[bytes]:
    return sorted(set(image_seeds()) - set(_still_seeds()))


def _odd_chunk(rng: random.Random, data: bytes) -> bytes:
    """Return a PNG with one more chunk, or another header."""
    if rng.random() < 0.4:
        sizes = (0, 1, 31, 32, 40, 4000, 14142, 14143, 65535, 100_000, 2**31 - 1, 2**32 - 1)
        head = struct.pack(">IIBBB", rng.choice(sizes), rng.choice(sizes), rng.choice((1, 8, 16)), rng.randrange(8), 0)
        return data[:16] + head + data[16 + len(head) :]
    kind = rng.choice(
        (b"zTXt", b"iTXt", b"tEXt", b"iCCP", b"tRNS", b"PLTE", b"eXIf", b"acTL", b"fcTL", b"gAMA", b"pHYs")
    )
    filling = zlib.compress(bytes(rng.choice((10, 10**4, 10**7)))) if rng.random() < 0.5 else rng.randbytes(20)
    body = kind + rng.choice((b"", b"key\0\0", b"key\0\1\0\0\0")) + filling
    return data[:33] + struct.pack(">I", len(body) - 4) + body + bytes(4) + data[33:]


def bomb(rng: random.Random) -> bytes:
    """Return a small file that says it is a huge picture of one colour, and is."""
    side = rng.choice((2000, 5000, 7000, 10_000, 14_000, 16_000, 30_000))
    return _bomb(side, rng.choice((0, 2, 3, 4, 6)), rng.choice((8, 8, 16)))


@functools.cache
def _bomb(side: int, colour: int, depth: int) -> bytes:
    depth = 8 if colour == 3 else depth
    row = bytes(1 + side * {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[colour] * depth // 8)
    packer = zlib.compressobj(1)
    rows = min(side, 400_000_000 // len(row))  # of the hugest only a part, as making them takes long
    body = b"".join(packer.compress(row) for _ in range(rows)) + packer.flush()
    chunks = [b"IHDR" + struct.pack(">IIBBBBB", side, side, depth, colour, 0, 0, 0), b"PLTE" + bytes(6), b"IDAT" + body]
    whole = b"".join(struct.pack(">I", len(chunk) - 4) + chunk + bytes(4) for chunk in [*chunks, b"IEND"])
    return mend_png(b"\x89PNG\r\n\x1a\n" + whole)


def read_image(path: Path) -> object:
    """Read a photo."""
    from ganimate.media import read_photo

    return read_photo(path).shape


# Tables

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


def damage_table(rng: random.Random, data: bytes, others: Sequence[bytes]) -> bytes:
    """Return a damaged table: mostly edited, sometimes broken as any file."""
    return (edit_table if rng.random() < 0.8 else damage)(rng, data, others)


def read_clip(path: Path) -> object:
    """Read what a face did, as `ganimate drive` does."""
    from ganimate.annotations import read_performance
    from ganimate.config import Driving

    clip = read_performance(path)
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
    from ganimate.annotations import read_facs, read_openface, read_persons
    from ganimate.errors import GanimateError

    taken: list[object] = []
    refusal: GanimateError | None = None
    for reader in (_read_openface, read_persons, lambda path: read_facs(path, EXPRESSION_AUS)):
        try:
            taken.append(reader(path))
        except GanimateError as error:
            refusal = error
    del read_openface
    if not taken and refusal is not None:
        raise refusal
    return len(taken)


def _read_openface(path: Path) -> object:
    from ganimate.annotations import read_openface

    table = read_openface(path)
    return [table.problem(row) for row in range(len(table.names))]


# Expressions

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

    from ganimate.aus import format_expression, parse_expression

    expression = parse_expression(path.read_bytes().decode("utf-8", "surrogateescape"))
    assert parse_expression(format_expression(expression)) == expression
    read = expression.with_readings({name: {12: 0.5} for name in expression.photos()})
    goal = read.resolve(np.full(len(EXPRESSION_AUS), 0.25, np.float32), EXPRESSION_AUS)
    assert goal.min() >= 0 and goal.max() <= 1
    return str(expression)


# Models, judges, states of runs


@functools.cache
def _networks() -> dict[str, bytes]:
    """Return the bytes of a tiny model, with and without warps, of a judge and of a run's state."""
    import torch

    from ganimate.checkpoint import STATE_FORMAT, JudgeCard, ModelCard, save_judge, save_model, write_tensors
    from ganimate.config import CriticConfig, CropSpec, GeneratorConfig, JudgeConfig
    from ganimate.networks import Critic, Judge, build_generator

    torch.manual_seed(0)
    made: dict[str, bytes] = {}
    aus, crop = (1, 12, 45), CropSpec(size_px=32)
    critic = CriticConfig(size_px=32, channels=4, max_channels=8, layers=2)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x"
        for kind in ("attention", "warping"):
            config = GeneratorConfig(kind, 32, channels=4, blocks=1)
            card = ModelCard("tiny", config, critic, crop, aus, training={"steps": 3, "config": {"seed": 1}})
            save_model(path, card, build_generator(config, 3), Critic(critic, 3))
            made[kind] = path.read_bytes()
        judge = JudgeConfig(size_px=32, channels=4, features=4)
        save_judge(path, JudgeCard(judge, crop, aus, training={"steps": 2}), Judge(judge, 3))
        made["judge"] = path.read_bytes()
        write_tensors(path, {"a": torch.arange(6.0), "b": torch.ones(())}, {"format": STATE_FORMAT, "step": 3})
        made["state"] = path.read_bytes()
    return made


def damage_weights(rng: random.Random, data: bytes, others: Sequence[bytes]) -> bytes:
    """Return a damaged safetensors file: by chance, or by a hand that knows the format and seals it again."""
    chance = rng.random()
    if chance < 0.3:
        return damage(rng, data, others)
    (size,) = struct.unpack("<Q", data[:8])
    header, body = json.loads(data[8 : 8 + size]), data[8 + size :]
    if chance < 0.5:
        odd = odd_text(odd_json(rng, header))
        return struct.pack("<Q", len(odd)) + odd + body
    facts = json.loads(header["__metadata__"]["ganimate"])
    if chance < 0.9:
        facts = odd_json(rng, facts)
    else:
        body = damage(rng, body, others)[: len(body)].ljust(len(body), b"\0")
    return _sealed(header, facts, body)


def _sealed(header: dict[str, Any], facts: Any, body: bytes) -> bytes:
    """Return a safetensors file whose digest and seal are right, as if we had written it."""
    from safetensors.torch import load

    from ganimate.checkpoint import _seal, digest

    names = {name: entry for name, entry in header.items() if name != "__metadata__"}
    if isinstance(facts, dict):
        text = json.dumps(names).encode()
        facts = {name: value for name, value in facts.items() if name != "seal"}
        if facts.get("digest") is not None:
            facts["digest"] = digest(load(struct.pack("<Q", len(text)) + text + body))
        facts["seal"] = _seal(facts)
    text = json.dumps({"__metadata__": {"ganimate": json.dumps(facts)}, **names}).encode()
    return struct.pack("<Q", len(text)) + text + body


def read_model(path: Path) -> object:
    """Load a model and animate a face with it."""
    import numpy as np

    from ganimate.animator import Animator
    from ganimate.aus import parse_expression
    from ganimate.checkpoint import load_model
    from ganimate.faces import Box, Face
    from ganimate.trajectory import Trajectory

    model = load_model(path)
    photo = np.random.default_rng(0).integers(0, 255, (64, 64, 3)).astype(np.uint8)
    points = _face_points()
    sitters = Animator(model).sit(photo, [Face(Box(8, 8, 56, 56), points)])
    goal = parse_expression("self").resolve(sitters[0].own, model.card.aus)
    frames = Animator(model).frames(photo, sitters, [Trajectory(goal[None], 1.0, model.card.aus)])
    return [frame.image.shape for frame in frames]


@functools.cache
def _face_points() -> Any:
    import numpy as np
    from synthetic import face_landmarks

    return (face_landmarks(np.zeros(17, np.float32)) * 60 + 2).astype(np.float32)


def read_judge(path: Path) -> object:
    """Load a judge and let it read a picture."""
    import torch

    from ganimate.checkpoint import load_judge

    judge = load_judge(path)
    size = judge.card.judge.size_px
    return judge.network(torch.zeros(1, 3, size, size)).aus.shape


def read_state(path: Path) -> object:
    """Read the state of a training run."""
    from ganimate.checkpoint import STATE_FORMAT, read_tensors

    return len(read_tensors(path, STATE_FORMAT)[0])


# Settings of runs


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
    from ganimate.cli.settings import new_config, read_changes
    from ganimate.config import to_dict

    return to_dict(new_config(read_changes(path), 128))


SUBJECTS: dict[str, Subject] = {
    subject.name: subject
    for subject in (
        Subject("images", 50_000, ".img", _still_seeds, read_image, damage_picture),
        Subject("clips", 30_000, ".csv", lambda: [text.encode() for text in TABLES], read_clip, damage_table),
        Subject("trajectories", 10_000, ".csv", lambda: [TRAJECTORY.encode()], read_trajectory, damage_table),
        Subject("labels", 10_000, ".csv", label_seeds, read_labels, damage_table),
        Subject("expressions", 20_000, ".txt", lambda: [text.encode() for text in EXPRESSIONS], read_expression,
                damage_expression),
        Subject("models", 10_000, ".safetensors", lambda: [_networks()["attention"], _networks()["warping"]],
                read_model, damage_weights),
        Subject("judges", 4_000, ".safetensors", lambda: [_networks()["judge"]], read_judge, damage_weights),
        Subject("states", 4_000, ".safetensors", lambda: [_networks()["state"]], read_state, damage_weights),
        Subject("configs", 6_000, ".json", config_seeds, read_config, damage_json),
    )
}  # fmt: skip
