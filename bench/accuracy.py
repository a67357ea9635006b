"""How good the networks get, through the command line, as anyone would train them."""

import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from bench.rows import row, show, sized
from core import registry
from core.lessons.ablation import switches_of
from core.paths import CHECKPOINTS, data_folder
from core.playgrounds.names.recipe import COMPARED_MODELS
from core.training.memory import is_mixed

DATA = ["--data", str(folder)] if (folder := data_folder()) else []
"""Where all of the data is; nothing, where the bundled data must do for the smallest sizes."""


def lasting(seconds: int) -> list[str]:
    """Return the words for a training of so many seconds."""
    return sized(["--seconds", str(seconds)], ["--steps", "2"])


LONG = lasting(180)
SEEDS = sized((1, 2, 3), (1,))


def over_seeds(what: str, measure: Callable[[list[str]], float]) -> float:
    """Return the mean over the seeds of what is measured with ``--seed N``; say each of them."""
    found = [measure(["--seed", str(seed)]) for seed in SEEDS]
    print(f"{what}: {', '.join(f'{each:.4f}' for each in found)}", file=sys.stderr)
    return statistics.mean(found)


def core(*words: str) -> dict:
    """Run ``python -m core`` and return its JSON; only --data names a folder of data."""
    command = [sys.executable, "-m", "core", *words, "--json"]
    alone = {key: value for key, value in os.environ.items() if key != "GLASSBOX_DATA"}
    answer = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, env=alone)
    return json.loads(answer.stdout)


def trained(seconds: int, floor: float, data: list[str]) -> None:
    """Train for so long, then judge on the official 10,000."""

    def accuracy(seed: list[str]) -> float:
        with tempfile.TemporaryDirectory() as folder:
            out = str(Path(folder) / "net.safetensors")
            core("train", "digits", *lasting(seconds), *seed, "--out", out, *data)
            return float(core("evaluate", out, *DATA)["metrics"]["test_accuracy"])

    what = f"train digits --seconds {seconds}, {'all of MNIST' if data else 'bundled MNIST'}"
    show([row(f"{what}: official 10,000", over_seeds(what, accuracy), floor, "%")])


def starter() -> None:
    """The shipped starter, and the size of its file."""
    got = core("evaluate", "digits", *DATA)["metrics"]["test_accuracy"]
    size = (CHECKPOINTS / "digits.safetensors").stat().st_size / 1e6
    show(
        [
            row("shipped starter: official 10,000", got, 0.996, "%"),
            row("shipped starter: its file", size, 2.0, "MB", most=True),
        ]
    )


def names_starter() -> None:
    """The shipped names starter, and the size of its file."""
    got = core("evaluate", "names", *DATA)["metrics"]["dev_loss"]
    size = (CHECKPOINTS / "names.safetensors").stat().st_size / 1e6
    show(
        [
            row("shipped names starter: dev loss", got, 1.915, "nats", most=True),
            row("shipped names starter: its file", size, 2.0, "MB", most=True),
        ]
    )


def tuned(seconds: int, floor: float) -> None:
    """The best tuned recipe for names, which is the default one, after so many seconds."""
    what = f"train names --seconds {seconds}"

    def dev_loss(seed: list[str]) -> float:
        return float(names(*lasting(seconds), *seed)["metrics"]["val_loss"])

    show([row(f"{what}: dev loss", over_seeds(what, dev_loss), floor, "nats", most=True)])


def text(what: str, floor: float, *words: str) -> None:
    """A text recipe after 180 s on Tiny Shakespeare, judged on the whole last tenth."""
    loss = over_seeds(what, lambda seed: _text_loss(what, *LONG, *seed, *words))
    show([row(what, loss, floor, "nats", most=True)])


def _text_loss(what: str, *words: str) -> float:
    with tempfile.TemporaryDirectory() as folder:
        out = str(Path(folder) / "net.safetensors")
        made = core("train", "text", *words, *DATA, "--out", out)
        got = core("evaluate", out, *DATA)["metrics"]["val_nats_per_char"]
    steps, size = made["steps"], made["parameters"]
    print(f"{what}: {got:.3f} after {steps:,} steps, {size:,} parameters", file=sys.stderr)
    return float(got)


