"""nanoGPT's character networks: their characters come from a text, which the loss confirms."""

import json
import math
import string

import pytest
import torch

from core.cli import main
from core.errors import UserError
from core.playgrounds.text import corpus
from core.playgrounds.text.foreign.nanogpt_characters import TINY
from core.tokenizers import from_dict
from core.training.checkpoint import load_checkpoint, save_checkpoint
from tests.core.playgrounds.text.foreign.reference import logits
from tests.core.playgrounds.text.foreign.test_nanogpt import written

CONTEXT, WIDTH = 16, 32
ARGS = {"n_layer": 1, "n_head": 2, "n_embd": WIDTH, "block_size": CONTEXT, "bias": False}
VERSE = "the cat sat on the mat,\nthe dög sat on the log.\n" * 60


def made(text, shuffled=False):
    """Weights of a network that knows a text's pairs, by GPT-2's names; its blocks are idle."""
    letters = sorted(set(text))
    ids = torch.tensor([letters.index(letter) for letter in text])
    if shuffled:
        ids = len(letters) - 1 - ids
    size = len(letters)
    table = torch.zeros(size, WIDTH).normal_(generator=torch.Generator().manual_seed(0))
    output = torch.zeros(size, WIDTH).requires_grad_()
    table.requires_grad_()
    descent = torch.optim.Adam([table, output], 0.1)
    for _ in range(60):
        seen = torch.nn.functional.layer_norm(table, (WIDTH,))
        loss = torch.nn.functional.cross_entropy((seen @ output.T)[ids[:-1]], ids[1:])
        descent.zero_grad()
        loss.backward()
        descent.step()
    weights = {"wte.weight": table.detach(), "wpe.weight": torch.zeros(CONTEXT, WIDTH)}
    for name, into, out in (("attn.c_attn", 1, 3), ("attn.c_proj", 1, 1), ("mlp.c_fc", 1, 4)):
        weights[f"h.0.{name}.weight"] = torch.zeros(out * WIDTH, into * WIDTH)
    weights["h.0.mlp.c_proj.weight"] = torch.zeros(WIDTH, 4 * WIDTH)
    for name in ("h.0.ln_1", "h.0.ln_2", "ln_f"):
        weights[f"{name}.weight"] = torch.ones(WIDTH)
    return weights, output.detach()


def kept(folder, weights, output, **rest):
    """A checkpoint as train.py writes it, in a folder of its own; its output has its own table."""
    folder.mkdir(exist_ok=True)
    path = written(folder / "ckpt.pt", weights, ARGS, **rest)
    content = torch.load(path, weights_only=True)
    content["model"]["lm_head.weight"] = output
    torch.save(content, path)
    return path


@pytest.fixture(scope="module")
def network():
    """One that was trained on the verse."""
    return made(VERSE)


@pytest.fixture
def path(tmp_path, network):
    """Its file, with the text beside it."""
    (tmp_path / "out-verse").mkdir()
    (tmp_path / "out-verse" / "input.txt").write_text(VERSE)
    return kept(tmp_path / "out-verse", *network)


@pytest.mark.parametrize("place", ["out-verse", "data/shakespeare_char", "data/verse"])
def test_the_text_says_the_characters(tmp_path, network, place):
    """Beside the file or where prepare.py keeps it; numbered by their codes, those beyond ASCII."""
    named = {"config": {"dataset": "verse"}} if place == "data/verse" else {}
    path = kept(tmp_path / "out-verse", *network, **named)
    (tmp_path / place).mkdir(parents=True, exist_ok=True)
    (tmp_path / place / "input.txt").write_bytes(VERSE.replace("\n", "\r\n").encode())
    checkpoint = load_checkpoint(path)
    tokenizer = from_dict(checkpoint.vocabulary)
    letters = sorted(set(VERSE))
    assert tokenizer.size == len(letters) and letters[-1] == "ö"
    assert tokenizer.encode("".join(letters)).tolist() == list(range(len(letters)))
    note = checkpoint.about["note"]
    assert str(tmp_path / place / "input.txt") in note and "taken to be" in note
    assert f"against {math.log(len(letters)):.2f}" in note
    weights, output = network
    ids = torch.from_numpy(tokenizer.encode("the dög sat"))
    expected = logits(weights | {"lm_head.weight": output}, ids, 2, "none", transposed=False)
    assert torch.allclose(checkpoint.model()(ids[None])[0], expected, atol=1e-4)


