"""The diagnosis of a watched loop: data checks, experiments, rules, verdict."""

import math
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace

from torch import nn

from .diagnosis import Diagnosis
from .evidence import Evidence, evidence_of
from .experiments.data_checks import check_data, visits
from .experiments.folds import folds_learned_from
from .experiments.reference_networks import compare_networks
from .experiments.replay import REPLAY_ERRORS, Replay
from .experiments.seen_data import visits_of_source
from .experiments.step_experiments import STEP_EXPERIMENTS, UNLABELLED_EXPERIMENTS
from .experiments.step_fixes import prove_steps
from .lines.data import is_other_on_purpose
from .lines.finders import lines_of
from .lines.program_lines import Lines
from .rules import apply_rules
from .rules.data import LEARNED
from .verdict.conclusion import BROKEN, causes_of, conclude
from .watch.graph import StepGraph
from .watch.pairs import loss_of_one_distance
from .watch.replicas import validated_copy
from .watch.tape import Tape
from .watch.training_kind import ACTOR, ADVERSARIAL, CONTRASTIVE, DIFFERENTIATES, OTHER
from .watch.variables import Variables
from .watch.watcher import LoopWatcher
from .watch.work import SLOWER, clock

MIN_COMPARED = 50
"""Steps, from which on a network is compared with others."""
CLEAR = 0.85
"""A cause of this confidence needs no expensive experiment."""
NETWORKS, COPY = 0.5, 0.2
"""The parts of the budget that networks of other sizes take, and a copy that goes on."""


def diagnose_loop(watcher: LoopWatcher, evidence: Evidence) -> Diagnosis:
    """Return the diagnosis of a loop that has ended."""
    if watcher.problem and not watcher.observations:
        sentence = f"This loop was not understood ({watcher.problem})."
        return Diagnosis("unknown", sentence, 0.0)
    loaded = watcher.loaded_itself
    lines = Lines(
        watcher.graph or StepGraph(Tape()),
        watcher.variables,
        watcher.use_lines,
        watcher.crashed_at,
        watcher.nan_line,
        (loaded.kept, loaded.loaded) if loaded else (),
        watcher.met[2] if watcher.met else None,
        watcher.loaded_line,
    )
    used = evidence.inference
    if used and used.unlike and is_other_on_purpose(lines):
        evidence = replace(evidence, inference=used.of_like_inputs())
    found = conclude(evidence, apply_rules(evidence), seconds=evidence.seconds)
    found = found.cut_short() if evidence.cut_short else found
    return replace(found, causes=tuple(replace(c, lines=lines_of(lines, c)) for c in found.causes))


def examine_loop(watcher: LoopWatcher, budget: float, crash: str = "") -> Evidence:
    """Return the evidence of a loop that has ended: what was observed, and what experiments say.

    Args:
        watcher: of the loop.
        budget: seconds for experiments, on a usual core.
        crash: the error that ended the loop; "".
    """
    begin = time.perf_counter()
    evidence = evidence_of(watcher, crash)
    _examine_unlabelled(watcher, evidence, budget)
    if watcher.graph is not None and evidence.training_kind == CONTRASTIVE:
        evidence.one_distance = loss_of_one_distance(watcher.graph)
    replay = replay_of(watcher)
    if replay is not None:
        replay.module = _module_with_batch_norm(watcher.variables)
        replay.validated = validated_copy(watcher)
        beside = [rows for _, rows in watcher.evaluations]
        evidence.data = check_data(replay, watcher.variables, None, watcher.eval_rows, beside)
        seen = watcher.batches, watcher.batch_steps, watcher.evaluations
        with suppress(*REPLAY_ERRORS):
            folds = folds_learned_from(*seen, watcher.losses())
            evidence.data = replace(evidence.data, folds=folds)
        of_source = visits_of_source(replay, evidence.done)
        evidence.visits = visits(replay.batches, evidence.done)
        evidence.sure_visits = of_source
        if math.isnan(evidence.visits):
            evidence.visits = of_source
        if math.isnan(of_source):
            evidence.sure_visits = visits(replay.batches, evidence.done, surely=True)
        for _ in experiment(evidence, replay, budget, watcher.repeatable):
            pass  # nobody waits for progress
        left = budget - replay.spent
        if budget > 0 and watcher.repeatable and not crash and worth_comparing(evidence):
            work, end = (NETWORKS * budget, COPY * budget), clock() + SLOWER * budget
            compare_networks(replay, watcher.variables, evidence, work, end)
            left -= sum(work)
        if watcher.repeatable and not crash and left > 0:
            causes = [cause.id for cause in causes_of(apply_rules(evidence))]
            first = watcher.first_weights
            prove_steps(replay, watcher.variables, evidence, causes, first, left)
    evidence.seconds = round(time.perf_counter() - begin, 2)
    return evidence


