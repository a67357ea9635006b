"""What the doctor does with a watched loop: survey, experiments, rules, verdict."""

import copy
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import torch

from .diagnosis import Diagnosis
from .evidence import Evidence, evidence_of
from .experiments import on_copies as experiments
from .experiments.data_checks import survey
from .experiments.replay import Replay
from .rules import judge
from .verdict.conclusion import conclude
from .watch.tape import replay

if TYPE_CHECKING:
    from .watch.watcher import LoopWatcher

DEAR = ("overfit_one_batch", "other_rates")
CLEAR = 0.85
"""A cause this clear needs no dear experiment."""


def diagnose_loop(watcher: "LoopWatcher", budget: float, crash: str = "") -> Diagnosis:
    """Return the diagnosis of a loop that has ended (or of what was seen of it so far).

    Args:
        watcher: what was seen.
        budget: seconds for experiments.
        crash: the error that ended the loop; "".
    """
    begin = time.perf_counter()
    case = evidence_of(watcher, crash)
    if watcher.problem and not watcher.observations:
        sentence = f"No step of this loop was understood ({watcher.problem})."
        return Diagnosis("unknown", sentence, 0.0)
    again = again_of(watcher)
    if again is not None:
        case.data = survey(again, watcher.variables)
        case.facts["both_modes"] = _both_modes(watcher, again)
        for _ in explore(case, again, budget, watcher.repeatable):
            pass  # nobody waits for words
    return conclude(case, judge(case), seconds=round(time.perf_counter() - begin, 2))


def again_of(watcher: "LoopWatcher") -> Replay | None:
    """Return the newest step, to be done again; None if nothing was understood."""
    graph = watcher.graph
    if graph is None or graph.outputs is None or not graph.tape.parameters:
        return None
    return Replay(graph, watcher.batches)


def explore(
    case: Evidence, again: Replay, budget: float, faithful: bool = True
) -> Iterator[tuple[str, float]]:
    """Try things out within a budget, the cheap ones first; what is clear is not tried.

    Args:
        case: takes the experiments.
        again: the step.
        budget: seconds.
        faithful: whether the step can be done again; else nothing is tried.

    Yields:
        What is tried next, and the share that is done.
    """
    if not faithful:
        return
    end = time.perf_counter() + budget
    for place, name in enumerate(experiments.ON_STEPS):
        left = end - time.perf_counter()
        if left <= 0.05 or not again.batches:
            break
        if name in DEAR and _is_clear(case):
            continue
        yield experiments.TITLES[name], place / len(experiments.ON_STEPS)
        case.trials[name] = experiments.attempt(name, again, case, left)


def _is_clear(case: Evidence) -> bool:
    return any(c.passed is False and c.confidence >= CLEAR for c in judge(case))


def _both_modes(watcher: "LoopWatcher", again: Replay) -> Callable[[], tuple[float, float]] | None:
    """Return what measures a batch in both modes of a module, if one takes the inputs directly."""
    graph = again.graph
    modules = [m for m in watcher.variables.modules.values() if any(True for _ in m.parameters())]
    normal = torch.nn.modules.batchnorm._BatchNorm
    if len(modules) != 1 or not any(isinstance(m, normal) for m in modules[0].modules()):
        return None
    module = modules[0]

    def measure() -> tuple[float, float]:
        inputs, _ = again.batches[-1]
        found = []
        for training in (True, False):
            standing = copy.deepcopy(module).train(training)
            with torch.no_grad():
                outputs = standing(*inputs)
                if outputs.shape != graph.outputs.shape:  # type: ignore[union-attr]
                    raise ValueError("the module's output is not what the loss judges")
                (loss,) = _loss_of(again, outputs)
                found.append(float(loss))
        return found[0], found[1]

    return measure


def _loss_of(again: Replay, outputs: torch.Tensor) -> tuple[torch.Tensor, ...]:
    graph = again.graph
    assert graph.outputs is not None and graph.tape.root is not None
    instead = again.put(again.batches[-1]) | {id(graph.outputs): outputs}
    return replay(graph.tape, (graph.tape.root,), instead)
