"""The code behind every recipe: its losses over 50 steps beside the trainer's, from the same seed.

    python -m bench.scripts [RECIPE ...]

Sizes are small where equality does not depend on them. Tests compare some of them, too.
"""

import io
import os
import sys
from contextlib import redirect_stdout
from pathlib import Path

import numpy as np
import torch

from bench.rows import row, show, sized
from core import playgrounds
from core.code.script import write_script
from core.paths import data_source
from core.telemetry.events import Array, Metrics
from core.training.control import Control
from core.training.recipe import Recipe
from core.training.trainer import Run, train

STEPS = sized(50, 3)
ONLY = sized((), ("linear",))
"""The recipes that are compared where none is named; none for all of them."""
SMALL = {
    "digits": {"channels": "4,8,8", "precision": "float32"},
    "names": {"precision": "float32"},
    "text": {"width": 32, "layers": 2, "heads": 2, "context": 32, "batch_size": 8},
}
ROUNDING = 1e-3
FAR = {"modern": 0.05, "characters gpt": 0.05}
"""In these Adam makes 0.01 of a rounding of 1e-7 within 50 steps: by plain descent they are equal
to 1e-6, and a script differs as much from itself with another number of threads."""


def losses_of_script(script: str) -> Array:
    """Run a script, as Python would; return its losses."""
    scope, dtype = {"__name__": "__main__"}, torch.get_default_dtype()
    try:
        with redirect_stdout(io.StringIO()):
            exec(compile(script, "script", "exec"), scope)
    finally:
        torch.set_default_dtype(dtype)  # a script of its own would end with its process
    return np.array(scope["losses"])


def losses_of_trainer(name: str, recipe: Recipe, source: Path | None = None) -> Array:
    """Train the same in Glassbox; return the losses."""
    playground = playgrounds.get(name)
    data, device = playground.load(source), torch.device("cpu")
    run = Run(playground, recipe, data, device, steps=recipe.steps, eval_examples=10)
    return np.concatenate([e.losses for e in train(run, Control()) if isinstance(e, Metrics)])


def main(arguments: list[str]) -> None:
    """Print a row for each recipe: the largest gap between the two curves."""
    source = data_source()
    if source and (source / "tiktoken").is_dir():  # a script asks tiktoken for GPT-2's tokenizer
        os.environ.setdefault("TIKTOKEN_CACHE_DIR", str(source / "tiktoken"))
    wanted, rows = arguments or ONLY, []
    for name in playgrounds.all_names():
        for key, recipe in playgrounds.get(name).recipes.items():
            if wanted and key not in wanted:
                continue
            short = recipe.replace({"steps": STEPS, **SMALL[name]})
            ours = losses_of_trainer(name, short, source)
            its = losses_of_script(write_script(name, short, source))
            gap = float(np.abs(ours - its).max())
            limit = FAR.get(key, ROUNDING)
            rows.append(row(f"{name}, {key}: script to trainer", gap, limit, "nats", most=True))
    show(rows)


if __name__ == "__main__":
    main(sys.argv[1:])
