"""How good a network is at digits: its loss, its mistakes, and which of them are the hardest."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ...telemetry.events import Array, frozen
from ...training.evaluation import at_once, evaluation_mode, place_of
from .data import Split, prepare

CHUNK = 500
HARDEST = 200


@dataclass(frozen=True)
class Answers:
    """What a network said about pictures (N, 28, 28): outputs (N, 10) beside the labels (N,)."""

    outputs: Tensor
    labels: Tensor
    images: Tensor

    @property
    def accuracy(self) -> float:
        """Share of right answers."""
        return float((self.outputs.argmax(1) == self.labels).float().mean())


@torch.no_grad()
def answer(model: nn.Module, split: Split, limit: int | None = None) -> Answers:
    """Ask a network about the pictures of a split, spread evenly over it if there is a limit."""
    device = place_of(model)
    every = max(1, len(split) // limit) if limit else 1
    split = Split(split.images[::every], split.labels[::every])
    size = at_once(CHUNK, getattr(model, "widest", 0.0))
    with evaluation_mode(model):
        parts = [model(prepare(part.to(device))) for part in torch.split(split.images, size)]
    return Answers(torch.cat(parts), split.labels.to(device), split.images)


def probabilities(outputs: Tensor, squared: bool) -> Tensor:
    """Turn outputs (..., 10) into shares that sum to 1.

    A network trained to hit 1 and 0 (squared error) does not speak in logits: its outputs, cut off
    at 0, are shared out.
    """
    if not squared:
        return outputs.softmax(-1)
    positive = outputs.clamp(min=0) + 1e-6
    return positive / positive.sum(-1, keepdim=True)


def details(answers: Answers, squared: bool) -> dict[str, Array]:
    """Return the pictures of an evaluation.

    Returns:
        ``confusion`` (10, 10): how often a digit (row) was read as another (column);
        ``wrong_images`` (M, 28, 28), ``wrong_labels``, ``wrong_answers`` and
        ``wrong_confidences`` (M,): the mistakes, the hardest (most confidently wrong) first.
    """
    shares = probabilities(answers.outputs, squared)
    confidence, said = shares.max(1)
    flat = answers.labels * 10 + said
    confusion = torch.bincount(flat, minlength=100).view(10, 10)
    wrong = torch.nonzero(said != answers.labels)[:, 0]
    wrong = wrong[confidence[wrong].argsort(descending=True)][:HARDEST]
    return {
        "confusion": frozen(confusion),
        "wrong_images": frozen(answers.images[wrong.to(answers.images.device)]),
        "wrong_labels": frozen(answers.labels[wrong]),
        "wrong_answers": frozen(said[wrong]),
        "wrong_confidences": frozen(confidence[wrong]),
    }


def loss_of(answers: Answers, squared: bool) -> float:
    """Return the mean loss of the answers, without label smoothing."""
    if squared:
        target = F.one_hot(answers.labels, 10).float()
        return float(F.mse_loss(answers.outputs, target))
    return float(F.cross_entropy(answers.outputs, answers.labels))
