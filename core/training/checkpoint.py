"""Checkpoints: weights as safetensors, with readable JSON in the same file's header.

One file, so that weights and their description can't be parted or half-written. Nothing is ever
unpickled: a file from elsewhere can be wrong, but it can't do anything.

safetensors is imported where a file is read or written: ``watch`` does neither, and works with
torch and numpy alone.
"""

import json
import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from .. import registry
from ..errors import UserError
from ..files import parse_json, plain, write_whole
from ..paths import CHECKPOINTS, expanded
from ..playground import Playground, Vocabulary
from ..tensor_file import FOREIGN, TensorFile, open_tensors
from ..version import __version__
from .recipe import Recipe
from .shape import build_shape

FORMAT = 1
MODEL, RESUME = "model.", "resume."
MARK = "glassbox"
"""The key of a checkpoint's description in the file's header."""
LARGEST = 24 << 30  # bytes: GPT-2 XL's weights with Adam's averages


@dataclass(frozen=True)
class Checkpoint:
    """A trained network as a file has it.

    Attributes:
        playground, recipe: what it is and how it was made.
        vocabulary: what its inputs and outputs stand for; {} where that is always the same.
        weights: the model's tensors by name.
        resume: what else it takes to go on as if never stopped; empty in a shipped starter.
        about: steps, seconds, dataset, metrics and version.
    """

    playground: Playground
    recipe: Recipe
    vocabulary: Vocabulary
    weights: Mapping[str, Tensor]
    resume: Mapping[str, Tensor]
    about: Mapping[str, Any]

    def model(self, device: torch.device | None = None) -> nn.Module:
        """Return the network, ready for use."""
        model = build_shape(self.playground, self.recipe, self.vocabulary)
        model.load_state_dict(dict(self.weights), assign=True)
        return model.to(device or torch.device("cpu")).eval()


def save_checkpoint(path: Path, checkpoint: Checkpoint) -> None:
    """Write a checkpoint, whole or not at all.

    Raises:
        UserError: it can't be written there.
    """
    from safetensors.torch import save

    about = {
        "format": FORMAT,
        "version": __version__,
        "playground": checkpoint.playground.name,
        "recipe": checkpoint.recipe.to_dict(),
        "vocabulary": dict(checkpoint.vocabulary),
        **checkpoint.about,
    }
    tensors = {MODEL + name: t for name, t in checkpoint.weights.items()}
    tensors |= {RESUME + name: t for name, t in checkpoint.resume.items()}
    tensors = {name: t.detach().cpu().contiguous() for name, t in tensors.items()}
    write_whole(path, save(tensors, {MARK: json.dumps(plain(about), indent=1)}))


def find_checkpoint(name: str) -> Path:
    """Return the path of a checkpoint: a file, or a shipped starter by its playground's name.

    A folder that another program wrote is one, too.

    Raises:
        UserError: there is neither.
    """
    path = expanded(name)
    starter = CHECKPOINTS / f"{name}.safetensors"
    if path.is_file():
        return path
    if name in registry.all_names() and starter.is_file():
        return starter
    if path.is_dir():
        return path
    raise UserError(
        f"There is no checkpoint {name}; give a file that train wrote, a run,"
        f" or the name of a starter: {', '.join(starters())}."
    )


def starters() -> list[str]:
    """Return the names of the shipped starters."""
    return [n for n in registry.all_names() if (CHECKPOINTS / f"{n}.safetensors").is_file()]


