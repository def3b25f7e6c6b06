"""The architecture: imports only go down, heavy libraries stay where they belong and are loaded late."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import ganimate

PACKAGE = Path(ganimate.__file__).parent

# The rooms, in the order of the data: a room may import from itself and from those before it, never in a circle.
# README.md shows the same tree.
ROOMS = (
    "errors",
    "config",
    "system",
    "facs",
    "trajectory",
    "timeline",
    "trackers",
    "media",
    "face",
    "figures",
    "motion",
    "render",
    "networks",
    "zoo",
    "animation",
    "data",
    "training",
    "evaluation",
    "",  # the library in one import
    "web",
    "cli",
    "__main__",
)
FLOOR = {name: floor for floor, name in enumerate(ROOMS)}
MOST_ARROWS = 90  # between rooms

# Libraries that one room keeps to itself, or two.
KEEPERS = {
    "dlib": "face",
    "face_recognition": "face",
    "face_recognition_models": "face",
    "fastapi": "web",
    "fsspec": "animation",
    "gradio": "web",
    "imageio": "media",
    "imageio_ffmpeg": "media",
    "matplotlib": "figures",
    "onnx": "zoo",
    "onnxruntime": "zoo",
    "onnxscript": "zoo",
    "ray": "system",
    "rich": "cli",
    "typer": "cli",
    "uvicorn": "web",
    "yaml": "config, timeline",
}
# What the rooms up to this one do without, so that they load at once. `system.devices` alone is about torch.
TOO_HEAVY = {"facs": {"torch", "cv2", "PIL", "safetensors"}, "figures": {"torch", "safetensors"}}

# Loaded when they are needed, not by `import ganimate` or `ganimate --help`.
LATE = (
    "torch",
    "dlib",
    "face_recognition",
    "face_recognition_models",
    "pkg_resources",
    "cv2",
    "imageio",
    "matplotlib",
    "safetensors",
    "onnx",
    "onnxruntime",
    "yaml",
    "gradio",
    "fsspec",
    "ray",
    "uvicorn",
)


def modules() -> Iterator[tuple[str, Path]]:
    """Yield each module's dotted name below ganimate ("" for the package itself) and its file."""
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), path


NAMES = dict(modules())


def top(name: str) -> str:
    return name.partition(".")[0]


def floor(name: str) -> int:
    """Return the floor of a module's room; one without a floor counts as the top, until its own test is heeded."""
    return FLOOR.get(top(name), len(ROOMS))


def imports(name: str, path: Path) -> set[str]:
    """Return the absolute dotted names that a file imports anywhere, also inside functions."""
    found: set[str] = set()
    package = ["ganimate", *name.split(".")] if path.name == "__init__.py" else ["ganimate", *name.split(".")[:-1]]
    package = [part for part in package if part]
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(package[: len(package) - node.level + 1]) if node.level else ""
            source = ".".join(part for part in (base, node.module or "") if part)
            for alias in node.names:
                member = f"{source}.{alias.name}"
                found.add(member if member.removeprefix("ganimate.") in NAMES else source)
    return found


def own_imports(name: str) -> set[str]:
    """Return the modules of ganimate that one of them imports, by their names below ganimate."""
    found = {each.removeprefix("ganimate.") for each in imports(name, NAMES[name]) if each.startswith("ganimate.")}
    return (found & NAMES.keys()) - {name}


def arrows() -> set[tuple[str, str]]:
    """Return which room imports from which other one."""
    return {(top(name), top(other)) for name in NAMES for other in own_imports(name) if top(name) != top(other)}


@pytest.mark.parametrize("name", NAMES)
def test_every_module_has_a_room(name: str) -> None:
    assert top(name) in FLOOR, f"give ganimate/{top(name)} a place in tests/test_layers.py"


@pytest.mark.parametrize("name", NAMES)
def test_imports_only_go_down(name: str) -> None:
    above = {other for other in own_imports(name) if floor(other) > floor(name)}
    assert not above, f"ganimate.{name} imports from above: {sorted(above)}"


