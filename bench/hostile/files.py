"""Mutated files of every kind that the program opens: a sentence each, or they open.

    python -m bench.hostile files [--count 5000] [--kinds NAME ...] [--keep FOLDER]

Each file is made from a good one by changes that a seed decides, and opened in a child process as
the program opens it. Counted are errors without a sentence, what took more than 10 seconds or 1 GB,
what was written outside of the folder that it may write to, and what was run.
"""

import argparse
import copy
import gzip
import io
import json
import os
import random
import select
import shutil
import struct
import subprocess
import sys
import tempfile
import time
import traceback
import zipfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench.rows import row, show, sized

SECONDS, BYTES = 10.0, 1 << 30
ENDS = 30.0  # seconds after which a child that does not answer is ended
MARK = "glassbox-hostile-was-run"
RUNS_CODE = f"__import__('os').system('touch {MARK}')"
WRITES = ("open", "os.rename", "os.remove", "os.mkdir", "shutil.rmtree", "os.truncate", "os.link")
STARTS = ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "pickle.find_class")
VALUES: tuple[Any, ...] = (
    None,
    True,
    -1,
    0,
    10**30,
    2**63,
    -(2**40),
    1e308,
    float("inf"),
    float("nan"),
    "",
    "x" * 20_000,
    "\0",
    "\ud800",
    "../../../x",
    "~nobody/x",
    "<b>evil<i>",
    RUNS_CODE,
    [],
    {},
    [[[[]]]],
    [0] * 5000,
    {"": {"": None}},
)


def _value(chance: random.Random) -> Any:
    return copy.deepcopy(chance.choice(VALUES))  # they are changed in turn


def mutated_values(values: Any, chance: random.Random) -> Any:
    """Return JSON values with one to four places changed."""
    whole = {"": json.loads(json.dumps(values))}
    for _ in range(chance.randint(1, 4)):
        places = list(_places(whole))
        holder, key = chance.choice(places)
        what = chance.random()
        if what < 0.7:
            holder[key] = _value(chance)
        elif what < 0.85 and holder is not whole:
            del holder[key]
        elif isinstance(holder, list):
            holder.insert(key, _value(chance))
        else:
            holder[f"more{chance.random()}"] = _value(chance)
    return whole[""]


def _places(holder: Any) -> Any:
    keys = list(holder) if isinstance(holder, dict) else range(min(len(holder), 50))
    for key in keys:
        yield holder, key
        if isinstance(holder[key], dict | list):
            yield from _places(holder[key])


def mutated_bytes(content: bytes, chance: random.Random) -> bytes:
    """Return bytes with some changed, inserted, doubled or cut off."""
    raw = bytearray(content)
    for _ in range(chance.choice((1, 1, 2, 4, 16))):
        at = chance.randrange(len(raw) + 1)
        # Headers decide more than contents: half of all changes are near the beginning.
        at = min(at, chance.randrange(200)) if chance.random() < 0.5 else at
        what = chance.randrange(8)
        size = chance.choice((1, 1, 4, 8, 64, 1000))
        if what == 0:
            raw[at : at + size] = chance.randbytes(size)
        elif what == 1:
            raw[at:at] = chance.randbytes(size)
        elif what == 2:
            del raw[at : at + size]
        elif what == 3:
            raw[at:at] = raw[at : at + 1000]
        elif what == 4:
            del raw[at:]
        elif what == 5:
            number = chance.choice((0, 1, 2**31 - 1, 2**32 - 1, 2**63 - 1, 2**64 - 1))
            order = chance.choice("<>")
            raw[at : at + 8] = struct.pack(f"{order}Q", number)
        elif what == 6:
            raw[at : at + size] = bytes(size)
        else:
            raw += chance.randbytes(size)
    return bytes(raw)


def mutated_json(content: bytes, chance: random.Random) -> bytes:
    """Return JSON that is changed in its values, or as bytes."""
    if chance.random() < 0.2:
        return mutated_bytes(content, chance)
    if chance.random() < 0.03:
        return b"[" * 100_000
    return json.dumps(mutated_values(json.loads(content), chance)).encode("utf-8", "replace")


