"""Writes a text network as Hugging Face has a GPT-2: weights and configuration in a folder."""

import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from .... import tokenizers
from ....errors import UserError
from ....files import DRAFT, plain
from ....interruption import heed
from ....layers import merged
from ....playground import Vocabulary
from ....version import __version__
from ..recipe import TextRecipe
from .gpt2 import BLOCK, TOKENS, is_product, names
from .huggingface import CONFIG, OWN, WEIGHTS

PREFIX = "transformer."
"""What Hugging Face puts before the names of what stands before the output."""


def write_huggingface(
    out: Path, recipe: TextRecipe, vocabulary: Vocabulary, weights: Mapping[str, Tensor]
) -> None:
    """Write a network as ``model.safetensors`` and ``config.json``, whole or not at all.

    Args:
        out: a folder that is not there yet.
        recipe: of the network.
        vocabulary: what its tokens stand for.
        weights: by name.

    Raises:
        UserError: a GPT-2 can't be it, the folder is there already, or can't be written.
    """
    if problem := _inexpressible(recipe):
        raise UserError(f"This network can't be written as a GPT-2: {problem}.")
    if os.path.lexists(out):
        raise UserError(f"{out} is there already; name a folder that is not.")
    weights = merged(weights)
    draft = None
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(dir=out.parent, prefix=DRAFT))
        _write_weights(draft / WEIGHTS, recipe, weights)
        config = json.dumps(plain(_config(recipe, vocabulary)), indent=2)
        (draft / CONFIG).write_text(config + "\n", encoding="utf-8")
        draft.chmod(0o755)
        draft.rename(out)
    except OSError as error:
        raise UserError(
            f"{out} can't be written ({error.strerror or error}); make room there or name another"
            " place."
        ) from None
    finally:
        if draft:
            shutil.rmtree(draft, ignore_errors=True)


def _inexpressible(recipe: TextRecipe) -> str:
    """Return what a GPT-2 can't have of a recipe; "" if it can have all."""
    if recipe.model != "gpt":
        return f"it is a {recipe.model}, and only a gpt has attention"
    if recipe.position != "learned":
        return f"its positions are {recipe.position}, and a GPT-2's are learned"
    if recipe.qk_norm:
        return "its queries and keys are normalised (qk_norm), which a GPT-2 does not do"
    return ""


def _write_weights(path: Path, recipe: TextRecipe, weights: Mapping[str, Tensor]) -> None:
    """Write the weights one after another, so that no more than one is there twice."""
    written: list[tuple[str, str]] = []  # a name there, and here
    for ours, theirs in names(recipe).items():
        written.append((theirs if theirs == "lm_head.weight" else PREFIX + theirs, ours))
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    end = 0

    def describe(name: str, shape: tuple[int, ...]) -> None:
        nonlocal end
        size = 4 * torch.Size(shape).numel()
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [end, end + size]}
        end += size

    for theirs, ours in written:
        shape = tuple(weights[ours].shape)
        describe(theirs, shape[::-1] if is_product(theirs.removeprefix(PREFIX)) else shape)
    absent = [] if recipe.bias else _absent(recipe)
    for name, size in absent:
        describe(name, (size,))
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with path.open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for theirs, ours in written:
            heed()
            tensor = weights[ours].detach().cpu().float()
            if is_product(theirs.removeprefix(PREFIX)):
                tensor = tensor.t()
            file.write(tensor.contiguous().numpy().data)
        for _, size in absent:
            file.write(bytes(4 * size))
        file.flush()
        os.fsync(file.fileno())


def _absent(recipe: TextRecipe) -> list[tuple[str, int]]:
    """Return the biases that a GPT-2 has and this network lacks, and their sizes: zeros."""
    sizes = {"attn.c_attn": 3, "mlp.c_fc": 4}
    parts = [(f"h.{n}.{part}", sizes.get(part, 1)) for n in range(recipe.layers) for part in BLOCK]
    return [(f"{PREFIX}{part}.bias", size * recipe.width) for part, size in [*parts, ("ln_f", 1)]]


def _config(recipe: TextRecipe, vocabulary: Vocabulary) -> dict[str, Any]:
    tokenizer = tokenizers.from_dict(vocabulary)
    config: dict[str, Any] = {
        "architectures": ["GPT2LMHeadModel"],
        "model_type": "gpt2",
        "activation_function": "gelu_new" if recipe.gelu == "tanh" else "gelu",
        "attn_pdrop": recipe.dropout,
        "embd_pdrop": recipe.dropout,
        "resid_pdrop": recipe.dropout,
        "initializer_range": 0.02,
        "layer_norm_epsilon": 1e-5,
        "n_ctx": recipe.context,
        "n_embd": recipe.width,
        "n_head": recipe.heads,
        "n_inner": None,
        "n_layer": recipe.layers,
        "n_positions": recipe.context,
        "vocab_size": tokenizer.size,
        "tie_word_embeddings": recipe.tied,
        "torch_dtype": "float32",
        OWN: {"version": __version__},
    }
    if tokenizer.kind == "gpt2" and tokenizer.size == TOKENS:
        config |= {"bos_token_id": TOKENS - 1, "eos_token_id": TOKENS - 1}
    config[OWN]["vocabulary"] = dict(vocabulary)
    return config
