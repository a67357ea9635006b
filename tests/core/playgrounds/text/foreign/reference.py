"""GPT-2 written down once more, plainly: against this the networks that were opened are held."""

import math

import torch
from torch.nn import functional as F


def logits(weights, tokens, heads, approximate="tanh", transposed=True):
    """What GPT-2 answers to tokens (T,), (T, V), by its own names of the weights."""
    layers = len({name.split(".")[1] for name in weights if name.startswith("h.")})
    zero = torch.zeros(())

    def product(x, name):
        matrix = weights[f"{name}.weight"]
        return x @ (matrix if transposed else matrix.T) + weights.get(f"{name}.bias", zero)

    def norm(x, name):
        x = x - x.mean(-1, keepdim=True)
        x = x / (x.square().mean(-1, keepdim=True) + 1e-5).sqrt()
        return x * weights[f"{name}.weight"] + weights.get(f"{name}.bias", zero)

    x = weights["wte.weight"][tokens] + weights["wpe.weight"][: len(tokens)]
    time, width = x.shape
    mask = torch.full((time, time), -math.inf).triu(1)
    for number in range(layers):
        block = f"h.{number}"
        queries, keys, values = product(norm(x, f"{block}.ln_1"), f"{block}.attn.c_attn").split(
            width, -1
        )
        seen = []
        for head in range(heads):
            part = slice(head * width // heads, (head + 1) * width // heads)
            scores = queries[:, part] @ keys[:, part].T / math.sqrt(width // heads) + mask
            seen.append(scores.softmax(-1) @ values[:, part])
        x = x + product(torch.cat(seen, -1), f"{block}.attn.c_proj")
        thought = product(norm(x, f"{block}.ln_2"), f"{block}.mlp.c_fc")
        x = x + product(F.gelu(thought, approximate=approximate), f"{block}.mlp.c_proj")
    return norm(x, "ln_f") @ weights.get("lm_head.weight", weights["wte.weight"]).T


def random_weights(layers=2, width=16, context=24, tokens=50_257, transposed=True, bias=True):
    """Weights of a GPT-2 of this size, none of them zero; the same ones each time."""
    generator = torch.Generator().manual_seed(0)

    def drawn(*shape, scale=0.2):
        return scale * torch.randn(shape, generator=generator)

    made = {"wte.weight": drawn(tokens, width), "wpe.weight": drawn(context, width)}
    for name in [f"h.{n}.{part}" for n in range(layers) for part in ("ln_1", "ln_2")] + ["ln_f"]:
        made[f"{name}.weight"] = 1 + drawn(width)
        made[f"{name}.bias"] = drawn(width)
    sizes = {"attn.c_attn": (1, 3), "attn.c_proj": (1, 1), "mlp.c_fc": (1, 4), "mlp.c_proj": (4, 1)}
    for number in range(layers):
        for part, (into, out) in sizes.items():
            shape = (into * width, out * width)
            made[f"h.{number}.{part}.weight"] = drawn(*(shape if transposed else shape[::-1]))
            made[f"h.{number}.{part}.bias"] = drawn(out * width)
    return made if bias else {n: t for n, t in made.items() if not n.endswith("bias")}
