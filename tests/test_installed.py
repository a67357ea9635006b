"""The wheel: built, installed where the checkout is not seen, and used as a person would."""

import json
import os
import re
import site
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from core.libraries import LIBRARIES

ROOT = Path(__file__).parents[1]
BIN = "Scripts" if os.name == "nt" else "bin"
LOOP = """
import sys
sys.modules |= dict.fromkeys({others})  # watch needs torch and numpy alone
import torch
from glassbox import watch
weight = torch.zeros(3, requires_grad=True)
optimizer = torch.optim.SGD([weight], 0.1)
with watch(budget=0.1) as seen:
    for step in range(60):
        loss = ((torch.ones(8, 3) @ weight - 2) ** 2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        seen.step(loss)
import core, gui
assert core.MINE and gui.MINE
"""
WINDOW = """
import sys, glassbox
sys.path.insert(0, str(glassbox.HOME))
from gui import app
_, window = app.build(["--page", "runs", "--device", "cpu"])
assert window.isVisible() and list(window.pages)[0] == "digits", window.pages
window.close()
"""
OTHERS = tuple(set(LIBRARIES) - {"torch", "numpy"})
LAYOUT = ("main.py", "core/version.py", "gui/app.py", "resources/plays/plays.zip")
LAYOUT += ("resources/plays/LICENSE.txt", "resources/fonts/OFL.txt", "checkpoints/text.safetensors")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel of this checkout, as ``pip install .`` builds it."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "--quiet"]
    command += ["--disable-pip-version-check", "--wheel-dir", str(folder), str(ROOT)]
    subprocess.run(command, check=True)
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """The programs of an environment with Glassbox, and with this one's libraries."""
    folder = tmp_path_factory.mktemp("installed")
    venv.create(folder)
    place = next(folder.glob("**/site-packages"))
    command = [sys.executable, "-m", "pip", "--python", str(folder), "install", "--no-deps"]
    command += ["--quiet", "--disable-pip-version-check", str(wheel)]
    subprocess.run(command, check=True)
    assert (place / "glassbox").is_dir()
    (place / "libraries.pth").write_text("\n".join(site.getsitepackages()))
    return folder / BIN


@pytest.fixture
def use(installed, tmp_path):
    """Run a program of the environment in a folder that has a ``core`` and a ``gui`` of its own."""
    folder = tmp_path / "mine"
    (folder / "gui").mkdir(parents=True)
    (folder / "core.py").write_text("MINE = True")
    (folder / "gui" / "__init__.py").write_text("MINE = True")
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "GLASSBOX"))}
    environment |= {"XDG_DATA_HOME": str(tmp_path / "data"), "LOCALAPPDATA": str(tmp_path / "data")}
    environment |= {"HOME": str(tmp_path), "PYTHONPATH": str(folder)}

    def run(program, *words):
        return subprocess.run(
            [installed / program, *map(str, words)],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def test_the_wheel_holds_what_git_has_and_nothing_else(wheel):
    """Code, data, starters and licences, in one package; no run, no cache."""
    names = zipfile.ZipFile(wheel).namelist()
    assert {f"glassbox/{name}" for name in LAYOUT} <= set(names)
    assert any(name.endswith("/licenses/LICENSE") for name in names)
    tops = {name.split("/")[0] for name in names}
    assert len(tops) == 2 and "glassbox" in tops
    folders = ("core", "gui", "resources", "checkpoints")
    listed = subprocess.run(
        ["git", "ls-files", *folders], cwd=ROOT, capture_output=True, text=True, check=True
    )
    kept = {name for name in listed.stdout.split("\n") if name and (ROOT / name).exists()}
    held = {name.removeprefix("glassbox/") for name in names if name.split("/")[1] in folders}
    assert kept <= held and not any("runs/" in n or "__pycache__" in n for n in held - kept)


def test_the_library_part_is_what_the_requirements_say(wheel):
    """Torch and numpy in the versions of requirements.txt, whose list is the extra ``app``."""
    archive = zipfile.ZipFile(wheel)
    about = archive.read(next(n for n in archive.namelist() if n.endswith("/METADATA"))).decode()
    needed = re.findall("^Requires-Dist: (.*)$", about, re.MULTILINE)
    library = {Requirement(line) for line in needed if ";" not in line}
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    listed = {line for line in lines if line and not line.startswith("#")}
    assert library == {Requirement(each) for each in listed if each.startswith(("torch>", "numpy"))}
    assert len(needed) == len(library) + len(listed)


def test_watch_works_beside_packages_of_the_same_names(use, tmp_path):
    """With torch and numpy alone; its record goes to the platform's data folder."""
    (tmp_path / "mine" / "loop.py").write_text(LOOP.format(others=OTHERS))
    done = use("python", "loop.py")
    assert done.returncode == 0, done.stderr
    record = next(tmp_path.glob("data/*/runs/loop-*.watch.json"))
    assert f"The record is in {record}" in done.stdout


def test_the_command_is_the_command_line(use):
    """``glassbox COMMAND`` is what ``python -m core COMMAND`` is in a checkout."""
    done = use("glassbox", "playgrounds", "--json")
    assert done.returncode == 0, done.stderr
    assert len(json.loads(done.stdout)["playgrounds"]) == 4
    done = use("glassbox", "sample", "names", "--prompt", "bro", "--seed", "1")
    assert done.stdout.startswith("bro"), done.stderr
    done = use("glassbox", "train")
    assert done.returncode == 2 and "('glassbox playgrounds' lists them)" in done.stderr
    assert "usage: glassbox train" in use("glassbox", "train", "--help").stdout


@pytest.mark.skipif(os.name == "nt", reason="every user has one")
def test_a_user_without_a_home_can_use_it(use):
    """As in a container that runs under a number: it starts, and keeps what it keeps elsewhere."""
    program = "import os, pwd; os.environ.pop('HOME'); os.environ.pop('XDG_DATA_HOME')\n"
    program += "pwd.getpwuid = lambda number: {}[number]\n"
    program += "from glassbox.core import paths; print(paths.RUNS)"
    done = use("python", "-c", program)
    assert done.stdout.strip().endswith("glassbox/runs"), done.stderr
    assert not done.stdout.startswith(os.path.expanduser("~"))  # noqa: PTH111


def test_the_command_is_the_window(use):
    """``glassbox`` with the window's options alone."""
    done = use("python", "-c", WINDOW)
    assert done.returncode == 0, done.stderr
    assert use("glassbox", "--version").stdout.startswith("Glassbox ")
    done = use("glassbox", "--page", "kitchen")
    assert done.returncode == 2 and "no page 'kitchen'; there are digits" in done.stderr
