"""Both passes, one node at a time."""

from core.expressions.stepper import Stepper
from tests.core.expressions.helpers import LECTURE, lab_of


def test_the_forward_pass_goes_node_by_node_and_begins_again():
    """What is ahead has no value yet, and the node of the moment is marked."""
    lab = lab_of(LECTURE)
    stepper = Stepper(lab)
    assert stepper.complete and stepper.forward_done
    stepper.clear()
    for done, index in enumerate(lab.graph.forward, 1):
        assert stepper.forward() == index
        states, on_edges = stepper.state()
        assert [states[i].value is not None for i in lab.graph.forward] == [
            n < done for n in range(3)
        ]
        assert [i for i, state in states.items() if state.current] == [index]
        assert states[index].current == "activation" and not on_edges
    assert stepper.forward() == lab.graph.forward[0]


def test_a_single_value_has_nothing_to_compute():
    """A number alone, as one begins to type."""
    stepper = Stepper(lab_of("2"))
    assert stepper.forward() is None and stepper.back() is None


def test_the_backward_pass_shows_the_gradient_on_each_edge():
    """A step back completes the forward pass first."""
    lab = lab_of(LECTURE)
    stepper = Stepper(lab)
    stepper.clear()
    assert [stepper.back() for _ in range(3)] == list(lab.graph.backward)
    states, on_edges = stepper.state()
    a, b = lab.graph.names["a"], lab.graph.names["b"]
    assert on_edges == {a: "6", b: "−4"}
    assert states[lab.graph.backward[-1]].current == "gradient"
    assert float(states[a].gradient) == 6
    assert stepper.back() == lab.graph.root


def test_without_a_gradient_there_is_no_way_back():
    """Literals alone have none."""
    stepper = Stepper(lab_of("2 * 3"))
    assert stepper.back() is None and stepper.complete
    assert not any(state.current for state in stepper.state()[0].values())


def test_leaves_are_checked_once_both_passes_are_done():
    """Each small one has a finite difference beside its gradient."""
    lab = lab_of(LECTURE)
    stepper = Stepper(lab)
    stepper.forward()
    stepper.check()
    assert not any(state.check for state in stepper.state()[0].values())
    stepper.finish()
    stepper.check()
    states = stepper.state()[0]
    assert all(states[lab.graph.names[name]].check.agrees for name in "abcf")
