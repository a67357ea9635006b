"""What can be wrong: every cause by its id, with what it means and what fixes it.

The ids are stable; scripts may rely on them. What is checked, and by which source, is declared with
the rules; ``docs/doctor.md`` has both in a table: ``python -m bench.doctor causes``.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class CauseText:
    """A cause in words.

    Attributes:
        title: the field's term.
        about: what it does to a training, in a sentence.
        fix: what usually fixes it.
        explains: the causes that are often only its symptoms.
    """

    title: str
    about: str
    fix: str
    explains: tuple[str, ...] = ()


CAUSES = {
    "nan": CauseText(
        "NaN in the loss",
        "After an overflow, 0/0 or the logarithm of 0 every further result is NaN, and so are"
        " the weights after the next step.",
        "Look at the operation where it began: keep 0 out of log and division, or lower the"
        " learning rate if the loss rose before.",
        ("lr_too_high", "plateau", "crash"),
    ),
    "labels_out_of_range": CauseText(
        "Labels out of range",
        "A label of K or more, or a negative one, is outside of the K outputs; the blank of a CTC"
        " loss is no label.",
        "Let labels run from 0 to K - 1, or give the last layer one output for each class.",
        ("nan", "crash"),
    ),
    "wrong_update_sign": CauseText(
        "Gradient ascent: the update has the wrong sign",
        "The weights move to where the loss is larger, so that it only grows.",
        "Subtract the gradient: p -= lr * p.grad.",
        (
            "lr_too_high",
            "exploding_gradient",
            "saturated_units",
            "nan",
            "lr_growing",
            "oscillation",
        ),
    ),
    "gradients_not_zeroed": CauseText(
        "Gradients not zeroed: missing zero_grad",
        "backward() adds to .grad; without zero_grad() each step follows the sum of all"
        " gradients so far.",
        "Set p.grad = None (or call optimizer.zero_grad()) before backward().",
        (
            "oscillation",
            "lr_too_high",
            "exploding_gradient",
            "saturated_units",
            "dead_units",
            "inputs_ignored",
            "plateau",
        ),
    ),
    "gradients_discarded": CauseText(
        "Accumulated gradients are zeroed before the step",
        "zero_grad() between the micro-batches throws away what they accumulate: each step follows"
        " the last of them alone, and is as much shorter where the loss is divided by their"
        " number.",
        "Call optimizer.zero_grad() once for each optimizer.step(), right behind it.",
        ("lr_too_low", "oscillation", "plateau"),
    ),
    "crash": CauseText(
        "The loop ended with an error",
        "torch could not do a step, so that nothing more was learned.",
        "Go to the line that is named; the usual cause stands with the message.",
    ),
    "parameter_not_trained": CauseText(
        "A parameter receives no update",
        "No gradient reaches it, or the update leaves it out: it keeps its random first values.",
        "Put it into the optimiser, and make that after the last layer is replaced: it holds the"
        " parameters of then.",
        # Gradients that no optimiser holds are not zeroed, and add up.
        (
            *("plateau", "lr_too_low", "crash", "vanishing_gradient", "exploding_gradient"),
            "labels_shuffled",
        ),
    ),
    "state_detached": CauseText(
        "The state is detached within a sequence",
        "The gradient ends at the last step: what has to be remembered of earlier ones is not"
        " learned.",
        "Leave out detach() between the steps of one sequence; between the windows of a long one,"
        " detach once for each backward().",
        ("plateau", "vanishing_gradient", "lr_too_low", "labels_shuffled", "inputs_ignored"),
    ),
    "weights_restored": CauseText(
        "Earlier weights are restored",
        "What was learned is undone before the next step: the network stays as it was.",
        "Load the best weights once, after the training; keep them as a deep copy until then.",
        ("plateau", "lr_too_low", "labels_shuffled", "parameter_not_trained"),
    ),
    "weights_not_copied": CauseText(
        "Weights are kept without a copy",
        "state_dict() returns the weights themselves, which are trained on: to load them later"
        " changes nothing, and neither the best nor the first ones come back.",
        "Keep copy.deepcopy(model.state_dict()), or save it to a file and load that.",
    ),
    "wrong_backward": CauseText(
        "The backward of an own function is wrong",
        "The gradient that it hands on is not the derivative of its forward: the layers before it"
        " are moved into a wrong direction.",
        "Multiply the derivative by the gradient that comes in, and compare with"
        " torch.autograd.gradcheck in float64.",
        (
            "batch_mixed",
            "exploding_gradient",
            "vanishing_gradient",
            "lr_too_high",
            "lr_too_low",
            "plateau",
            "wrong_update_sign",
            "oscillation",
            "nan",
        ),
    ),
    "replicas_drift": CauseText(
        "Replicas of one network drift apart",
        "Each follows the gradient of its own batch; without their mean they become different"
        " networks, each of which has learned from a part of the data.",
        "Average the gradients (all_reduce, divided by their number, or"
        " DistributedDataParallel) before each step of the optimisers.",
    ),
    "stale_target": CauseText(
        "A target network that stays behind",
        "Values are learned from those of a copy that still has its first weights: what they say is"
        " random, for ever.",
        "Copy the weights into it every some hundred steps (target.load_state_dict), or move it a"
        " small part of the way in each.",
        ("plateau",),
    ),
    "returns_of_the_past": CauseText(
        "Returns add up the rewards of the past, or are in the wrong order",
        "An action is weighed by the rewards before it, or behind another one, which it has no"
        " part in, and hardly by those that it brings.",
        "Add up from the end: for r in reversed(rewards), and reverse the list of sums, or insert"
        " each at its beginning.",
        ("plateau", "lr_too_low"),
    ),
    "terminal_ignored": CauseText(
        "Terminal states ignored: the target bootstraps past the end of an episode",
        "Behind the end there is nothing to be had: with a value there, states that are about to"
        " fail look as good as any, and values grow with those of one another.",
        "Multiply the next state's value by (1 - done): r + gamma * (1 - done) * value; where only"
        " a time limit ends an episode, leave it.",
        ("plateau", "lr_too_low", "labels_shuffled", "stale_target"),
    ),
    "noise_not_normal": CauseText(
        "The noise of a diffusion model is not normal",
        "What is sampled begins with normal noise, and takes away what the network sees of it:"
        " uniform numbers have another mean and variance, so that all steps of the sampling are"
        " wrong.",
        "Draw the noise with torch.randn, or torch.randn_like, not torch.rand.",
        ("plateau", "train_eval_mismatch", "lr_too_low"),
    ),
    "frozen_layer": CauseText(
        "A layer is frozen",
        "The loss depends on its weights, but they require no gradient (or their learning"
        " rate is zero): they keep their first values.",
        "Set requires_grad_(True) on it and hand it to the optimiser, unless it is meant to"
        " be frozen.",
        ("plateau",),
    ),
    "symmetric_init": CauseText(
        "Symmetric initialisation: all units of a layer are equal",
        "Units with equal weights get equal gradients: they stay one unit for ever.",
        "Initialise with random weights: randn times gain / sqrt(fan in).",
        ("vanishing_gradient", "plateau", "lr_too_low", "inputs_ignored", "bad_init_scale"),
    ),
    "bad_init_scale": CauseText(
        "Bad initialisation scale",
        "Too large, the first predictions are confidently wrong and units saturate; too"
        " small, the signal fades from layer to layer. Either way the first thousands of steps"
        " are lost.",
        "Scale by gain / sqrt(fan in) (Kaiming); make the last layer small, so that the first"
        " loss is ln K.",
        (
            "saturated_units",
            "exploding_gradient",
            "vanishing_gradient",
            "dead_units",
            "lr_too_low",
            "inputs_ignored",
        ),
    ),
    "saturated_units": CauseText(
        "Saturated units",
        "Where tanh or sigmoid is saturated, its gradient is next to zero: the layers before"
        " it hardly learn.",
        "Smaller first weights (gain / sqrt(fan in)), normalised inputs, or batch norm before"
        " the activation.",
        ("vanishing_gradient", "lr_too_low", "plateau", "inputs_ignored"),
    ),
    "dead_units": CauseText(
        "Dead units",
        "A relu unit that is zero for every example gets no gradient, and contributes nothing.",
        "A lower learning rate, biases initialised to zero, Kaiming initialisation, or a"
        " leaky relu.",
        ("vanishing_gradient", "plateau", "inputs_ignored"),
    ),
    "vanishing_gradient": CauseText(
        "Vanishing gradient",
        "Each layer makes the gradient smaller, so that the first ones hardly change.",
        "relu or tanh in place of sigmoid, Kaiming initialisation, batch norm, residual"
        " connections.",
        ("lr_too_low", "plateau", "inputs_ignored", "dead_units"),
    ),
    "exploding_gradient": CauseText(
        "Exploding gradient",
        "Each layer, or each step of a recurrent network, makes the gradient larger, until an"
        " update destroys the weights.",
        "Smaller first weights, normalisation, clip_grad_norm_, a shorter sequence.",
        ("lr_too_high", "oscillation", "saturated_units", "nan"),
    ),
    "no_nonlinearity": CauseText(
        "No nonlinearity between two layers",
        "Two matrix products in a row are one matrix product: the second layer adds nothing.",
        "Put an activation (tanh, relu) between them.",
        ("plateau",),
    ),
    "double_softmax": CauseText(
        "Softmax applied twice",
        "cross_entropy applies softmax itself; to it probabilities are logits between 0 and"
        " 1, so that no prediction can be confident.",
        "Pass the logits to cross_entropy.",
        ("lr_too_low", "plateau", "vanishing_gradient"),
    ),
    "wrong_loss": CauseText(
        "The loss does not suit the task",
        "Classes need the probability of the right one in the loss; squared error, or logits"
        " that are limited first, learn slowly or not at all.",
        "Unbounded logits into cross_entropy, for classes; squared error is for quantities.",
        (
            "vanishing_gradient",
            "lr_too_low",
            "plateau",
            "saturated_units",
            "nan",
            "exploding_gradient",
            "lr_too_high",
            "collapse",
        ),
    ),
    "loss_broadcast": CauseText(
        "Outputs and targets of different shapes are broadcast",
        "A column (N, 1) less a row (N) is a square (N, N): each output is compared with the"
        " targets of all examples, so that their mean is all that can be learned.",
        "Give both the same shape: outputs.squeeze(-1), or targets.unsqueeze(-1).",
        (
            "wrong_loss",
            "batch_mixed",
            "labels_shuffled",
            "labels_noisy",
            "inputs_ignored",
            "plateau",
            "lr_too_low",
            "vanishing_gradient",
        ),
    ),
    "outputs_out_of_reach": CauseText(
        "Outputs that can't reach the targets",
        "A sigmoid ends at 0 and 1, a tanh at -1 and 1, a relu at 0: what lies beyond is never"
        " predicted, and units saturate on the way there.",
        "Leave out the last activation, or scale the targets into its range.",
        ("saturated_units", "dead_units", "plateau", "vanishing_gradient", "lr_too_low"),
    ),
    "dims_scrambled": CauseText(
        "A reshape where a transpose was meant",
        "view and reshape keep numbers in their order and only count them off anew: pixels,"
        " channels or heads get mixed.",
        "Exchange dimensions with permute or transpose; reshape only to split or join neighbours.",
        ("labels_shuffled", "plateau", "future_leak", "batch_mixed", "labels_noisy"),
    ),
    "attention_unscaled": CauseText(
        "Attention without its scale",
        "Products of wide queries and keys are large: the softmax is nearly one-hot from the start,"
        " and its gradient next to zero.",
        "Divide them by the square root of the width of a head: q @ k.transpose(-2, -1) / d**0.5.",
        ("plateau", "vanishing_gradient", "lr_too_low"),
    ),
    "attention_axis": CauseText(
        "Attention: softmax over the wrong axis",
        "The shares with which a position weighs the others don't sum to 1; positions compete for"
        " who is looked at.",
        "softmax(dim=-1): along the keys, which are the last dimension of q @ k.transpose(-2, -1).",
        ("plateau", "future_leak", "batch_mixed", "bad_init_scale"),
    ),
    "attention_mask_late": CauseText(
        "Attention mask after the softmax",
        "Masked positions took part in the softmax: the shares of the others depend on them, and"
        " don't sum to 1.",
        "Set them to -inf before the softmax: scores.masked_fill(mask == 0, -inf).softmax(-1).",
        ("future_leak", "plateau"),
    ),
    "positions_missing": CauseText(
        "Attention without positions",
        "Attention weighs what is there, wherever it stands: without positions a sentence is a bag"
        " of words.",
        "Add a learned or sinusoidal embedding of the position to that of the token, or rotate"
        " queries and keys.",
        ("plateau", "labels_shuffled", "lr_too_low"),
    ),
    "residual_missing": CauseText(
        "Blocks without residual paths",
        "Without x + block(x) signals and gradients go through every block, and what one loses is"
        " lost: deep transformers hardly learn.",
        "Add what a block was given to what it makes: x = x + attention(norm(x)).",
        ("vanishing_gradient", "plateau", "lr_too_low", "inputs_ignored", "labels_shuffled"),
    ),
    "normalisation_missing": CauseText(
        "A deep network without normalisation",
        "Each residual block, or each sum over many neighbours, adds to the signal, which grows"
        " from one to the next, and so does the gradient.",
        "Normalise what each block is given (layer norm or batch norm), or begin blocks with"
        " weights near zero.",
        ("exploding_gradient", "bad_init_scale", "lr_too_high", "nan", "dead_units", "plateau"),
    ),
    "layer_repeated": CauseText(
        "One layer used where several were meant",
        "[layer] * 3 has the same layer three times: its weights are shared, and the network has a"
        " third of its size.",
        "Make one for each place: nn.ModuleList(make() for _ in range(3)).",
        ("plateau", "exploding_gradient", "vanishing_gradient", "oscillation"),
    ),
    "batch_norm_tiny": CauseText(
        "Batch norm on one or two examples",
        "Normalised by itself, an example of two is +1 or -1 in every channel, whatever it was; and"
        " running statistics are noise.",
        "Larger batches, or layer norm or group norm, which need no batch.",
        (
            "train_eval_mismatch",
            "batch_mixed",
            "plateau",
            "inputs_ignored",
            "labels_shuffled",
            "oscillation",
            "overfitting",
        ),
    ),
    "padding_in_loss": CauseText(
        "The loss counts padding",
        "To say padding behind the end is easy, and most of the loss: what the tokens themselves"
        " ask for hardly counts, in training and in what is measured.",
        "Give the loss ignore_index with the padding's class, or multiply it by a mask and divide"
        " by the number of tokens.",
        ("class_imbalance", "plateau", "vocabulary_unused", "metric_disagrees"),
    ),
    "padding_read": CauseText(
        "Padding at the end that is read",
        "After the last token the network reads padding, and forgets; its output there decides.",
        "Take the output at each row's own last token, use pack_padded_sequence, or pad in front.",
        ("plateau", "vanishing_gradient", "labels_shuffled", "lr_too_low"),
    ),
    "inputs_not_normalised": CauseText(
        "Inputs not normalised",
        "Large inputs make large sums: units saturate or die, and no learning rate suits all"
        " weights.",
        "Subtract the mean and divide by the standard deviation (pixels: at least by 255).",
        (
            "saturated_units",
            "dead_units",
            "bad_init_scale",
            "exploding_gradient",
            "lr_too_high",
            "inputs_ignored",
            "vanishing_gradient",
        ),
    ),
    "targets_unscaled": CauseText(
        "Targets of a regression not scaled",
        "Outputs begin near 0; to reach targets of thousands, weights have to grow for thousands of"
        " steps, and errors and gradients are huge.",
        "Train on (target - mean) / std, and turn the outputs back where they are used.",
        (
            "exploding_gradient",
            "plateau",
            "lr_too_low",
            "lr_too_high",
            "labels_shuffled",
            "vanishing_gradient",
            "oscillation",
            "saturated_units",
        ),
    ),
    "data_exhausted": CauseText(
        "The data is exhausted after the first epoch",
        "What the loop goes over, such as a generator, zip(...) or iter(loader), was made once: at"
        " its end it stays empty, and all further epochs do nothing.",
        "Make it anew in each epoch, or go over the list or the loader itself.",
        ("plateau", "lr_too_low", "labels_shuffled", "labels_noisy", "inputs_ignored"),
    ),
    "data_overwritten": CauseText(
        "The training data is changed in place",
        "A slice is no copy: what += , *= or masking does to a batch stays in the data set, and is"
        " done again in each epoch. In the end the network sees other inputs than it is tested on.",
        "Write x = x + noise instead of x += noise, or copy the batch first: x = data[i].clone().",
        ("train_eval_mismatch", "inputs_not_normalised", "plateau", "labels_shuffled", "nan"),
    ),
    "batch_repeated": CauseText(
        "One batch for ever",
        "The batch is drawn once, before the loop: the network overfits a few examples, and"
        " has not seen the others.",
        "Draw a batch in each step: for x, y in loader.",
        ("overfitting", "not_shuffled", "class_imbalance", "vocabulary_unused"),
    ),
    "not_shuffled": CauseText(
        "Data sorted by class and not shuffled",
        "Each batch has examples of one class or two: the network learns to say that class,"
        " whatever the input, and then the next one.",
        "Shuffle before each epoch: DataLoader(..., shuffle=True), or draw the batch at random.",
        (
            "oscillation",
            "overfitting",
            "class_imbalance",
            "lr_too_high",
            "plateau",
            "labels_shuffled",
            "inputs_ignored",
            "metric_disagrees",
            "labels_noisy",
        ),
    ),
    "inputs_ignored": CauseText(
        "The outputs do not depend on the inputs",
        "The output is the same for every input, so that only class frequencies can be learned.",
        "Follow the input from the batch to the first layer: is it overwritten, zeroed, constant?",
        (
            "labels_shuffled",
            "plateau",
            "lr_too_low",
            "vanishing_gradient",
            "train_eval_mismatch",
            "bad_init_scale",
        ),
    ),
    "labels_shuffled": CauseText(
        "Labels shuffled: they do not belong to their inputs",
        "One batch can be overfit, but nothing generalises to the next one: the loss stays at"
        " that of a guess by class frequency.",
        "Index inputs and labels with the same indices, and shuffle them together.",
        ("plateau", "overfitting", "lr_too_low", "labels_noisy"),
    ),
    "labels_noisy": CauseText(
        "Noisy labels",
        "Similar examples have contradicting labels; the loss can't fall below that noise.",
        "Correct the labels that the network most confidently contradicts; label smoothing limits"
        " the harm.",
        ("plateau", "overfitting"),
    ),
    "class_imbalance": CauseText(
        "Class imbalance: nearly all examples have one label",
        "To predict the most frequent class is nearly always right, so that the rare ones are"
        " not learned.",
        "Sample the classes equally often, or weight their loss by the inverse frequency"
        " (pos_weight: negatives over positives).",
        ("plateau", "vocabulary_unused", "overfitting"),
    ),
    "detached_regulariser": CauseText(
        "Detached regulariser: a part of the loss has no gradient",
        "It is added to the loss that is shown, and changes nothing that is learned.",
        "Compute it from the parameters themselves: no .data, .item(), detach() or no_grad().",
    ),
    "regulariser_dominates": CauseText(
        "The regulariser dominates the loss",
        "The weights are pulled to zero more strongly than to any prediction.",
        "Make its factor (or the weight decay) smaller, until it is a small part of the loss.",
        (
            "plateau",
            "lr_too_low",
            "vanishing_gradient",
            "inputs_ignored",
            "dead_units",
            "lr_too_high",
            "oscillation",
        ),
    ),
    "collapse": CauseText(
        "Collapse: everything is alike",
        "The loss pulls together what belongs together, and nothing keeps the rest apart: all"
        " examples get the same embedding.",
        "Add negative examples, or hold one of both sides with detach() (a stop-gradient).",
        ("inputs_ignored", "plateau"),
    ),
    "batch_mixed": CauseText(
        "Leakage across the batch dimension",
        "The output of an example depends on the others: a view or a dim argument has taken"
        " the batch for another dimension, or nodes are counted to the graph beside theirs.",
        "Keep the batch dimension first and separate (batch_first=True in a recurrent layer), and"
        " exchange dimensions with transpose, not view.",
        ("labels_shuffled", "plateau", "labels_noisy"),
    ),
    "future_leak": CauseText(
        "Target leakage: the future leaks into the input",
        "The target is in the input, so that the network learns to copy it; where it is not"
        " yet known, nothing was learned.",
        "Keep what is to be predicted, and what is made of it, out of the inputs.",
        ("overfitting",),
    ),
    "data_overlap": CauseText(
        "The validation data overlaps the training data",
        "Training examples are in the validation data, so that its loss is too low.",
        "Split first, then sample: no example may be in both parts.",
    ),
    "train_eval_mismatch": CauseText(
        "Training/inference mismatch",
        "A layer, a normalisation, a mode or the preprocessing differs: the loss falls, and"
        " inference stays noise.",
        "Let one function prepare the data and do the forward pass of both.",
        ("overfitting", "dead_units"),
    ),
    "stale_cache": CauseText(
        "A stale cache of keys and values",
        "Attention looks at keys and values of another prompt, or not at those of the newest"
        " tokens.",
        "Begin each prompt with an empty cache, and append keys and values of every token.",
        ("train_eval_mismatch",),
    ),
    "context_frozen": CauseText(
        "The context of a generation stays the same",
        "Every token is drawn as if it were the first: the letters are right, and make no words.",
        "Append each token that is drawn to the context, and give the network its last ones.",
        ("train_eval_mismatch",),
    ),
    "low_precision_weights": CauseText(
        "Weights of too few digits",
        "bfloat16 has three digits: a step below a four-hundredth of a weight is rounded away.",
        "Keep weights in float32 and compute in bfloat16: torch.autocast around the forward pass.",
        ("parameter_not_trained", "lr_too_low", "plateau"),
    ),
    "clipping_too_strong": CauseText(
        "Gradients are clipped to next to nothing",
        "A norm far below that of the gradients makes every step as much shorter: the weights"
        " hardly change.",
        "Clip what is rare: a norm of about 1, or one that most gradients stay below.",
        ("lr_too_low", "plateau", "vanishing_gradient"),
    ),
    "warmup_too_long": CauseText(
        "A warm-up that does not end",
        "The learning rate begins near zero, and is still far below its height when the training"
        " ends.",
        "Let it climb for some per cent of the steps that there are.",
        ("lr_growing", "lr_too_low", "plateau", "vanishing_gradient"),
    ),
    "lr_growing": CauseText(
        "The learning rate grows",
        "Steps get longer while they should get shorter as the loss comes down.",
        "Let it fall or keep it constant: lr / max(1, step / 1000), cosine, or a constant.",
        ("lr_too_high", "oscillation", "exploding_gradient", "nan", "inputs_ignored"),
    ),
    "lr_vanished": CauseText(
        "The learning rate has vanished",
        "A schedule brought it to next to nothing long before the end: the steps afterwards change"
        " nothing.",
        "Step a schedule that is meant in epochs once in an epoch, not for every batch; or let it"
        " fall more slowly.",
        ("plateau", "lr_too_low", "vanishing_gradient"),
    ),
    "lr_too_high": CauseText(
        "The learning rate is too high",
        "Steps overshoot the minimum; the loss jumps or diverges.",
        "Take a tenth of it, and again of that, until the update-to-weight ratio is near 1/1,000"
        " (log10: -3).",
        (
            "oscillation",
            "exploding_gradient",
            "saturated_units",
            "dead_units",
            "plateau",
            "nan",
            "inputs_ignored",
            "vanishing_gradient",
            "overfitting",
            "batch_mixed",
        ),
    ),
    "lr_too_low": CauseText(
        "The learning rate is too low",
        "The weights hardly change: the loss falls, but far too slowly.",
        "Take ten times as much, and again of that, until the update-to-weight ratio is near"
        " 1/1,000 (log10: -3).",
        ("plateau",),
    ),
    "oscillation": CauseText(
        "The loss oscillates",
        "Steps overshoot from one side of the minimum to the other.",
        "Less momentum, or a lower learning rate.",
        ("plateau",),
    ),
    "overfitting": CauseText(
        "Overfitting",
        "The loss on new data rises while that on the training data falls.",
        "More data, dropout or weight decay, a smaller network, or early stopping where the"
        " loss on new data is lowest.",
    ),
    "metric_disagrees": CauseText(
        "Loss and accuracy contradict one another",
        "A right class with less than half of the probability costs at least ln 2 = 0.69"
        " nats: a loss of L leaves at most L / ln 2 of the predictions wrong. A lower accuracy"
        " counts something else.",
        "Compute both from the same outputs, labels and mode: correct is outputs.argmax(-1)"
        " == labels, with the class dimension last, and labels from 0 on.",
    ),
    "context_too_short": CauseText(
        "Context too short",
        "What is predicted depends on more tokens than the network sees; the loss can't fall"
        " below what they allow.",
        "Give it a longer context.",
        ("plateau",),
    ),
    "vocabulary_unused": CauseText(
        "Unused output classes",
        "Parameters and time go into tokens or classes that do not occur in the data.",
        "Keep only what occurs, or build the vocabulary from this data.",
    ),
    "plateau": CauseText(
        "Plateau: the loss has stopped falling",
        "Something that was not found keeps it far from where it could be.",
        "Try a higher learning rate from here, another initialisation, or look at the layers.",
    ),
}

LESSONS = {
    "1-products": (
        "no_nonlinearity",
        "double_softmax",
        "wrong_loss",
        "loss_broadcast",
        "batch_mixed",
    ),
    "2-differentiable": (
        "wrong_update_sign",
        "gradients_not_zeroed",
        "parameter_not_trained",
        "frozen_layer",
        "detached_regulariser",
    ),
    "3-gradients#a-product-of-many-factors": ("vanishing_gradient", "exploding_gradient"),
    "3-gradients#the-first-loss": ("bad_init_scale",),
    "3-gradients#saturation": ("saturated_units", "dead_units", "inputs_not_normalised"),
    "3-gradients#initialisation": ("symmetric_init",),
    "3-gradients#batch-norm": ("train_eval_mismatch",),
    "3-gradients#the-update-to-weight-ratio": (
        "lr_too_high",
        "lr_too_low",
        "lr_growing",
        "lr_vanished",
        "oscillation",
    ),
}
"""Which lesson, and which of its headings, is about a cause."""


def lesson_on(cause: str) -> str:
    """Return the lesson on a cause, ``NAME#heading``; "" where there is none."""
    return next((lesson for lesson, causes in LESSONS.items() if cause in causes), "")