def test_rooms_know_few_others() -> None:
    print(f"{len(arrows())} arrows between {len(ROOMS) - 1} rooms")
    assert len(arrows()) <= MOST_ARROWS


def test_the_readme_shows_the_rooms() -> None:
    text = (PACKAGE.parent / "README.md").read_text("utf-8")
    lines = text.split("<!-- rooms -->")[1].split("```")[1].splitlines()[2:]
    assert ["" if line.split()[0] == "__init__.py" else line.split()[0].rstrip("/") for line in lines] == list(ROOMS)


def test_no_imports_in_a_circle() -> None:
    # a package's __init__ that gathers its modules is no circle, as long as they do not import it back
    graph = {name: own_imports(name) for name in NAMES}
    while free := [name for name, targets in graph.items() if not targets & graph.keys()]:
        for name in free:
            del graph[name]
    assert not graph, f"these import each other in a circle: {sorted(graph)}"


@pytest.mark.parametrize("name", NAMES)
def test_libraries_stay_with_their_keepers(name: str) -> None:
    libraries = {top(found) for found in imports(name, NAMES[name])}
    strayed = {library for library in libraries if top(name) not in KEEPERS.get(library, top(name)).split(", ")}
    assert not strayed, f"ganimate.{name} uses {sorted(strayed)}, which only {[KEEPERS[s] for s in strayed]} may"
    heavy = {library for room, kept_out in TOO_HEAVY.items() if floor(name) <= FLOOR[room] for library in kept_out}
    assert not libraries & heavy or name == "system.devices"


def run_python(*arguments: str) -> str:
    """Return what a fresh interpreter prints."""
    done = subprocess.run(
        [sys.executable, *arguments], cwd=PACKAGE.parent, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def loaded_after(code: str) -> set[str]:
    """Return which of the late libraries a fresh interpreter has loaded when `code` has run."""
    printed = run_python("-c", f"{code}\nimport sys\nprint('LOADED', *({LATE} & sys.modules.keys()))")
    return set(printed.splitlines()[-1].split()[1:])


def test_importing_ganimate_is_light() -> None:
    assert loaded_after("import ganimate") == set()


def test_importing_the_detector_is_light() -> None:
    heavy = loaded_after("import ganimate.face.detect; ganimate.face.detect.DlibDetector()")
    assert heavy <= {"cv2"}


def call(*arguments: str) -> str:
    """Return code that calls the command line in this process."""
    return f"""
import sys
sys.argv = ["ganimate", *{arguments!r}]
from ganimate.cli import main
try:
    main()
except SystemExit as leave:
    assert not leave.code, leave.code
"""


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["animate", "--help"]])
def test_help_is_light(arguments: list[str]) -> None:
    assert loaded_after(call(*arguments)) == set()


@pytest.mark.parametrize(
    "code",
    [call("models"), call("models", "show", "default"), "import ganimate; studio = ganimate.Studio(); studio.units"],
)
def test_what_models_say_of_themselves_is_read_without_torch(code: str) -> None:
    assert not loaded_after(code) & {"torch", "cv2", "dlib"}


def test_help_comes_at_once() -> None:
    # Time of the processor, not of the wall: the machine may be busy. And beside what typer takes for a program of one
    # command on the same machine (half of 0.5 s on a fast one, 0.37 s on a slow one): no machine is to decide it.
    bare = (
        "import sys, typer\nsys.argv = ['bare', '--help']\napp = typer.Typer()\n@app.command()\ndef bare() -> None: ..."
    )
    bare += "\ntry:\n    app()\nexcept SystemExit:\n    pass\n"
    told = "\nimport time\nprint(time.process_time())"
    pairs = [[run_python("-c", code + told) for code in (call("--help"), bare)] for _ in range(3)]
    ours, least = (min(float(each.splitlines()[-1]) for each in column) for column in zip(*pairs, strict=True))
    assert ours < 2 * least


def test_python_dash_m_is_the_console_script() -> None:
    assert "animate" in run_python("-m", "ganimate", "--help")