def text_switches() -> None:
    """Each switch of lesson 6 on top of those before it, 180 s each; the last is the default."""
    playground = registry.get("text")
    settings: dict[str, object] = {}
    rows = []
    switches = switches_of(playground, is_mixed(playground.recipe_for(), "cpu"))
    for switch in sized(switches, switches[:1]):
        settings |= switch.settings
        words = [f"{key}={value}" for key, value in settings.items()]
        loss = _text_loss(switch.title, *LONG, "--set", *words)
        rows.append(row(f"{switch.title}: nats a character", loss, None, "nats"))
    show(rows)


def text_600() -> None:
    """The default text recipe after 600 s."""
    loss = _text_loss("train text --seconds 600", *lasting(600))
    show([row("train text --seconds 600: nats a character", loss, 1.40, "nats", most=True)])


def text_starter() -> None:
    """The shipped text starter on the last tenth of Tiny Shakespeare, and the size of its file."""
    got = core("evaluate", "text", *DATA)["metrics"]
    size = (CHECKPOINTS / "text.safetensors").stat().st_size / 1e6
    loss = got["val_nats_per_char"]
    show(
        [
            row("shipped text starter: nats a character", loss, 1.38, "nats", most=True),
            row("shipped text starter: its file", size, 16.0, "MB", most=True),
        ]
    )


def model_comparison(which: str) -> None:
    """Every compared model; the lectures' own recipes against the lectures' values."""
    models = [
        (compared.model, compared.recipes[which], compared.lecture) for compared in COMPARED_MODELS
    ]
    if which == "lecture":
        models.insert(3, ("mlp", "lecture mlp, improved", 2.103))
    rows = []
    print(
        "| model | recipe | parameters | steps | seconds | train | dev | lecture |", file=sys.stderr
    )
    print("| --- | --- | --- | --- | --- | --- | --- | --- |", file=sys.stderr)
    for model, recipe, lecture in models:
        length = ["--seconds", "20"] if which == "tuned" else []
        length = sized(length, ["--steps", "1"])
        made = names("--recipe", recipe, *length)
        dev, train = made["metrics"]["val_loss"], made["metrics"]["train_loss"]
        print(
            f"| {model} | {recipe} | {made['parameters']:,} | {made['steps']:,} |"
            f" {made['seconds']:.0f} | {train:.3f} | {dev:.3f} | {lecture or '–'} |",
            file=sys.stderr,
        )
        # makemore's transformer trained for longer than its script says; its value is no floor.
        held = which == "lecture" and lecture and model != "transformer"
        rows.append(row(f"{recipe}: dev loss", dev, lecture + 0.02 if held else None, "nats", True))
    show(rows)


def names(*words: str) -> dict:
    """Train on makemore's names; return what ``train`` says."""
    with tempfile.TemporaryDirectory() as folder:
        out = str(Path(folder) / "net.safetensors")
        return core("train", "names", *words, *DATA, "--out", out)


def main(words: list[str]) -> None:
    """Measure one thing."""
    if not sized(DATA, ["none needed"]):
        sys.exit("name the folder that holds mnist/ and names/ with --data or GLASSBOX_DATA")
    {
        "starter": starter,
        "bundled-20": lambda: trained(20, 0.99, []),
        "bundled-60": lambda: trained(60, 0.994, []),
        "full-60": lambda: trained(60, 0.995, DATA),
        "names-starter": names_starter,
        "text-180": lambda: text("train text --seconds 180: nats a character", 1.43),
        "text-characters": lambda: text(
            "characters, 180 s: nats a character", 1.66, "--recipe", "characters gpt"
        ),
        "text-switches": text_switches,
        "text-600": text_600,
        "text-starter": text_starter,
        "tuned-60": lambda: tuned(60, 1.925),
        "model-comparison": lambda: model_comparison("tuned"),
        "model-comparison-lecture": lambda: model_comparison("lecture"),
    }[words[0]]()


if __name__ == "__main__":
    main(sys.argv[1:])
