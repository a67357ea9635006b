"""The expression lab: its gradients against finite differences, and texts that mean harm.

    python -m bench.expressions [gradients|hostile|typed]

What is generated and what is hostile is used by the tests as well, in smaller numbers.
"""

import argparse
import random
import sys
import time
from collections.abc import Callable, Iterator
from statistics import median

import numpy as np
import torch

from bench.rows import row, show, sized
from core.errors import UserError
from core.expressions.finite_differences import TOLERANCE
from core.expressions.graph import Kind
from core.expressions.lab import Lab
from core.expressions.parser import parse
from core.lessons.backprop.dojo import Dojo
from core.lessons.backprop.steps import STEPS

EXPRESSIONS, HOSTILE = sized((1000, 200), (5, 20))
CALM = ("tanh", "sigmoid", "relu", "softplus", "sin", "cos", "abs")
"""Functions that take any number and give a moderate one."""


def generated(seed: int) -> str:
    """Return an expression of several lines, with every operation of the language in reach."""
    chance = random.Random(seed)
    long = chance.randint(2, 5)
    lines = [f"s{i} = {chance.uniform(-2, 2):.3f}" for i in range(3)]
    for i in range(3):
        vector = ", ".join(f"{chance.uniform(-2, 2):.3f}" for _ in range(long))
        lines.append(f"v{i} = " + (f"data([{vector}])" if i == 2 else f"[{vector}]"))
    lines += [f"m = randn({long}, {long})", f"z = noise({long})"]
    numbers, vectors = ["s0", "s1", "s2"], ["v0", "v1", "v2", "z"]
    for i in range(chance.randint(3, 9)):
        if chance.random() < 0.5:
            lines.append(f"a{i} = {_number(chance, numbers, vectors)}")
            numbers.append(f"a{i}")
        else:
            lines.append(f"b{i} = {_vector(chance, numbers, vectors)}")
            vectors.append(f"b{i}")
    # Whatever was made has its part in the end, so that no gradient is zero for want of use.
    ends = [f"sin({name})" for name in numbers]
    ends += [f"mean(tanh({name}))" for name in [*vectors, "m"]]
    return "\n".join([*lines, " + ".join(ends)])


def _number(chance: random.Random, numbers: list[str], vectors: list[str]) -> str:
    a, b = chance.choice(numbers), chance.choice(numbers)
    u, v = chance.choice(vectors), chance.choice(vectors)
    return chance.choice(
        [
            *_either(chance, a, b),
            f"{u}.sum()",
            f"mean({u})",
            f"dot({u}, tanh({v}))",
            f"(tanh({u}) @ {v})",
            f"tanh({a} + {b}*noise())",
        ]
    )


def _vector(chance: random.Random, numbers: list[str], vectors: list[str]) -> str:
    a, u, v = chance.choice(numbers), chance.choice(vectors), chance.choice(vectors)
    return chance.choice(
        [*_either(chance, u, v), f"(m @ {u})", f"softmax({u})", f"({a} * tanh({u}))"]
    )


def _either(chance: random.Random, a: str, b: str) -> list[str]:
    """Return some expressions that fit numbers and vectors."""
    call = chance.choice(CALM)
    return [
        f"({a} + {b})",
        f"({a} - {b}*{chance.uniform(0.2, 2):.2f})",
        f"({a} * sigmoid({b}))",
        f"({a} / (1 + {b}**2))",
        f"{call}({a} - {b})",
        f"({a} + {b}).{call}()",
        f"max({a}, {b})",
        f"{a}.min(-{b})",
        f"exp(tanh({a}))",
        f"log(1 + {a}**2)",
        f"sqrt(0.5 + {a}**2)",
        f"tanh({a})**3",
        f"(2 + tanh({a}))**-1.5",
    ]


def errors(text: str) -> tuple[list[float], int]:
    """Return the relative error of every gradient of an expression, and how many can't be told.

    At a corner, as of abs at 0, there is no one slope that a gradient could be held against; and
    of a gradient that is nearly 0 the difference of two doubles is mostly rounding.
    """
    lab, found, unknown = Lab(parse(text)), [], 0
    for node in lab.graph.of(Kind.LEARNED, Kind.CONSTANT):
        held = lab.check(node.index)
        found += held.error[~held.kink].tolist()
        hazy = (held.gradient != 0) & (held.uncertainty > TOLERANCE * np.abs(held.gradient))
        unknown += int((held.kink | hazy).sum())
    return found, unknown


