"""Names: the lecture's own loops, in plain PyTorch as it writes them, against the program."""

import statistics
import sys
import time

import torch
import torch.nn.functional as F
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from torch import Tensor

from bench.program import begin, pump, ready
from bench.rows import row, show, sized
from bench.window import ALONE, Painted, quantile, race, raced
from core import playgrounds
from core.paths import data_folder
from core.playgrounds.names.player import Player
from core.playgrounds.names.recipe import RECIPES
from core.sampling import Sampling
from core.training.learner import Learner
from gui.session_state import State
from gui.tour import Guide

LECTURE = RECIPES["lecture mlp"]
COUNT = sized(1000, 20)
"""Names that are sampled."""


def learner() -> Learner:
    """Return what trains the lecture's MLP here."""
    playground = playgrounds.get("names")
    return Learner(playground, LECTURE, playground.load(data_folder()), torch.device("cpu"))


class Lecture:
    """The MLP of makemore, part 2: its tensors, its training loop and its sampling loop."""

    def __init__(self) -> None:
        examples = learner().examples
        self.x, self.y = examples.inputs.long(), examples.targets
        self.c = torch.randn(27, 10)
        self.w1, self.b1 = torch.randn(30, 200), torch.randn(200)
        self.w2, self.b2 = torch.randn(200, 27), torch.randn(27)
        self.parameters = [self.c, self.w1, self.b1, self.w2, self.b2]
        self.steps, self.losses = [], []
        for p in self.parameters:
            p.requires_grad = True

    def scores(self, emb: Tensor) -> Tensor:
        """(B, 3, 10) to (B, 27)."""
        h = torch.tanh(emb.view(-1, 30) @ self.w1 + self.b1)
        return h @ self.w2 + self.b2

    def train(self, seconds: float) -> float:
        """Train for so long; return the steps a second."""
        torch.set_num_threads(1)  # as the program does; with two it is slower
        begin, i = time.perf_counter(), 0
        while time.perf_counter() - begin < seconds:
            ix = torch.randint(0, self.x.shape[0], (32,))
            emb = self.c[self.x[ix]]
            loss = F.cross_entropy(self.scores(emb), self.y[ix])
            for p in self.parameters:
                p.grad = None
            loss.backward()
            lr = 0.1 if i < 100_000 else 0.01
            for p in self.parameters:
                p.data += -lr * p.grad
            self.steps.append(i)
            self.losses.append(loss.log10().item())
            i += 1
        return i / (time.perf_counter() - begin)

    def sample(self, count: int) -> list[str]:
        """Make names, one letter at a time."""
        g, out = torch.Generator().manual_seed(2147483647 + 10), []
        for _ in range(count):
            name, context = [], [0] * 3
            while True:
                emb = self.c[torch.tensor([context])]
                probs = F.softmax(self.scores(emb), dim=1)
                ix = torch.multinomial(probs, num_samples=1, generator=g).item()
                context = [*context[1:], ix]
                if ix == 0:
                    break
                name.append(chr(96 + ix))
            out.append("".join(name))
        return out


def speed() -> None:
    """Steps a second of the lecture's MLP in the visible window, against the lecture's loop."""
    lecture = Lecture()
    ratios, late = race("names", LECTURE, lambda: lecture.train(ALONE))
    raced("lecture's MLP", ratios, late)


def sample() -> None:
    """1,000 names by the same network: ours at once, the lecture's one letter at a time."""
    lecture = Lecture()
    lecture.train(sized(20, 0.5))  # until names have the length of names
    playground = playgrounds.get("names")
    model = playground.build(
        LECTURE, playground.vocabulary(playground.load(data_folder()), LECTURE)
    )
    weights = (lecture.c, lecture.w1.T, lecture.b1, lecture.w2.T, lecture.b2)
    with torch.no_grad():
        for ours, theirs in zip(model.parameters(), weights, strict=True):
            ours.copy_(theirs)
    player, ratios = Player(model.eval()), []
    for seed in range(sized(7, 1)):
        start = time.perf_counter()
        with torch.no_grad():
            lecture.sample(COUNT)
        middle = time.perf_counter()
        player.names("", COUNT, Sampling(), seed)
        ratios.append((middle - start) / (time.perf_counter() - middle))
    print(f"ratios {min(ratios):.0f} to {max(ratios):.0f}", file=sys.stderr)
    what = "1,000 names sampled, against one letter at a time"
    show([row(what, statistics.median(ratios), 20, "x")])


def prefix() -> None:
    """From a key in the prefix box to the new names on the screen, idle and while training."""
    window, session = ready("names")
    idle = _key_times(window)
    begin(window, LECTURE, 60)
    pump(lambda: len(session.history.loss.x) > 5)
    busy = _key_times(window)
    session.stop()
    pump(lambda: session.state is State.READY)
    window.close()
    show(
        [
            row("key to new names, p95: idle", quantile(idle, 0.95), 40, "ms", True),
            row("key to new names, p95: training", quantile(busy, 0.95), 40, "ms", True),
        ]
    )


def _key_times(window: object, rounds: int = sized(20, 1)) -> list[float]:
    panel = window.page.names
    painted = Painted(panel.names.viewport())
    times = []
    for _ in range(rounds):
        panel.prefix.clear()
        for letter in "marin":
            Guide.rest(60)
            before = panel.names.item(0).text()
            start = time.perf_counter()
            QTest.keyClick(panel.prefix, Qt.Key(ord(letter.upper())))
            pump(lambda start=start: painted.at > start)
            # Names that begin so, and not a painting that was due anyway.
            while not panel.names.item(0).text().startswith(panel.prefix.text()):
                seen = painted.at
                pump(lambda seen=seen: painted.at > seen)
            times.append(1000 * (painted.at - start))
            assert before
    return times


def main(words: list[str]) -> None:
    """Measure one thing."""
    {"speed": speed, "sample": sample, "prefix": prefix}[words[0]]()


if __name__ == "__main__":
    main(sys.argv[1:])
