"""A typed gradient is compared with autograd's, and what is wrong is said."""

import numpy as np
import pytest

from core.lessons.backprop.checker import GradientOutcome, check
from core.lessons.backprop.network import first_batch
from core.lessons.backprop.steps import ALL_STEPS, STEPS


def verdict(key, text):
    """Check a text with all other gradients known."""
    made, step = first_batch(), ALL_STEPS[key]
    known = {s.gradient: made.gradients[s.tensor] for s in STEPS if s is not step}
    return check(step, text, made, known)


@pytest.mark.parametrize(
    ("key", "text", "outcome"),
    [
        (
            "logprobs",
            "d = torch.zeros_like(logprobs)\nd[range(n), Yb] = -1.0/n",
            GradientOutcome.EXACT,
        ),
        ("probs", "dlogprobs / probs", None),
        ("logit_maxes", "torch.zeros_like(logit_maxes)", GradientOutcome.APPROXIMATE),
        ("bnvar", "-0.5 * bnvar**-1.5 * dbnvar_inv", GradientOutcome.NEAR),
        ("C", "F.one_hot(Xb.view(-1), 27).T @ demb.view(-1, 10)", None),
        ("closed_logits", "d = F.softmax(logits, 1)\nd[range(n), Yb] -= 1\nd /= n", None),
    ],
)
def test_other_ways_to_write_it_are_right_too(key, text, outcome):
    """Equal bit by bit, equal but for rounding, or close with something missing."""
    found = verdict(key, text)
    assert found.outcome is outcome or (outcome is None and found.outcome.right), found.sentence


@pytest.mark.parametrize(
    ("key", "text", "words"),
    [
        ("logprobs", "-F.one_hot(Yb, 27)", "n times too large: the loss is a mean"),
        ("probs", "-dlogprobs / probs", "wrong sign"),
        ("bndiff", "bnvar_inv * dbnraw", "a second time, in `bndiff2`"),
        ("bndiff2", "0 * bndiff2", "0 everywhere"),
        ("C", "d = torch.zeros_like(C)\nd[Xb] += demb", "elements differ, most at"),
    ],
)
def test_a_wrong_one_says_where_and_why(key, text, words):
    """The worst element is named, with both numbers, and has its place in the picture."""
    found = verdict(key, text)
    assert found.outcome is GradientOutcome.WRONG and words in found.sentence
    assert "yours is" in found.sentence and "autograd's" in found.sentence
    assert found.difference is not None and found.difference.ndim == 2
    worst = np.unravel_index(np.abs(found.difference).argmax(), found.difference.shape)
    assert found.worst == worst


@pytest.mark.parametrize(
    ("key", "text", "words"),
    [
        ("b2", "dlogits", "over dimension 0: each element is used 32 times"),
        ("b2", "dlogits", r".sum(0)."),
        ("bngain", "bnraw * dhpreact", "Sum over dimension 0: .sum(0, keepdim=True)"),
        ("bnmeani", "(-dbndiff).sum(0)", "dimension 0 is lost: write keepdim=True"),
        ("W2", "dlogits.T @ h", "transposed"),
        ("bndiff2", "dbnvar / (n-1)", "torch.ones_like(...)"),
        ("emb", "dembcat", ".view(...)"),
    ],
)
def test_a_wrong_shape_is_explained(key, text, words):
    """What was broadcast to what, and over which dimension is summed."""
    found = verdict(key, text)
    assert found.outcome is GradientOutcome.SHAPE and words in found.sentence, found.sentence


def test_a_closed_form_may_not_use_the_long_way():
    """Its known tensors are few."""
    found = verdict("closed_hprebn", "dbndiff + 1.0/n * dbnmeani")
    assert (
        found.outcome is GradientOutcome.UNREADABLE
        and "“dbndiff” is not known here" in found.sentence
    )
