"""Muon: hidden matrices move in all directions alike, everything else by AdamW."""

import copy

import pytest
import torch
from torch.optim.optimizer import register_optimizer_step_post_hook

from core import playgrounds
from core.code.script import write_script
from core.training import muon
from core.training.learner import Learner

CPU = torch.device("cpu")
SMALL = {"width": 32, "layers": 2, "context": 16, "batch_size": 8, "dropout": 0.0}


@pytest.fixture
def text(tmp_path):
    """A text playground, and a text that a small network learns at once."""
    path = tmp_path / "lines.txt"
    path.write_text("the quick brown fox jumps over the lazy dog\n" * 200)
    playground = playgrounds.get("text")
    return playground, playground.load(path)


def learner_of(text, **changes):
    """Return a small GPT that learns by Muon."""
    playground, data = text
    recipe = playground.recipe_for().replace({"tokenizer": "characters", **SMALL, **changes})
    return Learner(playground, recipe, data, CPU)


@pytest.mark.parametrize("shape", [(40, 10), (10, 40), (24, 24)])
def test_all_directions_become_alike(shape):
    """Singular values of 1 to 100 become some near 1; the directions stay."""
    u, _, v = torch.linalg.svd(torch.randn(shape), full_matrices=False)
    sizes = torch.logspace(0, 2, min(shape))
    found = muon.orthogonal(u @ torch.diag(sizes) @ v)
    singular = u.T @ found @ v.T
    assert singular.diag().min() > 0.6 and singular.diag().max() < 1.3
    assert (singular - torch.diag(singular.diag())).abs().max() < 1e-3


@pytest.mark.skipif(not hasattr(torch.optim, "Muon"), reason="torch has Muon since 2.9")
def test_an_update_is_that_of_torchs_own(monkeypatch):
    """Which is always in bfloat16."""
    monkeypatch.setattr(muon, "multiplies_in_bfloat16", lambda device: True)
    weights = [torch.nn.Parameter(torch.randn(24, 8)), torch.nn.Parameter(torch.randn(8, 24))]
    theirs = [torch.nn.Parameter(weight.detach().clone()) for weight in weights]
    rest = torch.nn.Parameter(torch.randn(5))
    ours = muon.Muon(
        {"params": weights, "weight_decay": 0.1}, [{"params": [rest], "weight_decay": 0.0}], lr=0.01
    )
    plain = torch.optim.Muon(theirs, 0.01, 0.1, adjust_lr_fn="match_rms_adamw")
    for _ in range(3):
        for mine, other in zip(weights, theirs, strict=True):
            mine.grad = torch.randn_like(mine)
            other.grad = mine.grad.clone()
        rest.grad = torch.ones(5)
        ours.step()
        plain.step()
    for mine, other in zip(weights, theirs, strict=True):
        assert torch.allclose(mine, other, atol=1e-5)
    assert set(ours.state[rest]) == {"step", "exp_avg", "exp_avg_sq"}


def test_hidden_matrices_are_moved_and_nothing_else(text):
    """Neither embedding and output, nor norms and biases; none that is frozen."""
    learner = learner_of(text, trained="last", trained_blocks=1)
    moved = {id(weight) for weight in learner.optimizer.param_groups[0]["params"]}
    names = {name for name, weight in learner.model.named_parameters() if id(weight) in moved}
    parts = ("attend", "project", "expand", "contract")
    assert names == {f"blocks.1.{part}.product.weight" for part in parts}


def test_a_run_goes_on_as_if_it_had_not_ended(text):
    """With the momentum of the matrices, and Adam's averages of the rest."""
    whole = learner_of(text)
    for _ in range(3):
        whole.learn(*whole.take(), 0.5)
    playground, data = text
    rest = Learner(playground, whole.recipe, data, CPU, resume=whole.checkpoint({"steps": 3}))
    assert not rest.note
    for learner in (whole, rest):
        for _ in range(3):
            learner.learn(*learner.take(), 0.5)
    for name, weight in whole.model.state_dict().items():
        assert torch.equal(weight, rest.model.state_dict()[name]), name


def test_a_copy_steps_as_the_optimiser_does(text):
    """As where the doctor goes on with copies of the weights."""
    learner = learner_of(text)
    learner.learn(*learner.take(), 0.5)
    again = copy.deepcopy(learner.optimizer)
    pairs = [
        (mine, its)
        for group, other in zip(learner.optimizer.param_groups, again.param_groups, strict=True)
        for mine, its in zip(group["params"], other["params"], strict=True)
    ]
    for mine, its in pairs:
        its.grad = mine.grad.clone()
    learner.optimizer.step()
    again.step()
    assert all(torch.equal(mine, its) for mine, its in pairs)


def test_hooks_of_a_step_find_all_weights_moved(text):
    """AdamW's step, which is a part of Muon's, calls them too, once there was an AdamW."""
    torch.optim.AdamW([torch.nn.Parameter(torch.zeros(1))])
    learner = learner_of(text)
    weight = learner.optimizer.param_groups[0]["params"][0]
    before, moved = weight.detach().clone(), []
    hook = register_optimizer_step_post_hook(
        lambda *_: moved.append(not torch.equal(weight, before))
    )
    try:
        learner.learn(*learner.take(), 0.5)
    finally:
        hook.remove()
    assert moved and all(moved)


def test_a_step_whose_gradients_overflow_is_left_out(text, monkeypatch):
    """By all weights: float16 on a GPU has such steps, until its losses are scaled less."""
    monkeypatch.setattr("core.playgrounds.text.recipe.WIDE", 32)
    monkeypatch.setattr("core.training.learner.mixed_precision", lambda _: (torch.float16, ""))
    learner = learner_of(text)
    before = {name: weight.clone() for name, weight in learner.model.state_dict().items()}
    inputs, targets = learner.take()
    with torch.autocast("cpu", torch.float16):
        _, loss = learner.forward(inputs, targets)
    learner.backward(loss * torch.inf)
    learner._update(0.01)
    for name, weight in learner.model.state_dict().items():
        assert torch.equal(weight, before[name]), name
    learner.learn(inputs, targets, 0.5)
    assert not torch.equal(learner.weights[0], before[next(iter(before))])


def test_it_learns(text):
    """The loss falls as far as a line of nine words lets it, in a few steps."""
    learner = learner_of(text, lr=0.02)
    losses = [float(learner.learn(*learner.take(), 0.5)[0]) for _ in range(40)]
    assert losses[-1] < losses[0] / 3


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("text", {"model": "bigram"}),
        ("names", {"model": "bigram"}),
        ("digits", {"model": "mlp", "hidden": ""}),
        ("digits", {"model": "cnn", "channels": "4,4"}),
        ("points", {"hidden": ""}),
    ],
)
def test_a_network_without_hidden_matrices_learns_by_adamw(name, changes, tmp_path):
    """Nothing is left for Muon, and the script that is shown has none of it."""
    playground = playgrounds.get(name)
    recipe = playground.recipe_for().replace({"optimizer": "muon", "batch_size": 8, **changes})
    learner = Learner(playground, recipe, playground.load(None), CPU)
    assert type(learner.optimizer) is torch.optim.AdamW
    assert "Muon" not in write_script(name, recipe)
