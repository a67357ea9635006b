"""What the worker can be asked for: each job calls one function of core that yields events.

Whoever asks for a job binds its arguments (``functools.partial``) but for the last two, which are
the worker's: a control that may stop it, and where a callback reports. torch and what needs it are
imported inside the jobs, since they run in the worker's thread.
"""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core import playgrounds
from core.errors import UserError
from core.interruption import heeded, heeding
from core.telemetry.events import (
    Answer,
    Array,
    DataDescribed,
    Fetched,
    Idle,
    Progress,
    Weights,
)
from core.training.control import Control, Question
from core.training.recipe import Recipe

if TYPE_CHECKING:
    from core.lessons.ablation import Switch, Training
    from core.lessons.backprop.training import Programs
    from core.lessons.pair_settings import Pair
    from core.playground import Vocabulary
    from core.training.trainer import Run

    Network = Path | tuple[Recipe, Vocabulary, Weights]

Report = Callable[[object], None]
FAREWELL = 0.2  # seconds that a thread which is to stop may take to leave nothing half done


@dataclass(frozen=True)
class RunRequest:
    """A training as the screen asks for it.

    Attributes:
        playground: its name.
        recipe: all settings.
        data: a folder or file; None for the bundled data.
        device: "auto", "cpu", "cuda" or "mps".
        seconds, steps: its length, one of them.
    """

    playground: str
    recipe: Recipe
    data: Path | None
    device: str
    seconds: float | None = None
    steps: int | None = None


_loaded: dict[str, tuple[Any, Any]] = {}
"""The data that each playground read last, and its key; only the worker's thread is here."""


def data_of(playground: str, source: Path | None) -> Any:
    """Return a playground's data, read if it is not the last that was; in the worker's thread.

    Raises:
        UserError: it is gone, or is none.
    """
    # A file of a person's own may have been changed since.
    key = (source, source.stat().st_mtime if source and source.is_file() else 0.0)
    if playground not in _loaded or _loaded[playground][0] != key:
        _loaded[playground] = (key, playgrounds.get(playground).load(source))
    return _loaded[playground][1]


def _load(playground: str, source: Path | None, control: Control) -> Any:
    with heeding(lambda: control.stopping):
        return data_of(playground, source)


def _elsewhere(work: Callable[[], object], control: Control, thread_name: str) -> Iterator[Idle]:
    """Do in a thread of its own what no training shall wait for; idle until it ended.

    Raises:
        CancelledError: it was asked to stop. What does not heed that at once, such as a server that
            does not answer, holds the thread for a while yet, and nobody else.
    """
    from core.interruption import CancelledError

    outcome: Future[object] = Future()

    def run() -> None:
        try:
            outcome.set_result(work())
        except Exception as error:
            outcome.set_exception(error)  # raised where the result is asked for
        control.wait_outside(False)

    control.wait_outside(True)
    thread = threading.Thread(target=run, name=thread_name, daemon=True)
    thread.start()
    while control.waits_outside and not control.stopping:
        control.take()
        yield Idle()
    thread.join(FAREWELL)
    if not outcome.done():
        raise CancelledError
    outcome.result()


def _prepared(request: RunRequest, control: Control, report: Report) -> "Run":
    from core.training.device import choose_device
    from core.training.preparation import prepare_data
    from core.training.trainer import Run

    playground, data = (
        playgrounds.get(request.playground),
        _load(request.playground, request.data, control),
    )
    device = choose_device(request.device)
    run = Run(playground, request.recipe, data, device, request.seconds, request.steps)
    return prepare_data(run, control, report)


def _watched(run: "Run", control: Control) -> Iterator[object]:
    """Train for a screen, with the doctor beside it."""
    from core.doctor.run_doctor import RunDoctor
    from core.training.trainer import train

    doctor = RunDoctor()
    try:
        yield from train(replace(run, watched=True, observers=(doctor,)), control)
    finally:
        doctor.watcher.stop_recording()  # a step that failed was being recorded


def train(
    request: RunRequest, record: Path, resume_from: Path | None, control: Control, report: Report
) -> Iterator[object]:
    """Train a network, from a checkpoint if one is given; its record goes into a folder."""
    from core.runs.recorder import FileRecorder
    from core.training.checkpoint import load_checkpoint

    run = replace(
        _prepared(request, control, report),
        resume=load_checkpoint(resume_from) if resume_from else None,
        recorder=FileRecorder(record, request.data),
    )
    yield from _watched(run, control)


