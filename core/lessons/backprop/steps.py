"""Each gradient of the lecture, from the loss backwards: where its tensor is used, hints, answer.

The forward pass is written once, here: it is shown, computed and differentiated from these lines.
"""

from dataclasses import dataclass

FORWARD: tuple[tuple[str, str], ...] = (
    ("emb", "C[Xb]"),
    ("embcat", "emb.view(emb.shape[0], -1)"),
    ("hprebn", "embcat @ W1 + b1"),
    ("bnmeani", "1/n * hprebn.sum(0, keepdim=True)"),
    ("bndiff", "hprebn - bnmeani"),
    ("bndiff2", "bndiff**2"),
    ("bnvar", "1/(n-1) * bndiff2.sum(0, keepdim=True)"),
    ("bnvar_inv", "(bnvar + 1e-5)**-0.5"),
    ("bnraw", "bndiff * bnvar_inv"),
    ("hpreact", "bngain * bnraw + bnbias"),
    ("h", "torch.tanh(hpreact)"),
    ("logits", "h @ W2 + b2"),
    ("logit_maxes", "logits.max(1, keepdim=True).values"),
    ("norm_logits", "logits - logit_maxes"),
    ("counts", "norm_logits.exp()"),
    ("counts_sum", "counts.sum(1, keepdim=True)"),
    ("counts_sum_inv", "counts_sum**-1"),
    ("probs", "counts * counts_sum_inv"),
    ("logprobs", "probs.log()"),
    ("loss", "-logprobs[range(n), Yb].mean()"),
)
PARAMETERS = ("C", "W1", "b1", "bngain", "bnbias", "W2", "b2")


@dataclass(frozen=True)
class GradientStep:
    """One gradient to be typed.

    Attributes:
        key: of the step; a closed form has another one than its gradient.
        tensor: whose gradient it is.
        used: the lines of the forward pass that are gone back through.
        hints: three, each saying more.
        answer: an expression that is right.
        why: what the answer says, in a sentence.
        paths: where the tensor is used more than once, the gradient along each use.
        slips: what is often written instead, and what is wrong with it.
        known: what may be used; None for the forward pass and all gradients before.
    """

    key: str
    tensor: str
    used: tuple[str, ...]
    hints: tuple[str, str, str]
    answer: str
    why: str
    paths: tuple[str, ...] = ()
    slips: tuple[tuple[str, str], ...] = ()
    known: tuple[str, ...] | None = None

    @property
    def gradient(self) -> str:
        """The name of the gradient: ``dlogits``."""
        return f"d{self.tensor}"


def _step(
    tensor: str,
    used: str,
    hints: tuple[str, str, str],
    answer: str,
    why: str,
    paths: tuple[str, ...] = (),
    slips: tuple[tuple[str, str], ...] = (),
) -> GradientStep:
    return GradientStep(tensor, tensor, tuple(used.split()), hints, answer, why, paths, slips)


