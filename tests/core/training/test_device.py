"""Half precision: chosen by device, with a reason, and close to what float32 learns; threads."""

import pytest
import torch

from core import playgrounds
from core.training import learner as learning
from core.training.device import mixed_precision, use_threads
from core.training.learner import Learner

CPU = torch.device("cpu")


@pytest.fixture
def lines(tmp_path):
    """A text that a small network learns at once."""
    path = tmp_path / "lines.txt"
    path.write_text("the quick brown fox jumps over the lazy dog\n" * 200)
    return playgrounds.get("text").load(path)


def losses(data, steps=12):
    """Train a tiny GPT for some steps; return its losses and its learner."""
    text = playgrounds.get("text")
    sizes = {"tokenizer": "characters", "layers": 2, "width": 32, "context": 16, "lr": 1e-2}
    learner = Learner(text, text.recipe_for().replace(sizes), data, CPU)
    return [float(learner.learn(*learner.take(), 0.5)[0]) for _ in range(steps)], learner


def test_a_cpu_trains_in_bfloat16_if_it_has_such_products(monkeypatch):
    """Another one only emulates them, which takes longer: nothing is to be chosen, or said."""
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_bf16": True})
    numbers, why = mixed_precision(CPU)
    assert numbers is torch.bfloat16 and "this processor" in why
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"architecture": "x86_64"})
    assert mixed_precision(CPU) == (None, "")


def test_half_precision_is_for_wide_networks_and_can_be_refused():
    """Narrow ones are slower with it."""
    text, names, digits = (
        playgrounds.get("text").recipe_for(),
        playgrounds.get("names").recipe_for("gru"),
        playgrounds.get("digits").recipe_for(),
    )
    for recipe in (text, names, digits):
        assert recipe.is_mixed_on("cpu")
        assert not recipe.replace({"precision": "float32"}).is_mixed_on("cpu")
        assert not recipe.replace({"model": "mlp"}).is_mixed_on("cpu")
    assert not text.replace({"width": 32}).is_mixed_on("cpu")
    assert not names.replace({"width": 32}).is_mixed_on("cpu")
    assert [recipe.is_mixed_on("cuda") for recipe in (text, names, digits)] == [True, False, False]


def test_a_gpu_gets_bfloat16_if_it_can_and_says_why(monkeypatch):
    """And an older one says why not."""
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda **how: True)
    numbers, why = mixed_precision(torch.device("cuda"))
    assert numbers is torch.bfloat16 and "bfloat16" in why
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda **how: False)
    numbers, why = mixed_precision(torch.device("cuda"))
    assert numbers is torch.float16 and "no bfloat16" in why


@pytest.mark.parametrize("numbers", [torch.bfloat16, torch.float16])
def test_half_precision_learns_nearly_the_same_with_weights_in_float32(lines, monkeypatch, numbers):
    """Close to float32, yet not the same; a CPU can do it too, only slowly."""
    plain, _ = losses(lines)
    monkeypatch.setattr("core.playgrounds.text.recipe.WIDE", 32)
    monkeypatch.setattr(learning, "mixed_precision", lambda device: (numbers, "because"))
    half, learner = losses(lines)
    assert half != plain  # it was used
    assert half == pytest.approx(plain, rel=0.05)
    assert half[-1] < half[0] - 0.3
    assert {weight.dtype for weight in learner.model.parameters()} == {torch.float32}
    assert learner.note == "because"


def test_processes_of_one_training_share_the_cores(monkeypatch):
    """Each with all of them would wait for the others."""
    asked = []
    monkeypatch.setattr(torch, "set_num_threads", asked.append)
    monkeypatch.setattr("os.sched_getaffinity", lambda process: set(range(4)), raising=False)
    model = torch.nn.Conv2d(1, 1, 3)
    use_threads(model, CPU)
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "2")
    use_threads(model, CPU)
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "8")
    use_threads(model, CPU)
    assert asked == [4, 2, 1]


def test_where_there_is_a_gpu_a_larger_network_is_begun_with():
    """In text alone, whose networks are large; with the reason."""
    text, names = playgrounds.get("text"), playgrounds.get("names")
    name, why = text.recipe_on("cuda")
    assert text.recipes[name].width > text.recipe_for().width and "GPU" in why
    assert text.recipe_on("cpu") == (next(iter(text.recipes)), "")
    assert names.recipe_on("cuda")[1] == ""