def resume(record: Path, control: Control, report: Report) -> Iterator[object]:
    """Do what is left of a run that was stopped or interrupted."""
    from core.runs.resume import resume_run
    from core.training.preparation import prepare_data

    run = resume_run(record)
    yield from _watched(prepare_data(run, control, report), control)


def lr_range_test(request: RunRequest, control: Control, report: Report) -> Iterator[object]:
    """Raise the learning rate over the steps of a request, on a fresh network."""
    from core.training.lr_range_test import range_test

    yield from range_test(_prepared(request, control, report), control)


def diagnose(
    request: RunRequest, fault: str, budget: float, control: Control, report: Report
) -> Iterator[object]:
    """Train a network while the doctor watches, then experiment on copies of it.

    A fault is injected by its id; "" is none. The budget is in seconds, of the experiments.
    """
    from core.doctor.examine import examine
    from core.doctor.faults.fault_injection import FaultyLearner
    from core.doctor.faults.gallery import FAULTS

    run = replace(_prepared(request, control, report), watched=True)
    if fault:
        run = replace(run, make_learner=partial(FaultyLearner, FAULTS[fault].make()))
    yield from examine(run, control, budget)


def diagnose_checkpoint(
    path: Path,
    sources: Mapping[str, Path | None],
    device: str,
    budget: float,
    control: Control,
    report: Report,
) -> Iterator[object]:
    """Train a checkpoint on while the doctor watches, then experiment on copies of it.

    It knows its playground, whose data is one of the sources. The budget is of all in seconds.
    """
    from core.doctor.examine import examine_checkpoint
    from core.training.checkpoint import load_checkpoint
    from core.training.device import choose_device

    checkpoint = load_checkpoint(path)
    name = checkpoint.playground.name
    data, place = _load(name, sources.get(name), control), choose_device(device)
    yield from examine_checkpoint(checkpoint, data, place, control, budget)


def case_study(
    source: Path | None, budget: float, steps: int, control: Control, report: Report
) -> Iterator[object]:
    """Play the case study of actual_words with a text; budget and steps are of each chapter."""
    from core.lessons.case_study import play_case_study

    return play_case_study(_load("text", source, control), control, budget, steps)


def paired_runs(
    pair: "Pair", source: Path | None, control: Control, report: Report
) -> Iterator[object]:
    """Train two networks of lesson 3 in lock step, on the names playground's data."""
    from core.lessons.paired_runs import train_pair

    return train_pair(pair, _load("names", source, control), control)


def ablation_times(
    request: RunRequest, switches: "Sequence[Switch]", control: Control, report: Report
) -> Iterator[object]:
    """Measure how long a step of lesson 6 takes."""
    from core.lessons.ablation_runs import time_steps

    run = _prepared(request, control, report)
    yield from time_steps(run.playground, switches, run.data, run.device, control)


def ablation(
    request: RunRequest,
    switches: "Sequence[Switch]",
    trainings: "Sequence[Training]",
    control: Control,
    report: Report,
) -> Iterator[object]:
    """Do trainings of lesson 6, for the steps of a request."""
    from core.lessons.ablation_runs import train_all

    run = _prepared(request, control, report)
    assert run.steps is not None
    yield from train_all(
        run.playground, switches, trainings, run.steps, run.data, run.device, control
    )


def backprop_batch(control: Control, report: Report) -> Iterator[object]:
    """Do the forward pass of lesson 4, and the backward pass by autograd."""
    from core.lessons.backprop.network import first_batch

    first_batch()
    return iter(())


def typed_training(programs: "Programs", control: Control, report: Report) -> Iterator[object]:
    """Train the network of lesson 4 by typed gradients, and by autograd's beside it."""
    from core.lessons.backprop.training import train

    return train(programs, control)


