"""What can be seen in the use of a network: does it do what it was trained to do?"""

import math

from ..diagnosis import Check
from ..evidence import Evidence
from ..experiments.step_experiments import BothModes
from .results import failed, passed, some, unseen


def used_as_trained(case: Evidence) -> Check:
    """Training and use go the same way: layers, normalisations, modes, preprocessing."""
    id, title = "train_eval_mismatch", "used as it was trained"
    use = case.inference
    if use is not None and gap(use.training_loss, use.inference_loss):
        measured = (
            f"the same batch has a loss of {use.training_loss:.3g} as it is trained,"
            f" {use.inference_loss:.3g} as it is used"
        )
        different = [*use.missing, *use.extra]
        measured += f"; different: {some(different)}" if different else ""
        return failed(id, title, measured, "the same loss", 0.92, "the use")
    if use is not None and (use.missing or use.extra):
        parts = [f"missing in use: {some(list(use.missing))}"] if use.missing else []
        parts += [f"different in use: {some(list(use.extra))}"] if use.extra else []
        return failed(id, title, "; ".join(parts), "the same way", 0.9, "the use")
    if use is not None and use.training_modules:
        measured = f"{some(list(use.training_modules))} in training mode while it is used"
        return failed(id, title, measured, "model.eval()", 0.88, "the use")
    if case.training_mode_in_eval:
        measured = (
            f"{some(list(case.training_mode_in_eval))} works in training mode while it is judged"
        )
        return failed(id, title, measured, "model.eval()", 0.75, "the judging")
    looks = case.observations[1:] or case.observations
    resting = [look for look in looks if look.eval_modules]
    if resting and len(resting) > len(looks) / 2:
        measured = f"{some(list(resting[-1].eval_modules))} in the mode for use while it is trained"
        return failed(id, title, measured, "model.train()", 0.88, "the training")
    trial = case.experiments.get("both_modes")
    if trial is not None and trial.passed is False and case.observations[-1].step > 150:
        return failed(id, title, trial.measured, trial.expected, 0.75, "batch norm or dropout")
    if use is None and (trial is None or trial.passed is None):
        return unseen(id, title, "its use was not seen (with seen.using(): ...)")
    if (
        trial is not None
        and trial.passed
        and (modes := case.result(BothModes))
        and math.isfinite(modes.used)
    ):
        return passed(id, title, trial.measured, trial.expected)
    return passed(id, title, "training and use go the same way", "the same way")


def gap(trained: float, used: float) -> bool:
    """Whether the same batch is judged differently, one way and the other."""
    if not (math.isfinite(trained) and math.isfinite(used)):
        return False
    return used > 1.07 * trained + 0.02


RULES = (used_as_trained,)
