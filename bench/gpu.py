"""What a GPU brings, in one command of less than eight minutes: ``python -m bench gpu``.

Where there is none, a sentence says so. The trainings on the CPU run beside the longest one on the
GPU, on cores that it does not need, where there are enough.
"""

import argparse
import gc
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from bench.accuracy import DATA, core, lasting
from bench.program import RECIPE, begin, pump, ready
from bench.rows import row, show, sized
from core import playgrounds, watch
from core.paths import data_folder
from core.playgrounds.names.recipe import RECIPES as NAMES
from core.training.control import Control
from core.training.learner import Learner
from core.training.recipe import Recipe
from core.training.trainer import Run, train
from gui.session_state import State

Rows = list[dict[str, Any]]
ROUNDS = sized(5, 1)
TURN = sized(1.0, 0.05)  # seconds of one side of a pair
RUNS = sized(10, 2)
OWN = 2  # cores that the GPU's training keeps for itself


def learner(name: str, recipe: Recipe, device: torch.device) -> Learner:
    """Return a learner after some steps: what is done once is done."""
    made = Learner(playgrounds.get(name), recipe, _data(name), device)
    for _ in range(sized(20, 2)):
        made.learn(*made.take(), 0.5)
    return made


@cache
def _data(name: str) -> Any:
    return playgrounds.get(name).load(data_folder())


def rate(step: Callable[[], object], device: torch.device) -> float:
    """Return steps a second; the GPU has done them all."""
    _wait(device)
    start, steps = time.perf_counter(), 0
    while time.perf_counter() - start < TURN:
        for _ in range(sized(20, 1)):  # to ask for the time less often than steps are done
            step()
            steps += 1
        _wait(device)
    return steps / (time.perf_counter() - start)


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def paired(a: Callable[[], object], b: Callable[[], object], device: torch.device) -> float:
    """Return how many times as fast the first one is, the median of turns."""
    return statistics.median(rate(a, device) / rate(b, device) for _ in range(ROUNDS))


def precision(device: torch.device) -> Rows:
    """Half precision against float32: speed, and the losses of the same steps."""
    name = sized("text", "names")
    recipe = playgrounds.get(name).recipe_for(name=playgrounds.get(name).recipe_on(device.type)[0])
    half, full = learner(name, recipe, device), learner(name, recipe, device)
    full._numbers, full._scaler = None, None
    faster = paired(lambda: _learn(half), lambda: _learn(full), device)
    steps = sized(100, 2)
    losses = []
    for numbers in (half._numbers, None):
        one = learner(name, recipe, device)
        one._numbers = numbers
        losses.append(statistics.fmean(float(_learn(one)) for _ in range(steps)))
    what = f"the same, mean loss of {steps} steps"
    return [
        row(f"{name}, half precision against float32, steps/s", faster, None, "x"),
        row(what, losses[0], losses[1] + 0.02, "nats", True),
    ]


def _learn(one: Learner) -> torch.Tensor:
    return one.learn(*one.take(), 0.5)[0]


def small_steps(device: torch.device) -> Rows:
    """A small network's forward and backward pass: compiled, and as a CUDA graph, against plain."""
    name = "lecture mlp"
    plain = learner("names", NAMES[name], device)
    inputs, targets = (tensor.clone() for tensor in plain.take())

    def step() -> None:
        plain.zero_gradients()
        plain.backward(plain.forward(inputs, targets)[1])

    rows = []
    if device.type == "cuda":
        rows.append(row(f"{name}: CUDA graph", paired(_graphed(step), step, device), None, "x"))
        forward = torch.compile(lambda: plain.forward(inputs, targets)[1], mode="reduce-overhead")

        def compiled() -> None:
            torch.compiler.cudagraph_mark_step_begin()
            plain.zero_gradients()
            plain.backward(forward())

        start = time.perf_counter()
        compiled()
        rows.append(row(f"{name}: first compiled step", time.perf_counter() - start, None, "s"))
        for _ in range(5):
            compiled()
        rows.append(row(f"{name}: torch.compile", paired(compiled, step, device), None, "x"))
    rows.append(row(f"{name}: forward and backward, plain", rate(step, device), None, "/s"))
    return rows