def tokenizer_lesson(
    text: str, cut_first: bool, data: Path | None, control: Control, report: Report
) -> Iterator[object]:
    """Do with a text what lesson 5 shows: pieces, special tokens, merges, and what it costs."""
    from core.lessons.tokenizer.costs import compare
    from core.lessons.tokenizer.merges import learn_merges
    from core.lessons.tokenizer.patterns import cut
    from core.lessons.tokenizer.presets import PRESETS
    from core.lessons.tokenizer.special import encode

    def shown() -> Iterator[object]:
        pieces = cut(text)
        yield pieces
        yield learn_merges([piece.text for piece in pieces.gpt4] if cut_first else [text])
        yield encode(text)
        yield compare([*((p.title, p.text) for p in PRESETS), ("Your text", text)], data)

    return heeded(shown(), lambda: control.stopping)


def describe_data(
    name: str, source: Path | None, control: Control, report: Report
) -> Iterator[object]:
    """Read data, and describe it."""
    yield DataDescribed(playgrounds.get(name).describe_data(_load(name, source, control), {}))


def open_checkpoint(
    name: str, path: Path, data: Path | None, control: Control, report: Report
) -> Iterator[object]:
    """Open a checkpoint of this playground, and evaluate it on the validation data."""
    from core.training.checkpoint import load_checkpoint
    from core.training.opening import open_checkpoint

    checkpoint = load_checkpoint(path)
    found = checkpoint.playground.name
    if found != name:
        raise UserError(f"{path} holds a network for {found}, not {name}.")
    events = open_checkpoint(path, checkpoint, _load(name, data, control))
    yield from heeded(events, lambda: control.stopping)


def fetch(name: str, folder: Path, control: Control, report: Report) -> Iterator[object]:
    """Download a playground's full data set."""
    from core.interruption import CancelledError

    def progress(words: str, share: float) -> None:
        report(Progress(words, share))

    def download() -> None:
        playgrounds.get(name).fetch(folder, progress, lambda: control.stopping)

    try:
        yield from _elsewhere(download, control, "network")
    except CancelledError:
        raise UserError("The download was cancelled; nothing was kept.") from None
    yield Fetched(str(folder))


def ask(
    name: str,
    recipe: Recipe,
    vocabulary: "Vocabulary",
    weights: Weights,
    question: Question,
    control: Control,
    report: Report,
) -> Iterator[object]:
    """Answer a question about a network that is not being trained."""
    from core.training.replica import Replica

    replica = Replica(playgrounds.get(name), recipe, vocabulary, weights.arrays)
    yield question(replica.model, weights.step)


def tsne(
    points: Array, perplexity: float, seed: int, control: Control, report: Report
) -> Iterator[object]:
    """Bring points into a plane by t-SNE, while others train."""
    from core.projection import tsne

    def project() -> None:
        with heeding(lambda: control.stopping):
            tsne(points, perplexity, seed, report)

    yield from _elsewhere(project, control, "t-SNE")


def robustness(
    network: "Network",
    data: Path | None,
    control: Control,
    report: Report,
) -> Iterator[object]:
    """Measure how robust a digit network is, of a checkpoint or of these weights; others train."""
    import torch

    from core.playgrounds.digits.robustness import measure
    from core.training.checkpoint import load_checkpoint
    from core.training.replica import Replica

    digits = _load("digits", data, control)

    def work() -> None:
        torch.set_num_threads(1)  # of this thread
        if isinstance(network, Path):
            checkpoint = load_checkpoint(network)
            arrays = {name: tensor.numpy() for name, tensor in checkpoint.weights.items()}
            recipe, vocabulary = checkpoint.recipe, checkpoint.vocabulary
        else:
            recipe, vocabulary, weights = network
            arrays = dict(weights.arrays)
        replica = Replica(playgrounds.get("digits"), recipe, vocabulary, arrays)
        with heeding(lambda: control.stopping):
            for share, curve in measure(replica.model, digits.validation):
                report(Progress("", share))
                if curve is not None:
                    report(curve)

    yield from _elsewhere(work, control, "robustness")


def export_run(
    folder: Path, way: str, out: Path, control: Control, report: Report
) -> Iterator[object]:
    """Write a run for another program."""
    from core.runs.export import export

    with heeding(lambda: control.stopping):
        export(folder, way, out)
    yield Answer("exported", 0, {"path": out})


def import_run(packed: Path, runs: Path, control: Control, report: Report) -> Iterator[object]:
    """Bring a run from a zip into the folder of runs, once all of it was found to be good."""
    from core.runs.bundle import unpack

    with heeding(lambda: control.stopping):
        folder = unpack(packed, runs)
    yield Answer("imported", 0, {"path": folder})