def test_what_can_not_be_believed_is_refused(tmp_path, network, path):
    """No text, one of other characters, and one whose characters the network did not learn."""
    text = path.parent / "input.txt"
    text.write_text("Another text altogether. " * 20)
    with pytest.raises(UserError, match=r"input\.txt has 13 different characters\); if they are"):
        load_checkpoint(path)
    text.write_text(VERSE.translate(str.maketrans("acdeghlmnost", "tsonmlhgedca")))
    with pytest.raises(UserError, match=r"its loss is \d+\.\d\d, no better than a guess"):
        load_checkpoint(path)
    text.write_bytes(b"\xff\xfe")
    with pytest.raises(UserError, match=r"is empty; choose a text to learn from\); if they are"):
        load_checkpoint(path)
    text.unlink()
    with pytest.raises(UserError, match=r"it does not say; if they are characters, put the input"):
        load_checkpoint(path)


@pytest.mark.parametrize("shuffled", [False, True])
def test_65_characters_are_those_of_tiny_shakespeare(tmp_path, shuffled):
    """Without any text beside them, if they are: the bundled plays tell."""
    assert len(TINY) == 65
    text = corpus.bundled().train.start(40_000) + "".join(sorted(TINY)) * 2
    text = "".join(letter for letter in text if letter in TINY)
    path = kept(tmp_path / "out", *made(text, shuffled))
    if shuffled:
        with pytest.raises(UserError, match="its loss on Shakespeare is"):
            load_checkpoint(path)
        return
    checkpoint = load_checkpoint(path)
    assert checkpoint.about["dataset"] == "Tiny Shakespeare"
    assert set(from_dict(checkpoint.vocabulary).decode(range(65))) == TINY
    assert set(string.ascii_letters) < TINY


def test_it_writes_is_judged_and_trained_further(tmp_path, path, capsys):
    """By the command line; a character that it lacks is refused with a sentence."""

    def run(*words):
        status = main([str(word) for word in words])
        return status, capsys.readouterr()

    text = path.parent / "input.txt"
    status, said = run("sample", path, "--prompt", "the ", "--tokens", 20, "--json")
    assert status == 0 and set(json.loads(said.out)["samples"][0]) <= set(VERSE)
    status, said = run("sample", path, "--prompt", "Zoë", "--tokens", 5)
    assert status == 2 and f"knows {len(set(VERSE))} characters, and not “Z” “ë”;" in said.err
    status, said = run("evaluate", path, "--data", text, "--json")
    judged = json.loads(said.out)
    assert status == 0 and judged["metrics"]["val_nats_per_char"] < 0.9 * math.log(len(set(VERSE)))
    status, said = run("evaluate", path, "--json")
    assert status == 2 and "use a text without them" in said.err and "Traceback" not in said.err
    out = tmp_path / "further.safetensors"
    words = ("--data", text, "--steps", 3, "--out", out, "--json")
    status, said = run("train", "text", "--resume", path, *words)
    answer = json.loads(said.out)
    assert status == 0 and answer["val_loss"] < answer["val_loss_before"] + 0.1
    further = load_checkpoint(out)
    assert further.vocabulary == load_checkpoint(path).vocabulary
    status, said = run("export", out, "--to", "huggingface", "--out", tmp_path / "there")
    assert status == 0
    back = load_checkpoint(tmp_path / "there")
    assert back.vocabulary == further.vocabulary and back.recipe.occurring
    save_checkpoint(tmp_path / "again.safetensors", back)
    assert load_checkpoint(tmp_path / "again.safetensors").vocabulary == further.vocabulary
