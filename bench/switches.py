"""Lesson 6 without a window: what each switch of a playground's recipe brings, by paired seeds."""

import math
import sys

import torch

from bench.rows import row, show, sized
from core import registry
from core.lessons.ablation import Study, TrainedSwitch, switches_of
from core.lessons.ablation_runs import train_all
from core.training.control import Control
from core.training.memory import is_mixed

CPU = torch.device("cpu")
SEEDS = sized(3, 2)


def main(words: list[str]) -> None:
    """Do the study of one playground on its bundled data, for the steps the lesson begins with."""
    playground = registry.get(words[0])
    assert playground.switches is not None
    switches = switches_of(playground, is_mixed(playground.recipe_for(), CPU.type))
    switches, steps = sized(switches, switches[:2]), sized(playground.switches.steps, 2)
    study, data = Study(switches, steps), playground.load(None)
    for event in train_all(playground, switches, study.missing(SEEDS), steps, data, CPU, Control()):
        if isinstance(event, TrainedSwitch):
            study.add(event)
    print("| switch | loss | lowered by | 95 % interval | verdict | ms a step |", file=sys.stderr)
    print("| --- | --- | --- | --- | --- | --- |", file=sys.stderr)
    rows = []
    for place, switch in enumerate(switches):
        effect, loss, ms = study.effect(place), study.loss(place), 1000 * study.step_seconds(place)
        brought = ["\u2013"] * 2
        if math.isfinite(effect.mean):
            brought = [f"{effect.mean:.3f}", f"{effect.low:.3f} to {effect.high:.3f}"]
        cells = [switch.title, f"{loss:.3f}", *brought, effect.verdict or "\u2013", f"{ms:.0f}"]
        print(f"| {' | '.join(cells)} |", file=sys.stderr)
        rows.append(row(f"{words[0]}, {steps} steps: {switch.title}", loss, None, "nats"))
    show(rows)


if __name__ == "__main__":
    main(sys.argv[1:])
