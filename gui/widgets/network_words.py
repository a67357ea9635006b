"""What the parts of a network's map are called, and what they do with their shapes."""

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from core.network_map.parts import MapBlock, MapGroup, NetworkMap, written
from gui.widgets.layer_names import ROLES
from gui.widgets.unit_controls import done_to

if TYPE_CHECKING:
    from core.interventions import Intervention

TITLES = {
    "input": "input",
    "output": "network output",
    "norm": "LayerNorm",
    "attention": "attention",
    "sum": "sum",
    "residual": "residual sum",
    "gates": "gates: sigmoid",
    "mix": "new state",
    "counts": "table of counts",
}
KIND_TERMS = {
    "output": "Logits",
    "norm": "Layer normalisation",
    "attention": "Self-attention",
    "residual": "Residual connection",
    "gates": "GRU",
    "mix": "Hidden state",
    "dropout": "Dropout",
    "reshape": "Flatten",
    "counts": "Bigram counts",
}
"""The glossary's terms for blocks that are no layers."""
LAYER_TERMS = {
    "conv": "Convolution",
    "embedding": "Embedding",
    "tied": "Weight tying",
    "linear": "Matrix product",
    "position": "Position embedding",
    "letter": "Input-to-hidden",
    "memory": "Hidden-to-hidden",
    "attend": "Queries, keys and values",
    "project": "Output projection",
    "expand": "MLP up and MLP down",
    "contract": "MLP up and MLP down",
}
"""Those for layers, by what they are called, or else by how their product is made."""
MODEL = "Model"
"""The term of the map itself."""
SAME = "the same numbers, laid out otherwise"


def title_of(block: MapBlock) -> str:
    """Return what a block is called: a layer's name and role, or what it does."""
    if block.kind == "layer":
        role = ROLES.get(block.key, "")
        return f"{block.key} ({role})" if role else block.key
    if block.kind == "reshape":
        return "flatten" if len(block.outputs) < len(block.inputs) else "reshape"
    return block.acts[0] if block.kind == "dropout" else TITLES[block.kind]


def name_of(key: str) -> str:
    """Return what the part of a key is called where no map is at hand: a layer's name stays."""
    kind = re.sub(r"^blocks\.\d+\.", "", key).partition(".")[0]
    return {"reshape": "flatten or reshape", "dropout": "dropout", **TITLES}.get(kind, key)


def term_of_block(block: MapBlock | None) -> str:
    """Return the glossary's term for a block, or for the map where there is none."""
    if block is None:
        return MODEL
    by_layer = LAYER_TERMS.get(block.key) or LAYER_TERMS.get(block.product)
    return by_layer or KIND_TERMS.get(block.kind, MODEL)


def brief_of(block: MapBlock) -> str:
    """Return in a few words how a layer's product and what follows it are made; "" for others."""
    if block.kind != "layer":
        return ""
    product = {
        "conv": f"conv {block.kernel} × {block.kernel}",
        "embedding": "table",
        "tied": "the embedding's matrix",
    }.get(block.product, block.product)
    return ", ".join([product, *block.acts])


def group_title(group: MapGroup, copy: int) -> str:
    """Return what stands over a group."""
    if group.steps:
        return f"loop: once for each of the {group.steps} tokens"
    count = len(group.keys)
    return f"block {copy + 1} of {count}" if count > 1 else "block"


def changes_of(interventions: "Iterable[Intervention]") -> dict[str, str]:
    """Say what is done to units and heads, by the key of the block that has them.

    Such as ``units 4, 7 muted; unit 0 × 2``. Heads are counted from 1, as where one chooses them.
    """
    alike: dict[str, dict[tuple[str, str], list[str]]] = {}
    for each in interventions:
        key, kind, index = each.part.layer, "unit", each.part.index
        if each.part.head:
            key, kind, index = f"{key.rpartition('.')[0]}.attention", "head", index + 1
        alike.setdefault(key, {}).setdefault((kind, done_to(each)), []).append(str(index))
    return {
        key: "; ".join(
            f"{kind}{'s' * (len(indices) > 1)} {', '.join(indices)} {done}"
            for (kind, done), indices in parts.items()
        )
        for key, parts in alike.items()
    }


