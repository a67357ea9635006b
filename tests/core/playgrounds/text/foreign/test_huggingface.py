"""Hugging Face's files of GPT-2: opened exactly, and what is wrong is refused with a sentence."""

import json

import pytest
import torch
from safetensors.torch import save_file

from core.errors import UserError
from core.playgrounds.text.foreign.gpt2 import SIZES, NamedWeights, recipe_of, shapes, title
from core.training.checkpoint import find_checkpoint, load_checkpoint
from tests.core.playgrounds.text.foreign.reference import logits, random_weights

TOKENS = torch.tensor([15496, 995, 0, 50256, 198, 50256, 7, 7, 7, 318])
CONFIG = {
    "model_type": "gpt2",
    "n_head": 4,
    "n_embd": 16,
    "n_layer": 2,
    "n_positions": 24,
    "n_ctx": 24,
    "vocab_size": 50_257,
    "activation_function": "gelu_new",
    "layer_norm_epsilon": 1e-5,
}


@pytest.fixture(scope="module")
def weights():
    """Of a tiny GPT-2 with GPT-2's tokens."""
    return random_weights()


def written(folder, weights, config=CONFIG, prefix=""):
    """A folder as Hugging Face has it."""
    save_file(
        {prefix + name: t.contiguous() for name, t in weights.items()}, folder / "model.safetensors"
    )
    if config is not None:
        (folder / "config.json").write_text(json.dumps(config))
    return folder


def answered(checkpoint):
    """What its network says to some tokens."""
    with torch.no_grad():
        return checkpoint.model()(TOKENS[None])[0]


@pytest.mark.parametrize(("layers", "width", "heads", "parameters"), [
    (12, 768, 12, 124_439_808),
    (24, 1024, 16, 354_823_168),
    (36, 1280, 20, 774_030_080),
    (48, 1600, 25, 1_557_611_200),
])  # fmt: skip
def test_the_four_sizes_are_known_by_their_shapes(layers, width, heads, parameters):
    """And they have OpenAI's numbers of parameters; nothing of them is read for that."""
    held = {"wte.weight": (50_257, width), "wpe.weight": (1024, width), "ln_f.bias": (width,)}
    held |= {f"h.{number}.ln_1.weight": (width,) for number in range(layers)}
    recipe = recipe_of(
        NamedWeights(None, held, None, True), {"gelu": "tanh", "tokenizer": "gpt2"}, None
    )
    assert (recipe.layers, recipe.width, recipe.heads) == (layers, width, heads)
    assert title(recipe) == SIZES[layers, width]
    wanted = shapes(recipe, 50_257, transposed=True)
    assert sum(torch.Size(shape).numel() for shape in wanted.values()) == parameters
    assert wanted["h.3.mlp.c_fc.weight"] == (width, 4 * width)


@pytest.mark.parametrize("prefix", ["", "transformer."])
def test_it_answers_as_the_reference(tmp_path, weights, prefix):
    """From a folder; the masks that old files have among the weights are none."""
    masks = {"h.0.attn.bias": torch.ones(1, 1, 24, 24), "h.1.attn.masked_bias": torch.tensor(-1e4)}
    folder = written(tmp_path, weights | masks, prefix=prefix)
    checkpoint = load_checkpoint(find_checkpoint(str(folder)))
    model = checkpoint.model()
    assert torch.allclose(answered(checkpoint), logits(weights, TOKENS, 4), atol=1e-4)
    assert checkpoint.recipe.tied and model.tokenizer.encode("Hello world").tolist() == [15496, 995]
    # Read on with keys and values that are kept, too.
    with torch.inference_mode():
        _, kept = model.read(TOKENS[None, :6])
        last, _ = model.read(TOKENS[None, 6:], kept)
    assert torch.allclose(last[0], logits(weights, TOKENS, 4)[-1], atol=1e-4)


def test_it_is_trained_further_by_adamw_without_dropout(tmp_path, weights):
    """Gently: what the tuned recipe has for a few minutes from fresh weights is not for it."""
    recipe = load_checkpoint(written(tmp_path, weights)).recipe
    assert (recipe.optimizer, recipe.dropout, recipe.lr) == ("adamw", 0.0, 3e-5)


def test_a_file_alone_has_heads_of_64(tmp_path):
    """As in GPT-2; that is said."""
    weights = random_weights(layers=1, width=128)
    checkpoint = load_checkpoint(written(tmp_path, weights, None) / "model.safetensors")
    assert "no config.json beside it: 2 heads of 64 each" in checkpoint.about["note"]
    assert torch.allclose(answered(checkpoint), logits(weights, TOKENS, 2), atol=1e-4)


def test_an_output_of_its_own_is_kept(tmp_path, weights):
    """One that is the table once more is that table."""
    table = weights["wte.weight"]
    again = weights | {"lm_head.weight": table.clone()}
    assert load_checkpoint(written(tmp_path, again)).recipe.tied
    own = weights | {"lm_head.weight": table.flip(0)}
    checkpoint = load_checkpoint(written(tmp_path, own))
    assert not checkpoint.recipe.tied
    assert torch.allclose(answered(checkpoint), logits(own, TOKENS, 4), atol=1e-4)


@pytest.mark.parametrize(
    ("kind", "word"), [(torch.float16, "float16"), (torch.bfloat16, "bfloat16")]
)
def test_half_precision_becomes_float32(tmp_path, weights, kind, word):
    """A CPU computes in float32; it is said what the file had."""
    half = {name: tensor.to(kind) for name, tensor in weights.items()}
    checkpoint = load_checkpoint(written(tmp_path, half))
    assert f"weights were {word}, and are float32 here" in checkpoint.about["note"]
    assert {t.dtype for t in checkpoint.weights.values()} == {torch.float32}
    whole = {name: tensor.float() for name, tensor in half.items()}
    assert torch.allclose(answered(checkpoint), logits(whole, TOKENS, 4), atol=1e-4)