def hostile() -> Iterator[str]:
    """Yield texts that are meant to run something, to hang, or to fill the memory."""
    code = (
        "import os",
        "__import__('os').system('touch TRACE')",
        "exec(\"open('TRACE', 'w')\")",
        "eval('1+1')",
        "compile('1', '', 'exec')",
        "open('TRACE', 'w')",
        "().__class__.__bases__[0].__subclasses__()",
        "x = 1\nx.__class__",
        "x = [1, 2]\nx.__init__.__globals__",
        "getattr(x, 'y')",
        "globals()",
        "lambda: 0",
        "(lambda f: f(f))(lambda f: f(f))",
        "while True: pass",
        "for i in range(10**9): pass",
        "def f(): return f()",
        "[x for x in range(10**9)]",
        "print(1)",
        "a = 1; import os",
        "a = b = 1",
        "a := 1",
        "x = data(open('TRACE'))",
        "f'{__import__(\"os\")}'",
        "raise SystemExit",
        "assert 0",
        "del a",
        "yield 1",
        "await x",
        "class A: pass",
        "with open('TRACE') as f: f",
        "try:\n 1\nexcept: 2",
        "@decorator\na = 1",
        "a = 1 if 2 else 3",
        "not 1",
        "1 and 2",
        "1 < 2",
        "a = 1\na += 1",
        "$(touch TRACE)",
        "`touch TRACE`",
        "{{7*7}}",
        "%s%s%s%n",
        "a = torch.load('TRACE')",
        "tanh.__globals__",
        "noise.__self__",
        "x = 1\nx.backward()",
        "x = 1\nx.data",
        "a = 1\na.numpy()",
        "quit()",
        "a = 1\na[0]",
        "a = 1\na(1)",
    )
    yield from code
    powers = ("9**9**9", "9**9**9**9**9", "10**1000000", "2**(3**(4**5))", "9**-9**9", "99**99")
    yield from powers
    yield from (f"a = {base}\nexp(a{tail})" for base in (9, 999999) for tail in (")", "**9"))
    yield from ("exp(exp(exp(exp(9))))", "1e999", "-1e400", "1/0", "log(0)", "sqrt(-1)", "0**-1")
    for many in (50, 1000, 3990, 10**6):
        yield from ("(" * many, "[" * many, "-" * many + "1", "tanh(" * many + "1" + ")" * many)
        yield from ("(" * many + "1" + ")" * many, "1" + "+1" * many, "1" + "**1" * many)
        yield from ("a = 1\na" + ".tanh()" * many, "\n" * many, "1" * many, "a" * many)
        yield from ("[" + "1," * many + "1]", "#" + "x" * many, "." * many, "max(" + "1," * many)
    yield from ("a = 1" + "\na = a + a" * many for many in (50, 5000))
    yield "\n".join(["a0 = 1", *(f"a{i} = a{i - 1} * a{i - 1}" for i in range(1, 59)), "a58 * 2"])
    yield "\n".join(["a0 = 2", *(f"a{i} = a{i - 1} * a{i - 1}" for i in range(1, 59)), "a58 * 2"])
    for sizes in ("9999999", "1000000, 1000000", "1e9", "0", "-1", "0.5", "2, 2, 2", "[1]", "x"):
        yield from (f"{name}({sizes})" for name in ("randn", "noise", "moons", "moons_label"))
    yield from ("x = randn(44, 44)\nmean(x" + " @ x" * many + ")" for many in (20, 60, 300))
    yield from ("x = randn(1000)\ny = randn(1000, 2)\nmean(x @ y)", "[[[[1]]]]", "[[1, 2], [3]]")
    yield from ("a\x00b = 1", "\x00" * 100, "a = 1\x1b[2J", "\u202e1 = a", "ａ = １", "𝐚 = 1\n𝐚")
    yield from ("а = 1\na", "a\u200bb = 1", "٣ + ٤", "½ + 1", "²", "1\u00a0+ 1", "\ufeff1 + 1")
    yield from (
        "a = 1\n" * 9,
        "a, b = 1, 2",
        "*a = 1",
        "a = 1,",
        "()",
        "[]",
        "tanh()",
        "1 2 3",
        "=",
    )
    yield from ("é = 1", "a = 1\u2028import os", "\U0001f600", "\ud800", "x\u0301 = 1", "1\r2\r3")