def load_checkpoint(path: Path) -> Checkpoint:
    """Read a checkpoint and check that it is what it says, before anything is built of it.

    It may be another program's, if one of the playgrounds knows that.

    Raises:
        UserError: it is no checkpoint, is damaged, or does not fit its own recipe.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load

    if path.is_dir() or path.suffix in FOREIGN:
        return _foreign(path)
    with _opened(path) as file:
        if MARK not in file.metadata:
            return _foreign(path)
        about = _read_about(path, file.metadata)
        playground, recipe = _read_recipe(path, about)
        vocabulary = about["vocabulary"]
        _check_shapes(path, playground, recipe, vocabulary, file)
        try:
            tensors = load(file.read())
        except SafetensorError as error:
            raise ValueError(error) from None
    weights = {n.removeprefix(MODEL): t for n, t in tensors.items() if n.startswith(MODEL)}
    resume = {n.removeprefix(RESUME): t for n, t in tensors.items() if n.startswith(RESUME)}
    if not all(torch.isfinite(t).all() for t in weights.values()):
        raise UserError(f"{path} has weights that are NaN; choose another checkpoint.")
    return Checkpoint(playground, recipe, vocabulary, weights, resume, about)


def read_recipe(path: Path) -> Recipe:
    """Return the recipe of a checkpoint, from its header alone.

    Raises:
        UserError: as :func:`load_checkpoint`.
    """
    with _opened(path) as file:
        return _read_recipe(path, _read_about(path, file.metadata))[1]


def _foreign(path: Path) -> Checkpoint:
    """Read what another program wrote."""
    for name in registry.all_names():
        if (found := registry.get(name).read_foreign(path)) is not None:
            return found
    raise UserError(
        f"{path} was not written by this version of Glassbox, and is no network of another program"
        " that is known here; choose a file that train wrote."
    )


@contextmanager
def _opened(path: Path) -> Iterator[TensorFile]:
    try:
        with open_tensors(path, LARGEST) as file:
            yield file
    except OSError as error:
        raise UserError(f"{path} can't be read ({error.strerror or error}).") from None
    except ValueError as error:
        raise UserError(
            f"{path} is damaged or no checkpoint ({error}); choose a file that train wrote."
        ) from None


def _read_about(path: Path, header: Mapping[str, str]) -> dict[str, Any]:
    try:
        about = parse_json(header[MARK])
        if not isinstance(about, dict) or about["format"] != FORMAT:
            raise ValueError
        about["steps"], about["dataset"] = int(about.get("steps", 0)), str(about.get("dataset", ""))
        about["seconds"] = float(about.get("seconds", 0.0))
        if not (0 <= about["steps"] < 1 << 62 and 0 <= about["seconds"] < math.inf):
            raise ValueError
        about["vocabulary"] = dict(about.get("vocabulary", {}))
    except (KeyError, ValueError, TypeError, OverflowError, RecursionError):
        raise UserError(
            f"{path} was not written by this version of Glassbox; choose a file that train wrote."
        ) from None
    return about


def _read_recipe(path: Path, about: Mapping[str, Any]) -> tuple[Playground, Recipe]:
    try:
        playground = registry.get(str(about.get("playground")))
        settings = about.get("recipe")
        if not isinstance(settings, dict):
            raise UserError("It has no recipe.")
        return playground, playground.recipe_type.from_dict(settings)
    except UserError as error:
        raise UserError(f"{path} can't be used here: {error}") from None


def _check_shapes(
    path: Path, playground: Playground, recipe: Recipe, vocabulary: Vocabulary, file: TensorFile
) -> None:
    """Hold names, shapes and types against the recipe's model, without its memory."""
    try:
        expected = build_shape(playground, recipe, vocabulary).state_dict()
    except UserError as error:
        raise UserError(f"{path} can't be used here: {error}") from None
    found = {n.removeprefix(MODEL) for n in file.kinds if n.startswith(MODEL)}
    for name, tensor in expected.items():
        if name not in found:
            raise UserError(f"{path} lacks the weights '{name}' of its model; it is damaged.")
        kind, shape = file.kinds[MODEL + name]
        wanted = "I64" if tensor.dtype == torch.int64 else "F32"
        if shape != tuple(tensor.shape) or kind != wanted:
            raise UserError(
                f"{path} does not fit its own recipe: '{name}' is {kind} {shape},"
                f" its model has {wanted} {tuple(tensor.shape)}."
            )
    if extra := sorted(found - set(expected)):
        raise UserError(f"{path} has weights that its model lacks: {', '.join(extra[:3])}.")
