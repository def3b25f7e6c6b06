"""What many tests need: the example photo, and its face without a detector."""

from __future__ import annotations

import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings
from numpy.typing import NDArray
from PIL import Image
from synthetic import make_pack, shoot
from typer.testing import CliRunner, Result

from ganimate.face.crop import Box, Face
from ganimate.face.detect import FixedDetector

# How long an example takes says more of what else the machine does than of the code.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(autouse=True)
def heard() -> Iterator[None]:
    """SIGINT as it is in a terminal: shells let jobs in the background, and what these start, ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(scope="module")
def one_thread() -> Iterator[None]:
    """Torch on one thread: sums in one order, and small networks are no faster on more.

    Of a module, as some train a network once for all of its tests: that has to be on one thread, too.
    """
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def astronaut_path() -> Path:
    """The example photo, 512×512."""
    return ROOT / "examples" / "astronaut.jpg"


@pytest.fixture(scope="session")
def astronaut(astronaut_path: Path) -> NDArray[np.uint8]:
    """The example photo (512, 512, 3) RGB; not writable, as all tests share it."""
    with Image.open(astronaut_path) as image:
        photo = np.array(image.convert("RGB"))
    photo.flags.writeable = False
    return photo


@pytest.fixture(scope="session")
def astronaut_face() -> Face:
    """The face of the example photo, as `DlibDetector` found it."""
    landmarks = np.loadtxt(ROOT / "tests" / "data" / "astronaut_landmarks.csv", np.float32, delimiter=",")
    return Face(Box(175.0, 79.2, 274.6, 178.8), landmarks)


@pytest.fixture(scope="session")
def astronaut_detector(astronaut_face: Face) -> FixedDetector:
    """A detector for the example photo that needs no dlib."""
    return FixedDetector((astronaut_face,))


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model file of OpenFace's AUs with random weights: fast, and of no use."""
    import torch

    from ganimate.config import CriticConfig, CropSpec, GeneratorConfig
    from ganimate.facs import OPENFACE_AUS
    from ganimate.networks import Critic, build_generator
    from ganimate.zoo.cards import ModelCard
    from ganimate.zoo.checkpoint import save_model

    generator = GeneratorConfig(architecture="attention", size_px=32, channels=4, blocks=1)
    critic = CriticConfig(size_px=32, channels=4, layers=3)
    card = ModelCard("tiny", generator, critic, CropSpec(size_px=32), OPENFACE_AUS, training={"steps": 0})
    path = tmp_path_factory.mktemp("models") / "tiny.safetensors"
    with torch.random.fork_rng():
        torch.manual_seed(0)
        reader = Critic(critic, len(OPENFACE_AUS))
        torch.nn.init.uniform_(reader.au_head.bias, 0.1, 0.6)  # y_r is neither 0 nor 1
        save_model(path, card, build_generator(generator, len(OPENFACE_AUS)), reader)
    return path


@pytest.fixture(scope="session")
def poor_model(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny model that lacks most AUs."""
    import dataclasses

    import torch

    from ganimate.networks import Critic, build_generator
    from ganimate.zoo.checkpoint import load_model, save_model

    card, aus = load_model(tiny_model).card, (1, 2, 4, 12, 25, 45)
    path = tmp_path_factory.mktemp("poor") / "poor.safetensors"
    with torch.random.fork_rng():
        torch.manual_seed(0)
        networks = build_generator(card.generator, len(aus)), Critic(card.critic, len(aus))
    save_model(path, dataclasses.replace(card, name="poor", aus=aus), *networks)
    return path


@pytest.fixture
def photo(tmp_path: Path, astronaut_path: Path) -> Path:
    """A copy of the example photo, alone in a folder of its own."""
    folder = tmp_path / "photos"
    folder.mkdir()
    return Path(shutil.copy(astronaut_path, folder / "me.jpg"))


@pytest.fixture
def cli(monkeypatch: pytest.MonkeyPatch, astronaut_detector: FixedDetector) -> Callable[..., Result]:
    """Run a command line in this process, with a detector that finds the astronaut's face wherever it looks."""
    from ganimate.animation import session
    from ganimate.cli import app

    monkeypatch.setattr(session, "make_detector", lambda name: astronaut_detector)

    def run(*arguments: object) -> Result:
        return CliRunner().invoke(app, [str(argument) for argument in arguments], prog_name="ganimate")

    return run


@pytest.fixture(scope="session")
def faces_pack(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A pack of drawn people of 32 px: 6 people 4 times each, and 6 strangers; nobody may change it."""
    folder = tmp_path_factory.mktemp("faces")
    make_pack(folder, shoot())
    return folder / "faces.pack"
