"""Rules on inference, from small made-up observations."""

import math

import pytest

from core.doctor.evidence import DataStats
from core.doctor.experiments.mode_experiments import BothModes
from core.doctor.rules.inference import context_frozen, stale_cache, train_eval_mismatch
from core.doctor.watch.observation import InferenceStats
from tests.core.doctor.rules.helpers import evidence, falling, step, steps, tried


@pytest.mark.parametrize(
    ("seen", "passed", "words"),
    [
        (InferenceStats(training_loss=2.0, inference_loss=2.05), True, "the same"),
        (InferenceStats(training_loss=2.0, inference_loss=3.5), False, "2 as in training, 3.5"),
        (InferenceStats(missing=("batch norm",)), False, "missing in inference: batch norm"),
        (InferenceStats(extra=("dropout",)), False, "different in inference: dropout"),
        (InferenceStats(training_modules=("bn",)), False, "bn in training mode"),
    ],
)
def test_observed_inference(seen, passed, words):
    """Another loss, another way, or another mode than in training."""
    found = train_eval_mismatch.check(evidence(inference=seen))
    assert found.passed is passed and words in found.measured


def test_modes_in_the_wrong_place():
    """Evaluation in training mode, training in eval mode."""
    assert train_eval_mismatch.check(evidence()).passed is None
    evaluated = train_eval_mismatch.check(evidence(training_mode_in_eval=("model",)))
    assert evaluated.passed is False and evaluated.expected == "model.eval()"
    trained = train_eval_mismatch.check(evidence(steps(eval_modules=("bn",))))
    assert trained.passed is False and trained.expected == "model.train()"


@pytest.mark.parametrize(
    ("module", "from_step", "passed"), [("bn", 0, True), ("bn", 1, False), ("drop", 0, False)]
)
def test_what_was_trained_before_may_keep_its_statistics(module, from_step, passed):
    """From the first step on, as in fine-tuning; dropout has none to keep."""
    seen = [step(n, eval_modules=(module,) if n >= from_step else ()) for n in range(0, 200, 20)]
    before = frozenset({"bn.weight", "bn.bias"})
    assert train_eval_mismatch.check(evidence(seen, trained_before=before)).passed is passed


@pytest.mark.parametrize(("last", "passed"), [(100, None), (175, False)])
def test_both_modes_of_one_batch(last, passed):
    """They may differ until the running statistics of a batch norm have caught up."""
    seen = [s for s in steps(10) if s.step <= last]
    found = tried(evidence(seen), "both_modes", False, BothModes(2.0, 4.0))
    assert train_eval_mismatch.check(found).passed is passed
    alike = tried(evidence(seen), "both_modes", True, BothModes(2.0, 2.1))
    assert train_eval_mismatch.check(alike).passed


@pytest.mark.parametrize(
    ("count", "drawn", "passed"), [(0, 20, True), (20, 20, False), (0, 0, None)]
)
def test_context_frozen(count, drawn, passed):
    """Twenty tokens, each as if it were the first."""
    found = evidence(inference=InferenceStats(same_context=count, drawn=drawn))
    assert context_frozen.check(found).passed is passed
    assert context_frozen.check(evidence()).passed is None


@pytest.mark.parametrize(
    ("eval_from", "validations", "passed"),
    [(70, [], False), (150, [], None), (150, [(120, 2.0)], False), (150, [(20, 2.0)], None)],
)
def test_eval_mode_from_some_step_on(eval_from, validations, passed):
    """For more than half of the time, or since the first validation."""
    numbers = (0, 1, 2, 3, 5, 8, 13, 21, 80, 150, 190)
    seen = [step(n, eval_modules=("bn",) if n >= eval_from else ()) for n in numbers]
    check = train_eval_mismatch.check(evidence(seen, validations=validations))
    assert check.passed is passed


def test_a_stale_cache():
    """Attention over keys of another prompt."""
    assert stale_cache.check(evidence()).passed is None
    attends = [step(n, parts=frozenset({"attention"})) for n in range(3)]
    assert stale_cache.check(evidence(attends, inference=InferenceStats())).passed
    assert stale_cache.check(evidence(inference=InferenceStats())).passed is None
    seen = InferenceStats(stale="40 keys at position 3")
    assert stale_cache.check(evidence(inference=seen)).passed is False


@pytest.mark.parametrize(
    ("visits", "validations", "changes", "passed"),
    [
        (0.7, (3.4, 3.9, 4.3, 4.6), {}, False),
        (4.0, (3.4, 3.9, 4.3, 4.6), {}, False),  # the first one came before any example did again
        (9.0, (3.4, 3.9, 4.3, 4.6), {}, None),  # overfitting
        (0.7, (2.9, 2.8, 2.9, 3.3), {}, None),  # better than a guess at first
        (0.7, (99.0, 80.0, 75.0, 70.0), {}, None),  # a sum of what falls
        (0.7, (99.0, 98.0, 98.0, 98.0), {"metrics": [(200, 98.0, 0.8)]}, None),
        (math.nan, (3.4, 3.9, 4.3, 4.6), {}, None),
    ],
)
def test_new_data_that_is_guessed_from_the_beginning(visits, validations, changes, passed):
    """It is other data than that of training, or is treated otherwise: no overfitting."""
    seen = evidence(losses=falling(end=1.0), data=DataStats(entropy=3.0, top_share=0.2), **changes)
    seen.visits = visits
    seen.validations = list(zip((50, 100, 150, 200), validations, strict=True))
    assert train_eval_mismatch.check(seen).passed is passed


@pytest.mark.parametrize(
    ("validations", "end", "passed"),
    [
        ([4.63e6, 4.64e6, 4.63e6, 4.63e6], 0.5, False),
        ([4.6e6, 2.1e6, 9e5, 6e5], 0.5, None),
        ([3.1, 3.1, 3.1, 3.1], 0.5, None),
        ([4.63e6, 4.64e6, 4.63e6, 4.63e6], 3.2, None),
    ],
    ids=["other targets", "a sum", "nothing new", "nothing learned"],
)
def test_new_data_that_is_judged_in_other_units(validations, end, passed):
    """It costs as much from the first to the last, whatever is learned, and far too much."""
    seen = evidence(losses=falling(end=end))
    seen.validations = list(zip((50, 100, 150, 200), validations, strict=True))
    assert train_eval_mismatch.check(seen).passed is passed
