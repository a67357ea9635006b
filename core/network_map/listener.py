"""The map of a network, found from the model itself.

It is run on a few zeros, and what it calls is listened to. Whatever its layers are, and wherever a
file of it came from, the map is of what it does.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

from ..layers import Layer, TiedLinear, size_of
from ..transformer import Block
from .parts import Kind, MapBlock, MapGroup, NetworkMap, Part, Shape


@torch.no_grad()
def map_network(model: nn.Module, example: Callable[[int, int], Tensor]) -> NetworkMap:
    """Return the map of a network, whose weights and modes stay as they are.

    It runs three times on next to nothing, and its matrix products are not computed: that takes
    milliseconds, whatever its size. Nobody else may run it meanwhile.

    Args:
        model: made of layers, in eval mode.
        example: returns an input of so many examples, of so many tokens each where any number of
            them will do.
    """
    runs = [_Listener(model).parts_of(example(*sizes)) for sizes in ((2, 2), (3, 2), (2, 3))]
    parts = [_lettered(*same) for same in zip(*runs, strict=True)]
    return NetworkMap(tuple(parts), size_of(model))


class _Listener(TorchFunctionMode):
    """Hears what a model calls in one run."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self._model = model
        self._modules = {
            id(module.weight): name
            for name, module in model.named_modules()
            if isinstance(module, nn.LayerNorm)
        }
        self._parts: list[Part] = []
        self._group: tuple[str, list[MapBlock]] | None = None
        """The transformer's block under way: its name, and what it has done."""
        self._in_layer = False
        self._made: dict[int, tuple[Tensor, str]] = {}
        """The key of what put a tensor out, by the tensor's id; with it, so that it stays."""

    def parts_of(self, inputs: Tensor) -> list[Part]:
        shape = tuple(inputs.shape)
        self._parts.append(MapBlock("network.input", "input", shape, shape))
        with self._wrapped(), self:
            outputs: Tensor = self._model(inputs)
        entered, shape = shape, tuple(outputs.shape)
        if len(self._parts) == 1:
            count = size_of(self._model)
            counts = MapBlock("network.counts", "counts", entered, shape, parameters=count)
            self._parts.append(counts)
        self._parts.append(MapBlock("network.output", "output", shape, shape))
        return _folded(_with_reshapes(_with_loop(self._parts)))

    @contextmanager
    def _wrapped(self) -> Iterator[None]:
        """Hear of each layer and each transformer's block, called as a module or by ``forward``."""
        wrapped: list[nn.Module] = []
        try:
            for name, module in self._model.named_modules():
                if isinstance(module, Layer):
                    run = partial(self._run_layer, name, module, module.forward)
                elif isinstance(module, Block):
                    run = partial(self._run_block, name, module.forward)
                else:
                    continue
                module.__dict__["forward"] = run
                wrapped.append(module)
            yield
        finally:
            for module in wrapped:
                del module.__dict__["forward"]

    def _run_layer(
        self, name: str, layer: Layer, forward: Callable[[Tensor], Tensor], x: Tensor
    ) -> Tensor:
        self._in_layer = True
        out = forward(x)
        self._in_layer = False
        product, weight = layer.product, layer.product.weight
        kinds = {nn.Conv2d: "conv", nn.Embedding: "embedding", TiedLinear: "tied"}
        self._add(
            MapBlock(
                self._relative(name),
                "layer",
                tuple(x.shape),
                tuple(out.shape),
                next((word for kind, word in kinds.items() if isinstance(product, kind)), "linear"),
                (layer.fan_in, layer.fan_out),
                weight.shape[-1] if isinstance(product, nn.Conv2d) else 0,
                tuple(_acts(layer)),
                sum(parameter.numel() for parameter in layer.parameters()),
            ),
            out,
        )
        return out

    def _run_block(self, name: str, forward: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
        self._group = name, []
        entered, self._made = self._made, {id(x): (x, "")}
        out = forward(x)
        blocks, self._group, self._made = self._group[1], None, entered
        group = MapGroup((name,), tuple(blocks), tuple(x.shape), tuple(out.shape))
        self._parts.append(group)
        self._made[id(out)] = out, name
        return out

    def __torch_function__(
        self,
        function: Callable[..., Any],
        types: Iterable[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        named = dict(kwargs or {})
        if function is F.linear:  # only its shape is asked for
            return args[0].new_zeros(*args[0].shape[:-1], len(args[1]))
        out = function(*args, **named)
        if not self._in_layer and isinstance(out, Tensor):
            self._hear(function, args, named, out)
        return out

    def _hear(
        self,
        function: Callable[..., Any],
        args: tuple[Any, ...],
        named: dict[str, Any],
        out: Tensor,
    ) -> None:
        first = args[0] if args and isinstance(args[0], Tensor) else out
        shapes = tuple(first.shape), tuple(out.shape)
        if function is F.layer_norm:
            weight, bias = named.get("weight"), named.get("bias")
            name = self._relative(self._modules.get(id(weight), "")) or self._key("norm")
            count = sum(tensor.numel() for tensor in (weight, bias) if tensor is not None)
            self._add(MapBlock(name, "norm", *shapes, parameters=count), out)
        elif function is F.scaled_dot_product_attention:
            self._add(MapBlock("attention", "attention", *shapes), out)
        elif function in (torch.Tensor.add, torch.add) and isinstance(args[1], Tensor):
            places = [self._made.get(id(tensor), (None, None))[1] for tensor in args[:2]]
            known = [place for place in places if place is not None]
            earlier = min(known, key=self._order) if len(known) == 2 else None
            kind: Kind = "sum" if self._group is None else "residual"
            self._add(MapBlock(self._key(kind), kind, *shapes, branch=earlier), out)
        elif function is torch.Tensor.sigmoid and id(first) in self._made:
            self._add(MapBlock(self._key("gates"), "gates", *shapes), out)
        elif function is torch.lerp:
            self._add(MapBlock(self._key("mix"), "mix", *shapes), out)
        elif function is F.dropout and (share := args[1] if len(args) > 1 else named["p"]):
            act = f"dropout {share:g}"
            self._add(MapBlock(self._key("dropout"), "dropout", *shapes, acts=(act,)), out)

    def _add(self, block: MapBlock, out: Tensor) -> None:
        (self._parts if self._group is None else self._group[1]).append(block)
        self._made[id(out)] = out, block.key

    def _order(self, key: str) -> int:
        """Return when that was put out, among what can be seen from here."""
        return [place for _, place in self._made.values()].index(key)

    def _relative(self, name: str) -> str:
        return name if self._group is None else name.removeprefix(f"{self._group[0]}.")

    def _key(self, kind: Kind) -> str:
        """Return a name for the next of its kind, here."""
        here: Iterable[Part] = self._parts if self._group is None else self._group[1]
        count = sum(isinstance(part, MapBlock) and part.kind == kind for part in here)
        return f"{kind}.{count}"


def _acts(layer: Layer) -> Iterator[str]:
    """Return what follows a layer's product."""
    if layer.has_norm:
        yield "batch norm"
    if layer.activation:
        yield layer.activation
    for forward in layer.after:
        part = forward.__self__  # type: ignore[attr-defined]
        yield (
            f"max pool {part.kernel_size}"
            if isinstance(part, nn.MaxPool2d)
            else f"dropout {part.p:g}"
        )


def _with_loop(parts: list[Part]) -> list[Part]:
    """Put what is done again and again, from a layer to the same layer, into a group."""
    keys = [part.key if isinstance(part, MapBlock) else part.keys[0] for part in parts]
    first = next((at for at, key in enumerate(keys) if keys.count(key) > 1), None)
    if first is None:
        return parts
    times = keys.count(keys[first])
    length = keys.index(keys[first], first + 1) - first
    body, behind = parts[first : first + length], parts[first + times * length :]
    blocks = tuple(block for block in body if isinstance(block, MapBlock))
    before, after = parts[first - 1].outputs, behind[0].inputs
    return [*parts[:first], MapGroup((keys[first],), blocks, before, after, times), *behind]


def _with_reshapes(parts: list[Part]) -> list[Part]:
    """Put a block where what comes in has another shape than what was put out."""
    found = parts[:1]
    for before, part in pairwise(parts):
        if part.inputs != before.outputs and not _stands_beside(part, before):
            number = sum(isinstance(p, MapBlock) and p.kind == "reshape" for p in found)
            found.append(MapBlock(f"reshape.{number}", "reshape", before.outputs, part.inputs))
        found.append(part)
    return found


def _stands_beside(part: Part, before: Part) -> bool:
    """Whether something takes in what comes from elsewhere: a second table, or a sum of two."""
    if isinstance(part, MapGroup):
        return False
    if part.product == "embedding":
        return not (isinstance(before, MapBlock) and before.kind == "input")
    return part.branch is not None


def _folded(parts: list[Part]) -> list[Part]:
    """Lay identical groups that stand behind one another together."""
    found: list[Part] = []
    for part in parts:
        match found, part:
            case [*_, MapGroup() as last], MapGroup() if replace(part, keys=last.keys) == last:
                found[-1] = replace(last, keys=last.keys + part.keys)
            case _:
                found.append(part)
    return found


def _lettered(part: Part, wider: Part, longer: Part) -> Part:
    """Put letters where sizes follow the number of examples, or that of tokens."""
    inputs = _letters(part.inputs, wider.inputs, longer.inputs)
    outputs = _letters(part.outputs, wider.outputs, longer.outputs)
    if isinstance(part, MapBlock):
        return replace(part, inputs=inputs, outputs=outputs)
    assert isinstance(wider, MapGroup) and isinstance(longer, MapGroup)
    blocks = [
        _lettered(*same) for same in zip(part.blocks, wider.blocks, longer.blocks, strict=True)
    ]
    return replace(
        part,
        blocks=tuple(block for block in blocks if isinstance(block, MapBlock)),
        inputs=inputs,
        outputs=outputs,
        steps=_letters((part.steps,), (wider.steps,), (longer.steps,))[0],
    )


def _letters(shape: Shape, wider: Shape, longer: Shape) -> Shape:
    return tuple(
        "B" if size != wide else "T" if size != long else size
        for size, wide, long in zip(shape, wider, longer, strict=True)
    )