def _graphed(step: Callable[[], None]) -> Callable[[], None]:
    """Record a step, and return what does it again on the same tensors."""
    aside = torch.cuda.Stream()
    aside.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(aside):
        for _ in range(3):
            step()
    torch.cuda.current_stream().wait_stream(aside)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        step()
    replay: Callable[[], None] = graph.replay
    return replay


def round_trip(device: torch.device) -> Rows:
    """A network is trained there, judged on the CPU, gone on with there, and sampled."""
    short, there = ["--steps", str(sized(200, 2))], ["--device", device.type]
    recipe = sized([], ["--recipe", "lecture mlp"])  # it is judged in no time
    with tempfile.TemporaryDirectory() as folder:
        first, second, third = (str(Path(folder) / f"{n}.safetensors") for n in "abc")
        made = core("train", "names", *recipe, *short, *there, "--out", first, *DATA)
        judged = core("evaluate", first, *DATA)["metrics"]["dev_loss"]
        core("train", "names", *short, "--device", "cpu", "--resume", first, "--out", second, *DATA)
        back = core("train", "names", *short, *there, "--resume", second, "--out", third, *DATA)
        said = core("sample", third, "--count", "20", "--seed", "1")["samples"]
    gone = abs(made["val_loss"] - judged)
    return [
        row("judged on the CPU against on the device: loss differs by", gone, 0.01, "nats", True),
        row("CPU and back: steps done", back["steps"], 3 * int(short[1]), "steps"),
        row("names sampled from it", len(said), 20, "names"),
    ]


def watching(device: torch.device) -> Rows:
    """The lecture's loop, watched and bare, in turn."""
    ratios = []
    for _ in range(ROUNDS):
        seconds = []
        for watched in (False, True):
            torch.manual_seed(0)
            x = torch.randn(20_000, 30, device=device)
            y = (x[:, :27] @ torch.randn(27, 27, device=device)).argmax(1)
            net = nn.Sequential(nn.Linear(30, 200), nn.Tanh(), nn.Linear(200, 27)).to(device)
            optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
            with watch(quiet=True, record=False, budget=0.0) if watched else _nobody() as seen:
                _wait(device)
                start = time.perf_counter()
                for _ in range(sized(4000, 5)):
                    i = torch.randint(0, len(x), (32,), device=device)
                    loss = F.cross_entropy(net(x[i]), y[i])
                    optimizer.zero_grad()
                    loss.backward()
                    optimizer.step()
                    if seen:
                        seen.step(loss)
                _wait(device)
                seconds.append(time.perf_counter() - start)
        ratios.append(seconds[1] / seconds[0])
    return [
        row("the lecture's loop, watched against bare", statistics.median(ratios), 1.02, "x", True)
    ]


@contextmanager
def _nobody() -> Iterator[None]:
    yield


def leftovers(device: torch.device) -> Rows:
    """Memory of the GPU that is still held after some runs, against after the first one."""
    playground = playgrounds.get("digits")
    data, recipe = playground.load(None), playground.recipe_for()

    def held() -> float:
        steps, judged = sized((50, None), (1, 100))
        run = Run(playground, recipe, data, device, steps=steps, eval_examples=judged)
        for _ in train(run, Control()):
            pass
        gc.collect()
        return torch.cuda.memory_allocated(device) / 1e6 if device.type == "cuda" else 0.0

    after = [held() for _ in range(RUNS)]
    return [
        row(
            f"GPU memory held after {RUNS} runs more than after one",
            after[-1] - after[0],
            1,
            "MB",
            True,
        )
    ]