def _examine_unlabelled(watcher: LoopWatcher, evidence: Evidence, budget: float) -> None:
    """Do the experiments on what a step without labels compares, or adds up."""
    graph = watcher.graph
    if graph is None or not graph.tape.parameters or budget <= 0 or evidence.crash:
        return
    if evidence.training_kind in (CONTRASTIVE, OTHER) and watcher.repeatable:
        for declared in UNLABELLED_EXPERIMENTS:
            declared.attempt(Replay(graph, watcher.batches), evidence, budget)


def worth_comparing(evidence: Evidence) -> bool:
    """Whether nothing is broken so far, and enough was trained to ask about its size.

    Labels that simple models contradict, and the network learned, may be memorised or follow a
    rule: another network tells, on examples that it has not learned from.
    """
    learned = evidence.data is not None and evidence.ended < LEARNED * evidence.data.entropy
    asked = ("overfitting", *(("labels_shuffled", "labels_noisy") if learned else ()))
    broken = any(
        check.passed is False and check.confidence >= BROKEN and check.id not in asked
        for check in apply_rules(evidence)
    )
    return not broken and len(evidence.losses) >= MIN_COMPARED


def replay_of(watcher: LoopWatcher) -> Replay | None:
    """Return the newest step, to be repeated; None if none was understood."""
    graph = watcher.graph
    if graph is None or graph.outputs is None or not graph.tape.parameters:
        return None
    noted = watcher.validations[-1][1] if watcher.validations else math.nan
    return Replay(graph, watcher.batches, evaluated=watcher.eval_rows, noted=noted)


def _module_with_batch_norm(variables: Variables) -> nn.Module | None:
    """Return the network, if it is one module with batch norm in it."""
    modules = [m for m in variables.modules.values() if any(True for _ in m.parameters())]
    normal = nn.modules.batchnorm._BatchNorm
    if len(modules) != 1 or not any(isinstance(m, normal) for m in modules[0].modules()):
        return None
    return modules[0]


def experiment(
    evidence: Evidence, replay: Replay, budget: float, repeatable: bool = True
) -> Iterator[tuple[str, float]]:
    """Do experiments on a step within a budget; what is clear needs no expensive one.

    Args:
        evidence: takes the experiments.
        replay: the step.
        budget: seconds of a usual core.
        repeatable: whether the step can be repeated; else nothing is tried.

    Yields:
        What is tried next, and the share that is done.
    """
    if not repeatable or evidence.training_kind in (ADVERSARIAL, ACTOR, *DIFFERENTIATES):
        return  # a step of one of several losses says nothing without the others
    end = clock() + SLOWER * budget
    for place, declared in enumerate(sorted(STEP_EXPERIMENTS, key=lambda one: one.expensive)):
        left = budget - replay.spent
        if left <= 0.05 or clock() > end or not replay.batches:
            break
        if declared.expensive and _is_clear(evidence):
            continue
        yield declared.title, place / len(STEP_EXPERIMENTS)
        declared.attempt(replay, evidence, left)


def _is_clear(evidence: Evidence) -> bool:
    return any(c.passed is False and c.confidence >= CLEAR for c in apply_rules(evidence))
