"""The code behind a recipe: it trains as the trainer does, and leaves out what is off."""

import ast
import json
import zipfile

import pytest
import torch

from bench.scripts import losses_of_script, losses_of_trainer
from core import playgrounds
from core.code.script import MARKS, changed_lines, make_script, write_script
from core.network_map.listener import map_network
from core.training.shape import build_shape
from tests.core.test_cli import ROOT, answer, core, refused

pytestmark = pytest.mark.usefixtures("one_thread", "no_more_threads")


@pytest.fixture
def no_more_threads(monkeypatch):
    """The trainer leaves the number of threads as it is: networks this small would wait for it."""
    monkeypatch.setattr("core.training.trainer.use_threads", lambda model, device: None)


@pytest.fixture(scope="session")
def lists(tmp_path_factory):
    """Data of one's own, and little of it, by the playground's name."""
    folder = tmp_path_factory.mktemp("data")
    names = (ROOT / "resources/names/names.txt").read_text("utf-8").splitlines()[::40]
    odd = ["Zoë Ann", "  spaced   out ", "Jose\u0301", "no.name", ""]
    (folder / "names.txt").write_text("\n".join([*names, *odd]), "utf-8")
    with zipfile.ZipFile(ROOT / "resources/plays/plays.zip") as archive:
        play = archive.read("hamlet.txt").decode("utf-8")[:40_000]
    (folder / "text.txt").write_text(f"{play}\n“Été”, naïve…\n", "utf-8")
    rows = [f"{x / 9},{y / 9},{int(x * y > 3)}" for x in range(9) for y in range(9)]
    (folder / "points.csv").write_text("\n".join(["x,y,class", *rows]), "utf-8")
    return {
        "digits": None,
        "names": folder / "names.txt",
        "points": folder / "points.csv",
        "text": folder / "text.txt",
    }


def recipe_of(name, recipe, **changes):
    """Return a recipe of that name with 50 steps and these changes."""
    return playgrounds.get(name).recipes[recipe].replace({"steps": 50, **changes})


SMALL_GPT = {"width": 16, "layers": 2, "heads": 2, "context": 16, "batch_size": 8}
SMALL_CNN = {"channels": "4,8,8", "kernel": 3, "precision": "float32"}


@pytest.mark.parametrize(
    ("name", "recipe", "changes"),
    [
        # By plain descent, for Adam makes a rounding of 1e-7 one of 1e-3 within 50 steps.
        ("digits", "modern", {**SMALL_CNN, "optimizer": "sgd", "lr": 0.05}),
        ("digits", "plain mlp", {"hidden": "32", "weight_decay": 0.1, "dropout": 0.2}),
        ("digits", "linear", {"init": "zeros", "schedule": "step"}),
        ("digits", "EZMNIST", {"momentum": 0.9, "label_smoothing": 0.1, "schedule": "drop"}),
        ("names", "tuned gru", {"memory_dropout": 0.1, "width": 24, "context": 5}),
        ("names", "tuned mlp", {"hidden": "40,30", "init": "xavier", "activation": "gelu"}),
        ("names", "lecture mlp-bn", {"dropout": 0.2}),
        ("names", "tuned wavenet", {"width": 16, "dropout": 0.1}),
        ("names", "tuned transformer", {"context": 6, "embedding": 16, "dropout": 0.1}),
        ("names", "makemore transformer", {"embedding": 16, "depth": 2, "init": "normal"}),
        ("names", "lecture bigram", {}),
        ("names", "lecture counts", {}),
        ("points", "moons", {"dataset": "drawn", "weight_decay": 0.1, "schedule": "cosine"}),
        ("text", "tuned gpt", {**SMALL_GPT, "vocab_size": 300}),
        ("text", "large gpt", {**SMALL_GPT, "vocab_size": 300, "tied": False, "init": "xavier"}),
        ("text", "nanoGPT, on a GPU", {**SMALL_GPT, "init": "kaiming"}),
        ("text", "nanoGPT, on a CPU", {**SMALL_GPT, "bias": False, "gelu": "tanh"}),
        (
            "text",
            "tuned gpt",
            {**SMALL_GPT, "vocab_size": 300, "trained": "last", "trained_blocks": 1},
        ),
        (
            "text",
            "nanoGPT, on a CPU",
            {**SMALL_GPT, "trained": "lora", "lora_rank": 2, "occurring": True},
        ),
        ("text", "tuned mlp", {"vocab_size": 300, "width": 8, "hidden": "32", "dropout": 0.1}),
        ("text", "tuned bigram", {"tokenizer": "characters", "batch_size": 64}),
        ("text", "induction heads", SMALL_GPT),
    ],
)
def test_the_losses_are_those_of_the_trainer(name, recipe, changes, lists):
    """From the same seed, to the rounding of other kernels."""
    made, source = recipe_of(name, recipe, **changes), lists[name]
    ours = losses_of_trainer(name, made, source)
    its = losses_of_script(write_script(name, made, source))
    assert len(ours) == (1 if recipe == "lecture counts" else 50)
    assert its == pytest.approx(ours, abs=2e-4)


