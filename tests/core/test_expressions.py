"""The language of expressions: what is understood, what is refused, and what is computed."""

import sys

import numpy as np
import pytest
import torch

from bench.expressions import SUSPECT, answer, errors, generated, hostile
from core.errors import UserError
from core.expressions import limits
from core.expressions.differences import TOLERANCE
from core.expressions.functions import CALLABLE, FUNCTIONS
from core.expressions.graph import Kind
from core.expressions.lab import TOO_FAR, Lab
from core.expressions.layout import arrange
from core.expressions.parser import parse
from core.expressions.presets import PRESETS
from core.expressions.tokens import ExpressionError
from core.expressions.words import backward_words, forward_words

LECTURE = PRESETS["lecture"].text
NEURON = PRESETS["lecture neuron"].text


def lab_of(text, **rest):
    """Return an expression at work."""
    return Lab(parse(text), **rest)


def loss_of(text):
    """Return the value of the last line."""
    return lab_of(text).loss


def named(lab, name):
    """Return a value and a gradient by the name in the text."""
    index = lab.graph.names[name]
    return lab.values[index].tolist(), lab.gradients[index].tolist()


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
def test_arithmetic_is_understood_as_in_mathematics(text, value):
    """Signs bind as they do on paper, and what is called either way is the same."""
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
        ("a = 1\na.real()", 2, 3, "stands a function"),
        ("2**1.5**2", 1, 4, "an exponent is a plain number"),
        ("a = 1\n2**a", 2, 4, "exp\\(b \\* log\\(a\\)\\)"),
        ("2**17", 1, 4, "from −16 to 16"),
        ("[1, 2] @ [1, 2, 3]", 1, 1, "must be equal"),
        ("[1, 2] + [1, 2, 3]", 1, 1, "don't fit"),
        ("[1, 2]", 1, 1, "must be one number"),
        ("1 × 2", 1, 3, "write \\* instead"),
        ("1 < 2", 1, 3, "has no meaning here"),
        ("а = 1", 1, 1, "U\\+0430"),
        ("import os", 1, 1, "a word of Python"),
        ("(1 + 2", 1, 7, "never closed"),
        ("1 + 2)", 1, 6, "never opened"),
        ("a = ", 1, 4, "something is missing"),
        ("max(1)", 1, 1, "takes two values"),
        ("log(0 - 1)", 1, 1, "only a number above 0"),
        ("a = 0\n1 / a", 2, 1, "divides by 0"),
        ("exp(exp(exp(9)))", 1, 5, "beyond all numbers"),
        ("a = 0\n1 + sqrt(a)", 2, 5, "infinitely steep"),
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
    assert not found and run, "the hook hears an eval, and heard none before"
    assert all(text and "\x00" not in text and len(text) < 400 for text in answers)


def test_the_lectures_numbers_come_out():
    """Micrograd's two examples have the gradients that are worked out by hand in the lecture."""
    lab = lab_of(LECTURE)
    assert named(lab, "L") == (-8, 1)
    gradients = {name: named(lab, name)[1] for name in "abcf"}
    assert gradients == {"a": 6, "b": -4, "c": -2, "f": 4}
    lab = lab_of(NEURON)
    assert named(lab, "o")[0] == pytest.approx(0.7071, abs=1e-4)
    found = [named(lab, name)[1] for name in ("x1", "w1", "x2", "w2")]
    assert found == pytest.approx([-1.5, 1.0, 0.5, 0.0])


@pytest.mark.parametrize("seed", range(0, 1000, 25))
def test_gradients_agree_with_finite_differences(seed):
    """In double, to 1e-5, for every number of a generated expression."""
    found, _ = errors(generated(seed))
    assert max(found) <= TOLERANCE


def test_a_wrong_gradient_would_be_seen():
    """The check is no formality: a gradient that is a thousandth off does not agree."""
    lab = lab_of(PRESETS["neuron"].text)
    leaf = lab.graph.names["w"]
    assert lab.check(leaf).agrees
    lab._gradients[leaf] = lab._gradients[leaf] * 1.001
    assert not lab.check(leaf).agrees


def test_a_corner_is_no_mistake():
    """At 0, relu and abs have a slope on either side, and the check says so."""
    assert lab_of("a = 0\nrelu(a)").check(0).corner.all()
    assert lab_of("a = 0\nabs(a)").check(0).corner.all()
    check = lab_of("a = 0\nb = 1\nb * a**2").check(0)
    assert check.agrees and not check.corner.any()


def test_names_with_plain_numbers_are_learned_and_data_is_not():
    """The rule of the language, and descent goes by it."""
    lab = lab_of("a = 1\nb = data(2)\nc = -[1, 2]\nd = a*3\nr = randn(2)\na*b + sum(c*r) + d")
    kinds = {name: lab.graph.nodes[index].kind for name, index in lab.graph.names.items()}
    assert kinds == {
        "a": Kind.LEARNED,
        "b": Kind.GIVEN,
        "c": Kind.LEARNED,
        "d": Kind.RESULT,
        "r": Kind.LEARNED,
    }
    before = {name: named(lab, name) for name in "abc"}
    lab.descend(0.1)
    assert named(lab, "a")[0] == pytest.approx(before["a"][0] - 0.1 * before["a"][1])
    assert named(lab, "b")[0] == before["b"][0]
    assert named(lab, "c")[0] == pytest.approx(
        [v - 0.1 * g for v, g in zip(*before["c"], strict=True)]
    )


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_goes_downhill(name):
    """With its own learning rate."""
    preset = PRESETS[name]
    lab = lab_of(preset.text)
    for _ in range(60):
        lab.descend(preset.rate)
    losses = lab.losses.y
    assert np.mean(losses[-10:]) < np.mean(losses[:10])


