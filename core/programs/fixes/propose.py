"""Proposes a change to a program's source for a cause, where one can be stated.

Each is a small change of the kind that the cause's advice names. Where the source is written in a
way that is not understood here, nothing is proposed.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ...doctor.diagnosis import Cause
from ..program import Program
from ..source import Change, ProgramSource, apply_edits, diff_of
from . import data, loss, network, step

FIXERS: dict[str, Callable[[ProgramSource, Cause], Change | None]] = {
    "gradients_not_zeroed": step.zero_gradients,
    "gradients_discarded": step.zero_behind_step,
    "weights_not_copied": step.copy_weights,
    "parameter_not_trained": step.train_all,
    "wrong_update_sign": step.descend,
    "exploding_gradient": step.clip,
    "clipping_too_strong": step.unscale,
    "lr_too_high": step.other_rate,
    "lr_too_low": step.other_rate,
    "oscillation": step.other_rate,
    "double_softmax": network.without_last_activation,
    "wrong_loss": network.without_last_activation,
    "loss_broadcast": loss.same_shape,
    "padding_in_loss": loss.without_padding,
    "outputs_out_of_reach": network.without_last_activation,
    "vanishing_gradient": network.no_sigmoid,
    "no_nonlinearity": network.activate,
    "layer_repeated": network.one_for_each,
    "dims_scrambled": network.move_heads,
    "bad_init_scale": network.initialise,
    "saturated_units": network.initialise,
    "dead_units": network.initialise,
    "symmetric_init": network.initialise,
    "low_precision_weights": network.full_precision,
    "inputs_not_normalised": data.normalise_inputs,
    "targets_unscaled": data.normalise_targets,
    "not_shuffled": data.shuffle,
    "data_overwritten": data.change_a_copy,
    "future_leak": data.shift_targets,
    "regulariser_dominates": loss.less_penalty,
    "returns_of_the_past": loss.add_up_from_the_end,
    "detached_regulariser": loss.attach,
    "state_detached": loss.attach,
    "train_eval_mismatch": loss.evaluate,
}
OTHER_LOSS = (
    "double_softmax",
    "wrong_loss",
    "loss_broadcast",
    "padding_in_loss",
    "targets_unscaled",
    "regulariser_dominates",
)
"""Causes whose fix changes what the loss measures."""


@dataclass(frozen=True)
class SourceFix:
    """A change to a program that may fix a cause.

    Attributes:
        cause: its id.
        words: what is changed.
        changed: the new sources of the cells that it changes, by their numbers; None of a script.
        diff: the same as a unified diff.
        other_loss: whether the loss is another quantity afterwards, so that its height says little.
    """

    cause: str
    words: str
    changed: Mapping[int | None, str]
    diff: str
    other_loss: bool = False


def propose(program: Program, cause: Cause) -> SourceFix | None:
    """Return a change that may fix a cause; None where none can be stated."""
    fixer = FIXERS.get(cause.id)
    change = fixer(ProgramSource(program), cause) if fixer else None
    if not change or not change[1]:
        return None
    try:
        changed = apply_edits(program, change[1])
    except SyntaxError:  # edits that overlap: the source is written in a way not thought of
        return None
    diff = diff_of(program, changed)
    return SourceFix(cause.id, change[0], changed, diff, cause.id in OTHER_LOSS)
