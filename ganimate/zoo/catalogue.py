"""The models that come with ganimate: list, resolve, describe."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from os.path import isfile  # unlike Path.is_file, also answers for what cannot be a file name
from pathlib import Path

from ganimate.config import DEFAULT_MODEL
from ganimate.errors import ModelError
from ganimate.zoo.card import MODEL_FORMAT, ModelCard, read_card, read_metadata

WEIGHTS_NAME = "model.safetensors"
CARD_NAME = "README.md"
JUDGE_PATH = Path("judge", "judge.safetensors")  # below models/; no generator, so no model that one could animate with
MESH_PATH = Path("mesh", "mesh.safetensors")


@dataclass(frozen=True)
class ZooEntry:
    """A model on disk: its short name, its weights, and what they say of themselves."""

    name: str
    path: Path
    card: ModelCard

    @property
    def size_bytes(self) -> int:
        """Size of the weights."""
        return self.path.stat().st_size

    @property
    def digest(self) -> str:
        """SHA-256 of the tensors, as the file states it; loading checks it."""
        return str(read_metadata(self.path, MODEL_FORMAT).get("digest"))

    @property
    def prose(self) -> str | None:
        """The model card for people (Markdown), or None."""
        text = self.path.parent / CARD_NAME
        return text.read_text("utf-8") if text.is_file() else None


def zoo_folders() -> list[Path]:
    """Return the folders that hold models: inside the installed package, and beside it in a checkout."""
    package = Path(__file__).resolve().parent.parent
    return [folder for folder in (package / "_models", package.parent / "models") if folder.is_dir()]


def list_models(on_damage: Callable[[ModelError], None] | None = None) -> list[ZooEntry]:
    """Return the models that come with ganimate, by name; one that cannot be read is left out, and told `on_damage`."""
    entries: dict[str, ZooEntry] = {}
    for folder in zoo_folders():
        for path in sorted(folder.glob(f"*/{WEIGHTS_NAME}")):
            try:
                entries.setdefault(path.parent.name, ZooEntry(path.parent.name, path, read_card(path)))
            except ModelError as error:
                if on_damage is not None:
                    on_damage(error)
    return [entries[name] for name in sorted(entries)]


def find_model(name: str = DEFAULT_MODEL) -> ZooEntry:
    """Return the model of that name, or in that file or folder; raises ModelError with the names there are."""
    path = Path(name)
    if isfile(path / WEIGHTS_NAME):
        path = path / WEIGHTS_NAME
    if isfile(path):
        return ZooEntry(path.stem if path.name != WEIGHTS_NAME else path.resolve().parent.name, path, read_card(path))
    for found in (folder / name / WEIGHTS_NAME for folder in zoo_folders()):
        if isfile(found):
            return ZooEntry(name, found, read_card(found))
    names = ", ".join(sorted({p.parent.name for f in zoo_folders() for p in f.glob(f"*/{WEIGHTS_NAME}")}))
    raise ModelError(
        f"there is no model called {name!r}",
        f"models here: {names or 'none'}; or hand in the path of a model.safetensors",
    )


def find_judge(name: str | None = None) -> Path:
    """Return the weights of the judge in that file or folder, by default of the one that ships; raises ModelError."""
    return _find_reader(name, JUDGE_PATH, "judge", "'ganimate train-judge PACK --out judge.safetensors'")


def find_mesh_reader(name: str | None = None) -> Path:
    """Return the weights of the mesh reader in that file or folder, by default those that ship; raises ModelError."""
    return _find_reader(
        name, MESH_PATH, "reader of meshes", "'ganimate train-mesh IMAGES --meshes MESHES.npz --out RUN'"
    )


def _find_reader(name: str | None, shipped: Path, kind: str, command: str) -> Path:
    """Return the file of weights called `name`, or the one `shipped` below models/; `command` trains such a network."""
    own = [] if name is None else [Path(name), Path(name) / shipped.name]
    places = own or [folder / shipped for folder in zoo_folders()]
    if found := next(filter(isfile, places), None):
        return found
    if name is not None:
        raise ModelError(f"there is no {kind} at {name}", "leave it out for the one that ships, or train one")
    raise ModelError(
        f"the {kind} is missing from this installation", f"install ganimate again, or train one with {command}"
    )
