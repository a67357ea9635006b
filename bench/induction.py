"""An induction head as it appears: the recipe ``induction heads``, trained with three seeds.

    python -m bench induction

The heads are scored every few steps, as the panel Heads does, outside of the time that is told:
that of a core, whatever else the machine has to do.
"""

import sys
import time

import torch

from bench.rows import row, show, sized
from core import playgrounds
from core.playgrounds.text.heads import HeadScores, head_scores
from core.playgrounds.text.models import GPT
from core.training.device import use_threads
from core.training.learner import Learner

SEEDS = sized((1, 2, 3), (1,))
EVERY = sized(25, 1)  # steps between two measurements
STEPS = sized(0, 2)
"""How many steps; 0 for those of the recipe."""
FORMED = 0.5  # the score from which on there is one; uniform attention has 0.03
LATEST = 800  # steps until then, at most
LONGEST = 90.0  # seconds


def trained(seed: int) -> tuple[list[int], list[HeadScores], float]:
    """Train once; return the steps at which the heads were scored, how, and the seconds."""
    playground = playgrounds.get("text")
    recipe = playground.recipes["induction heads"].replace({"seed": seed})
    device = torch.device("cpu")
    learner = Learner(playground, recipe, playground.load(None), device)
    model, count = learner.model, STEPS or recipe.steps
    assert isinstance(model, GPT)
    use_threads(model, device)
    steps, scores, seconds = [], [], 0.0
    for step in range(count + 1):
        if step % EVERY == 0 or step == count:
            steps.append(step)
            scores.append(head_scores(model, None, recipe.dataset))
        begin = time.process_time()
        if step < count:
            learner.learn(*learner.take(), step / count)
        seconds += time.process_time() - begin
    return steps, scores, seconds


def main(words: list[str]) -> None:
    """Print for each seed when the score passes, what it comes to, and the loss."""
    rows = []
    for seed in SEEDS:
        steps, scores, seconds = trained(seed)
        best = [float(each.induction.max()) for each in scores]
        formed = next((s for s, x in zip(steps, best, strict=True) if x > FORMED), steps[-1] + 1)
        first, second = scores[-1].loss
        what = f"induction heads, seed {seed}"
        rows += [
            row(f"{what}: score above {FORMED} from", formed, LATEST, "steps", most=True),
            row(f"{what}: highest score at the end", best[-1], FORMED, "%"),
            row(f"{what}: loss, random tokens, first time", float(first), None, "nats"),
            row(f"{what}: loss, the same, second time", float(second), 1.0, "nats", most=True),
            row(f"{what}: {steps[-1]:,} steps of one core", seconds, LONGEST, "s", most=True),
        ]
    show(rows)


if __name__ == "__main__":
    main(sys.argv[1:])
