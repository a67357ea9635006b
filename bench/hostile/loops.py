"""Hostile loops under ``watch`` against the same loops bare: nothing raised, the same weights.

Each kind of hostility is put at each place in a loop where it fits.
"""

import argparse
import contextlib
import io
import itertools
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from bench.rows import row, show, sized
from core import watch

STEPS = 6
LONGER = 1.0  # seconds that a watched loop may take more
BUDGET = 0.1  # seconds for experiments


class Nothing:
    """What a loop without Glassbox calls in its place."""

    def step(self, loss: object) -> None:
        """Take a loss."""

    validate = step


class Liar:
    """A proxy that says nothing of itself."""

    @property
    def __class__(self):
        raise RuntimeError("no class")

    def __getattr__(self, name: str):
        raise RuntimeError("no attributes")


class Grumpy:
    """An object that can be neither printed, compared nor measured."""

    def __repr__(self):
        raise RuntimeError("no words")

    __str__ = __len__ = __eq__ = __bool__ = __float__ = __repr__
    __hash__ = object.__hash__


class Unnamed(nn.Linear):
    """A module that does not tell its parts."""

    def named_modules(self, *given, **names):
        raise RuntimeError("no names")

    def named_parameters(self, *given, **names):
        raise RuntimeError("no names")


class Deaf(nn.Linear):
    """A module that takes no hooks."""

    def register_forward_hook(self, *given, **names):
        raise RuntimeError("no hooks")

    register_forward_pre_hook = register_full_backward_hook = register_forward_hook


class Stateless(nn.Linear):
    """A module that neither shows its state nor is copied."""

    def state_dict(self, *given, **names):
        raise RuntimeError("no state")

    def __deepcopy__(self, memo):
        raise RuntimeError("no copy")


class Modeless(nn.Linear):
    """A module that can't be put into a mode."""

    def train(self, mode=True):
        raise RuntimeError("no mode")

    def eval(self):
        raise RuntimeError("no mode")


class Wordless(nn.Linear):
    """A module that can't be printed."""

    def __repr__(self):
        raise RuntimeError("no words")

    extra_repr = __repr__


class Ringed(nn.Linear):
    """A module that has itself as a part."""

    def __init__(self, *sizes):
        super().__init__(*sizes)
        self.__dict__["around"] = [self]


REPORTS: dict[str, Callable[[Tensor], object]] = {
    "None": lambda loss: None,
    "a number as text": lambda loss: "0.5",
    "text": lambda loss: "a loss",
    "bytes": lambda loss: b"\xff",
    "a list": lambda loss: [loss.item()],
    "a dictionary": lambda loss: {"loss": loss},
    "a vector": lambda loss: loss.detach().repeat(3),
    "complex": lambda loss: loss.detach().to(torch.complex64),
    "meta": lambda loss: loss.detach().to("meta"),
    "sparse": lambda loss: loss.detach().reshape(1).to_sparse(),
    "an array": lambda loss: np.array([loss.item()]),
    "half": lambda loss: np.float16(loss.item()),
    "huge": lambda loss: 10**400,
    "NaN": lambda loss: float("nan"),
    "minus infinity": lambda loss: -float("inf"),
    "nothing in it": lambda loss: torch.empty(0),
    "a proxy": lambda loss: Liar(),
    "what can't be printed": lambda loss: Grumpy(),
    "a truth": lambda loss: loss > 1,
    "a function": lambda loss: lambda: loss,
    "a class": lambda loss: Tensor,
}
"""What a loop may report in place of a loss, by what it is."""
MODELS: dict[str, type[nn.Linear]] = {
    "no names": Unnamed,
    "no hooks": Deaf,
    "no state": Stateless,
    "no mode": Modeless,
    "no words": Wordless,
    "a ring": Ringed,
}
RECORDS = ["gone/x.watch.json", "n" * 300, "file/x.json", "null\0.json"]
NAMES = ["../../x", "/etc/x", "a\nb", "n" * 300, "..", "C:\\x", "\0"]