def mutated_tensors(content: bytes, chance: random.Random) -> bytes:
    """Return a safetensors file whose header or bytes are changed."""
    if chance.random() < 0.4:
        return mutated_bytes(content, chance)
    (size,) = struct.unpack("<Q", content[:8])
    header, rest = json.loads(content[8 : 8 + size]), content[8 + size :]
    about = next(iter(header["__metadata__"]))
    if chance.random() < 0.7:
        values = json.loads(header["__metadata__"][about])
        header["__metadata__"][about] = json.dumps(mutated_values(values, chance))
    else:
        header = mutated_values(header, chance)
    packed = json.dumps(header).encode("utf-8", "replace")
    return struct.pack("<Q", len(packed)) + packed + rest


def mutated_zip(content: bytes, chance: random.Random) -> bytes:
    """Return a zip whose parts, names or bytes are changed."""
    if chance.random() < 0.4:
        return mutated_bytes(content, chance)
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(out, "w") as new:
        chosen = chance.choice(old.namelist())
        for name in old.namelist():
            part, title = old.read(name), name
            if name == chosen:
                part = mutated(name, part, chance)
                if chance.random() < 0.2:
                    title = chance.choice(("../../x", "/x", "C:\\x", "a\nb", "x" * 300, name * 2))
            method = chance.choice((0, 8, 8, 8, 12, 14))
            new.writestr(title, part, method)
        if chance.random() < 0.03:
            new.writestr(chance.choice(("x", "best.safetensors")), bytes(400 << 20), 8)
    return out.getvalue()


def mutated_gzip(content: bytes, chance: random.Random) -> bytes:
    """Return a gzip file that is changed inside, outside, or holds far too much."""
    what = chance.random()
    if what < 0.05:
        return gzip.compress(bytes(400 << 20), 1)
    if what < 0.5:
        return gzip.compress(mutated_bytes(gzip.decompress(content), chance), 1)
    return mutated_bytes(content, chance)


def mutated(name: str, content: bytes, chance: random.Random) -> bytes:
    """Return a file of that name, changed as its kind allows."""
    if name.endswith((".json", ".ipynb")):
        return mutated_json(content, chance)
    if name.endswith(".safetensors"):
        return mutated_tensors(content, chance)
    if name.endswith((".zip", ".npz")):
        return mutated_zip(content, chance)
    if name.endswith(".gz"):
        return mutated_gzip(content, chance)
    return mutated_bytes(content, chance)


