"""The case of ``actual_words``: from noise to Shakespeare, one fix after another.

The text playground is trained as the notebook had it; the doctor says what is wrong; what it names
is fixed, and it is trained again. Each chapter has a sample that shows the effect of its fix.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import torch

from .. import playgrounds
from ..doctor.diagnosis import Diagnosis
from ..doctor.examine import examine
from ..doctor.faults.fault_injection import FaultyLearner
from ..doctor.run_doctor import RunDoctor
from ..errors import UserError
from ..telemetry.events import Answer, Diagnosed, Event, Failed, Finished, Progress, Stopped
from ..training.control import Control
from ..training.trainer import Run
from .actual_words import FIXES, OUTPUTS, ActualWords

TOPIC = "case"
STEPS = 400
PROMPT = "ROMEO:\n"
WRITTEN = 60  # tokens
EVALUATED = 60  # examples of ten tokens: each token has 30,522 outputs


@dataclass(frozen=True)
class Chapter:
    """One state of the notebook.

    Attributes:
        number: 0 is the notebook as it was.
        title: what was fixed before it was trained.
        nats: the loss on new data, in nats a character.
        sample: what it writes behind the prompt.
        causes: what the doctor named, first to last.
        diagnosis: all that it said.
    """

    number: int
    title: str
    nats: float
    sample: str
    causes: tuple[str, ...]
    diagnosis: Diagnosis


def play_case_study(
    data: Any, control: Control, budget: float, steps: int = STEPS
) -> Iterator[Event]:
    """Play the case.

    Args:
        data: what the text playground loaded.
        control: may stop it.
        budget: seconds for the doctor's experiments in each chapter.
        steps: of each chapter; the last one has eight times as many.

    Yields:
        Progress, Diagnosed, and for each chapter an Answer of topic ``case`` with ``chapter``.
    """
    playground = playgrounds.get("text")
    fixed: tuple[str, ...] = ()
    for number in range(len(FIXES) + 1):
        title = "The notebook, as it was" if number == 0 else FIXES[number - 1].title
        yield Progress(title, number / (len(FIXES) + 1))
        # Fixed steps are observed: what is found must not depend on the computer's speed.
        run_doctor = RunDoctor(1.0, math.inf)
        run = Run(
            playground,
            playground.recipes["notebook actual_words"].replace({"steps": 0}),
            data,
            torch.device("cpu"),
            steps=8 * steps if "time" in fixed else steps,
            watched=True,
            probe_every=1.0,
            eval_examples=EVALUATED,
            make_learner=partial(FaultyLearner, ActualWords(fixed)),
            observers=(run_doctor,),
        )
        diagnosis = None
        if control.stopping:
            yield Stopped(0, 0.0)
            return
        for event in examine(run, control, budget):
            if isinstance(event, Diagnosed):
                diagnosis = event.diagnosis
                yield replace(event, final=False)
            elif isinstance(event, Failed):
                yield event
                return
            elif not isinstance(event, Finished | Stopped | Progress):
                yield event
        if control.stopping or diagnosis is None:
            yield Stopped(0, 0.0)
            return
        yield Answer(TOPIC, number, {"chapter": _chapter(number, title, run_doctor, diagnosis)})
        if number < len(FIXES):
            fixed = (*fixed, FIXES[number].id)
    yield Finished(0, 0.0)


def _chapter(number: int, title: str, run_doctor: RunDoctor, diagnosis: Diagnosis) -> Chapter:
    learner = run_doctor.learner
    assert learner is not None
    metrics, _ = learner.playground.validate(learner.model, learner.data, learner.recipe, EVALUATED)
    causes = tuple(cause.id for cause in diagnosis.causes)
    nats = metrics["val_nats_per_char"]
    return Chapter(number, title, nats, _sample(learner), causes, diagnosis)


def _sample(learner: Any) -> str:
    """Return what the network writes; a token that no text has is shown as a square."""
    model = learner.model.eval()
    tokens: list[int] = model.tokenizer.encode(PROMPT).tolist()
    generator = torch.Generator().manual_seed(1)
    written: list[int] = []
    with torch.no_grad():
        for _ in range(WRITTEN):
            seen = torch.tensor([tokens[-model.context :]])
            missing = model.context - seen.shape[1]
            seen = torch.nn.functional.pad(seen, (missing, 0), value=model.tokenizer.newline)
            shares = model(seen)[0].softmax(-1)
            if not bool(torch.isfinite(shares).all()):
                raise UserError("The network has diverged: its outputs are NaN.")
            token = int(torch.multinomial(shares, 1, generator=generator))
            written.append(token)
            tokens.append(token if token < model.tokenizer.size else model.tokenizer.newline)
    return _words(model.tokenizer, written)


def _words(tokenizer: Any, tokens: list[int]) -> str:
    """Join tokens to text; runs of those that are none of the tokenizer's become squares."""
    parts, run = [], []
    for token in [*tokens, OUTPUTS]:
        if token < tokenizer.size:
            run.append(token)
            continue
        if run:
            parts.append(tokenizer.decode(run))
            run = []
        parts.append("\u25a1")
    return "".join(parts[:-1])
