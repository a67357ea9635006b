"""What fixes a cause of several kinds, by what is said of where it is and what was measured.

The lines of a program in which one lies are told apart in the same way: ``lines.finders.CASES``.
"""

from .causes import CAUSES

KINDS: dict[str, tuple[tuple[str, str], ...]] = {
    "nan": (
        (
            "the inputs contain",
            "Look for NaN in the data, and leave such rows out or fill them: x.isnan().any(1).",
        ),
    ),
    "labels_out_of_range": (
        (
            "its blank",
            "Let labels begin at 1 where the blank is 0, or give CTCLoss the blank that is left.",
        ),
    ),
    "wrong_update_sign": (
        ("cosine similarity", "Minimise 1 less the similarity."),
        ("the overlap of", "Minimise 1 less the overlap."),
        (
            "probability of an action",
            "Minimise the negative of the log-probability times the reward or advantage.",
        ),
        ("negative of the loss", "Minimise the loss itself, not its negative."),
        ("no lowest value", "Turn round the sign of the term that has no lowest value."),
        (
            "the opposite",
            "Turn round which of both answers is chosen and which rejected, or the labels.",
        ),
    ),
    "parameter_not_trained": (
        (
            "no gradient reaches",
            "Let no detach(), .data, .item() or no_grad() stand between it and the loss.",
        ),
        (
            "does not depend on it",
            "Use it on the way to the loss; where a layer was replaced, make the optimiser"
            " afterwards: it holds the parameters of then.",
        ),
        ("requires no gradient", "Give it requires_grad, unless it is meant to stay as it is."),
        (
            "are zeroed between",
            "Call zero_grad() before backward(), and not between backward() and step().",
        ),
        (
            "the update leaves it out",
            "Put it into the optimiser, or the list that the update goes through, and update it in"
            " place (p -= ..., under no_grad).",
        ),
        (
            "is a new tensor",
            "Call backward() on the loss itself, and not on a new tensor of its number.",
        ),
        (
            "was made anew",
            "Update in place (p -= ..., under no_grad): p = p - ... makes a new tensor.",
        ),
        ("the learning rate is 0", "Give the optimiser a learning rate above 0."),
        (
            "there is no update",
            "Call optimizer.step() behind backward(), or update in place (p -= ..., no_grad).",
        ),
        (
            "].",
            "Keep layers in an nn.ModuleList and parameters in an nn.ParameterList: those of a"
            " plain list are not among model.parameters().",
        ),
    ),
    "returns_of_the_past": (
        ("kept in that order", "Reverse the list of sums, or insert each at its beginning."),
    ),
    "terminal_ignored": (
        (
            "steps are kept with",
            "Keep each step with the flag of the end; behind a time limit values go on.",
        ),
    ),
    "frozen_layer": (
        ("of the highest", "Give its group of the optimiser about the rate of the others."),
    ),
    "bad_init_scale": (
        ("standard deviation", "Scale the weights of each layer by gain / sqrt(fan in) (Kaiming)."),
    ),
    "wrong_loss": (
        (
            "against one-hot rows",
            "Take cross_entropy of the logits: squared error is for quantities.",
        ),
        (
            "against the numbers of classes",
            "Take cross_entropy, with one output for each class: squared error is for quantities.",
        ),
        (
            " of targets from ",
            "Scale the targets to 0 to 1, or take squared error where they are quantities.",
        ),
        (
            "cross-entropy of one output",
            "Give the network one output for each class, or take binary_cross_entropy_with_logits.",
        ),
        (
            "of a single output",
            "Give the network one output for each class, or take binary_cross_entropy_with_logits.",
        ),
        (
            "logits go through",
            "Leave out the activation behind the last layer: cross_entropy takes unbounded logits.",
        ),
        ("scores are cosines", "Multiply the cosines by 10 to 30 before cross_entropy."),
        ("nll_loss of", "Give nll_loss log_softmax(logits), or take cross_entropy of the logits."),
        (
            "not their logarithms",
            "Take the logarithm of the probabilities, as log_softmax does, or cross_entropy of the"
            " logits.",
        ),
        ("the log is taken", "Take log_softmax of the outputs, or cross_entropy."),
        (
            "kl_div takes",
            "Give kl_div log_softmax of the outputs first, and then the probabilities of the"
            " targets.",
        ),
        (
            "an overlap is",
            "Give an overlap (Dice) probabilities: sigmoid or softmax of the outputs.",
        ),
        ("takes labels of -1", "Make the labels -1 and 1: 2 * y - 1."),
        ("and not -1 and 1", "Make the labels -1 and 1: 2 * y - 1."),
        ("no max(0", "Cut the loss off where the margin is kept: max(0, margin + other - right)."),
        (
            "more wrong",
            "Weigh by what the probability lacks to 1, as a focal loss does: (1 - p)**gamma.",
        ),
        (
            "the loss takes the logarithm of a rate",
            "Leave out the last activation, or give the loss log_input=False.",
        ),
        (
            "the loss takes a rate",
            "Bring out a rate above 0, by exp or softplus, or give the loss log_input=True.",
        ),
        (
            "a standard deviation of the network",
            "Add the logarithm of the standard deviation to the loss, as GaussianNLLLoss does:"
            " without it the widest is the best.",
        ),
        (
            "the risk set",
            "Sort by time, the longest first, before sums are taken: in the risk set are those who"
            " live as long or longer.",
        ),
        (
            "logarithm of a likelihood",
            "Add up in logarithms: log_softmax, logsigmoid, torch.logsumexp.",
        ),
        ("parts of the flow", "Add up the log-determinants of all parts of the flow."),
        (
            "log-determinant",
            "Turn the sign of the log-determinant round: the loss is the negative of a logarithm to"
            " which it is added.",
        ),
        (
            "pairs of label",
            "Give pairs that are alike the label by which the loss pulls them together.",
        ),
        ("loss pulls together", "Exchange what is pulled together and what is pushed apart."),
    ),
    "positions_missing": (
        ("of a table of", "Count positions off, one for each place: torch.arange(length)."),
    ),
    "normalisation_missing": (
        ("over neighbours", "Divide a sum over neighbours by their number."),
    ),
    "batch_repeated": (
        ("the same each time", "Seed a generator once, before the loop."),
        ("of the same numbers", "Make other numbers in each step, or go through a data set."),
    ),
    "inputs_ignored": (
        (
            "leaves out the tokens",
            "Turn the mask round: in key_padding_mask, True is what is left out.",
        ),
    ),
    "labels_shuffled": (
        ("fit their pictures", "Flip and rotate a mask together with its picture."),
        ("shifted twice", "Shift the labels once: either in the data or in the loss."),
        (
            "another label",
            "Keep labels, and what else was computed once, by the number of the example, not by its"
            " place in a shuffled order.",
        ),
        ("is another draw", "Draw the noise once: add it to the inputs, and predict the same."),
        ("are mixed with others", "Mix labels by the same order as their examples."),
    ),
    "labels_noisy": (("are interpolated", "Resize a mask with mode='nearest'."),),
    "class_imbalance": (
        (
            "make the rare ones count less",
            "Weight the loss of a class by its inverse frequency (pos_weight: negatives over"
            " positives).",
        ),
    ),
    "detached_regulariser": (
        (
            "create_graph",
            "Give autograd.grad create_graph=True, so that its result has a gradient.",
        ),
    ),
    "collapse": (
        (
            "zero of the mask",
            "Set what a mask leaves out to infinity before the smallest is looked for, to -infinity"
            " before the largest: masked_fill.",
        ),
    ),
    "batch_mixed": (
        ("a softmax runs", "Let the softmax run along the classes: dim=-1."),
        ("in the row below", "Give each sequence a row of the batch, by a transpose."),
        (
            "counted from 0",
            "Add to the edges of each graph how many nodes come before it in the batch.",
        ),
        (
            "connected graphs",
            "Give each node the number of its graph: repeat_interleave each graph's number by its"
            " size.",
        ),
    ),
    "future_leak": (
        ("the attention mask", "Mask what comes later before the softmax: torch.tril."),
        (
            "contain the labels",
            "Let targets be the inputs one position further on: x[:, :-1] and x[:, 1:].",
        ),
        (
            "is the number to predict",
            "Let targets be the inputs one position further on, behind the end of each window.",
        ),
        ("past the last step", "Let an average end at the last step that is given."),
        (
            "mean target",
            "Encode a category by the targets of training rows alone, and of these each without its"
            " own.",
        ),
        ("the same tensor", "Hide parts, or add noise, in a clone() of the inputs."),
        ("own partner", "Let the partner be another view of the example."),
        ("own positives", "Let the positive be another view of the anchor."),
        (
            "given the answer",
            "Give the decoder the answer up to the token before: one position behind what it is to"
            " say.",
        ),
    ),
    "data_overlap": (
        ("learned from in", "Make network and optimiser anew for each fold of a cross-validation."),
        (
            "number for number",
            "Split before rows are repeated, and copy none from one part into the other; what was"
            " measured several times belongs to one part.",
        ),
        ("a place apart", "Cut the series in two before windows are taken."),
        ("cut from one series", "Cut the series in two before windows are taken."),
    ),
    "train_eval_mismatch": (
        (
            "in training mode during",
            "Call model.eval() before inference, and model.train() before the training goes on.",
        ),
        (
            "in eval mode during",
            "Call model.train() before the training goes on, behind each evaluation.",
        ),
        (
            "dropout stays on",
            "F.dropout(x, p, training=self.training): it does not know the mode by itself.",
        ),
        (
            "batch norm or dropout",
            "Let running statistics catch up, by larger batches or a larger momentum, or take layer"
            " norm or group norm, which have none.",
        ),
        (
            "that is validated",
            "Copy running statistics and other buffers, too, and let the copy follow sooner.",
        ),
        ("units are dropped", "Divide what dropout keeps by 1 - p in training, as F.dropout does."),
    ),
    "clipping_too_strong": (
        ("unscale_()", "Call scaler.unscale_(optimizer) before the gradients are clipped."),
    ),
    "warmup_too_long": (
        ("one in each epoch", "Step the schedule behind each optimizer.step(): it counts batches."),
    ),
}
"""Of a cause, what its place or what was measured says of a kind, and what fixes that kind."""


def fix_of(cause: str, words: str) -> str:
    """Return what usually fixes a cause, of the kind that these words tell.

    Args:
        cause: its id.
        words: where it is, and what was measured.
    """
    kinds = KINDS.get(cause, ())
    return next((fix for part, fix in kinds if part in words), CAUSES[cause].fix)
