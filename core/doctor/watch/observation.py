"""One observed training step in plain numbers, for the rules."""

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class ObservedParameter:
    """A tensor that is trained, or looks as if it should be.

    Attributes:
        name: PyTorch's own (``conv.3.weight``) or that of the variable; else its shape.
        shape: of the tensor.
        std: of its values.
        gradient: the root mean square of its gradient; NaN if it has none.
        update: the root mean square of the step's change.
        cosine: between update and gradient; -1 is steepest descent.
        implied_lr: the learning rate at which plain gradient descent makes this update; NaN.
        requires_grad: as PyTorch has it.
        used: whether the loss depends on it.
        in_optimizer: whether an optimiser holds it; None if no optimiser was found.
        optimizer_lr: the learning rate of its parameter group; NaN.
        weight_decay: of its parameter group.
        of_frozen_module: whether it belongs to a module of which nothing is trained, as a teacher.
        made_constant: whether it was made to need no gradient, as the frequencies of an embedding.
        lost_steps: the share of its numbers that have a gradient and do not move; 0 for those of
            full precision.
        stale_gradient: whether it had a gradient before the first backward pass.
    """

    name: str
    shape: tuple[int, ...]
    std: float
    gradient: float
    update: float
    cosine: float
    implied_lr: float
    requires_grad: bool
    used: bool
    in_optimizer: bool | None = None
    optimizer_lr: float = math.nan
    weight_decay: float = 0.0
    stale_gradient: bool = False
    of_frozen_module: bool = False
    made_constant: bool = False
    lost_steps: float = 0.0

    @property
    def is_matrix(self) -> bool:
        """Whether it is a matrix, and not a bias or a scale."""
        return len(self.shape) > 1 and min(self.shape) > 1

    @property
    def log_update_ratio(self) -> float:
        """The log10 of the update-to-weight ratio; NaN without an update, or if all is zero."""
        if not (self.update > 0 and self.std > 0):
            return math.nan
        return math.log10(self.update / self.std)


@dataclass(frozen=True)
class ObservedLayer:
    """A product with a parameter, and the nonlinearity behind it.

    Attributes:
        name: PyTorch's own (``conv.3``), or that of the variable; else the parameter's shape.
        parameter: the name of its parameter.
        kind: the call: linear, matmul, conv2d, embedding, ...
        fan_in, units: its sizes.
        weight_std: of the parameter's values.
        in_std, out_std: of its input and its output, before the nonlinearity.
        nonlinearity: tanh, relu, ...; "" for none.
        saturated: the share of saturated tanh or sigmoid activations.
        dead: the share of relu units that are zero for every example of the batch.
        gradient: the root mean square of the loss's gradient at its output; NaN.
        symmetric: whether all its units compute the same.
        rows: over how many examples and positions that differ the shares are taken.
        as_initialised: whether its weights look as a layer's first ones do, and not as trained.
        of_unit_vectors: whether its input and its weights are scaled to a length of 1, so that it
            says cosines, whatever the size of the parameter.
        is_output: whether its output goes into the loss function.
        frozen: whether its parameter requires no gradient.
    """

    name: str
    parameter: str
    kind: str
    fan_in: int
    units: int
    weight_std: float
    in_std: float
    out_std: float
    nonlinearity: str = ""
    saturated: float = 0.0
    dead: float = 0.0
    gradient: float = math.nan
    symmetric: bool = False
    is_output: bool = False
    frozen: bool = False
    rows: int = 0
    as_initialised: bool = True
    of_unit_vectors: bool = False

    @property
    def is_embedding(self) -> bool:
        """Whether it only looks up rows of a table."""
        return self.kind in ("embedding", "getitem", "index_select")