def window(device: torch.device) -> Rows:
    """The window offscreen while a network learns there, against the same steps bare."""
    recipe = RECIPE["modern"]
    alone = learner("digits", recipe, device)
    bare = rate(lambda: _learn(alone), device)
    shown, session = ready("digits", "--device", device.type)
    begin(shown, recipe, 60)
    losses = session.history.loss
    pump(lambda: len(losses.x) > sized(20, 1))
    first, start = losses.x[-1], time.perf_counter()
    pump(lambda: time.perf_counter() - start > sized(8.0, 0.5) and losses.x[-1] > first)
    rates = (losses.x[-1] - first) / (time.perf_counter() - start)
    where = session.info.device
    session.stop()
    pump(lambda: session.state is State.READY)
    shown.close()
    return [row(f"training in the window on {where}, against bare", rates / bare, 0.97, "x")]


def trainings(device: torch.device) -> Rows:
    """Each playground for 30 s on the device and on the CPU, and the text preset for 180 s."""
    names, longest = sized((playgrounds.all_names(), "text"), (["points"], "points"))
    preset = playgrounds.get(longest).recipe_on(device.type)[0]
    long = (longest, "--recipe", preset, "--device", device.type, *lasting(180), *DATA)
    found = [_trained(name, device.type) for name in names]
    cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    if device.type == "cuda" and len(cores) > 2 * OWN:
        # What a thread may run on, the processes that it starts may run on.
        apart = {"initializer": os.sched_setaffinity, "initargs": (0, cores[OWN:])}
        with ThreadPoolExecutor(1, **apart) as meanwhile:
            beside = [meanwhile.submit(_trained, name, "cpu") for name in names]
            made = core("train", *long)
            found += [each.result() for each in beside]
    else:
        found += [_trained(name, "cpu") for name in names]
        made = core("train", *long)
    rows = []
    for run in found:
        what = f"{run['playground']} on {run['device']}, 30 s"
        batch = playgrounds.get(run["playground"]).recipe_for(name=run["recipe"]).batch_size
        rows += [
            row(f"{what}: steps/s", run["steps_per_second"], None, "/s"),
            row(f"{what}: examples/s", batch * run["steps_per_second"], None, "/s"),
            row(f"{what}: validation loss", run["val_loss"], None, "nats"),
        ]
    reached = made["metrics"].get("val_nats_per_char", made["val_loss"])
    what = f"{longest} on {device.type}, {preset}, 180 s: a character"
    return [*rows, row(what, reached, 1.38, "nats", True)]


def _trained(name: str, device: str) -> dict[str, Any]:
    """Train a playground's recipe for that device for 30 s by the command line."""
    recipe = playgrounds.get(name).recipe_on(device)[0]
    words = ("--recipe", recipe, "--device", device, *lasting(30), *DATA)
    return core("train", name, *words) | {"recipe": recipe}


PARTS = (precision, small_steps, round_trip, watching, leftovers, window, trainings)


def main(words: Sequence[str] | None = None) -> None:
    """Measure all parts, or say that there is no GPU."""
    parser = argparse.ArgumentParser(prog="python -m bench.gpu", description=__doc__)
    parser.add_argument("--device", default="cuda", help="cuda, or cpu to see that all of it runs")
    options = parser.parse_args(words)
    if options.device == "cuda" and not torch.cuda.is_available():
        print("gpu: this machine has no CUDA GPU, so there is nothing to measure.", file=sys.stderr)
        show([])
        return
    device = torch.device(options.device)
    if device.type == "cuda":
        print(f"{torch.cuda.get_device_name(device)}, torch {torch.__version__}", file=sys.stderr)
    rows: Rows = []
    for part in PARTS:
        start = time.perf_counter()
        rows += part(device)
        print(f"{part.__name__}: {time.perf_counter() - start:.0f} s", file=sys.stderr)
    show(rows)


if __name__ == "__main__":
    main()