def test_gradients_gather_node_by_node():
    """What each node hands on adds up to what autograd finds, also where a number is used twice."""
    for text in (*(preset.text for preset in PRESETS.values()), "a = 3\nb = a*a + a\nb*a"):
        lab = lab_of(text)
        whole = lab.gathered(len(lab.graph.backward))
        for index, gradient in lab.gradients.items():
            np.testing.assert_allclose(whole.get(index, 0.0), gradient, atol=1e-12)
    none, first = lab.gathered(0), lab.gathered(1)
    assert list(none) == [lab.graph.root]
    assert set(first) == {lab.graph.root, lab.graph.names["a"], lab.graph.names["b"]}


def test_noise_is_drawn_at_every_step_and_passed_by():
    """It has no gradient; frozen it stays, and the same seed draws the same."""
    text = "a = 2\nn = noise(3)\nmean(a * n)"
    lab, twin = lab_of(text, seed=5), lab_of(text, seed=5)
    noise = lab.graph.names["n"]
    drawn = []
    for _ in range(3):
        drawn.append(lab.values[noise].tolist())
        assert drawn[-1] == twin.values[noise].tolist()
        lab.descend(0.1), twin.descend(0.1)
    assert drawn[0] != drawn[1] != drawn[2]
    assert noise not in lab.gradients
    lab.frozen = True
    before = lab.values[noise].tolist()
    lab.descend(0.1)
    lab.draw_noise()
    assert lab.values[noise].tolist() == before
    assert lab.check(lab.graph.names["a"]).agrees


def test_numbers_that_run_away_stay_where_they_were():
    """A step too far is refused with a sentence, and nothing is lost."""
    lab = lab_of("a = 3\na**4")
    with pytest.raises(UserError) as caught:
        for _ in range(20):
            lab.descend(10.0)
    assert str(caught.value).startswith(f"{TOO_FAR} Line 2, character 1: ")
    assert np.isfinite(lab.loss)
    lab.start_over()
    assert (lab.step, lab.loss) == (0, 81)


def test_nothing_to_learn_is_said():
    """Descent without a learned number is refused with what to do."""
    with pytest.raises(UserError, match="give a name a plain number"):
        lab_of("data(2) * 3").descend(0.1)


def test_a_number_set_by_hand_is_computed_with():
    """Or refused where it can't be, and then all stays."""
    lab = lab_of("a = [1, 2]\nsum(log(a))")
    lab.set_number(0, 1, 4.0)
    assert lab.loss == pytest.approx(np.log(4))
    with pytest.raises(ExpressionError):
        lab.set_number(0, 0, -1.0)
    assert lab.loss == pytest.approx(np.log(4))


def test_the_net_answers_for_other_points():
    """A named value is asked for points that it was not given."""
    lab = lab_of(PRESETS["moons"].text)
    x, out = lab.graph.names["x"], lab.graph.names["out"]
    answers = lab.answer("out", "x", lab.values[x][:7])
    np.testing.assert_allclose(answers.ravel(), lab.values[out].ravel()[:7])
    with pytest.raises(UserError):
        lab.answer("loss", "x", lab.values[x][:7])


def test_what_happens_at_a_node_is_told_with_its_numbers():
    """Forward the arithmetic, backward local derivative times what came from above."""
    lab = lab_of(LECTURE)
    first, last = lab.graph.forward[0], lab.graph.root
    assert forward_words(lab, first) == "**Forward: a × b.** 2 × (−3) = −6."
    words = backward_words(lab, first)
    assert "To a: local derivative −3, times −2 = **6**." in words
    assert "It begins here" in backward_words(lab, last)
    noisy = lab_of(PRESETS["noise"].text.replace("0.3*noise()", "noise()"))
    words = [backward_words(noisy, index) for index in noisy.graph.backward]
    assert any("the gradient passes it by" in told for told in words)
    for preset in PRESETS.values():
        lab = lab_of(preset.text)
        assert all(forward_words(lab, index) for index in lab.graph.forward)
        assert all(backward_words(lab, index) for index in lab.graph.backward)


@pytest.mark.parametrize("name", PRESETS)
def test_data_flows_from_left_to_right(name):
    """Every node stands right of what it is made from, and no two on one place."""
    graph = parse(PRESETS[name].text)
    layout = arrange(graph)
    for node in graph.nodes:
        column, row = layout.places[node.index]
        assert all(layout.places[source][0] < column for source in node.inputs)
        for other, (its_column, its_row) in layout.places.items():
            if other != node.index and its_column == column:
                assert abs(its_row - row) > 0.99
    assert layout.places[graph.root][0] == layout.columns - 1
    assert min(row for _, row in layout.places.values()) >= -1e-9


def test_an_edge_that_passes_nodes_by_goes_around_them():
    """It has a place of its own in each column between."""
    graph = parse("a = 2\nb = tanh(a)\nc = sin(b)\nd = exp(c)\na * d")
    layout = arrange(graph)
    route = layout.routes[graph.names["a"], graph.root]
    assert [column for column, _ in route] == [1, 2, 3]
    for column, row in route:
        beside = [r for c, r in layout.places.values() if c == column]
        assert all(abs(row - r) >= 0.7 for r in beside)


def test_the_language_needs_no_torch():
    """Understanding a text and laying it out costs no torch."""
    import subprocess

    code = (
        "import sys; from core.expressions.parser import parse;"
        "from core.expressions.layout import arrange; arrange(parse('a = 2\\na*3'));"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_evaluation_is_in_double():
    """Floats of 32 bits could not be held against finite differences."""
    lab = lab_of("a = 1\na / 3")
    assert lab._values[lab.graph.root].dtype is torch.float64