@pytest.mark.parametrize(
    ("name", "recipe", "changes"),
    [
        ("text", "tuned gpt", {**SMALL_GPT, "vocab_size": 300, "width": 32}),
        ("text", "nanoGPT, on a CPU", {**SMALL_GPT, "trained": "last", "trained_blocks": 1}),
        ("names", "tuned transformer", {"context": 6, "embedding": 16}),
        ("names", "tuned gru", {"width": 24}),
        ("names", "tuned mlp", {"hidden": "40,30"}),
        ("digits", "plain mlp", {"hidden": "40,30"}),
        ("text", "nanoGPT, on a CPU", {**SMALL_GPT, "trained": "lora", "lora_rank": 2}),
    ],
)
@pytest.mark.skipif(not hasattr(torch.optim, "Muon"), reason="torch has Muon since 2.9")
def test_muon_is_that_of_torch(name, recipe, changes, lists, monkeypatch):
    """Which is always in bfloat16, as the trainer's is where the machine is fast at it."""
    monkeypatch.setattr("core.training.muon.multiplies_in_bfloat16", lambda device: True)
    made, source = recipe_of(name, recipe, optimizer="muon", **changes), lists[name]
    its = losses_of_script(write_script(name, made, source))
    assert its == pytest.approx(losses_of_trainer(name, made, source), abs=2e-3)


@pytest.mark.parametrize("recipe", playgrounds.get("points").recipes)
def test_the_points_are_those_of_the_trainer(recipe):
    """Each data set is made again in its script, by the same formulas."""
    made = recipe_of("points", recipe, hidden=(6, 4), dropout=0.1)
    its = losses_of_script(write_script("points", made))
    assert its == pytest.approx(losses_of_trainer("points", made), abs=2e-5)


RECIPES = [(p, r) for p in playgrounds.all_names() for r in playgrounds.get(p).recipes]


@pytest.mark.parametrize(("name", "recipe"), RECIPES)
def test_a_script_can_be_shown_in_a_lecture(name, recipe):
    """At most 150 lines of valid Python, none too long, and no import of Glassbox."""
    script = write_script(name, playgrounds.get(name).recipes[recipe])
    lines = script.replace(str(ROOT), ".").splitlines()  # wherever it was cloned to
    assert 50 <= len(lines) <= 150 and max(map(len, lines)) <= 100
    assert "\n\n\n\n" not in script and "{" + "%" not in script
    roots = {
        (node.module if isinstance(node, ast.ImportFrom) else node.names[0].name).split(".")[0]
        for node in ast.walk(ast.parse(script))
        if isinstance(node, ast.Import | ast.ImportFrom)
    }
    assert not roots & {"core", "glassbox", "gui"}


UNSEEN = {
    "network.input",
    "network.output",
    "reshape.0 of names' bigram",  # a script's examples are no windows of one letter, but letters
}


@pytest.mark.parametrize("dropout", [0.0, 0.1])
@pytest.mark.parametrize("name", playgrounds.all_names())
def test_the_lines_of_each_part_of_the_network_are_known(name, dropout, variants):
    """Whatever its map shows stands in the script, and the line is about that: of all recipes."""
    playground = playgrounds.get(name)
    for recipe, vocabulary in variants(name, dropout):
        model = build_shape(playground, recipe, vocabulary).to_empty(device="cpu").eval()
        check_lines(playground, recipe, model)


def check_lines(playground, made, model):
    """Each part of the network has lines in the script that are about it."""
    name = playground.name
    network = map_network(model, lambda *sizes: playground.example_input(made, *sizes))
    script = make_script(name, made)
    assert not MARKS.search(script.text)
    lines = script.text.split("\n")
    for key, place in network.places().items():
        found = " ".join(lines[line - 1] for line in script.lines_of(key))
        if not found:
            assert key in UNSEEN or f"{key} of {name}' {made.model}" in UNSEEN, key
        block = network.block_at(place)
        if block.kind == "layer":
            words = {"conv": "Conv2d", "embedding": "Embedding"}.get(block.product, "Linear")
            assert words in found, key
            assert all(
                act.partition("_")[0] in found.lower() for act in block.acts if " " not in act
            ), key
        elif block.kind in ("norm", "attention"):
            assert ("LayerNorm" if block.kind == "norm" else "dot_product") in found, key


