"""How near the estimate of a training's memory comes to what it takes.

    python -m bench memory-estimate

Each training runs in a process of its own; how far its resident memory rose above what it was
before its first step is held against the estimate. Twice a ratio below 1 would be a kill, and one
far above it refuses what fits.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.rows import row, show, sized

SETTINGS: dict[str, tuple[str, dict[str, Any]]] = {
    "digits, modern, batch 1024": ("digits", {"batch_size": 1024}),
    "digits, cnn of 256 channels": ("digits", {"channels": (256, 128), "batch_size": 128}),
    "digits, cnn of 256 channels, batch 256": (
        "digits",
        {"channels": (256, 128), "batch_size": 256},
    ),
    "digits, cnn of 256 channels, float32": (
        "digits",
        {"channels": (256, 128), "batch_size": 128, "precision": "float32"},
    ),
    "digits, cnn of 128 channels, batch 256": (
        "digits",
        {"channels": (128, 64, 64), "batch_size": 256},
    ),
    "digits, mlp of 4096 x 4": (
        "digits",
        {"model": "mlp", "hidden": (4096,) * 4, "batch_size": 4096, "augment": "none"},
    ),
    "digits, pen, batch 4096": ("digits", {"channels": (8,), "batch_size": 4096, "augment": "pen"}),
    "names, mlp, all examples": ("names", {"hidden": (256,), "batch_size": 1_000_000}),
    "names, wavenet of 512": (
        "names",
        {"model": "wavenet", "width": 512, "context": 16, "batch_size": 4096, "dropout": 0.1},
    ),
    "names, gru of 1024": (
        "names",
        {"model": "gru", "width": 1024, "context": 16, "batch_size": 2048},
    ),
    "names, transformer of 256": (
        "names",
        {"model": "transformer", "embedding": 256, "context": 16, "batch_size": 1024},
    ),
    "text, tuned gpt, batch 128": ("text", {"batch_size": 128}),
    "text, gpt of 512 x 6, dropout": (
        "text",
        {"width": 512, "layers": 6, "context": 256, "batch_size": 12, "dropout": 0.1},
    ),
    "text, gpt-2's blocks, characters": (
        "text",
        {
            "tokenizer": "characters",
            "position": "learned",
            "qk_norm": False,
            "context": 128,
            "batch_size": 64,
        },
    ),
    "text, mlp, batch 4096": (
        "text",
        {"model": "mlp", "context": 32, "width": 128, "hidden": (2048,), "batch_size": 4096},
    ),
}
STEPS = 3
LEAST, MOST = 0.9, 1.6
"""Between these an estimate neither lets a machine be killed nor refuses what fits."""


def measure(name: str, settings: dict[str, Any]) -> dict[str, int]:
    """Train a few steps in this process; return the estimate, and by how much memory rose."""
    import torch

    from core import playgrounds
    from core.runs.recorder import FileRecorder
    from core.training.control import Control
    from core.training.memory import is_mixed, needed
    from core.training.trainer import Run, train

    playground = playgrounds.get(name)
    recipe = playground.recipe_for(settings.get("model")).replace(settings)
    data = playground.load(None)
    playground.get_ready(data, recipe, lambda *told: None)
    device = torch.device("cpu")
    sizes = playground.sizes(data, recipe)
    estimate = needed(recipe, *sizes, is_mixed(recipe, device.type))
    with tempfile.TemporaryDirectory() as folder:
        recorder = FileRecorder(Path(folder) / "run", None)
        run = Run(playground, recipe, data, device, steps=STEPS, recorder=recorder)
        Path("/proc/self/clear_refs").write_text("5")  # the peak is counted from here on
        before = _kilobytes("VmRSS")
        list(train(run, Control()))
    return {"estimate": estimate, "measured": (_kilobytes("VmHWM") - before) << 10}


def _kilobytes(key: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(f"{key}:")).split()[1])


def _apart(number: str) -> dict[str, int]:
    command = [sys.executable, "-m", "bench.memory", number]
    answer = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    found: dict[str, int] = json.loads(answer.stdout.splitlines()[-1])
    return found


def main(words: Sequence[str] | None = None) -> None:
    """Measure all settings, or the one of that number in this process."""
    given = sys.argv[1:] if words is None else words
    if given:
        print(json.dumps(measure(*list(SETTINGS.values())[int(given[0])])))
        return
    rows = []
    for number, title in enumerate(list(SETTINGS)[: sized(len(SETTINGS), 1)]):
        found = _apart(str(number))
        ratio = found["estimate"] / found["measured"]
        print(
            f"{title}: {found['measured'] / 1e6:,.0f} MB, {ratio:.2f}", file=sys.stderr, flush=True
        )
        rows.append(row(f"{title}: estimated against taken", ratio, LEAST, "x"))
        rows[-1]["met"] = LEAST <= ratio <= MOST
        rows[-1]["floor"] = f"{LEAST} to {MOST}"
    show(rows)


if __name__ == "__main__":
    main()