def good_files(folder: Path) -> dict[str, tuple[str, bytes]]:
    """Return a good file of each kind: its name and its bytes; a short training makes some."""
    import torch
    from PIL import Image

    from core import playgrounds, watch
    from core.playgrounds.digits.recipe import DigitsRecipe
    from core.playgrounds.names.recipe import NamesRecipe
    from core.playgrounds.text.recipe import TextRecipe
    from core.runs.bundle import pack
    from core.runs.keyframes import keyframes_of
    from core.runs.recorder import FileRecorder
    from core.training.control import Control
    from core.training.trainer import Run, train

    recipes = {
        "names": NamesRecipe(hidden=(8,), embedding=2, context=2, batch_size=8),
        "digits": DigitsRecipe(model="mlp", hidden=(8,), batch_size=8, augment="none"),
        "text": TextRecipe(tokenizer="characters", model="bigram", batch_size=8),
    }
    found = {}
    for name, recipe in recipes.items():
        playground, record = playgrounds.get(name), folder / name
        data, device = playground.load(None), torch.device("cpu")
        recorder = FileRecorder(record, None)
        list(train(Run(playground, recipe, data, device, steps=30, recorder=recorder), Control()))
        found[f"checkpoint of {name}"] = ("last.safetensors", record / "last.safetensors")
    record = folder / "names"
    pack(record, folder / "run.zip")
    step = keyframes_of(record)[0]
    found |= {
        "run.json": ("run.json", record / "run.json"),
        "curves": ("curves.npz", record / "curves.npz"),
        "moment": (f"{step:010}.safetensors", record / "moments" / f"{step:010}.safetensors"),
        "run in a zip": ("run.zip", folder / "run.zip"),
    }
    x, weights = torch.randn(64, 4), torch.zeros(4, 1, requires_grad=True)
    path = folder / "loop.watch.json"
    with watch(record=path, quiet=True, budget=0.5) as seen:
        for _ in range(30):
            loss = ((x @ weights - x[:, :1]) ** 2).mean()
            weights.grad = None
            loss.backward()
            with torch.no_grad():
                weights -= 0.1 * weights.grad
            seen.step(loss)
    found["loop record"] = (path.name, path)
    picture = Image.new("RGB", (60, 50), "white")
    picture.paste((0, 0, 0), (25, 10, 32, 40))
    for kind in ("PNG", "JPEG", "GIF", "BMP", "WebP", "TIFF"):
        drawn = folder / f"picture.{kind.lower()}"
        picture.save(drawn, kind)
        found[f"image, {kind}"] = (drawn.name, drawn)
    ready = {kind: (name, path.read_bytes()) for kind, (name, path) in found.items()}
    cell = {"cell_type": "code", "source": "for i in range(3):\n    loss.backward()", "outputs": []}
    notebook = {"cells": [cell, {**cell, "source": "%time x = 1"}], "metadata": {}, "nbformat": 4}
    settings = {"program": "glassbox", "version": 1, "theme": "dark", "pages": {"names": [1, 2]}}
    text = "Wär ich ein Vogel, 🐦 so flöge ich.\n" * 40
    images = struct.pack(">IIII", 2051, 60_000, 28, 28) + bytes(5000)
    return ready | {
        "labels of a run": ("card.json", b'{"name": "a", "note": "b", "star": true}'),
        "list of names": ("names.txt", "\n".join(f"änn{n}" for n in range(50)).encode()),
        "text": ("text.txt", text.encode()),
        "text, UTF-16": ("text.txt", text.encode("utf-16")),
        "MNIST, packed": ("train-images-idx3-ubyte.gz", gzip.compress(images)),
        "notebook": ("mine.ipynb", json.dumps(notebook).encode()),
        "script": ("mine.py", b"import torch\nfor i in range(3):\n    loss.backward()\n"),
        "settings": ("settings.json", json.dumps(settings).encode()),
        "recipe": ("recipe.json", json.dumps(recipes["names"].to_dict()).encode()),
        "tokenizer": (
            "tokenizer.json",
            json.dumps({"tokenizer": "characters", "learned": ["w6Q=", "8J+Qpg=="]}).encode(),
        ),
    }


def opened(kind: str, path: Path) -> None:
    """Open a file as the program does, and use what comes of it."""
    from core import playgrounds, tokenizers
    from core.doctor.diagnosis import read_diagnosis
    from core.playgrounds.digits import data as digits
    from core.playgrounds.digits.ink import centre, read_image
    from core.playgrounds.names import wordlist
    from core.playgrounds.text import corpus
    from core.programs.find_loops import LoopFinder
    from core.programs.program import read_program
    from core.runs.bundle import unpack
    from core.runs.curves import curves_of, read_curves
    from core.runs.keyframes import keyframes_of, read_keyframe
    from core.runs.library import Library, read_entry
    from core.runs.run_info import read_run_info, recipe_of
    from core.training.checkpoint import load_checkpoint, read_recipe
    from gui.state_file import read_state, value_of

    folder = path.parent
    if kind.startswith("checkpoint"):
        read_recipe(path)
        load_checkpoint(path).model()
    elif kind in ("run.json", "labels of a run"):
        recipe_of(read_run_info(folder))
        json.dumps(read_entry(folder).to_dict(), allow_nan=False)
    elif kind == "curves":
        list(read_curves(folder).curves())
    elif kind == "moment":
        moments = folder / "moments"
        moments.mkdir()
        path.rename(moments / path.name)
        for step in keyframes_of(folder):
            read_keyframe(folder, step)
    elif kind == "run in a zip":
        unpack(path, folder / "runs")
        for entry in Library(folder / "runs").entries():
            json.dumps(entry.to_dict(), allow_nan=False)
    elif kind == "loop record":
        json.dumps(read_entry(path).to_dict(), allow_nan=False)
        list(curves_of(path).curves())
        if found := read_diagnosis(path)[1]:
            found.text()
            found._repr_html_()
    elif kind.startswith("image"):
        centre(read_image(path))
    elif kind == "list of names":
        data = wordlist.load(path)
        playgrounds.get("names").vocabulary(data, None)
    elif kind.startswith("text"):
        list(corpus.load(path).train.pieces())
    elif kind.startswith("MNIST"):
        raw = folder / "mnist" / "MNIST" / "raw"
        raw.mkdir(parents=True)
        path.rename(raw / path.name)
        digits.full(folder)
    elif kind in ("notebook", "script"):
        trees = [cell.tree for cell in read_program(path).cells if cell.tree]
        LoopFinder(trees)
    elif kind == "settings":
        values, _ = read_state(path)
        value_of(values, "theme", str, "light")
    elif kind == "recipe":
        playgrounds.get("names").recipe_type.from_dict(_mapping(path.read_bytes()))
    else:
        tokenizers.from_dict(_mapping(path.read_bytes()))


