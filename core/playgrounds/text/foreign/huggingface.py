"""Hugging Face's files of a GPT-2: ``model.safetensors``, and beside it ``config.json``."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from .... import tokenizers
from ....errors import UserError
from ....files import parse_json
from ....playground import Vocabulary
from ....tensor_file import TensorFile, open_tensors
from ..recipe import TextRecipe
from .gpt2 import (
    TOKENS,
    ForeignNetwork,
    NamedWeights,
    bare,
    recipe_of,
    title,
    vocabulary_of,
    weights_of,
)

WEIGHTS, CONFIG = "model.safetensors", "config.json"
LARGEST = 8 << 30  # bytes: GPT-2 XL has 6.2 GB in float32
LARGEST_CONFIG = 16 << 20  # bytes: with a tokenizer in it
KINDS = {"F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16}
GELU = {"gelu_new": "tanh", "gelu_pytorch_tanh": "tanh", "gelu": "exact"}
"""The nonlinearities that a configuration may name, and what they are here."""
OWN = "glassbox"
"""The key of a configuration under which Glassbox keeps what Hugging Face has no word for."""
EXPECTED: Mapping[str, tuple[Any, ...]] = {
    "model_type": ("gpt2",),
    "layer_norm_epsilon": (1e-5,),
    "scale_attn_weights": (True,),
    "scale_attn_by_inverse_layer_idx": (False,),
    "add_cross_attention": (False,),
}
"""What a configuration may say, if it says it, for a network to be one that can be built here."""


def is_network(file: TensorFile) -> bool:
    """Whether a file of tensors is a GPT-2."""
    return "wte.weight" in {bare(name) for name in file.kinds}


def read(path: Path) -> ForeignNetwork | None:
    """Read a GPT-2 from its file; None where it is none.

    Raises:
        UserError: it is damaged, or can't be used here.
    """
    try:
        with open_tensors(path, LARGEST) as file:
            return _read(path, file) if is_network(file) else None
    except OSError as error:
        raise UserError(f"{path} can't be read ({error.strerror or error}).") from None
    except ValueError as error:
        raise UserError(f"{path} is damaged or no network ({error}).") from None


def _read(path: Path, file: TensorFile) -> ForeignNetwork:
    real = {bare(name): name for name in file.kinds}
    shapes = {short: file.kinds[name][1] for short, name in real.items()}
    kinds = {file.kinds[name][0] for short, name in real.items() if short.endswith("c_attn.weight")}
    if unknown := kinds - set(KINDS):
        raise UserError(
            f"{path} has weights of the type {min(unknown)}; save them as float32, float16 or"
            " bfloat16."
        )

    def read_one(name: str) -> Tensor:
        kind, shape = file.kinds[real[name]]
        if kind not in KINDS:
            raise ValueError(f"'{name}' is of the type {kind}")
        if math.prod(shape) * KINDS[kind].itemsize != file.length(real[name]):
            raise ValueError(f"'{name}' does not have the size of its shape")
        tensor = torch.empty(shape, dtype=KINDS[kind])
        file.fill(real[name], tensor.view(torch.uint8).numpy().data.cast("B"))
        return tensor.float()

    beside = path.with_name(CONFIG)
    config = _config(beside) if beside.is_file() else {}
    source = NamedWeights(path, shapes, read_one, transposed=True)
    heads = config.get("n_head")
    if heads is not None and (type(heads) is not int or heads < 1):
        raise UserError(f"{beside} says n_head={heads!r}; it has to be a whole number above zero.")
    gelu = _gelu(beside, config)
    vocabulary, told = _tokens(source, config, beside)
    recipe = recipe_of(source, {"gelu": gelu, **told}, heads)
    _check(beside, config, recipe)
    count = tokenizers.from_dict(vocabulary).size
    weights = weights_of(source, recipe, count)
    notes = []
    if heads is None:
        notes.append(f"It has no {CONFIG} beside it: {recipe.heads} heads of 64 each, as in GPT-2.")
    if narrow := sorted(kinds - {"F32"}):
        names = {"F16": "float16", "BF16": "bfloat16"}
        notes.append(f"Its weights were {names[narrow[0]]}, and are float32 here.")
    about = {
        "steps": 0,
        "seconds": 0.0,
        "dataset": "a text that its file does not name",
        "metrics": {},
        "title": f"{title(recipe)}, as Hugging Face has it",
        "note": " ".join(notes),
    }
    return ForeignNetwork(recipe, vocabulary, weights, about)


def _config(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > LARGEST_CONFIG:
            raise ValueError
        values = parse_json(path.read_bytes())
    except OSError as error:
        raise UserError(f"{path} can't be read ({error.strerror or error}).") from None
    except ValueError:
        values = None
    if not isinstance(values, dict):
        raise UserError(f"{path} is no configuration of Hugging Face; move it away to do without.")
    for key, allowed in EXPECTED.items():
        if key in values and values[key] not in allowed:
            raise UserError(
                f"{path} says {key}={values[key]!r}, which a GPT-2 here can't have; it would be"
                f" {allowed[0]!r}."
            )
    return values


def _gelu(path: Path, config: Mapping[str, Any]) -> str:
    named = config.get("activation_function", "gelu_new")
    if named not in GELU:
        raise UserError(
            f"{path} says activation_function={named!r}; only {', '.join(GELU)} can be built here."
        )
    return GELU[named]


def _tokens(
    source: NamedWeights, config: Mapping[str, Any], path: Path
) -> tuple[Vocabulary, dict[str, Any]]:
    """Return a network's tokens, and the settings that belong to them."""
    own = config.get(OWN)
    if not isinstance(own, dict):
        return vocabulary_of(source), {"tokenizer": "gpt2"}
    try:
        tokenizer = tokenizers.from_dict(dict(own.get("vocabulary") or {}))
    except (UserError, TypeError, ValueError) as error:
        raise UserError(f"{path} can't be used here: {error}") from None
    count = source.shapes["wte.weight"][0]
    if not (tokenizer.size == count or (tokenizer.size == TOKENS and count >= TOKENS)):
        raise UserError(
            f"{path} has {tokenizer.size:,} tokens, and the network {count:,}; one of the two is of"
            " another network."
        )
    told: dict[str, Any] = {"tokenizer": tokenizer.kind}
    if tokenizer.kind == "bpe":
        told["vocab_size"] = tokenizer.size
    if tokenizer.closed or (tokenizer.kind == "gpt2" and tokenizer.size < TOKENS):
        told["occurring"] = True
    return tokenizer.to_dict(), told


def _check(path: Path, config: Mapping[str, Any], recipe: TextRecipe) -> None:
    """Hold what a configuration says against the weights."""
    width = recipe.width
    found = {
        "n_layer": recipe.layers,
        "n_embd": width,
        "n_positions": recipe.context,
        "n_inner": 4 * width,
    }
    for key, value in found.items():
        if config.get(key) not in (None, value):
            raise UserError(
                f"{path} says {key}={config[key]!r}, and the weights beside it have {value:,}; one"
                " of the two is of another network."
            )
