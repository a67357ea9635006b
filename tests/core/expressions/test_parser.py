"""The grammar: what is parsed, what is refused with a sentence, and that nothing is run."""

import sys

import pytest

from bench.expressions import SUSPECT, answer, hostile
from core.expressions import limits
from core.expressions.functions import CALLABLE, FUNCTIONS
from core.expressions.parser import parse
from core.expressions.tokens import ExpressionError
from tests.core.expressions.helpers import lab_of, loss_of


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2 + 3 * 4", 14),
        ("(2 + 3) * 4", 20),
        ("2 - 3 - 4", -5),
        ("8 / 4 / 2", 1),
        ("-2**2", -4),
        ("2**-1", 0.5),
        ("2 * -3", -6),
        ("1.5e1 - .5", 14.5),
        ("2..exp() - exp(2)", None),
        ("[1, 2, 3] @ [4, 5, 6]", 32),
        ("[1, 2, 3].dot([4, 5, 6]) - dot([4, 5, 6], [1, 2, 3])", 0),
        ("sum([[1, 2], [3, 4]] @ [1, 1])", 10),
        ("max(2, 3) + 2.min(3)", 5),
        ("mean([1, 2, 6])", 3),
        ("a = 2  # two\n\nb = a\na*b", 4),
        ("x = [[1, 2],\n  [3,\n 4]]  # goes on\nx.sum()", 10),
        ("a = 2\nsum([a, a*a, 1])", 7),
        ("sum(softmax([1, 2, 3]))", 1),
    ],
)
def test_operators_have_the_precedence_of_mathematics(text, value):
    """And functions may be called either way."""
    if value is None:
        with pytest.raises(ExpressionError):
            parse(text)
    else:
        assert loss_of(text) == pytest.approx(value)


@pytest.mark.parametrize("name", CALLABLE)
def test_every_function_can_be_called_both_ways(name):
    """tanh(x) and x.tanh() are one."""
    arguments = ["u", "v"][: FUNCTIONS[name].arguments]
    head = "u = [0.5, 2]\nv = [0.7, 1]\n"
    called = f"{head}sum({name}({', '.join(arguments)}))"
    behind = f"{head}u.{name}({', '.join(arguments[1:])}).sum()"
    assert loss_of(called) == loss_of(behind)


@pytest.mark.parametrize(
    ("text", "line", "character", "words"),
    [
        ("a = 1\nb = a c", 2, 7, "write \\*"),
        ("a = 1\nb", 2, 1, "“b” has no value yet"),
        ("a = 1\na = 2", 2, 1, "has a value already"),
        ("tanh = 1", 1, 1, "is a function here"),
        ("1 + foo(2)", 1, 5, "no function “foo”; there are tanh"),
        ("a = 1\na.real()", 2, 3, "a function is called"),
        ("2**1.5**2", 1, 4, "an exponent must be a literal"),
        ("a = 1\n2**a", 2, 4, "exp\\(b \\* log\\(a\\)\\)"),
        ("2**17", 1, 4, "from −16 to 16"),
        ("[1, 2] @ [1, 2, 3]", 1, 1, "must be equal"),
        ("[1, 2] + [1, 2, 3]", 1, 1, "don't broadcast"),
        ("[1, 2]", 1, 1, "must be one number"),
        ("1 × 2", 1, 3, "write \\* instead"),
        ("1 < 2", 1, 3, "has no meaning here"),
        ("а = 1", 1, 1, "U\\+0430"),
        ("import os", 1, 1, "a keyword of Python"),
        ("(1 + 2", 1, 7, "never closed"),
        ("1 + 2)", 1, 6, "never opened"),
        ("a = ", 1, 4, "something is missing"),
        ("max(1)", 1, 1, "takes two values"),
        ("log(0 - 1)", 1, 1, "only a number above 0"),
        ("a = 0\n1 / a", 2, 1, "divides by 0"),
        ("exp(exp(exp(9)))", 1, 5, "overflows"),
        ("a = 0\n1 + sqrt(a)", 2, 5, "derivative is infinite"),
        ("", 1, 1, "type an expression"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(text, line, character, words):
    """A sentence names the line, the character, and what to do."""
    with pytest.raises(ExpressionError, match=words) as caught:
        lab_of(text)
    assert (caught.value.place.line, caught.value.place.column + 1) == (line, character)
    assert str(caught.value).startswith(f"Line {line}, character {character}: ")


@pytest.mark.parametrize(
    "text",
    [
        "#" * (limits.CHARACTERS + 1),
        "1\n" * (limits.LINES + 1),
        "+".join("1" * limits.NODES),
        "(" * (limits.DEPTH + 1) + "1" + ")" * (limits.DEPTH + 1),
        "a" * (limits.NAME + 1),
        "1e10",
        "randn(1001)",
        "randn(100, 100)",
        "x = randn(1000)\ny = randn(1, 1000)\nz = randn(1000, 1)\nmean(z @ y)",
        "x = randn(44, 44)\nmean(" + " @ ".join("x" * 60) + ")",
    ],
)
def test_every_limit_has_a_sentence(text):
    """What is too long, too deep or too large is refused before anything is computed."""
    with pytest.raises(ExpressionError, match=r"Line .*\.$"):
        parse(text)


def test_nothing_hostile_runs():
    """Each text is answered with a sentence or a number, and Python runs, opens, loads nothing."""
    run, listening = [], True
    sys.addaudithook(lambda event, _: run.append(event) if listening and event in SUSPECT else None)
    answer("a = randn(2)\nmean(a * noise(2))")
    run.clear()
    answers = [answer(text) for text in hostile()]
    found = list(run)
    eval("1")
    listening = False
    assert len(answers) >= 200
    assert not found and run, "the hook sees an eval, and saw none before"
    assert all(text and "\x00" not in text and len(text) < 400 for text in answers)


def test_the_language_needs_no_torch():
    """Understanding a text and laying it out costs no torch."""
    import subprocess

    code = (
        "import sys; from core.expressions.parser import parse;"
        "from core.expressions.layout import arrange; arrange(parse('a = 2\\na*3'));"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