def _mapping(content: bytes) -> dict[str, Any]:
    """Return what the reader of a checkpoint would hand on: a dictionary, or nothing."""
    from core.errors import UserError
    from core.files import parse_json

    try:
        return dict(parse_json(content))
    except (ValueError, TypeError):
        raise UserError("It is no part of a checkpoint.") from None


def child() -> None:
    """Open the files that the parent names, a line each, and tell what came of it."""
    import torch  # noqa: F401, loaded once

    from core.problems import problem_of

    may_write, seen = Path.cwd().resolve(), list[str]()
    watching = False

    def hear(event: str, arguments: tuple[Any, ...]) -> None:
        if not watching:
            return
        if event in STARTS:
            seen.append(f"run: {event} {str(arguments)[:200]}")
        elif event in WRITES and _writes(event, arguments):
            where = arguments[0]
            if isinstance(where, str | os.PathLike):
                place = Path(os.path.realpath(where))
                if not place.is_relative_to(may_write) and place != Path(os.devnull):
                    seen.append(f"written: {event} {place}")

    sys.addaudithook(hear)
    for line in sys.stdin:
        kind, place = json.loads(line)
        Path("/proc/self/clear_refs").write_text("5")
        before, begun, error = _memory("VmRSS"), time.monotonic(), ""
        seen.clear()
        watching = True
        try:
            opened(kind, Path(place))
            answer = "opened"
        except Exception as refused:
            answer = problem_of(refused)
            if not answer:
                error = traceback.format_exc()
            elif len(answer) > 2000 or not answer.strip():
                error = f"no sentence: {answer[:300]}"
        watching = False
        told = {"answer": answer[:300], "error": error, "seen": list(seen)}
        told |= {"seconds": time.monotonic() - begun, "bytes": _memory("VmHWM") - before}
        print(json.dumps(told), flush=True)


def _writes(event: str, arguments: tuple[Any, ...]) -> bool:
    if event != "open":
        return True
    _, mode, flags = (*arguments, None, 0)[:3]
    if isinstance(mode, str):
        return any(letter in mode for letter in "wax+")
    return bool(int(flags or 0) & (os.O_WRONLY | os.O_RDWR | os.O_CREAT))


def _memory(key: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(f"{key}:")).split()[1]) << 10


