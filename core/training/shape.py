"""A model of shapes alone: it takes no memory, no time and no random numbers."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from ..playground import Playground, Vocabulary
from .recipe import Recipe


def build_shape(playground: Playground, recipe: Recipe, vocabulary: Vocabulary) -> nn.Module:
    """Return the model of a recipe on torch's device "meta", until numbers are brought.

    Raises:
        UserError: no such vocabulary is possible.
    """
    with torch.device("meta"), _Unfilled():
        return playground.build(recipe, vocabulary, initialised=False)


class _Unfilled(TorchFunctionMode):
    """Leaves tensors as they are where torch's layers fill them.

    On "meta" nothing is filled, but torch loads its compiler to find that out: a second, and a
    hundred megabytes.
    """

    def __torch_function__(
        self,
        function: Callable[..., Any],
        types: Iterable[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        fills = function in (Tensor.normal_, Tensor.uniform_)
        if fills or getattr(function, "__module__", "") == "torch.nn.init":
            return args[0] if args else (kwargs or {})["tensor"]
        return function(*args, **(kwargs or {}))
