"""Text: the cache, the first token, training in the window, and a large text cut into tokens."""

import resource
import statistics
import sys
import tempfile
import time
from pathlib import Path

import torch
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from torch.nn import functional as F

from bench.program import begin, pump, ready
from bench.rows import row, show, sized
from bench.window import Painted, quantile, race, raced
from core import playgrounds, tokenizers
from core.paths import data_folder
from core.playgrounds.text import corpus, tokens
from core.playgrounds.text.models import TextModel, build
from core.playgrounds.text.recipe import GPT2, RECIPES
from core.sampling import Sampling, Stream
from core.training.checkpoint import Checkpoint, load_checkpoint
from core.training.device import use_threads
from core.training.learner import Learner
from gui.session_state import State
from gui.tour import Guide

RECIPE = RECIPES["tuned gpt"]
COUNT = sized(250, 5)


def cache() -> None:
    """Tokens a second with keys and values kept, against the whole context for each token."""
    torch.set_num_threads(1)
    tokenizer = tokenizers.train_bpe(corpus.load(data_folder()).train.pieces(), sized(1024, 300))
    rows = []
    for name, floor, settings in (
        ("nanoGPT's blocks", 5, {**GPT2, "context": 256}),
        ("tuned blocks", None, {"context": 256}),
        ("context 64", None, {"context": 64}),
    ):
        model = build(RECIPE.replace(settings), tokenizer).eval()
        rounds = [_kept(model) / _recomputed(model) for _ in range(sized(9, 1))]
        print(f"{name}: {min(rounds):.1f} to {max(rounds):.1f}", file=sys.stderr)
        what = f"tokens/s, cache against recomputing: {name}"
        rows.append(row(what, statistics.median(rounds), floor, "x"))
    show(rows)


def _kept(model: TextModel, count: int = COUNT) -> float:
    stream = Stream(model, torch.tensor([[10]]), Sampling(), 1)
    start = time.perf_counter()
    for _ in range(count):
        stream.draw(stream.logits())
    return count / (time.perf_counter() - start)


@torch.no_grad()
def _recomputed(model: TextModel) -> float:
    """Write as nanoGPT's generate does: crop to the context, run all of it, take the last."""
    idx = torch.tensor([[10]])
    start = time.perf_counter()
    for _ in range(COUNT):
        stream = model.streams(idx[:, -model.context :])[-1]
        logits = model.answer(stream[:, -1])
        idx_next = torch.multinomial(F.softmax(logits, dim=-1), num_samples=1)
        idx = torch.cat((idx, idx_next), dim=1)
    return COUNT / (time.perf_counter() - start)


def gpt2() -> None:
    """Open a GPT-2 of 124M parameters (random ones) from a file, and let it write."""
    torch.set_num_threads(1)  # as sample and the window do
    layers, width = sized((12, 768), (2, 32))
    recipe = RECIPE.replace(
        {**GPT2, "tokenizer": "gpt2", "gelu": "tanh", "context": 1024}
        | {"layers": layers, "width": width, "heads": max(1, width // 64)}
    )
    playground, tokenizer = playgrounds.get("text"), tokenizers.gpt2()
    with tempfile.TemporaryDirectory() as folder:
        weights = build(recipe, tokenizer).state_dict()
        made = Checkpoint(playground, recipe, tokenizer.to_dict(), weights, {}, {})
        playground.write_foreign(made, Path(folder) / "gpt2")
        del made, weights
        start = time.perf_counter()
        model = load_checkpoint(Path(folder) / "gpt2").model()
        opened = time.perf_counter() - start
    size = sum(weight.numel() for weight in model.parameters())
    rounds = [_kept(model, sized(64, 3)) for _ in range(sized(5, 1))]
    show(
        [
            row(f"{size / 1e6:.0f}M parameters: opening", opened, None, "s"),
            row(f"{size / 1e6:.0f}M parameters: tokens/s", statistics.median(rounds), 8, "/s"),
        ]
    )


def first() -> None:
    """From the click on Generate to the first token on the screen, idle and while training."""
    window, session = ready("text")
    idle = _clicks(window)
    begin(window, RECIPE, 90)
    pump(lambda: len(session.history.loss.x) > 5)
    busy = _clicks(window)
    session.stop()
    pump(lambda: session.state is State.READY)
    window.close()
    show(
        [
            row("click to first token, p95: idle", quantile(idle, 0.95), 100, "ms", True),
            row("click to first token, p95: training", quantile(busy, 0.95), 100, "ms", True),
        ]
    )


def _clicks(window: object, rounds: int = sized(40, 1)) -> list[float]:
    panel = window.page.write
    panel.settings.length.setValue(20)
    painted, times = Painted(panel.output.viewport()), []
    for _ in range(rounds):
        Guide.rest(150)
        start = time.perf_counter()
        QTest.mouseClick(panel.generate, Qt.MouseButton.LeftButton)
        pump(lambda: bool(panel.writing.said))
        said = time.perf_counter()
        pump(lambda said=said: painted.at > said)
        times.append(1000 * (painted.at - start))
        pump(lambda: not panel.writing.running)
    return times


def speed() -> None:
    """Steps a second of the default recipe in the visible window, against the same loop bare."""
    playground = playgrounds.get("text")
    data = playground.load(data_folder())

    def bare() -> float:
        learner = Learner(playground, RECIPE, data, torch.device("cpu"))
        use_threads(learner.model, learner.device)
        for _ in range(3):
            learner.learn(*learner.take(), 0.1)
        start, steps = time.perf_counter(), 0
        while time.perf_counter() - start < sized(6, 0.2):
            learner.learn(*learner.take(), 0.5)
            steps += 1
        return steps / (time.perf_counter() - start)

    ratios, late = race("text", RECIPE, bare)
    raced("gpt", ratios, late)


def tokenise() -> None:
    """Cut 100 MB of text with a trained encoding, in a file that is mapped into memory."""
    text = "".join(corpus.load(data_folder()).train.pieces())
    with tempfile.TemporaryDirectory() as folder:
        tokens.TOKENS = Path(folder) / "tokens"
        path = Path(folder) / "large.txt"
        raw = text.encode()
        with path.open("wb") as file:
            while file.tell() < sized(100_000_000, 1_000_000):
                file.write(raw)
        data = tokens.TextData(corpus.load(path))
        start = time.perf_counter()
        tokenizer = data.tokenizer(RECIPE)
        learned = time.perf_counter()
        found = data.train(tokenizer), data.val(tokenizer)
        cut = time.perf_counter()
        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
        print(
            f"{path.stat().st_size / 1e6:.0f} MB, {sum(map(len, found)):,} tokens; the encoding"
            f" was learned in {learned - start:.1f} s",
            file=sys.stderr,
        )
        show(
            [
                row("100 MB of text to tokens", cut - learned, 60, "s", True),
                row("memory meanwhile, at most", 1000 * most, 1500, "MB", True),
            ]
        )


def main(words: list[str]) -> None:
    """Measure one thing."""
    ways = {"cache": cache, "first": first, "speed": speed, "tokenise": tokenise, "gpt2": gpt2}
    ways[words[0]]()


if __name__ == "__main__":
    main(sys.argv[1:])