def learn(seen, around=nullcontext, report=lambda loss: loss, model=nn.Linear, each=lambda: None):
    """Train a small network; return its weights."""
    torch.manual_seed(0)
    network = model(4, 3)
    optimizer = torch.optim.SGD([network.weight, network.bias], 0.1)
    x, y = torch.randn(8, 4), torch.tensor([0, 1, 2, 0, 1, 2, 0, 1])
    with around():
        for _ in range(STEPS):
            each()
            loss = nn.functional.cross_entropy(nn.functional.linear(x, network.weight), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            seen.step(report(loss))
            seen.validate(report(loss))
    return network.weight.detach()


class _Only:
    """Hands on a loop's reports of one kind alone."""

    def __init__(self, seen: Any, kind: str) -> None:
        self._seen, self._kind = seen, kind

    def step(self, loss: object) -> None:
        if self._kind == "step":
            self._seen.step(loss)

    def validate(self, loss: object) -> None:
        if self._kind == "validate":
            self._seen.validate(loss)


@contextmanager
def _nested() -> Iterator[None]:
    with watch(quiet=True, record=False, budget=BUDGET):
        yield


@contextmanager
def _without_output() -> Iterator[None]:
    closed = io.StringIO()
    closed.close()
    with contextlib.redirect_stdout(closed), contextlib.redirect_stderr(closed):
        yield


def _in_thread(work: Callable[[], Tensor]) -> Tensor:
    found: list[Tensor] = []
    thread = threading.Thread(target=lambda: found.append(work()))
    thread.start()
    thread.join()
    return found[0]


def _places() -> dict[str, Callable[[Any, dict[str, Any]], Tensor]]:
    """Return ways to do the same loop: each is given who is told and what is hostile."""
    return {
        "both": lambda seen, hostile: learn(seen, **hostile),
        "step": lambda seen, hostile: learn(_Only(seen, "step"), **hostile),
        "validation": lambda seen, hostile: learn(_Only(seen, "validate"), **hostile),
        "nested": lambda seen, hostile: learn(seen, around=_nested, **hostile),
        "no output": lambda seen, hostile: learn(seen, around=_without_output, **hostile),
        "another thread": lambda seen, hostile: _in_thread(lambda: learn(seen, **hostile)),
    }


def loops(folder: Path) -> Iterator[tuple[str, Callable[[bool], Tensor]]]:
    """Yield loops by name; each trains, watched or bare, and returns its weights."""
    (folder / "file").write_text("in the way")
    hostile: list[tuple[str, dict[str, Any]]] = [
        *((f"reports {name}", {"report": report}) for name, report in REPORTS.items()),
        *((f"module with {name}", {"model": model}) for name, model in MODELS.items()),
    ]
    for (what, how), (place, train) in itertools.product(hostile, _places().items()):
        yield f"{what}, {place}", _loop(train, how, record=folder / "x.watch.json")
    both = _places()["both"]
    for record in RECORDS:
        yield f"record {record[:20]!r}", _loop(both, {}, record=folder / record)
    for name in NAMES:
        yield f"name {name[:20]!r}", _loop(both, {}, name=name)


def _loop(
    train: Callable[[Any, dict[str, Any]], Tensor], how: dict[str, Any], **options: Any
) -> Callable[[bool], Tensor]:
    def work(watched: bool) -> Tensor:
        if not watched:
            return train(Nothing(), how)
        with watch(quiet=True, budget=BUDGET, **options) as seen:
            return train(seen, how)

    return work


def main(words: list[str]) -> None:
    """Do every loop both ways, and print the rows."""
    parser = argparse.ArgumentParser(prog="python -m bench.hostile loops", description=__doc__)
    parser.parse_args(words)
    raised, other, slow, count = [], [], [], 0
    with tempfile.TemporaryDirectory() as name:
        every = list(loops(Path(name)))
        for what, work in every[:: sized(1, 20)]:
            count += 1
            begin = time.perf_counter()
            bare = work(False)
            between = time.perf_counter()
            try:
                watched = work(True)
            except Exception as error:
                raised.append(f"{what}: {error!r}")
                continue
            longer = (time.perf_counter() - between) - (between - begin)
            if longer > LONGER:
                slow.append(f"{what}: {longer:.1f} s")
            left = torch.overrides._get_current_function_mode_stack()
            if left or not torch.equal(bare, watched):
                other.append(what)
    for kind, found in (("raised", raised), ("changed", other), ("slow", slow)):
        for what in found:
            print(f"{kind}: {what}", file=sys.stderr)
    name = f"{count} hostile loops under watch"
    show(
        [
            row(f"{name}: raised into", len(raised), 0, "", most=True),
            row(f"{name}: other weights, or a mode left on", len(other), 0, "", most=True),
            row(f"{name}: more than {LONGER:.0f} s longer", len(slow), 0, "", most=True),
        ]
    )