def test_the_exact_nonlinearity_is_one_of_its_own(tmp_path, weights):
    """As some later networks have it."""
    folder = written(tmp_path, weights, CONFIG | {"activation_function": "gelu"})
    expected = logits(weights, TOKENS, 4, approximate="none")
    assert torch.allclose(answered(load_checkpoint(folder)), expected, atol=1e-4)
    assert not torch.allclose(expected, logits(weights, TOKENS, 4), atol=1e-4)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"model_type": "llama"}, "says model_type='llama'"),
        ({"activation_function": "relu"}, "only gelu_new, gelu_pytorch_tanh, gelu can be built"),
        ({"layer_norm_epsilon": 1e-6}, "says layer_norm_epsilon=1e-06"),
        ({"n_layer": 3}, "says n_layer=3, and the weights beside it have 2"),
        ({"n_head": 3}, "heads=3 can't share width=16"),
        ({"n_head": "four"}, "has to be a whole number"),
        ({"n_inner": 32}, "says n_inner=32"),
        ({"scale_attn_by_inverse_layer_idx": True}, "can't have"),
        ({"glassbox": {"vocabulary": {"tokenizer": "none"}}}, "no tokenizer that is known"),
        ({"glassbox": {"vocabulary": {"tokenizer": "characters"}}}, "256 tokens, and the network"),
    ],
)
def test_a_configuration_that_does_not_fit_is_refused(tmp_path, weights, changes, sentence):
    """Another network's, or one that can't be built."""
    with pytest.raises(UserError, match=sentence):
        load_checkpoint(written(tmp_path, weights, CONFIG | changes))


def test_a_configuration_that_is_none_is_refused(tmp_path, weights):
    """Whatever stands in it."""
    folder = written(tmp_path, weights)
    for text in ("", "[1, 2]", "{" * 1000):
        (folder / "config.json").write_text(text)
        with pytest.raises(UserError, match="no configuration of Hugging Face"):
            load_checkpoint(folder)


def test_weights_that_do_not_fit_are_refused(tmp_path, weights):
    """Missing, too many, of another shape, without numbers, of other tokens."""
    name = "h.1.mlp.c_fc.weight"
    others = {
        "lacks the weights 'h.1.mlp.c_fc.weight'": {n: t for n, t in weights.items() if n != name},
        "weights that a GPT-2 lacks: h.0.rotary": weights | {"h.0.rotary": torch.ones(2)},
        r"is no GPT-2: its 'h.1.mlp.c_fc.weight' is \(64, 16\)": weights | {name: weights[name].T},
        "weights that are NaN": weights | {name: weights[name] * torch.nan},
        "type F64": {n: t.double() for n, t in weights.items()},
        "knows 300 tokens and not the 50,257 of GPT-2": random_weights(tokens=300),
        "context=1030 is not possible": weights | {"wpe.weight": torch.zeros(1030, 16)},
    }
    for sentence, those in others.items():
        with pytest.raises(UserError, match=sentence):
            load_checkpoint(written(tmp_path, those, None if "context" in sentence else CONFIG))


def test_a_file_that_lies_is_refused(tmp_path, weights):
    """Cut off, or with a header that claims other shapes, places or types than there are."""
    path = written(tmp_path, weights) / "model.safetensors"
    raw = path.read_bytes()
    length = int.from_bytes(raw[:8], "little")

    def told(change):
        header = json.loads(raw[8 : 8 + length])
        change(header)
        text = json.dumps(header).encode()
        path.write_bytes(len(text).to_bytes(8, "little") + text + raw[8 + length :])

    def larger(header):
        header["wte.weight"]["shape"] = [50_257, 1 << 30]

    def elsewhere(header):
        header["wpe.weight"]["data_offsets"] = header["h.0.attn.c_attn.bias"]["data_offsets"]

    def minus(header):
        header["wpe.weight"]["shape"] = [-24, -16]

    def another(header):
        header["wpe.weight"]["dtype"] = "F16"

    for change in (larger, elsewhere, minus, another):
        told(change)
        with pytest.raises(UserError, match=r"damaged|no GPT-2|can't be used here"):
            load_checkpoint(tmp_path)
    for share in (0.0, 0.00001, 0.5, 0.99):
        path.write_bytes(raw[: int(share * len(raw))])
        with pytest.raises(UserError, match="damaged or no"):
            load_checkpoint(tmp_path)


def test_folders_without_a_network_are_refused(tmp_path):
    """It is said what there would have to be."""
    with pytest.raises(UserError, match=r"neither model.safetensors nor ckpt.pt"):
        load_checkpoint(tmp_path)
    (tmp_path / "pytorch_model.bin").touch()
    with pytest.raises(UserError, match="save it as safetensors"):
        load_checkpoint(tmp_path)
    (tmp_path / "model.safetensors.index.json").touch()
    with pytest.raises(UserError, match="in several files"):
        load_checkpoint(tmp_path)


def test_a_network_of_somebody_else_is_none(tmp_path):
    """What is no GPT-2 at all is refused as ever."""
    save_file({"layer.weight": torch.zeros(3, 3)}, tmp_path / "model.safetensors")
    with pytest.raises(UserError, match="not written by this version of Glassbox"):
        load_checkpoint(tmp_path / "model.safetensors")
