"""The case of ``actual_words``: from noise to Shakespeare, one mend after another.

The text playground is trained as the notebook had it; the doctor says what is wrong; what it names
is mended, and it is trained again. Each chapter has a sample, so that each mend can be seen.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import torch

from .. import playgrounds
from ..doctor.diagnosis import Diagnosis
from ..doctor.examine import CLOSELY, examine
from ..doctor.run_doctor import RunDoctor
from ..errors import UserError
from ..playgrounds.text.actual_words import MENDS, OUTPUTS, ActualWords
from ..telemetry.events import Answer, Diagnosed, Event, Failed, Finished, Progress, Stopped
from ..training.control import Control
from ..training.trainer import Run

TOPIC = "case"
STEPS = 400
PROMPT = "ROMEO:\n"
WRITTEN = 60  # tokens
JUDGED = 60  # ten times as many tokens judge: each of them has 30,522 answers to choose from


@dataclass(frozen=True)
class Chapter:
    """One state of the notebook.

    Attributes:
        number: 0 is the notebook as it was.
        title: what was mended before it was trained.
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


def tell(data: Any, control: Control, budget: float, steps: int = STEPS) -> Iterator[Event]:
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
    mended: tuple[str, ...] = ()
    for number in range(len(MENDS) + 1):
        title = "The notebook, as it was" if number == 0 else MENDS[number - 1].title
        yield Progress(title, number / (len(MENDS) + 1))
        attending = RunDoctor(CLOSELY)
        run = Run(
            playground,
            playground.recipes["notebook actual_words"].replace({"steps": 0}),
            data,
            torch.device("cpu"),
            steps=8 * steps if "time" in mended else steps,
            watched=True,
            probe_every=1.0,
            judged=JUDGED,
            sabotage=ActualWords(mended),
            attendant=attending,
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
        yield Answer(TOPIC, number, {"chapter": _chapter(number, title, attending, diagnosis)})
        if number < len(MENDS):
            mended = (*mended, MENDS[number].id)
    yield Finished(0, 0.0)


def _chapter(number: int, title: str, attending: RunDoctor, diagnosis: Diagnosis) -> Chapter:
    learner = attending.learner
    assert learner is not None
    metrics, _ = learner.playground.validate(learner.model, learner.data, learner.recipe, JUDGED)
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
                raise UserError("The network has come apart: its answers are no numbers.")
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
