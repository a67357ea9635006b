"""GPT-2 as other programs name it: its sizes, its weights' names, and what they are here.

Both Hugging Face and nanoGPT kept the names of OpenAI's code. OpenAI wrote a matrix product as a
convolution of width one, whose matrix is (in, out); nanoGPT's is (out, in), as torch has it.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from .... import tokenizers
from ....errors import UserError
from ....playground import Vocabulary
from ..recipe import TextRecipe

SIZES = {
    (12, 768): "GPT-2 (124M)",
    (24, 1024): "GPT-2 medium (355M)",
    (36, 1280): "GPT-2 large (774M)",
    (48, 1600): "GPT-2 XL (1,558M)",
}
"""What OpenAI's four networks are called, by layers and width."""
TOKENS = 50_257
PADDED = 50_304
"""Rows of nanoGPT's table: a multiple of 64 is multiplied faster, and the rest is unused."""
HEAD = 64
"""The share of each head in all four sizes."""
PREFIXES = ("_orig_mod.", "module.", "transformer.")
"""What torch.compile, DistributedDataParallel and Hugging Face put before a name."""
IGNORED = re.compile(r"h\.\d+\.attn\.(bias|masked_bias)")
"""The mask that hides the future, which is no weight."""
BLOCK = {
    "ln_1": "norm",
    "attn.c_attn": "attend.product",
    "attn.c_proj": "project.product",
    "ln_2": "norm_too",
    "mlp.c_fc": "expand.product",
    "mlp.c_proj": "contract.product",
}
"""The parts of a block: their names, and those here."""
TUNING: dict[str, Any] = {
    "optimizer": "adamw",
    "lr": 3e-5,
    "batch_size": 1,
    "weight_decay": 0.01,
    "dropout": 0.0,
    "beta2": 0.999,
    "branch_gain": 1.0,
}
"""How a network that has learned much is trained further: gently, and little at a time."""


@dataclass(frozen=True)
class ForeignNetwork:
    """A network that was read.

    Attributes:
        recipe, vocabulary, weights, about: as a checkpoint has them; ``about`` has a title and a
            note beside.
    """

    recipe: TextRecipe
    vocabulary: Vocabulary
    weights: Mapping[str, Tensor]
    about: Mapping[str, Any]


@dataclass(frozen=True)
class NamedWeights:
    """Weights in a file, by GPT-2's names without what programs put before them.

    Attributes:
        path: of the file, for sentences.
        shapes: of each weight.
        read: reads one of them, as float32.
        transposed: whether products are (in, out).
    """

    path: Path
    shapes: Mapping[str, tuple[int, ...]]
    read: Callable[[str], Tensor]
    transposed: bool


def bare(name: str) -> str:
    """Return a weight's name without what programs put before it."""
    for prefix in PREFIXES:
        name = name.removeprefix(prefix)
    return name


def names(recipe: TextRecipe) -> dict[str, str]:
    """Return GPT-2's names of all weights by those that they have here."""
    kinds = ("weight", "bias") if recipe.bias else ("weight",)
    found = {"embedding.product.weight": "wte.weight", "position.product.weight": "wpe.weight"}
    for number in range(recipe.layers):
        for theirs, ours in BLOCK.items():
            for kind in kinds:
                found[f"blocks.{number}.{ours}.{kind}"] = f"h.{number}.{theirs}.{kind}"
    found |= {f"norm.{kind}": f"ln_f.{kind}" for kind in kinds}
    if not recipe.tied:
        found["output.product.weight"] = "lm_head.weight"
    return found


def is_product(name: str) -> bool:
    """Whether a weight of GPT-2's name is the matrix of a product within a block."""
    return name.startswith("h.") and name.endswith(".weight") and ".ln_" not in name


def shapes(recipe: TextRecipe, tokens: int, transposed: bool) -> dict[str, tuple[int, ...]]:
    """Return the shape of each weight of a network by GPT-2's name."""
    width = recipe.width
    outputs = {"attn.c_attn": 3 * width, "mlp.c_fc": 4 * width}
    found: dict[str, tuple[int, ...]] = {}
    for theirs in names(recipe).values():
        part = theirs.rpartition(".")[0]
        out = outputs.get(part.partition(".")[2].partition(".")[2], width)
        if theirs in ("wte.weight", "lm_head.weight"):
            found[theirs] = (tokens, width)
        elif theirs == "wpe.weight":
            found[theirs] = (recipe.context, width)
        elif is_product(theirs):
            into = 4 * width if part.endswith("mlp.c_proj") else width
            found[theirs] = (into, out) if transposed else (out, into)
        else:
            found[theirs] = (out,)
    return found