def hostile_gradients() -> Iterator[str]:
    """Yield texts that mean harm where a gradient of lesson 4 is typed."""
    for many in (10**4, 10**6, 10**9, 10**15):
        yield from (f"torch.ones({many}, {many})", f"F.one_hot(Yb, {many})", f"range({many})")
        yield from (f"torch.zeros({many}) + 1", f"Yb.view({many}, -1)", f"h.expand({many}, 4, 5)")
    yield from ("h" + "**9" * 50, "9**9**9 * h", "h" + ".T" * 2000, "h" + ".exp()" * 100)
    yield from ("torch.ones(900, 1) * torch.ones(1, 900)", "h" + ".unsqueeze(0)" * 300)
    yield "a = torch.ones(400, 400)\n" + "a = a @ a\n" * 50
    yield "a = torch.ones(100, 100)\n" + "a = a.exp() * a\n" * 58
    yield from ("h[" * 500, "h[" + "0, " * 900 + "0]", "h.sum(" + "0, " * 900, "h.sum(dim=" * 50)
    yield from ("torch.os.system('touch TRACE')", "torch.load(h)", "F.__dict__", "h.data", "h.grad")
    yield from (
        "h.sum.__globals__",
        "torch.nn.Module()",
        "h.numpy()",
        "h.backward()",
        "h.apply_(h)",
    )
    yield from ("h[lambda: 0]", "h[range]", "h[:]", "h[None]", "h[True]", "h[1.5]", "h[[0, 1]]")
    yield from ("h.view(-1, -1)", "h.view(0, -1)", "h.view(-2)", "torch.zeros(-1)", "h.sum(99**9)")
    yield from ("a[0] = 1", "h[0] = 1", "a = h\na[a] = 1", "a = 1\na[0] = 2", "a += a", "h @= h")
    yield from (
        "h.sum(keepdim=True, keepdim=True)",
        "sum()",
        "F",
        "torch.nn",
        "F.F.F",
        "n.T",
        "n[0]",
    )


def gradients() -> list[dict[str, object]]:
    """Measure how many gradients of generated expressions agree with finite differences."""
    found = [errors(generated(seed)) for seed in range(EXPRESSIONS)]
    right = sum(max(held) <= TOLERANCE for held, _ in found)
    numbers, unknown = sum(len(held) for held, _ in found), sum(at for _, at in found)
    return [
        row(
            f"{EXPRESSIONS:,} expressions: gradients within {TOLERANCE:g}",
            right / EXPRESSIONS,
            1.0,
            "%",
        ),
        row(f"of {numbers:,} gradients, nearly 0 or at a corner", unknown / numbers, None, "%"),
    ]


def answer(text: str) -> str:
    """Return what the lab says to a text: its loss, or the sentence that refuses it."""
    try:
        return f"{Lab(parse(text)).loss}"
    except UserError as error:
        return str(error)


def _seconds(text: str) -> float:
    begin = time.perf_counter()
    answer(text)
    return time.perf_counter() - begin


def refusals() -> list[dict[str, object]]:
    """Measure how many hostile texts are answered in time, and whether anything was run."""
    run: list[str] = []
    sys.addaudithook(lambda event, _: run.append(event) if event in SUSPECT else None)
    answer("a = randn(2)\nmean(a * noise(2))")
    run.clear()
    slowest, soon = 0.0, 0
    texts = list(hostile())[:HOSTILE]
    for text in texts:
        took = median(_seconds(text) for _ in range(3))
        slowest, soon = max(slowest, took), soon + (took < 0.1)
    return [
        row(f"{len(texts)} hostile expressions: answered in 100 ms", soon / HOSTILE, 1.0, "%"),
        row("the slowest of them", 1000 * slowest, 100, "ms", most=True),
        row("things that they ran", len(run), 0, "", most=True),
    ]


def typed_gradients() -> list[dict[str, object]]:
    """Measure how many hostile gradients of lesson 4 are answered in time."""
    dojo = Dojo()
    slowest, soon = 0.0, 0
    texts = [*hostile(), *hostile_gradients()][-HOSTILE:]
    for text in texts:
        took = median(dojo.check(STEPS[0], text).seconds for _ in range(3))
        slowest, soon = max(slowest, took), soon + (took < 0.1)
    return [
        row(f"{len(texts)} hostile gradients: answered in 100 ms", soon / len(texts), 1.0, "%"),
        row("the slowest of them", 1000 * slowest, 100, "ms", most=True),
    ]


SUSPECT = ("exec", "compile", "import", "open", "os.system", "subprocess.Popen", "socket.connect")
"""What Python tells of when something is run, opened or loaded."""
KINDS: dict[str, Callable[[], list[dict[str, object]]]] = {
    "gradients": gradients,
    "hostile": refusals,
    "typed": typed_gradients,
}


def main(words: list[str]) -> None:
    """Measure one kind, or all."""
    parser = argparse.ArgumentParser(prog="python -m bench.expressions", description=__doc__)
    parser.add_argument("kind", nargs="?", choices=list(KINDS))
    kind = parser.parse_args(words).kind
    torch.set_num_threads(1)
    show([found for name in ([kind] if kind else KINDS) for found in KINDS[name]()])


if __name__ == "__main__":
    main(sys.argv[1:])
