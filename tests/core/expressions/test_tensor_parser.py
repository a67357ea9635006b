"""The language of typed gradients: as torch computes it, bounded, and never run as Python."""

import random
import sys

import pytest
import torch
from torch.nn import functional as F

from bench.expressions import SUSPECT, hostile, hostile_gradients
from core.errors import UserError
from core.expressions import limits
from core.expressions.tensor_functions import TENSOR_FUNCTIONS
from core.expressions.tensor_parser import parse_tensor
from core.expressions.tensor_program import Known
from core.expressions.tokens import ExpressionError

RANDOM = torch.Generator().manual_seed(0)
X = torch.randn((4, 5), generator=RANDOM, dtype=torch.float64)
Y = torch.randn((4, 1), generator=RANDOM, dtype=torch.float64)
W = torch.randn((5, 3), generator=RANDOM, dtype=torch.float64)
B = torch.tensor([2, 0, 2, 1])
GIVEN = {"x": X, "y": Y, "w": W, "b": B}
HOSTILE = {**GIVEN, "h": X, "Yb": B}
KNOWN = {"n": Known((), number=4.0)} | {name: Known.of(t) for name, t in GIVEN.items()}
ROWS = torch.arange(4)


def value_of(text):
    """Compute a text with the tensors of this file."""
    return parse_tensor(text, KNOWN).run(GIVEN)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("-x**2", -(X**2)),
        ("1.0 / x * y", 1.0 / X * Y),
        ("1/(n-1) * x.sum(0, keepdim=True)", 1 / 3 * X.sum(0, keepdim=True)),
        ("torch.sum(x, dim=1)", X.sum(1)),
        ("x.sum([0, 1])", X.sum()),
        ("x.mean(-1, keepdims=True)", X.mean(-1, keepdim=True)),
        ("x.sum()", X.sum()),
        ("x.T @ y", X.T @ Y),
        ("y.t() @ x @ w", Y.T @ X @ W),
        ("x[range(n), b]", X[ROWS, B]),
        ("x[1]", X[1]),
        ("x[-1, 2] * torch.ones(2, 3)", X[-1, 2] * torch.ones(2, 3, dtype=torch.float64)),
        ("w[b]", W[B]),
        ("F.one_hot(b, 3) - 1", F.one_hot(B, 3).double() - 1),
        ("torch.nn.functional.one_hot(b, num_classes=w.shape[1])", F.one_hot(B, 3).double()),
        ("F.softmax(x, dim=1)", X.softmax(1)),
        ("torch.ones_like(x) * y", Y.expand(4, 5)),
        ("x.view(2, -1)", X.view(2, 10)),
        ("x.view(w.shape[1] - 1, 10).view(x.shape)", X),
        ("x.max(1, keepdim=True).values", X.max(1, keepdim=True).values),
        ("one_hot(x.max(1).indices, 5) * y", F.one_hot(X.argmax(1), 5) * Y),
        ("x.transpose(0, 1).tanh().exp()", X.T.tanh().exp()),
        ("b * 2.5", B * 2.5),
        ("torch.zeros_like(w).index_add(0, b, x[range(n)] @ w)", None),
        ("d = torch.zeros_like(x)\nd[range(n), b] = -1.0/n\nd", None),
        ("d = x.clone()  # a copy\nd[range(n), b] -= 1\nd /= n", None),
        ("2", torch.tensor(2.0, dtype=torch.float64)),
    ],
)
def test_it_computes_what_torch_does(text, wanted):
    """In the notation of the lecture."""
    if wanted is None:
        wanted = {
            "torch": lambda: torch.zeros_like(W).index_add(0, B, X @ W),
            "d": lambda: torch.zeros_like(X).index_put((ROWS, B), torch.tensor(-0.25).double()),
            "c": lambda: (X - F.one_hot(B, 5)) / 4,
        }["c" if "clone" in text else text.partition(" ")[0].partition(".")[0]]()
    found = value_of(text)
    assert found.shape == wanted.shape
    torch.testing.assert_close(found, wanted.double(), rtol=1e-12, atol=0)


