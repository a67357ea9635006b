"""What each loop is, by measurement: trained for longer, and with more units.

    python -m bench.sizes.measure

It writes ``labels.json``: what was measured of each candidate, and what it is by that.
"""

import argparse
import json
import math
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from bench.sizes import more_loops  # noqa: F401, it declares further loops
from bench.sizes.loops import LOOPS

LABELS = Path(__file__).with_name("labels.json")
LOOKS = 20
SEED = 0
CLEAR, NOT_AT_ALL, RISEN = 0.05, 0.03, 0.06
"""Parts of the loss on new examples: a gain that decides, one that is none, a rise that is
overfitting."""
FEW_ROWS, FEW_CHARACTERS = 2000, 100_000
"""With less data it is the data that is missing, and no loop is called fine."""
LONGER, LARGER = 3, 4
SLOWLY = 1.5
"""Times the steps that more units are given."""

CANDIDATES: dict[str, list[tuple[int, int, int]]] = {
    "digits_mlp": [
        (2, 800, 3500),
        (48, 60, 3500),
        (128, 1000, 600),
        (64, 1000, 500),
        (64, 400, 3500),
        (24, 500, 3500),
        (1, 800, 3500),
    ],
    "digits_cnn": [(1, 600, 3500), (8, 50, 3500), (16, 500, 400), (12, 600, 3500)],
    "names_mlp": [
        (3, 1500, 20000),
        (100, 150, 20000),
        (200, 2000, 1500),
        (100, 2500, 20000),
        (60, 3000, 20000),
        (2, 2500, 20000),
        (80, 3500, 20000),
        (100, 3500, 20000),
        (40, 3500, 20000),
        (100, 100, 20000),
    ],
    "names_gru": [
        (3, 500, 5000),
        (48, 40, 5000),
        (64, 300, 300),
        (48, 300, 5000),
        (32, 400, 5000),
        (48, 300, 400),
    ],
    "text_transformer": [(4, 700, 360000), (48, 70, 360000), (48, 350, 5000), (64, 600, 4000)],
    "text_lstm": [
        (4, 500, 360000),
        (48, 70, 360000),
        (64, 350, 4000),
        (64, 600, 360000),
        (64, 900, 3000),
    ],
    "tabular_classes": [
        (2, 1000, 6000),
        (3, 1200, 6000),
        (24, 60, 6000),
        (24, 120, 6000),
        (64, 600, 300),
        (32, 4000, 6000),
        (48, 1000, 500),
    ],
    "tabular_values": [
        (2, 1000, 6000),
        (3, 1500, 6000),
        (32, 100, 6000),
        (32, 160, 6000),
        (64, 1500, 200),
        (32, 2500, 6000),
        (48, 2500, 6000),
        (64, 2500, 6000),
        (48, 1500, 300),
    ],
    "spirals": [
        (2, 800, 1500),
        (3, 1000, 1500),
        (24, 80, 1500),
        (24, 160, 1500),
        (48, 1500, 150),
        (16, 1000, 1500),
        (24, 1500, 3000),
        (32, 1000, 3000),
        (32, 800, 3000),
        (24, 800, 3000),
        (40, 900, 3000),
        (64, 1500, 200),
    ],
    "time_series": [
        (1, 600, 3000),
        (2, 700, 3000),
        (16, 40, 3000),
        (16, 80, 3000),
        (48, 900, 150),
        (16, 900, 3000),
        (24, 1000, 3000),
        (12, 1500, 3000),
        (16, 1800, 3000),
        (8, 2000, 3000),
        (32, 1200, 200),
    ],
    "autoencoder": [
        (4, 500, 3500),
        (8, 500, 3500),
        (128, 60, 3500),
        (128, 120, 3500),
        (256, 700, 200),
        (256, 900, 3500),
        (256, 900, 300),
    ],
    "noisy_wave": [
        (1, 1000, 3000),
        (2, 1000, 3000),
        (24, 60, 3000),
        (24, 120, 3000),
        (16, 1500, 3000),
        (24, 1500, 3000),
        (32, 1500, 3000),
        (48, 1500, 3000),
        (64, 3000, 80),
    ],
    "clouds_mlp": [
        (1, 800, 3000),
        (2, 800, 3000),
        (32, 30, 3000),
        (16, 800, 3000),
        (32, 800, 3000),
        (64, 600, 3000),
        (24, 700, 3000),
        (128, 2000, 150),
    ],
    "drawn_surface": [
        (2, 1500, 0),
        (3, 1200, 0),
        (24, 100, 0),
        (24, 200, 0),
        (16, 2500, 0),
        (24, 2500, 0),
        (32, 2500, 0),
        (48, 2500, 0),
    ],
    "house_prices": [
        (2, 1200, 5000),
        (32, 60, 5000),
        (64, 1200, 300),
        (64, 2500, 8000),
        (32, 2500, 5000),
        (64, 1500, 8000),
    ],
    "linear_units": [
        (1, 1500, 4000),
        (2, 1500, 4000),
        (48, 60, 4000),
        (48, 3000, 8000),
        (96, 3000, 150),
    ],
    "pooled_cnn": [(1, 400, 3500), (8, 40, 3500), (8, 400, 3500)],
    "conv_autoencoder": [(2, 500, 3500), (8, 50, 3500)],
    "film_ratings": [
        (1, 600, 20000),
        (2, 600, 20000),
        (8, 60, 20000),
        (8, 500, 40000),
        (24, 700, 2500),
        (8, 800, 40000),
        (7, 500, 40000),
    ],
    "word_beginnings": [(1, 300, 5000), (2, 300, 5000), (32, 40, 5000)],
    "text_gru": [(4, 500, 300000), (64, 50, 300000), (64, 400, 300000)],
    "middle_character": [(1, 800, 30000), (2, 800, 30000), (16, 80, 30000), (32, 1500, 3000)],
    "signal_shapes": [(2, 600, 5000), (16, 60, 5000)],
    "yes_or_no": [(32, 60, 6000), (64, 1500, 300), (32, 1500, 8000), (32, 900, 8000)],
    "long_contexts": [(2, 1500, 300000), (4, 1500, 300000), (100, 200, 300000), (100, 3000, 5000)],
    "driven_oscillator": [(2, 1000, 3500), (24, 60, 3500), (24, 2500, 3500), (64, 3000, 100)],
    "turned_names": [(4, 800, 6000)],
}
"""Width, steps and rows of each kind."""