STEPS: tuple[GradientStep, ...] = (
    _step(
        "logprobs",
        "loss",
        (
            "The loss is minus the mean of `n` elements of `logprobs`: one in each row. What is"
            " the derivative of `-(a + b + c)/3` with respect to `a`?",
            "It is `-1/n` where an element is picked, and 0 where none is: the others are not part"
            " of the loss.",
            "`F.one_hot(Yb, 27)` is 1 where an element is picked, else 0. Or begin with"
            " `torch.zeros_like(logprobs)` and assign to `[range(n), Yb]` in a second line.",
        ),
        "-F.one_hot(Yb, 27) / n",
        "Only the log-probability of the right letter counts, and the mean divides by `n`.",
    ),
    _step(
        "probs",
        "logprobs",
        (
            "`logprobs` is made of `probs` element by element: local derivative times upstream"
            " gradient, `dlogprobs`.",
            "The derivative of `log(x)` is `1/x`.",
            "Multiply `1.0 / probs` by `dlogprobs`.",
        ),
        "(1.0 / probs) * dlogprobs",
        "Where the network gave the right letter a small probability, this gradient is large.",
        slips=(("probs * dlogprobs", "The derivative of `log(x)` is `1/x`, not `x`."),),
    ),
    _step(
        "counts_sum_inv",
        "probs",
        (
            "In a product the local derivative with respect to one factor is the other factor.",
            "`counts` is 32×27, `counts_sum_inv` is 32×1: it was broadcast over dimension 1, so"
            " each of its elements is used 27 times.",
            "What is used several times gets the sum of the gradients: multiply `counts` by"
            " `dprobs`, then sum over dimension 1 with `keepdim=True`.",
        ),
        "(counts * dprobs).sum(1, keepdim=True)",
        "Broadcasting forward is a sum backward, over the dimension that was repeated.",
    ),
    _step(
        "counts_sum",
        "counts_sum_inv",
        (
            "A power, element by element: no sum is needed, both are 32×1.",
            "The derivative of `x**-1` is `-x**-2`.",
            "Multiply `-counts_sum**-2` by the upstream gradient, `dcounts_sum_inv`.",
        ),
        "(-counts_sum**-2) * dcounts_sum_inv",
        "`-x**-2` means `-(x**-2)`: the sign comes after the power.",
    ),
    _step(
        "counts",
        "probs counts_sum",
        (
            "`counts` is used twice: in `probs` and in `counts_sum`. Both gradients add up.",
            "Through `probs`: the other factor, `counts_sum_inv`, times `dprobs`. Through"
            " `counts_sum`: a sum passes its gradient to each of its terms unchanged.",
            "`counts_sum_inv * dprobs`, plus `dcounts_sum`, which broadcasts over the 27 columns.",
        ),
        "counts_sum_inv * dprobs + dcounts_sum",
        "A sum forward is broadcasting backward: each of its terms gets the same gradient.",
        ("counts_sum_inv * dprobs", "torch.ones_like(counts) * dcounts_sum"),
    ),
    _step(
        "norm_logits",
        "counts",
        (
            "Element by element again. Which function is its own derivative?",
            "The derivative of `exp(x)` is `exp(x)`, and that was computed already.",
            "`counts` is `norm_logits.exp()`: multiply it by `dcounts`.",
        ),
        "counts * dcounts",
        "The local derivative of `exp` is its own output.",
        slips=(
            ("norm_logits * dcounts", "The derivative of `exp(x)` is `exp(x)`, not `x`."),
            ("probs * dcounts", "`probs` is divided by the sum already; the output is `counts`."),
        ),
    ),
    _step(
        "logit_maxes",
        "norm_logits",
        (
            "`logit_maxes` (32×1) is subtracted from each of the 27 logits of its row.",
            "The local derivative of `a - b` with respect to `b` is −1.",
            "Sum over the dimension that was broadcast: `(-dnorm_logits).sum(1, keepdim=True)`.",
        ),
        "(-dnorm_logits).sum(1, keepdim=True)",
        "It is 0 but for rounding: subtracting the same number from all logits of a row changes no"
        " probability. The maximum is only there so that `exp` does not overflow.",
    ),
    _step(
        "logits",
        "norm_logits logit_maxes",
        (
            "`logits` is used twice: in `norm_logits`, and where the maximum of a row is taken.",
            "Through the subtraction the gradient passes unchanged. Through the maximum it goes to"
            " the largest logit of each row alone: the others did not matter.",
            "`dnorm_logits`, plus `F.one_hot(logits.max(1).indices, 27)` times `dlogit_maxes`.",
        ),
        "dnorm_logits + F.one_hot(logits.max(1).indices, logits.shape[1]) * dlogit_maxes",
        "The second part is 0 but for rounding, as `dlogit_maxes` is.",
    ),
    _step(
        "h",
        "logits",
        (
            "`logits = h @ W2 + b2`. The upstream gradient `dlogits` is 32×27, `dh` must be 32×64.",
            "In a product the other factor comes in: `W2`, which is 64×27. There is only one way"
            " in which the shapes fit.",
            "32×27 @ 27×64 is 32×64: `W2` transposed, on the right of `dlogits`.",
        ),
        "dlogits @ W2.T",
        "The backward pass of a matrix product is a matrix product, too; the shapes say which.",
    ),
    _step(
        "W2",
        "logits",
        (
            "`dW2` must be 64×27, the shape of `W2`. The other factor is `h`, 32×64.",
            "64×32 @ 32×27 is 64×27: the sum over the 32 examples happens in the product.",
            "`h` transposed, on the left of `dlogits`.",
        ),
        "h.T @ dlogits",
        "Each weight is used by all 32 examples, and the product sums their gradients.",
    ),
    _step(
        "b2",
        "logits",
        (
            "`b2` (27 numbers) is added to each of the 32 rows.",
            "The local derivative of a sum is 1; what is broadcast forward is summed backward.",
            "Sum `dlogits` over dimension 0, without `keepdim`: `b2` has one dimension only.",
        ),
        "dlogits.sum(0)",
        "A bias gets the sum of the gradients of all examples.",
    ),
    _step(
        "hpreact",
        "h",
        (
            "Element by element; the derivative of tanh can be written with its output.",
            "The derivative of `tanh(x)` is `1 - tanh(x)**2`.",
            "`tanh(hpreact)` is `h`: multiply `1.0 - h**2` by `dh`.",
        ),
        "(1.0 - h**2) * dh",
        "Where `h` is near −1 or 1 the unit is saturated: hardly any gradient passes.",
        slips=(
            (
                "(1.0 - hpreact**2) * dh",
                "The derivative of tanh has its **output** in it: `h`, not `hpreact`.",
            ),
            ("(1.0 - h) * dh", "The derivative of tanh has the **square** of its output in it."),
            ("h * (1.0 - h) * dh", "That is the derivative of a sigmoid; this is a tanh."),
        ),
    ),
    _step(
        "bngain",
        "hpreact",
        (
            "`bngain` (1×64) is multiplied by `bnraw` (32×64): the other factor, and a broadcast.",
            "Each element of `bngain` is used for all 32 examples.",
            "Multiply `bnraw` by `dhpreact`, then sum over dimension 0 with `keepdim=True`.",
        ),
        "(bnraw * dhpreact).sum(0, keepdim=True)",
        "`keepdim=True` keeps it 1×64, the shape of `bngain`.",
    ),
    _step(
        "bnbias",
        "hpreact",
        (
            "`bnbias` (1×64) is added to all 32 rows.",
            "The local derivative is 1, and the broadcast becomes a sum.",
            "Sum `dhpreact` over dimension 0 with `keepdim=True`.",
        ),
        "dhpreact.sum(0, keepdim=True)",
        "It is what `db2` was, with its dimension kept.",
    ),
    _step(
        "bnraw",
        "hpreact",
        (
            "The other factor in `bngain * bnraw` is `bngain`.",
            "`bnraw` is 32×64 already: nothing of it was broadcast, so nothing is summed.",
            "Multiply `bngain` by `dhpreact`; it broadcasts over the rows.",
        ),
        "bngain * dhpreact",
        "Broadcasting is fine here: each element of `bnraw` was used once.",
    ),
    _step(
        "bnvar_inv",
        "bnraw",
        (
            "`bnraw = bndiff * bnvar_inv`: the other factor is `bndiff`.",
            "`bnvar_inv` is 1×64 and was broadcast over the 32 rows.",
            "Multiply `bndiff` by `dbnraw`, then sum over dimension 0 with `keepdim=True`.",
        ),
        "(bndiff * dbnraw).sum(0, keepdim=True)",
        "The other part of this product, `dbndiff`, has to wait: `bndiff` is used a second time.",
    ),
    _step(
        "bnvar",
        "bnvar_inv",
        (
            "A power again: `(bnvar + 1e-5)**-0.5`.",
            "The derivative of `x**-0.5` is `-0.5 * x**-1.5`; the 1e-5 stays inside.",
            "Multiply `-0.5 * (bnvar + 1e-5)**-1.5` by `dbnvar_inv`.",
        ),
        "(-0.5 * (bnvar + 1e-5)**-1.5) * dbnvar_inv",
        "Both are 1×64, so nothing is summed.",
        slips=(
            (
                "-0.5 * bnvar**-1.5 * dbnvar_inv",
                "It is nearly right: the 1e-5 is missing, which the forward pass adds to `bnvar`.",
            ),
            (
                "-0.5 * (bnvar + 1e-5)**-0.5 * dbnvar_inv",
                "The exponent falls by one: from −0.5 to −1.5.",
            ),
        ),
    ),
    _step(
        "bndiff2",
        "bnvar",
        (
            "`bnvar` (1×64) is a sum over the 32 rows of `bndiff2`, times `1/(n-1)`.",
            "A sum forward is broadcasting backward: each of the 32 rows gets the same gradient.",
            "Multiply `1.0/(n-1) * torch.ones_like(bndiff2)` by `dbnvar`; the ones give it 32"
            " rows.",
        ),
        "1.0/(n-1) * torch.ones_like(bndiff2) * dbnvar",
        "Dividing by n − 1 rather than n is Bessel's correction: the variance is unbiased.",
        slips=(
            (
                "1.0/n * torch.ones_like(bndiff2) * dbnvar",
                "The variance of the forward pass divides by `n-1`, not by `n`.",
            ),
            (
                "torch.ones_like(bndiff2) * dbnvar",
                "The forward pass multiplies by `1/(n-1)`, and so does the backward pass.",
            ),
        ),
    ),
    _step(
        "bndiff",
        "bnraw bndiff2",
        (
            "`bndiff` is used twice: in `bnraw` and, squared, in `bndiff2`. Both add up.",
            "Through `bnraw`: the other factor, `bnvar_inv`, times `dbnraw`. Through the square:"
            " the derivative of `x**2` is `2*x`.",
            "`bnvar_inv * dbnraw`, plus `2*bndiff` times `dbndiff2`.",
        ),
        "bnvar_inv * dbnraw + 2*bndiff * dbndiff2",
        "With one of the two alone it would be wrong: the second corrects what the first does to"
        " the variance.",
        ("bnvar_inv * dbnraw", "2*bndiff * dbndiff2"),
    ),
    _step(
        "bnmeani",
        "bndiff",
        (
            "`bnmeani` (1×64) is subtracted from all 32 rows.",
            "The local derivative is −1, and the broadcast becomes a sum.",
            "Sum `-dbndiff` over dimension 0 with `keepdim=True`.",
        ),
        "(-dbndiff).sum(0, keepdim=True)",
        "The lecture sums without `keepdim`, and its comparison broadcasts; here the shape counts.",
    ),
    _step(
        "hprebn",
        "bndiff bnmeani",
        (
            "`hprebn` is used twice: in `bndiff`, and in the mean. Both add up.",
            "Through the subtraction the gradient passes unchanged. The mean is a sum times `1/n`:"
            " each row gets `1/n` of its gradient.",
            "`dbndiff`, plus `1.0/n * dbnmeani`, which broadcasts over the rows.",
        ),
        "dbndiff + 1.0/n * dbnmeani",
        "This is the end of batch norm; below it is done in one expression.",
        ("dbndiff", "1.0/n * torch.ones_like(hprebn) * dbnmeani"),
        (("dbndiff + dbnmeani", "A mean is a sum times `1/n`: its gradient is, too."),),
    ),
    _step(
        "embcat",
        "hprebn",
        (
            "`hprebn = embcat @ W1 + b1`: as with `dh`, let the shapes tell.",
            "`dhprebn` is 32×64, `W1` is 30×64, and `dembcat` must be 32×30.",
            "`W1` transposed, on the right of `dhprebn`.",
        ),
        "dhprebn @ W1.T",
        "The same as `dh`, one layer down.",
    ),
    _step(
        "W1",
        "hprebn",
        (
            "As with `dW2`: the other factor is `embcat`, 32×30.",
            "`dW1` must be 30×64: 30×32 @ 32×64.",
            "`embcat` transposed, on the left of `dhprebn`.",
        ),
        "embcat.T @ dhprebn",
        "The same as `dW2`, one layer down.",
    ),
    _step(
        "b1",
        "hprebn",
        (
            "As with `db2`: it is added to each of the 32 rows.",
            "The broadcast becomes a sum over dimension 0.",
            "Sum `dhprebn` over dimension 0, without `keepdim`.",
        ),
        "dhprebn.sum(0)",
        "It is 0 but for rounding: batch norm subtracts the mean, and with it any bias. This"
        " parameter learns nothing.",
    ),
    _step(
        "emb",
        "embcat",
        (
            "`embcat` holds the numbers of `emb` in another shape; nothing else happens to them.",
            "So the gradient goes back into the old shape, 32×3×10.",
            "`dembcat.view(...)` with the shape of `emb`: `emb.shape`.",
        ),
        "dembcat.view(emb.shape)",
        "The backward pass of a view is a view.",
    ),
    _step(
        "C",
        "emb",
        (
            "Each of the 96 letters of the batch took a row of `C` (27×10). A letter that occurs"
            " several times gets the sum of its gradients.",
            "With `.view(-1)` the 96 letters of `Xb` are a row, and with `.view(-1, 10)` `demb` is"
            " 96×10. Note that `dC[Xb] += demb` adds only once where a letter occurs twice.",
            "Add each of the 96 rows to the row of its letter: `torch.zeros_like(C).index_add(0,"
            " Xb.view(-1), ...)`. A one-hot matrix (96×27), transposed, @ the 96×10 does it, too.",
        ),
        "torch.zeros_like(C).index_add(0, Xb.view(-1), demb.view(-1, 10))",
        "The lecture does it with two loops. Looking up a row is the product of a one-hot vector"
        " and the matrix, and its backward pass adds up.",
        slips=(
            (
                "d = torch.zeros_like(C)\nd[Xb] += demb",
                "Where a letter occurs several times only one of its gradients was added: `d[Xb]"
                " += demb` adds once to each row, in PyTorch as here.",
            ),
        ),
    ),
)
CLOSED: tuple[GradientStep, ...] = (
    GradientStep(
        "closed_logits",
        "logits",
        ("norm_logits", "counts", "probs", "logprobs", "loss"),
        (
            "On paper: for one example, with probabilities `p = softmax(logits)`, the loss is"
            " `-log(p[y])`. Its derivative with respect to logit `i` is `p[i]`, minus 1 if `i` is"
            " the right letter `y`.",
            "The probabilities of the batch are `F.softmax(logits, 1)`; subtract 1 at the right"
            " letters: `F.one_hot(Yb, 27)`.",
            "The loss is a mean over `n` examples, so all of it is divided by `n`.",
        ),
        "(F.softmax(logits, 1) - F.one_hot(Yb, 27)) / n",
        "The gradient pulls the probability of the right letter up and pushes the others down, in"
        " proportion to how probable they are; each row sums to 0.",
        slips=(
            ("F.softmax(logits, 1) / n", "At the right letter of each row 1 is to be subtracted."),
            (
                "(F.one_hot(Yb, 27) - F.softmax(logits, 1)) / n",
                "The sign is wrong: a step **against** this gradient must raise the right logit.",
            ),
        ),
        known=("logits", "Yb", "n"),
    ),
    GradientStep(
        "closed_hprebn",
        "hprebn",
        ("bnmeani", "bndiff", "bnvar", "bnraw", "hpreact"),
        (
            "With the gradient of `bnraw` (it is `bngain*dhpreact`) three things reach an element"
            " of `hprebn`: itself, and through the mean and the variance those of its column.",
            "The mean takes away the average of the column: `dhpreact.sum(0)/n`. The variance"
            " takes away the part that goes along with `bnraw`: `bnraw *"
            " (dhpreact*bnraw).sum(0)/(n-1)`.",
            "All of it is multiplied by `bngain*bnvar_inv`: `bngain*bnvar_inv * (dhpreact - ... -"
            " ...)`.",
        ),
        "bngain*bnvar_inv/n * (n*dhpreact - dhpreact.sum(0) -"
        " n/(n-1)*bnraw*(dhpreact*bnraw).sum(0))",
        "Batch norm removes from the gradient what would only shift or scale a whole column.",
        slips=(
            (
                "bngain*bnvar_inv * dhpreact",
                "This is what reaches each element by itself; what comes back through the mean and"
                " the variance of its column is missing.",
            ),
            (
                "bngain*bnvar_inv * (dhpreact - dhpreact.sum(0)/n)",
                "The mean is right; what comes back through the variance is missing.",
            ),
            (
                "bngain*bnvar_inv/n * (n*dhpreact - dhpreact.sum(0) -"
                " bnraw*(dhpreact*bnraw).sum(0))",
                "It is nearly right: the variance divides by `n-1`, not by `n`.",
            ),
        ),
        known=("bngain", "bnvar_inv", "bnraw", "n", "dhpreact"),
    ),
)
ALL_STEPS = {step.key: step for step in (*STEPS, *CLOSED)}