def test_a_layer_is_found_where_it_is_defined_and_used():
    """Of a transformer's blocks all have the same lines."""
    script = make_script("names", playgrounds.get("names").recipes["tuned transformer"])
    lines = script.text.split("\n")
    found = [lines[line - 1].strip() for line in script.lines_of("blocks.1.attend")]
    assert found == [
        "self.attend, self.project = nn.Linear(width, 3 * width), nn.Linear(width, width)",
        "qkv = self.attend(self.norm1(x)).view(B, T, 3, heads, E // heads)",
    ]
    assert script.lines_of("hidden.7") == ()


def test_what_is_off_leaves_no_trace():
    """No dropout, decay, schedule or augmentation in a script without them; and what changed."""
    recipe = playgrounds.get("digits").recipes["EZMNIST"]
    before = write_script("digits", recipe)
    for word in ("Dropout", "decay", "rate(", "augment", "BatchNorm", "smoothing"):
        assert word not in before, word
    after = write_script("digits", recipe.replace({"dropout": 0.25, "lr": 0.02}))
    lines = after.splitlines()
    marked = [lines[line - 1].strip() for line in changed_lines(before, after)]
    assert marked == ["lr = 0.02", "nn.Dropout(0.25),", "nn.Dropout(0.25),"]
    assert changed_lines(after, after) == []


def test_what_it_cannot_show_is_said():
    """The augmentation with a pen takes more lines than a script may have."""
    script = write_script("digits", recipe_of("digits", "modern", augment="pen"))
    assert "the losses are not those of Glassbox" in script


def test_a_script_runs_from_any_folder(tmp_path, monkeypatch):
    """Its data is addressed by a whole path, also where it was named by another."""
    (tmp_path / "names.txt").write_text(
        "\n".join(["anna", "otto", "emil", "lena", "ida"] * 4), "utf-8"
    )
    (tmp_path / "other").mkdir()
    monkeypatch.chdir(tmp_path)
    words = ("code", "names", "--model", "bigram", "--set", "steps=3", "--data", "names.txt")
    script = answer(*words)["code"]
    monkeypatch.chdir(tmp_path / "other")
    assert len(losses_of_script(script)) == 3


def test_a_notebook_holds_the_same():
    """Its cells, one after another, are the script; headings stand between them."""
    script = answer("code", "digits", "--recipe", "EZMNIST")["code"]
    notebook = json.loads(answer("code", "digits", "--recipe", "EZMNIST", "--notebook")["code"])
    assert notebook["nbformat"] == 4
    cells = ["".join(c["source"]) for c in notebook["cells"] if c["cell_type"] == "code"]
    assert len(cells) == 5

    def bare(text):
        return [line for line in text.splitlines() if line and not line.startswith("# %%")]

    assert bare("\n".join(cells)) == bare(script.split('"""', 2)[2])


def test_the_command_line_prints_it_or_writes_it(tmp_path):
    """As text, into a file, and in JSON with the recipe that it is of."""
    words = ("code", "digits", "--recipe", "plain mlp", "--set", "hidden=20", "seed=7")
    printed = core(*words)
    assert printed.returncode == 0 and printed.stderr == ""
    assert "nn.Linear(784, 20)" in printed.stdout and "seed = 7" in printed.stdout
    out = tmp_path / "digits.py"
    assert core(*words, "--out", out).stdout == f"{out}\n"
    assert out.read_text("utf-8") == printed.stdout
    made = answer(*words)
    assert made["code"] == printed.stdout and made["recipe"]["hidden"] == [20]
    assert made["out"] is None and made["lines"] == printed.stdout.count("\n")


def test_what_can_not_be_written_is_refused(tmp_path):
    """One sentence: no such playground or recipe, a file that is no folder, a folder as a file."""
    assert "There is no playground 'dance'" in refused("code", "dance")
    assert "There is no recipe 'x'" in refused("code", "digits", "--recipe", "x")
    assert "is a folder; name a file" in refused("code", "digits", "--out", tmp_path)
    assert "a file" in refused("code", "digits", "--data", ROOT / "README.md")