@dataclass(frozen=True)
class ObservedLoss:
    """The loss function, its outputs (logits, probabilities or quantities) and its targets.

    Attributes:
        kind: cross_entropy, nll_loss, nll_by_hand (log-probabilities picked by index), mse_loss,
            square, binary_cross_entropy, ...; nll_of_columns where examples are columns, of which
            no more is known; "" if it was not understood.
        classes: the number of outputs per target; 0.
        value: the mean of this part of the loss.
        uniform: its value for a uniform guess, or for the best constant; NaN.
        sign: +1 if the step minimises it, -1 if it maximises it.
        outputs_are_probabilities: whether the outputs, meant to be logits, are probabilities.
        normalised: of nll_loss and nll_by_hand: whether the outputs are log-probabilities.
        double_softmax: whether a softmax is taken of a softmax.
        broadcast: the shapes of outputs and targets that were broadcast to more errors than
            there are of either, in words; "".
        softmax_over_batch: whether a softmax runs along the batch dimension.
        output_nonlinearity: the activation behind which the outputs come; "".
        outputs_are_cosines: whether they are cosines as they are, multiplied by nothing.
        one_hot: whether the targets are one-hot rows.
        integer_targets: whether the targets are whole numbers.
        target_min, target_max, target_mean, target_std: of the targets.
        top_share: the share of the most frequent target.
        target_count: the number of targets.
        floor: below which no outputs bring it, where targets are smoothed: their entropy; else 0.
        unreachable: the share of targets that outputs behind their activation can't come near.
        mixed: whether the same outputs are compared with other targets, too, as mixup does.
        weighted: whether classes count with weights.
        weighed_share: the share of the most frequent class where they do; NaN.
    """

    kind: str = ""
    classes: int = 0
    value: float = math.nan
    uniform: float = math.nan
    sign: int = 1
    outputs_are_probabilities: bool = False
    normalised: bool = True
    double_softmax: bool = False
    broadcast: str = ""
    softmax_over_batch: bool = False
    output_nonlinearity: str = ""
    outputs_are_cosines: bool = False
    one_hot: bool = False
    integer_targets: bool = False
    target_min: float = math.nan
    target_max: float = math.nan
    target_mean: float = math.nan
    target_std: float = math.nan
    top_share: float = 0.0
    target_count: int = 0
    mixed: bool = False
    weighted: bool = False
    weighed_share: float = math.nan
    unreachable: float = 0.0
    floor: float = 0.0

    @property
    def is_classification(self) -> bool:
        """Whether each target is one of several classes."""
        kinds = ("cross_entropy", "nll_loss", "nll_by_hand")
        return self.kind in kinds or (self.one_hot and self.classes > 1)


@dataclass(frozen=True)
class ObservedInput:
    """An input of the network.

    Attributes:
        is_tokens: whether it is whole numbers that index an embedding.
        shape: of the batch.
        mean, std: of its values.
        largest: their largest absolute value.
        finite: whether it is free of NaN and infinity.
        constant: whether all examples are equal.
        leaks_target: whether a part of it is the target.
        transposed: whether sequences stand in columns: each target is the input below.
        next_in_row: whether each target is the next input of its row.
    """

    is_tokens: bool
    shape: tuple[int, ...]
    mean: float
    std: float
    largest: float = math.nan
    finite: bool = True
    constant: bool = False
    leaks_target: bool = False
    transposed: bool = False
    next_in_row: bool = False


@dataclass(frozen=True)
class LossTerm:
    """A summand of the loss.

    Attributes:
        value: as it enters the sum.
        requires_grad: whether it has a gradient.
        is_criterion: whether it is the loss function of outputs and targets.
        weights_only: whether it is made of parameters alone, as a penalty is.
    """

    value: float
    requires_grad: bool
    is_criterion: bool
    weights_only: bool = False