class _Child:
    """A process that opens files, started anew where it was ended."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._process: subprocess.Popen[str] | None = None

    def ask(self, kind: str, path: Path) -> dict[str, Any]:
        """Have it open a file; return what it tells, or that it does not any more."""
        if self._process is None or self._process.poll() is not None:
            root = Path(__file__).parents[2]
            environment = {**os.environ, "PYTHONPATH": str(root), "HOME": str(self.folder)}
            self._process = subprocess.Popen(
                [sys.executable, "-c", "from bench.hostile.files import child; child()"],
                cwd=self.folder,
                env=environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
        assert self._process.stdin and self._process.stdout
        self._process.stdin.write(f"{json.dumps([kind, str(path)])}\n")
        self._process.stdin.flush()
        begun = time.monotonic()
        ready, _, _ = select.select([self._process.stdout], [], [], 60 + ENDS)
        line = self._process.stdout.readline() if ready else ""
        if line:
            found: dict[str, Any] = json.loads(line)
            return found
        self._process.kill()
        status = self._process.wait()
        error = f"the process ended with {status}" if ready else "no answer"
        spent = time.monotonic() - begun
        return {"answer": "", "error": error, "seen": [], "seconds": spent, "bytes": 0}

    def close(self) -> None:
        """End it."""
        if self._process and self._process.stdin:
            self._process.stdin.close()
            self._process.wait()


def attack(
    count: int, kinds: list[str], keep: Path | None, tell: Callable[[str], object]
) -> list[dict[str, Any]]:
    """Open so many mutated files, kinds in turn; return what went wrong, and tell each."""
    with tempfile.TemporaryDirectory(prefix="glassbox-") as name:
        made = Path(name) / "made"
        made.mkdir()
        good = good_files(made)
        chosen = kinds or list(good)
        place = Path(name) / "opened"
        place.mkdir()
        opener, results = _Child(place), list[dict[str, Any]]()
        for number in range(count):
            kind = chosen[number % len(chosen)]
            title, content = good[kind]
            chance = random.Random(f"{kind} {number // len(chosen)}")
            folder = place / f"{number}"
            folder.mkdir()
            if kind == "labels of a run":
                (folder / "run.json").write_bytes(good["run.json"][1])
            path = folder / title
            path.write_bytes(mutated(title, content, chance))
            result = opener.ask(kind, path)
            result |= {"kind": kind, "number": number}
            results.append(result)
            if wrong(result):
                tell(f"{kind}, {number}: {', '.join(wrong(result))}\n{result['error']}")
                if keep:
                    keep.mkdir(parents=True, exist_ok=True)
                    chance = random.Random(f"{kind} {number // len(chosen)}")
                    kept = keep / f"{number}-{title}"
                    kept.write_bytes(mutated(title, content, chance))
            if list(place.rglob(MARK)):
                result["seen"].append("run: a command of a file")
            shutil.rmtree(folder, ignore_errors=True)
        opener.close()
        return results


def wrong(result: dict[str, Any]) -> list[str]:
    """Return what went wrong with a file, in a word each."""
    found = ["no sentence"] if result["error"] else []
    found += ["too long"] if result["seconds"] > SECONDS else []
    found += ["too much memory"] if result["bytes"] > BYTES else []
    return found + sorted({seen.split(":")[0] for seen in result["seen"]})


def main(words: list[str]) -> None:
    """Attack, and print the rows."""
    parser = argparse.ArgumentParser(prog="python -m bench.hostile files", description=__doc__)
    parser.add_argument("--count", type=int, default=sized(5000, 60))
    parser.add_argument("--kinds", nargs="*", default=[])
    parser.add_argument("--keep", type=Path, help="where files are kept that went wrong")
    options = parser.parse_args(words)
    os.nice(10)
    results = attack(
        options.count, options.kinds, options.keep, lambda line: print(line, file=sys.stderr)
    )
    counts = Counter(what for result in results for what in wrong(result))
    whole = sum(result["answer"] == "opened" for result in results)
    print(f"{whole} of {len(results)} opened all the same", file=sys.stderr)
    rows = [
        row(f"mutated files, {len(results)}: {what}", counts[what], 0, "files", most=True)
        for what in ("no sentence", "too long", "too much memory", "written", "run")
    ]
    slowest = max((result["seconds"] for result in results), default=0.0)
    largest = max((result["bytes"] for result in results), default=0)
    rows.append(row("the slowest of them", slowest, SECONDS, "s", most=True))
    rows.append(row("the most memory for one", largest / 1e6, BYTES / 1e6, "MB", most=True))
    show(rows)