def title(recipe: TextRecipe) -> str:
    """Return what a network is called: one of OpenAI's four, or one of another size."""
    known = SIZES.get((recipe.layers, recipe.width)) if recipe.context == 1024 else None
    return known or f"a GPT-2 of {recipe.layers} layers, {recipe.width:,} wide"


def recipe_of(source: NamedWeights, told: Mapping[str, Any], heads: int | None) -> TextRecipe:
    """Return the recipe of a network, from the shapes of its weights.

    Args:
        source: its file.
        told: settings that shapes don't say, such as gelu and tokenizer.
        heads: of each block, where the file says it.

    Raises:
        UserError: it is no GPT-2, or one that can't be used here; says why.
    """
    held = source.shapes
    table, places = held.get("wte.weight", ()), held.get("wpe.weight", ())
    if len(table) != 2 or len(places) != 2:
        raise UserError(
            f"{source.path} lacks the tables of tokens and places (wte, wpe) that a GPT-2 has;"
            " choose a file of GPT-2."
        )
    width = table[1]
    if heads is None and (width % HEAD or not width):
        raise UserError(
            f"{source.path} does not say how many heads it has, and {width:,} is no multiple of"
            f" {HEAD}, as in GPT-2; put its config.json beside it."
        )
    layers = 0
    while f"h.{layers}.ln_1.weight" in held:
        layers += 1
    settings = {
        "model": "gpt",
        "context": places[0],
        "width": width,
        "layers": layers,
        "heads": heads or width // HEAD,
        "position": "learned",
        "qk_norm": False,
        "bias": "ln_f.bias" in held,
        "tied": "lm_head.weight" not in held or _is_tied(source),
        **TUNING,
        **told,
    }
    try:
        return TextRecipe().replace(settings)
    except UserError as error:
        raise UserError(f"{source.path} can't be used here: {error}") from None


def _is_tied(source: NamedWeights) -> bool:
    """Whether the matrix that scores tokens is the one that reads them, or the file has two."""
    if source.shapes["lm_head.weight"] != source.shapes["wte.weight"]:
        return False
    return torch.equal(source.read("lm_head.weight"), source.read("wte.weight"))


def rows_of(source: NamedWeights) -> int:
    """Return how many tokens the table is made for; GPT-2's where there is no table."""
    return (source.shapes.get("wte.weight") or (TOKENS,))[0]


def vocabulary_of(source: NamedWeights) -> Vocabulary:
    """Return GPT-2's tokens, if the table is made for them.

    Raises:
        UserError: it is not.
    """
    count = rows_of(source)
    if not TOKENS <= count <= PADDED:
        raise UserError(
            f"{source.path} knows {count:,} tokens and not the {TOKENS:,} of GPT-2, and which they"
            " are it does not say; only networks with GPT-2's tokens can be opened."
        )
    return tokenizers.gpt2().to_dict()


def weights_of(source: NamedWeights, recipe: TextRecipe, tokens: int) -> dict[str, Tensor]:
    """Read all weights, each under its name here; no more than one is there twice at a time.

    Args:
        source: the file.
        recipe: of the network.
        tokens: that its tokenizer has; rows beyond are left out.

    Raises:
        UserError: one is missing, is too many, has another shape, or is NaN.
    """
    path, rows = source.path, source.shapes["wte.weight"][0]
    wanted, named = shapes(recipe, rows, source.transposed), names(recipe)
    if lacking := [name for name in wanted if name not in source.shapes]:
        raise UserError(f"{path} lacks the weights '{lacking[0]}' of a GPT-2; it is not whole.")
    for name, shape in wanted.items():
        if source.shapes[name] != shape:
            raise UserError(
                f"{path} is no GPT-2: its '{name}' is {source.shapes[name]} and would be {shape}."
            )
    extra = [n for n in source.shapes if n not in wanted and not IGNORED.fullmatch(n)]
    if extra := [name for name in extra if not (recipe.tied and name == "lm_head.weight")]:
        raise UserError(f"{path} has weights that a GPT-2 lacks: {', '.join(sorted(extra)[:3])}.")
    weights: dict[str, Tensor] = {}
    for ours, theirs in named.items():
        read = source.read(theirs)
        if rows > tokens and theirs in ("wte.weight", "lm_head.weight"):
            read = read[:tokens].clone()
        if source.transposed and is_product(theirs):
            read = read.t().contiguous()
        if not torch.isfinite(read).all():
            raise UserError(f"{path} has weights that are NaN ('{theirs}'); choose another file.")
        weights[ours] = read
    return weights