class Unwatched:
    """Stands where ``watch`` would: it notes nothing."""

    def step(self, loss: Any) -> None:
        """Do nothing."""

    def validate(self, loss: Any, accuracy: Any = None) -> None:
        """Do nothing."""


@contextmanager
def unwatched() -> Iterator[Unwatched]:
    """Take the place of ``watch()``."""
    yield Unwatched()


def curve(name: str, size: int, steps: int, rows: int) -> list[float]:
    """Train, and return the loss on new examples at evenly spread steps."""
    found: list[float] = []

    def look(step: int, loss: Callable[[], Tensor]) -> None:
        if step % max(1, steps // LOOKS) == 0 or step == steps:
            state = torch.get_rng_state()
            with torch.no_grad():
                found.append(float(loss()))
            torch.set_rng_state(state)

    torch.manual_seed(SEED)
    LOOPS[name](unwatched, size, steps, rows, look)
    return found


def measured(name: str, size: int, steps: int, rows: int) -> dict[str, Any]:
    """Return what a loop reaches, for longer and with more units; and what it is by that."""
    own = curve(name, size, steps, rows)
    now, best = sum(own[-2:]) / 2, min(own)
    rise = now / best - 1
    longer = larger = math.nan
    few = FEW_CHARACTERS if name.startswith("text") else FEW_ROWS
    label = "unclear"
    if rise > RISEN and own.index(best) < 0.8 * len(own):
        label = "overfitting"
    elif rise < NOT_AT_ALL:
        longer = min(curve(name, size, LONGER * steps, rows))
        larger = min(curve(name, LARGER * size, int(SLOWLY * steps), rows))
        by_time, by_size = 1 - longer / now, 1 - larger / now
        if by_time > CLEAR and by_time > by_size / 2:
            label = "undertrained"
        elif by_size > 2 * CLEAR and by_time < by_size / 3:
            label = "too_small"
        elif by_time < NOT_AT_ALL and by_size < NOT_AT_ALL and rows >= few:
            label = "fine"
    return {
        "loop": name,
        "size": size,
        "steps": steps,
        "rows": rows,
        "loss": round(now, 4),
        "best": round(best, 4),
        "longer": round(longer, 4),
        "larger": round(larger, 4),
        "label": label,
    }


def main() -> None:
    """Measure every candidate that is not yet in the file."""
    parser = argparse.ArgumentParser(prog="python -m bench.sizes.measure", description=__doc__)
    parser.add_argument("--only", help="loops whose names begin so")
    parser.add_argument("--out", type=Path, default=LABELS)
    options = parser.parse_args()
    torch.set_num_threads(1)
    done = json.loads(options.out.read_text()) if options.out.exists() else []
    known = {(x["loop"], x["size"], x["steps"], x["rows"]) for x in done}
    for name, sizes in CANDIDATES.items():
        for size, steps, rows in sizes:
            if (name, size, steps, rows) in known or not name.startswith(options.only or ""):
                continue
            done.append(measured(name, size, steps, rows))
            print(done[-1], file=sys.stderr, flush=True)
            options.out.write_text(json.dumps(done, indent=1) + "\n")


if __name__ == "__main__":
    main()