def legend_of(network: NetworkMap) -> str:
    """Say what the letters in the shapes are."""
    shapes = [part.inputs for part in network.parts]
    words = ["B is the number of examples in a batch"]
    if any("T" in shape for shape in shapes):
        words.append("T that of the tokens of each")
    if any(len(shape) == 4 for shape in shapes):
        words.append("a picture is channels × height × width")
    return ", ".join(words) + "."


def explanation_of(block: MapBlock) -> str:
    """Say what a block does, with its shapes."""
    came, goes = f"({written(block.inputs)})", f"({written(block.outputs)})"
    match block.kind:
        case "layer":
            return _layer(block)
        case "input":
            return f"What the network is given: {came}."
        case "output":
            return (
                f"What the network answers: {goes}, a number for each possible answer, or the value"
                " that is asked for."
            )
        case "norm":
            return (
                "Layer norm (Ba et al. 2016): each vector is shifted and scaled to mean 0 and"
                f" standard deviation 1, then by learned numbers; the shape stays {goes}."
            )
        case "attention":
            heads, size = block.outputs[1], block.outputs[3]
            return (
                f"Scaled dot-product attention: in each of {heads} heads softmax(Q @ K transposed)"
                f" @ V, (T × {size}) @ ({size} × T), then (T × T) @ (T × {size}); a token looks"
                " only at itself and at those before it."
            )
        case "sum":
            return f"Two tensors are added, element by element: {goes}."
        case "residual":
            return (
                "Residual connection (He et al. 2015): what this branch has made is added to what"
                f" it was made of, and the shape stays {goes}. The sum hands the gradient on to"
                " both as it is."
            )
        case "gates":
            return f"A sigmoid makes each number a gate, from 0, closed, to 1, open: {goes}."
        case "mix":
            return (
                "The gate decides how much of the old state stays, and the new one fills the rest:"
                f" {goes}, which goes into the next step of the loop."
            )
        case "dropout":
            return (
                f"In training, {block.acts[0].split()[1]} of the numbers become 0, resampled at"
                " each step (Srivastava et al. 2014); in use all stay."
            )
        case "reshape":
            return f"{came} becomes {goes}: {SAME}. Nothing is computed."
        case "counts":
            rows = block.outputs[-1]
            return (
                f"How often each letter followed each other one, {rows} × {rows} counts: a row of"
                " them, as shares, is the answer. It learns without a gradient."
            )


def _layer(block: MapBlock) -> str:
    rows, columns = block.matrix
    matrix = f"({rows:,} × {columns:,})"
    biases = max(0, block.parameters - rows * columns - 2 * columns * ("batch norm" in block.acts))
    plus = " + bias" if biases == columns else ""
    match block.product:
        case "conv":
            channels = rows // block.kernel**2
            words = (
                f"A convolution: each patch of {block.kernel} × {block.kernel} pixels in"
                f" {channels:,} {'channel' if channels == 1 else 'channels'} is a row of {rows:,}"
                f" numbers, (patches × {rows:,}) @ {matrix}{plus}"
            )
        case "embedding":
            words = (
                f"A table {matrix}: each token picks a row, which is the product of a one-hot"
                f" vector with the matrix, (1 × {rows:,}) @ {matrix}"
            )
        case "tied":
            words = (
                f"A matrix product with the embedding's own table, transposed:"
                f" ({written(block.inputs)}) @ {matrix}; it has no parameters of its own"
            )
        case _:
            words = f"A matrix product: ({written(block.inputs)}) @ {matrix}{plus}"
    then = f", then {', '.join(block.acts)}" if block.acts else ""
    return f"{words}{then}. Out comes ({written(block.outputs)})."
