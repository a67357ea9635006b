"""The lines of a program in which a cause lies: for each cause what finds them.

What no operation of a step shows, such as where an optimiser is made or where data comes from, is
looked for in the source of the files that the operations come from.
"""

from ..diagnosis import Cause, CodeLine
from ..watch.pairs import BY_LABEL
from ..watch.program_frames import Line
from . import data, statements
from . import operations as ops
from .program_lines import Finder, Lines, read

MOST = 4
"""Lines of a cause."""


def lines_of(lines: Lines, cause: Cause) -> tuple[CodeLine, ...]:
    """Return the lines of a cause, most telling first."""
    words = f"{cause.where} {cause.evidence}"
    cases = (f for id, part, f in CASES if id == cause.id and part in words)
    finders = next(cases, FINDERS.get(cause.id, (ops.layer, ops.loss)))
    found: dict[Line, CodeLine] = {}
    for finder in finders:
        for line in finder(lines, cause):
            if line and line not in found and (text := read(line)):
                found[line] = text
    return tuple(found.values())[:MOST]


_RATE = (statements.schedule, statements.optimiser, ops.update)
CASES: tuple[tuple[str, str, tuple[Finder, ...]], ...] = (
    ("nan", "the inputs", (data.data, ops.inputs)),
    (
        "parameter_not_trained",
        "no gradient reaches",
        (ops.cut, ops.layer, statements.made, ops.loss),
    ),
    (
        "parameter_not_trained",
        "does not depend on it",
        (statements.made, ops.layer, statements.optimiser),
    ),
    (
        "parameter_not_trained",
        "requires no gradient",
        (statements.frozen, statements.made, ops.layer),
    ),
    ("parameter_not_trained", "are zeroed between", (statements.zeroed, ops.backward, ops.update)),
    ("parameter_not_trained", "the update leaves it out", (ops.update, statements.made)),
    ("parameter_not_trained", "is a new tensor", (ops.differentiated, ops.loss, ops.backward)),
    (
        "parameter_not_trained",
        "].",
        (statements.listed, statements.made, ops.layer, statements.optimiser),
    ),
    ("parameter_not_trained", "the graph is cut", (ops.cut, ops.loss, ops.backward)),
    ("labels_out_of_range", "its blank", (statements.ctc, ops.wired, ops.targets)),
    ("loss_broadcast", "the evaluation", (ops.meeting_in_use, ops.use)),
    ("wrong_loss", "parts of the flow", (statements.overwritten, ops.loss, ops.outputs)),
    ("wrong_loss", "the last layer", (ops.outputs, ops.loss)),
    ("dims_scrambled", "among the heads", (ops.heads,)),
    ("wrong_loss", BY_LABEL, (ops.labels_of_pairs, ops.wired, ops.loss)),
    (
        "future_leak",
        "the last step",
        (statements.cut_too_early, ops.wired, ops.targets, ops.inputs, ops.loss),
    ),
    ("future_leak", "is the mean target", (data.encoded, ops.targets, ops.inputs, ops.loss)),
    ("future_leak", "contain the labels", (ops.wired, data.parted, ops.targets, ops.loss)),
    ("train_eval_mismatch", "inputs of a size", (data.unlike, ops.use, ops.outputs)),
    ("train_eval_mismatch", "the validation", (data.unlike, ops.use, ops.outputs)),
    ("train_eval_mismatch", "dropout stays on", (ops.dropped, ops.use)),
    (
        "train_eval_mismatch",
        "in training mode during",
        (ops.loaded, data.called_use, statements.evaluation, ops.use, ops.outputs),
    ),
    (
        "future_leak",
        "the attention mask",
        (ops.thrown_away, statements.triangle, ops.attention, ops.layer),
    ),
    ("batch_repeated", "in each step", (data.seeded, statements.loader, ops.inputs)),
    ("warmup_too_long", "the schedule", (statements.steps_of_schedule, *_RATE)),
    ("labels_shuffled", "the pictures", (data.moved_alone, ops.inputs, ops.targets)),
    ("data_overlap", "cut from one series", (data.split_at, data.shared_rows, ops.inputs)),
    ("data_overlap", "from fold to fold", (statements.optimiser, ops.inputs)),
    ("batch_mixed", "before the loss", (ops.outputs, ops.loss)),
    ("batch_mixed", "the batch", (ops.inputs, ops.targets, ops.loss)),
    (
        "class_imbalance",
        "the weights of the classes",
        (statements.class_weights, ops.loss, data.labels),
    ),
    (
        "bad_init_scale",
        "the first weights",
        (statements.initialised, statements.last_layer, ops.loss),
    ),
)
"""Causes of several kinds: what their place or evidence says of each, and its lines."""
FINDERS: dict[str, tuple[Finder, ...]] = {
    "nan": (ops.nan, ops.risky, ops.layer, statements.optimiser, ops.loss),
    "labels_out_of_range": (ops.crash, ops.loss, ops.targets),
    "wrong_update_sign": (ops.wired, ops.update, ops.backward),
    "gradients_not_zeroed": (ops.backward, statements.step_begins, ops.update),
    "gradients_discarded": (statements.zeroed, ops.backward, ops.update),
    "crash": (ops.crash,),
    "parameter_not_trained": (
        statements.replaced,
        statements.optimiser,
        ops.layer,
        statements.made,
        ops.backward,
    ),
    "state_detached": (ops.wired,),
    "weights_restored": (statements.restored, ops.update),
    "weights_not_copied": (ops.kept,),
    "wrong_backward": (ops.own_function,),
    "replicas_drift": (ops.backward, statements.optimiser),
    "stale_target": (ops.targets, ops.loss),
    "returns_of_the_past": (ops.past_returns, ops.loss),
    "terminal_ignored": (statements.limit_kept, ops.bootstrapped, ops.loss),
    "noise_not_normal": (ops.wired, ops.loss),
    "frozen_layer": (statements.frozen, statements.made, ops.layer, statements.optimiser),
    "symmetric_init": (statements.initialised, statements.made, ops.layer),
    "bad_init_scale": (
        statements.initialised,
        statements.made,
        ops.layer,
        statements.last_layer,
        ops.loss,
    ),
    "saturated_units": (ops.nonlinearity, ops.layer, statements.made),
    "dead_units": (statements.initialised, ops.nonlinearity, ops.layer, statements.made),
    "vanishing_gradient": (ops.nonlinearity, ops.layer),
    "exploding_gradient": (ops.backward, ops.layer, statements.optimiser),
    "no_nonlinearity": (ops.layer,),
    "double_softmax": (ops.outputs, ops.loss),
    "wrong_loss": (ops.wired, ops.loss, ops.outputs),
    "loss_broadcast": (ops.loss, ops.meeting, ops.outputs),
    "outputs_out_of_reach": (ops.outputs, ops.loss),
    "dims_scrambled": (ops.wired,),
    "attention_unscaled": (ops.wired, ops.attention),
    "attention_axis": (ops.wired, ops.attention),
    "attention_mask_late": (ops.wired, ops.attention),
    "positions_missing": (ops.wired, ops.first_layer, ops.attention),
    "residual_missing": (ops.block, ops.attention),
    "normalisation_missing": (ops.wired, ops.first_layer),
    "layer_repeated": (ops.repeated,),
    "batch_norm_tiny": (ops.wired, statements.loader),
    "padding_read": (ops.wired, ops.first_layer),
    "padding_in_loss": (ops.wired, ops.loss),
    "data_exhausted": (statements.made_once, statements.loader, ops.inputs),
    "data_overwritten": (ops.wired, ops.inputs),
    "batch_repeated": (statements.loader, ops.inputs),
    "inputs_not_normalised": (data.data, ops.inputs, ops.first_layer),
    "targets_unscaled": (data.labels, ops.loss, ops.targets),
    "not_shuffled": (statements.loader, ops.inputs, ops.targets),
    "inputs_ignored": (ops.wired, ops.inputs, ops.first_layer),
    "labels_shuffled": (
        ops.wired,
        data.misaligned,
        ops.targets,
        data.labels,
        statements.loader,
        ops.loss,
    ),
    "labels_noisy": (ops.wired, ops.targets, data.labels, statements.loader, ops.loss),
    "class_imbalance": (data.classes, ops.loss, statements.loader, ops.targets),
    "detached_regulariser": (ops.derivative, ops.terms, ops.loss),
    "regulariser_dominates": (ops.averaged, ops.terms, statements.optimiser, ops.loss),
    "collapse": (ops.wired, ops.loss, ops.terms),
    "batch_mixed": (ops.wired, ops.recurrent, ops.across_batch, ops.layer, ops.outputs, ops.loss),
    "future_leak": (ops.wired, ops.targets, ops.inputs, ops.loss),
    "data_overlap": (data.shared_rows, ops.inputs),
    "train_eval_mismatch": (ops.use, ops.outputs),
    "stale_cache": (ops.use,),
    "context_frozen": (ops.use,),
    "low_precision_weights": (statements.precision, statements.made, ops.update),
    "clipping_too_strong": (statements.clipping, statements.optimiser),
    "warmup_too_long": _RATE,
    "lr_growing": _RATE,
    "lr_vanished": (statements.schedule_of_epochs, *_RATE),
    "lr_too_high": (statements.rate, statements.optimiser, ops.update),
    "lr_too_low": (statements.rate, statements.optimiser, ops.update),
    "oscillation": (statements.rate, statements.optimiser, ops.update),
    "overfitting": (ops.loss,),
    "metric_disagrees": (ops.use, ops.loss),
    "context_too_short": (ops.inputs, ops.first_layer),
    "vocabulary_unused": (statements.last_layer, ops.loss, ops.targets),
    "plateau": (statements.optimiser, ops.loss),
}
