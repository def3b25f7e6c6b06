"""Sends Ctrl-C to every command that writes, at moments spread over its time; what it leaves must be whole.

After each: the exit code is 130, or that of a command that had come to its end; nothing but one sentence says so, no
traceback; and the folder holds whole results only: every picture, video, table, model and pack in it can be read, and
nothing hidden is left.

    python tests/ctrl_c.py                                     all commands, 8 moments each: some ten minutes
    python tests/ctrl_c.py --only animate-gif,train --moments 3
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from synthetic import make_pack, shoot, write_sources

from ganimate.animation.batch.result_folder import LEDGER_NAME
from ganimate.data.pack import open_pack
from ganimate.media import open_writer, read_photo, read_video
from ganimate.zoo.tensors import read_tensors
from ganimate.zoo.weight_files import JUDGE_FORMAT, MODEL_FORMAT, STATE_FORMAT

ROOT = Path(__file__).resolve().parent.parent
PATIENCE_S = 300.0
TRAIN = (
    *("train", "faces.pack", "--channels", "4", "--blocks", "2", "--critic-channels", "4", "--batch", "4"),
    *("--steps", "8", "--precision", "fp32", "--save-every", "1"),
    *("--sample-every", "3", "--workers", "1", "--threads", "1", "--device", "cpu"),
)
SHORT = ("--model", "model.safetensors", "--frames", "6")
SMILE = ("me.jpg", "-e", "happiness", *SHORT)
COMMANDS: dict[str, tuple[str, ...]] = {
    "animate-gif": ("animate", *SMILE, "-o", "out/a.gif"),
    "animate-mp4": ("animate", *SMILE, "-o", "out/a.mp4", "--save-trajectory", "out/a.csv"),
    "animate-folder": ("animate", *SMILE, "-o", "out/frames/", "--save-attention", "out/masks/"),
    "animate-still": ("animate", "me.jpg", "-e", "happiness", *SHORT[:2], "--still", "-o", "out/a.png"),
    "animate-all": (
        *("animate", *SMILE, "-o", "out/a.gif", "--compare", "--strip", "out/s.png"),
        *("--report", "out/r.json"),
    ),
    "animate-clip": ("animate", "clip.mp4", "--au", "12=+0.5", *SHORT[:2], "-o", "out/a.mp4"),
    "animate-timeline": ("animate", "me.jpg", "--timeline", "line.yaml", *SHORT[:2], "-o", "out/a.gif"),
    "interpolate": ("interpolate", "me.jpg", "--from", "sadness", "--to", "happiness", *SHORT, "-o", "out/a.gif"),
    "drive": ("drive", "me.jpg", "--aus", "clip.csv", *SHORT[:2], "-o", "out/a.mp4"),
    "sheet": ("sheet", "me.jpg", "--au", "12", *SHORT[:2], "-o", "out/a.png"),
    "batch": ("batch", "me.jpg", "photos", "-e", "happiness", *SHORT, "-o", "out/all", "--report", "out/report.json"),
    "batch-jobs": ("batch", "me.jpg", "photos", "-e", "happiness", *SHORT, "-o", "out/all", "--jobs", "2"),
    "batch-cluster": (
        *("batch", "me.jpg", "photos", "-e", "happiness", *SHORT, "-o", "out/all"),
        *("--cluster", "local", "--jobs", "2"),
    ),
    "prepare": ("prepare", "people/photos", "-a", "people/openface.csv", "--size", "32", "-o", "out/new.pack"),
    "train": (*TRAIN, "--out", "out/run"),
    "export": ("export", "run", "--out", "out/model"),
    "evaluate": (
        *("evaluate", "model.safetensors", "faces.pack", "--people", "2", "--pairs", "1", "--crowd", "0"),
        *("--no-identity", "--judge", "judge.safetensors", "--out", "out/measured"),
    ),
    "train-judge": ("train-judge", "faces.pack", "--out", "out/judge.safetensors", "--steps", "4", "--channels", "4"),
    "timeline-plot": ("timeline", "plot", "line.yaml", "-o", "out/a.png"),
}


@dataclass(frozen=True)
class Ended:
    """How a stopped command ended."""

    code: int
    told: str
    seconds: float


def set_scene(folder: Path) -> None:
    """Put everything that the commands read into `folder`."""
    import torch

    from ganimate.config import CriticConfig, CropSpec, GeneratorConfig, JudgeConfig
    from ganimate.facs import OPENFACE_AUS
    from ganimate.networks import Critic, Judge, build_generator
    from ganimate.zoo.cards import JudgeCard, ModelCard
    from ganimate.zoo.checkpoint import save_model
    from ganimate.zoo.judge_weights import save_judge

    torch.manual_seed(0)
    shutil.copy(ROOT / "examples" / "astronaut.jpg", folder / "me.jpg")
    (folder / "photos").mkdir()
    shutil.copy(folder / "me.jpg", folder / "photos" / "you.jpg")
    config = GeneratorConfig(size_px=32, channels=4, blocks=1)
    critic = CriticConfig(size_px=32, channels=4, layers=3)
    card = ModelCard("tiny", config, critic, CropSpec(size_px=32), OPENFACE_AUS)
    save_model(folder / "model.safetensors", card, build_generator(config, 17), Critic(critic, 17))
    judge = JudgeConfig(size_px=32, channels=4, features=4)
    save_judge(folder / "judge.safetensors", JudgeCard(judge, CropSpec(size_px=32), OPENFACE_AUS), Judge(judge, 17))
    shots = shoot()
    make_pack(folder, shots)
    (folder / "people").mkdir()
    write_sources(folder / "people", shots)
    (folder / "line.yaml").write_text("duration: 1\nkeyframes: [{time: 0.5, expression: happiness}]\n")
    (folder / "clip.csv").write_text("time_s,AU12\n" + "".join(f"{n / 25:.2f},{n / 10}\n" for n in range(10)))
    frame = read_photo(folder / "me.jpg")[:320, 60:380]
    with open_writer(folder / "clip.mp4", 25) as writer:
        for shift in range(10):
            writer.append(np.ascontiguousarray(np.roll(frame, shift, axis=1)))
    done = subprocess.run(
        [*_python(), *TRAIN, "--out", "run"], cwd=folder, env=_environment(), capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def _python() -> list[str]:
    return [sys.executable, "-m", "ganimate"]


def _environment() -> dict[str, str]:
    return os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}


def run(words: Sequence[str], scene: Path, stop_s: float | None, number: int = signal.SIGINT) -> Ended:
    """Run a command in the folder `scene`, and send it the signal so many seconds after it began to listen."""
    shutil.rmtree(scene / "out", ignore_errors=True)
    (scene / "out").mkdir()
    process = subprocess.Popen(
        [*_python(), *words], cwd=scene, env=_environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        start_new_session=True,
    )  # fmt: skip
    while process.poll() is None and not _listens(process.pid):
        time.sleep(0.002)
    began = time.monotonic()
    try:
        _, told = process.communicate(timeout=PATIENCE_S if stop_s is None else stop_s)
    except subprocess.TimeoutExpired:
        process.send_signal(number)  # to the process alone, as a terminal's would also reach ffmpeg's
        _, told = process.communicate(timeout=PATIENCE_S)
    return Ended(process.returncode, told, time.monotonic() - began)


def _listens(pid: int) -> bool:
    """Say whether a process has come so far that it hears SIGTERM: before that it is Python that begins, not we."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return True
    caught = next((line for line in status.splitlines() if line.startswith("SigCgt")), "SigCgt: 0")
    return bool(int(caught.split()[1], 16) >> (signal.SIGTERM - 1) & 1)


