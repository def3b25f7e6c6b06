"""Pictures, marked files and videos for `fuzz.py`: good ones, how they are damaged, and what reads them."""

from __future__ import annotations

import functools
import io
import random
import struct
import subprocess
import tempfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fuzz_mutations import damage, edit_words, mend_png


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


def still_seeds() -> list[bytes]:
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
    return sorted(set(image_seeds()) - set(still_seeds()))


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


def marked_seeds() -> list[bytes]:
    """Return small files of every kind with a mark, and some whose metadata other tools wrote."""
    import numpy as np

    from ganimate.media import open_writer, write_image
    from ganimate.media.provenance import Mark

    mark = Mark("tiny", "0" * 64, ("6=1,12=0.8", "4=0.5"))
    picture = np.random.default_rng(0).integers(0, 255, (34, 32, 3)).astype(np.uint8)
    made = []
    with tempfile.TemporaryDirectory() as folder:
        for name in ("a.png", "a.jpg", "a.webp"):
            write_image(Path(folder) / name, picture, mark=mark)
        for name in ("a.gif", "a.mp4"):
            with open_writer(Path(folder) / name, 10, mark=mark) as writer:
                for frame in (picture, picture[::-1]):
                    writer.append(np.ascontiguousarray(frame))
        made = [path.read_bytes() for path in sorted(Path(folder).iterdir())]
    packet = mark.packet()
    box = struct.pack(">I4s", 8 + len(packet), b"XMP_") + packet
    for kind in (b"udta", b"moov"):
        box = struct.pack(">I4s", 8 + len(box), kind) + box
    return [*made, struct.pack(">I4s4sI", 16, b"ftyp", b"qt  ", 0) + box]


XML_WORDS = (
    "<", ">", "/>", "&", "&amp;", "&#0;", "&#x110000;", "<!DOCTYPE a [<!ENTITY b 'c'>]>", "<!ENTITY", "&b;",
    "<![CDATA[",    "]]>", "<?xml version='1.0' encoding='utf-16'?>", "<?xml encoding='x'?>", "rdf:", "xmlns:a='b'",
    "Iptc4xmpExt:",
    "<a>",    "DigitalSourceType", "\"", "'", "rdf:resource", "rdf:li", "<rdf:Seq>", "\ufffe", "<a " * 400,
    "<a>" * 3000,
)  # fmt: skip


def damage_marked(rng: random.Random, data: bytes, others: Sequence[bytes]) -> bytes:
    """Return a marked file that is damaged, or one whose packet was edited in place."""
    start, end = data.find(b"<?xpacket begin"), data.rfind(b'<?xpacket end="r"?>')
    if rng.random() < 0.4 and 0 <= start < end:
        packet = edit_words(rng, data[start:end], others, XML_WORDS)
        if rng.random() < 0.7:  # the same length keeps the file around it whole
            packet = packet[: end - start].ljust(end - start)
        return mend_png(data[:start] + packet + data[end:])
    damaged = damage(rng, data, others)
    return mend_png(damaged) if rng.random() < 0.8 else damaged


def read_mark(path: Path) -> object:
    """Look for what a file says of itself."""
    from ganimate.media import inspect

    return inspect(path).provenance


@functools.cache
def video_seeds() -> list[bytes]:
    """Return clips of a few frames in the containers and codecs that people have."""
    import imageio_ffmpeg

    kinds = {
        "a.mp4": ["-c:v", "libx264", "-c:a", "aac"], "b.mp4": ["-c:v", "libx264", "-an", "-movflags", "+faststart"],
        "c.mkv": ["-c:v", "libx264", "-c:a", "aac"], "d.webm": ["-c:v", "libvpx", "-an"],
        "e.avi": ["-c:v", "mpeg4", "-c:a", "mp3"], "f.gif": ["-an"], "g.mov": ["-c:v", "mjpeg", "-an"],
    }  # fmt: skip
    source = ["-f", "lavfi", "-i", "testsrc=size=48x40:rate=10:duration=0.6", "-f", "lavfi", "-i", "sine=duration=0.6"]
    made = []
    with tempfile.TemporaryDirectory() as folder:
        for name, codec in kinds.items():
            path = Path(folder) / name
            exact = ["-threads", "1", "-fflags", "+bitexact", "-flags:v", "+bitexact", "-flags:a", "+bitexact"]
            command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", *source, "-pix_fmt", "yuv420p", *codec, *exact]
            if subprocess.run([*command, str(path)], check=False, capture_output=True).returncode == 0:
                made.append(path.read_bytes())
    return made


def read_clip(path: Path) -> object:
    """Read a video, and a hundred of its frames."""
    from ganimate.media import is_video, read_video

    is_video(path)
    video = read_video(path)
    count = 0
    for frame in video.frames():
        assert frame.shape == (video.facts.height, video.facts.width, 3)
        count += 1
        if count == 100:
            break
    return count