@dataclass(frozen=True)
class Observation:
    """One step.

    Attributes:
        step: counted from 0.
        loss: its loss.
        first_nan: where the first NaN or infinity came from; "".
        linear_pairs: layers with no nonlinearity between them.
        eval_modules: batch norm and dropout modules that are in eval mode.
        optimizer: the class name of the first optimiser that was found; "".
        momentum: of that optimiser.
        variable_lr: the value of a variable with a name like ``lr``; NaN.
        seconds: since the loop began.
        device: of the loss.
        training_kind: classification, adversarial, ...; "" if that is not known.
        summed: by how much the loss exceeds the mean of its elements; 1 for a mean.
        scale: times the loss, that is differentiated, as in mixed precision; else 1.
        weights_norm: of all parameters around the loop, to see whether any moves; NaN.
        begun_with: a sum over the weights with which the step computed, to see whether these are
            those of another one; NaN, also where none of them moved.
        weights_count: how many they are.
        clipped: the norm of the gradient that the optimiser found, over that of the loss; NaN.
        entropy_bonus: what a nat of a policy's entropy is worth, over the range of its advantages.
        cut: why no parameter gets a gradient, in words; "".
        zeroed_before_step: whether gradients were zero when the optimiser moved the parameters.
        discarded: backward passes whose gradients were zeroed before an optimiser could use them.
        added: whether a pass added to gradients that nothing had used, as accumulation does.
        spread: the variance of embeddings whose cosines are compared, over squared length; NaN.
        draws_examples: whether no inputs were found, since they are drawn in the step.
        has_backward: whether there was a backward pass.
        evaluates: whether its loss is one of torch's loss functions, computed without gradients.
        wiring: what is wired oddly: the cause, and how it shows.
        parts: those that not all networks have, such as attention.
    """

    step: int
    loss: float
    parameters: tuple[ObservedParameter, ...] = ()
    layers: tuple[ObservedLayer, ...] = ()
    criterion: ObservedLoss = ObservedLoss()
    inputs: tuple[ObservedInput, ...] = ()
    terms: tuple[LossTerm, ...] = ()
    first_nan: str = ""
    linear_pairs: tuple[tuple[str, str], ...] = ()
    eval_modules: tuple[str, ...] = ()
    optimizer: str = ""
    momentum: float = 0.0
    variable_lr: float = math.nan
    seconds: float = 0.0
    device: str = "cpu"
    training_kind: str = ""
    summed: float = 1.0
    scale: float = 1.0
    weights_norm: float = math.nan
    begun_with: float = math.nan
    weights_count: int = 0
    clipped: float = math.nan
    entropy_bonus: float = 0.0
    cut: str = ""
    zeroed_before_step: bool = False
    discarded: int = 0
    added: bool = False
    spread: float = math.nan
    draws_examples: bool = False
    has_backward: bool = True
    evaluates: bool = False
    wiring: tuple[tuple[str, str], ...] = ()
    parts: frozenset[str] = frozenset()

    @property
    def gradients_accumulate(self) -> bool:
        """Whether most parameters still had the gradient of the step before."""
        moved = [p for p in self.parameters if p.update > 0]  # of some steps none moves any
        stale = [p.stale_gradient for p in moved or self.parameters]
        return sum(stale) > len(stale) / 2

    @property
    def lr(self) -> float:
        """The learning rate: an optimiser's own, else the median that the updates imply."""
        known = [p.optimizer_lr for p in self.parameters if math.isfinite(p.optimizer_lr)]
        if known:
            return max(known)
        moved = [p for p in self.parameters if math.isfinite(p.implied_lr) and p.update > 0]
        descent = sorted(p.implied_lr for p in moved if abs(p.cosine) > 0.999)
        if len(descent) > len(moved) / 2:
            return descent[len(descent) // 2]
        return self.variable_lr


@dataclass(frozen=True)
class InferenceStats:
    """How the network is used, against how it is trained.

    Attributes:
        missing: what is done in training and not in inference, in words.
        extra: what is done in inference and not in training.
        training_modules: modules that are in training mode during inference.
        stale: at which keys attention looks that are of another prompt, or not the newest; "".
        same_context: how many tokens were drawn from one and the same context.
        drawn: how many were drawn from a context, and the next one was seen.
        training_loss, inference_loss: of the same batch, both ways; NaN.
        unlike: those of ``extra`` that tell inputs from those in training.
        given: the inputs of which they tell.
    """

    missing: tuple[str, ...] = ()
    extra: tuple[str, ...] = ()
    training_modules: tuple[str, ...] = ()
    stale: str = ""
    same_context: int = 0
    drawn: int = 0
    training_loss: float = math.nan
    inference_loss: float = math.nan
    unlike: tuple[str, ...] = ()
    given: "Tensor | None" = None

    @property
    def differs(self) -> bool:
        """Whether anything is done in one and not in the other."""
        return bool(self.missing or self.extra or self.training_modules)

    def of_like_inputs(self) -> "InferenceStats":
        """Return the same but for what tells inputs from those in training."""
        extra = tuple(words for words in self.extra if words not in self.unlike)
        return replace(self, extra=extra, unlike=(), given=None)