def check(ended: Ended, out: Path, whole: int) -> list[str]:
    """Return what is wrong with how a command ended, and with what it left; `whole` is its own exit code."""
    wrong = []
    if ended.code not in (130, whole):
        wrong.append(f"exit code {ended.code}")
    if "Traceback" in ended.told or "Exception ignored" in ended.told or "KeyboardInterrupt" in ended.told:
        wrong.append(f"told: {ended.told[-1500:]}")
    if ended.code == 130 and not any(word in ended.told for word in ("stopped", "saved")):
        wrong.append(f"nothing was told: {ended.told[-300:]!r}")
    for path in sorted(out.rglob("*")):
        if path.name.startswith(".") and path.name != LEDGER_NAME:
            wrong.append(f"left behind: {path.relative_to(out)}")
        elif path.is_file():
            try:
                read(path)
            except Exception as error:
                wrong.append(f"{path.relative_to(out)} is not whole: {error}")
    return wrong


def read(path: Path) -> None:
    """Read a result to its end; raises whatever is wrong with it."""
    kind = path.suffix
    if kind in (".gif", ".mp4"):
        video = read_video(path)
        assert sum(1 for _ in video.frames()) >= min(video.facts.frames, 2)
    elif kind in (".png", ".jpg"):
        assert read_photo(path).size
    elif kind in (".json", ".jsonl"):
        for text in path.read_text().splitlines() if kind == ".jsonl" else [path.read_text()]:
            json.loads(text)
    elif kind == ".safetensors":
        of = {"state": STATE_FORMAT, "judge": JUDGE_FORMAT}
        read_tensors(path, of.get(path.stem, MODEL_FORMAT))
    elif path.name in ("images.bin", "table.npz"):
        assert len(open_pack(path.parent))
    else:
        assert path.read_bytes().endswith(b"\n")


def torment(name: str, scene: Path, moments: int, say: bool = False) -> list[str]:
    """Return what went wrong with a command that was stopped so many times, from its first moment to its last."""
    calm = run(COMMANDS[name], scene, None)
    assert calm.code in (0, 1, 3) and not check(calm, scene / "out", calm.code), (name, calm)
    wrong: list[str] = []
    codes = []
    for n in range(moments):
        stop_s = calm.seconds * (n / moments)
        ended = run(COMMANDS[name], scene, stop_s)
        codes.append(ended.code)
        wrong += [f"{name} stopped after {stop_s:.2f} s: {what}" for what in check(ended, scene / "out", calm.code)]
    if say:
        print(f"{name:17} {calm.seconds:5.1f} s, exit codes {codes}", *wrong, sep="\n  ", flush=True)
    return wrong


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", help=f"some of {', '.join(COMMANDS)}")
    parser.add_argument("--moments", type=int, default=8)
    options = parser.parse_args()
    wrong: list[str] = []
    signal.signal(signal.SIGINT, signal.default_int_handler)  # which shells let jobs in the background ignore
    names = options.only.split(",") if options.only else list(COMMANDS)
    with tempfile.TemporaryDirectory() as folder:
        set_scene(Path(folder))
        for name in names:
            wrong += torment(name, Path(folder), options.moments, say=True)
    print(f"{len(names)} commands stopped {options.moments} times each: {len(wrong)} things went wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