def test_a_row_that_is_named_twice_is_added_to_once():
    """As in torch, where this is a trap: index_add adds all."""
    found = value_of("d = torch.zeros_like(w)\nd[b] += torch.ones_like(x) @ w * 0 + 1\nd")
    assert found[:, 0].tolist() == [1, 1, 1, 0, 0]
    added = value_of("torch.zeros_like(w).index_add(0, b, x @ w * 0 + 1)")
    assert added[:, 0].tolist() == [1, 1, 2, 0, 0]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("x + w", "4×5 and 5×3 don't broadcast: in dimension 0 4 meets 5"),
        ("w + x[1]", "5×3 and 5 don't broadcast: in the last dimension 3 meets 5"),
        ("x @ x", "transposed"),
        ("x @ b", "product of two matrices"),
        ("x.sum(2)", "no dimension 2 in 4×5; its dimensions are 0 to 1"),
        ("x.view(3, 7)", "has 20 numbers and can't be"),
        ("x.sum(0, keepdims=1)", "True or False"),
        ("x.sum(0, hold=True)", "no “hold”"),
        ("dx", "“dx” is not known here; none is yet"),
        ("z", "there are n, x, y, w, b"),
        ("x = 2", "is given and stays"),
        ("d += x", "no value yet"),
        ("x.real", "after a point stands T, shape or a function"),
        ("x.T.shape", "must be a tensor"),
        ("x.max(1)", "must be a tensor"),
        ("x.max(1) * 2", "write .values or .indices"),
        ("x ** y", "an exponent must be a number"),
        ("x[x]", "an index is a whole number"),
        ("x[range(n), b, b]", "takes 1 to 2 indices, not 3"),
        ("x[9]", "out of range"),
        ("y.var(1)", "variance of a single number"),
        ("torch.zeros(0)", "a size is 1 or more"),
        ("one_hot(b, 2)", "out of range"),
        ("F.one_hot(b)", "needs the number of classes"),
        ("F.one_hot(x, 3)", "takes whole numbers"),
        ("torch.load(x)", "there is no “load” here"),
        ("1/(n-4) * x", "divides by 0"),
        ("x / (y - y)", "NaN or infinity"),
        ("", "type an expression"),
        ("sum(x", "“,” or “\\)” is expected"),
        ("x.sum(0", "“,” or “\\)” is expected"),
        ("keepdim=x.sum", "called with brackets"),
    ],
)
def test_what_is_wrong_is_said(text, words):
    """In a sentence with its place."""
    with pytest.raises(ExpressionError, match=words):
        value_of(text)


@pytest.mark.parametrize(
    "text",
    [
        "F.one_hot(b, 10**9)",
        "torch.ones(1000, 1000)",
        "torch.ones(1e9, 1e9) * 2",
        "torch.ones(900, 1) * torch.ones(1, 900)",
        "x.expand(100000, 4, 5)",
        "range(10**15)",
        "x" + ".unsqueeze(0)" * 5,
        "x" + " + x" * limits.NODES,
        "a = torch.ones(400, 400)\n" + "a = a @ a\n" * 3,
        "9**9**9 * x",
        "x" + "**9" * 20,
    ],
)
def test_what_is_too_large_is_refused_before_it_is_computed(text):
    """By its shape: no program is made of it."""
    with pytest.raises(ExpressionError, match=r"Line .*\.$"):
        parse_tensor(text, KNOWN)


def test_nothing_hostile_runs():
    """Each text is answered with a sentence or a tensor, and Python runs, opens, loads nothing."""
    run, listening = [], True
    sys.addaudithook(lambda event, _: run.append(event) if listening and event in SUSPECT else None)
    value_of("x + 1")
    run.clear()
    known = {name: Known.of(tensor) for name, tensor in HOSTILE.items()}
    for text in (*hostile(), *hostile_gradients()):
        try:
            parse_tensor(text, known).run(HOSTILE)
        except UserError as error:
            assert len(str(error)) < 700
    found = list(run)
    listening = False
    assert not found


def generated(chance, depth):
    """Return an expression at random, mostly one that has no meaning."""
    if depth <= 0 or chance.random() < 0.25:
        return chance.choice([*KNOWN, "2", "-1", "0.5", "range(n)", "x.shape", "[0, 1]", "True"])
    inner = [generated(chance, depth - 1) for _ in range(3)]
    function = chance.choice(list(TENSOR_FUNCTIONS))
    key = chance.choice(["keepdim=True", "dim=1", "num_classes=5"])
    return chance.choice(
        [
            f"({inner[0]} {chance.choice(['+', '*', '/', '@', '**'])} {inner[1]})",
            f"{inner[0]}.{function}({inner[1]})",
            f"{inner[0]}.{function}({key})",
            f"torch.{function}({inner[0]}, {inner[1]}, {key})",
            f"{inner[0]}[{inner[1]}, {inner[2]}]",
            f"{inner[0]}{chance.choice(['.T', '.indices', '.shape[0]', '**-1'])}",
        ]
    )


def test_whatever_is_typed_has_a_tensor_of_the_foreseen_shape_or_a_sentence():
    """No other error comes through."""
    computed = 0
    for seed in range(1500):
        chance = random.Random(seed)
        text = "\n".join(f"d = {generated(chance, 3)}" for _ in range(chance.randint(1, 2)))
        try:
            program = parse_tensor(text, KNOWN)
            found = program.run(GIVEN)
        except ExpressionError:
            continue
        computed += 1
        assert tuple(found.shape) == program.shape and found.dtype == torch.float64, text
    assert computed > 100
