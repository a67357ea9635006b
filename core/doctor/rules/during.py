"""What can be seen while it learns: steps, gradients, units, and the curve."""

import math
from statistics import median

import numpy as np

from ...telemetry.layer_health import (
    DEAD,
    EXPLODING,
    EXPLODING_NOTICE,
    VANISHING,
    VANISHING_NOTICE,
    gradient_norm,
    gradient_ratio,
)
from ..diagnosis import Check, Picture, Series
from ..evidence import Evidence
from ..watch.observation import Observation, ObservedParameter
from .results import calm, failed, passed, thin, unseen


def numbers(case: Evidence) -> Check:
    """Every loss is a number."""
    id, title = "nan", "finite losses"
    if not len(case.losses):
        return unseen(id, title, "no losses were seen")
    bad = np.flatnonzero(~np.isfinite(case.losses))
    inputs = [x for look in case.observations for x in look.inputs if not x.finite]
    if inputs:
        return failed(id, title, "the inputs hold NaN or infinity", "numbers", 0.95, "the inputs")
    if len(bad):
        step = int(case.steps[bad[0]])
        where = next((x.first_nan for x in case.observations if x.first_nan), "")
        before = case.losses[: bad[0]]
        rose = len(before) > 2 and float(np.nanmax(before[-20:])) > 2 * float(before[0]) + 1
        measured = f"the loss is NaN from step {step} on"
        measured += f"; the first is in {where}" if where else ""
        return failed(id, title, measured, "numbers", 0.55 if rose else 0.9, where)
    return passed(id, title, f"{len(case.losses):,} losses are", "numbers")


def step_down(case: Evidence) -> Check:
    """The update goes against the gradient, and the loss is made small, not large."""
    id, title = "wrong_update_sign", "gradient descent"
    looks = [look for look in case.observations if look.parameters]
    if not looks:
        return unseen(id, title, "no complete step was observed")
    turned = [look for look in looks if look.criterion.kind and look.criterion.sign < 0]
    if len(turned) > len(looks) / 2:
        measured = "the loss is the negative of what should be small"
        return failed(id, title, measured, "the loss itself", 0.93, "the loss")
    angles = [a for look in looks[:12] if (a := _angle(look)) is not None]
    if not angles:
        return unseen(id, title, "gradients were not seen beside updates")
    up = sum(1 for a in angles if a > 0.05) / len(angles)
    measured = f"its angle to the gradient has a cosine of {median(angles):.2f}"
    if up > 0.75 and median(angles) > 0.1:
        return failed(id, title, measured, "below 0", 0.95, "the update")
    return passed(id, title, measured, "below 0")


def _angle(look: Observation) -> float | None:
    found = [p.cosine for p in look.parameters if math.isfinite(p.cosine) and p.update > 0]
    return median(found) if found else None


def gradients_fresh(case: Evidence) -> Check:
    """The gradient of the step before is gone before the next one is added (micrograd)."""
    id, title = "gradients_not_zeroed", "gradients zeroed in each step"
    pairs = [
        (a, b)
        for a, b in zip(case.observations, case.observations[1:], strict=False)
        if b.step == a.step + 1 and any(p.update > 0 for p in a.parameters)
    ]
    if not pairs:
        return unseen(id, title, "no two steps in a row were seen")
    kept = [b for _, b in pairs if b.gradients_accumulate]
    if len(kept) > len(pairs) / 2:
        measured = "before backward() the gradients of the last step are still there"
        return failed(id, title, measured, "zero or None", 0.95, "before backward()")
    return passed(id, title, "they are", "zero or None")


def _depths(look: Observation) -> list[ObservedParameter]:
    """Return the parameters of the layers, first to last, tables left out."""
    by_name = {p.name: p for p in look.parameters}
    return [
        by_name[x.parameter] for x in look.layers if not x.is_embedding and x.parameter in by_name
    ]


def gradient_arrives(case: Evidence) -> Check:
    """The gradient of the first layer is not a thousandth of the last one's."""
    id, title = "vanishing_gradient", "the gradient reaches the first layers"
    looks = [look for look in case.observations if len(_depths(look)) > 1]
    if not looks:
        return unseen(id, title, "there are no two layers")
    shares = []
    for look in looks[1:] or looks:
        ratio = gradient_ratio(p.gradient for p in _depths(look))
        if math.isfinite(ratio):
            shares.append(ratio)
    if not shares:
        return unseen(id, title, "no gradient was seen")
    # Adam makes long steps of small gradients, and the weights grow out of it: look early, too.
    share, early = median(shares), median(shares[:3])
    if early < VANISHING / 5:
        share = min(share, early)
    depths = _depths(looks[-1])
    picture = Picture(
        "How much gradient reaches each layer?",
        "bars",
        (Series("gradient", tuple(range(len(depths))), tuple(p.gradient for p in depths)),),
        names=tuple(p.name for p in depths),
        x_label="layer",
        log=True,
    )
    measured = f"{depths[0].name} gets {share:.1e} of the largest gradient behind it"
    rests = case.data is not None and case.ended > 0.97 * case.data.entropy
    expected = f"more than {VANISHING:g}"
    if share < VANISHING or (share < VANISHING_NOTICE and rests):
        sure = 0.6 + min(0.3, 0.1 * max(0.0, math.log10(VANISHING / max(share, 1e-12))))
        return failed(id, title, measured, expected, sure, depths[0].name, picture)
    return passed(id, title, measured, expected, picture)


def gradient_calm(case: Evidence) -> Check:
    """The gradient does not explode."""
    id, title = "exploding_gradient", "a gradient that does not explode"
    norms = []
    for look in case.observations:
        sizes = [(p.gradient, math.prod(p.shape)) for p in look.parameters if p.gradient >= 0]
        if sizes:
            norms.append((look.step, gradient_norm(sizes), max(1.0, abs(look.loss))))
    if not norms:
        return unseen(id, title, "no gradient was seen")
    picture = Picture(
        "How large is the gradient?",
        "lines",
        (Series("norm", tuple(s for s, _, _ in norms), tuple(n for _, n, _ in norms)),),
        log=True,
        levels=(("too large", EXPLODING_NOTICE),),
    )
    top = max(n for _, n, _ in norms)
    often = sum(1 for _, n, _ in norms if n > EXPLODING_NOTICE) / len(norms)
    measured = f"its norm is {median([n for _, n, _ in norms]):.3g}, at most {top:.3g}"
    expected = f"below {EXPLODING_NOTICE:g}"
    if not math.isfinite(top) or top > EXPLODING or often > 0.3:
        sure = 0.55 + min(0.35, 0.1 * math.log10(max(1.0, min(top, 1e9) / EXPLODING_NOTICE)))
        return failed(id, title, measured, expected, sure, "the gradient", picture)
    return passed(id, title, measured, expected, picture)


def units_live(case: Evidence) -> Check:
    """Most relu units are above zero for some example."""
    id, title = "dead_units", "live units (no dead relu)"
    activated = [
        (look, x)
        for look in case.observations
        for x in look.layers
        if x.nonlinearity == "relu" and not x.is_output
    ]
    if not activated:
        return unseen(id, title, "there is no relu")
    last = case.observations[-1]
    now = [x for look, x in activated if look is last] or [activated[-1][1]]
    picture = Picture(
        "How many units are dead on this batch?",
        "bars",
        (Series("share", tuple(range(len(now))), tuple(x.dead for x in now)),),
        names=tuple(x.name for x in now),
        x_label="layer",
        levels=(("too many", DEAD),),
    )
    worst = max(now, key=lambda x: x.dead)
    measured = f"{worst.dead:.0%} of {worst.name}'s units are never above zero"
    if worst.dead > DEAD:
        early = [
            x.dead for look, x in activated if x.name == worst.name and look is case.observations[0]
        ]
        sure = 0.45 + 0.4 * worst.dead + (0.1 if early and early[0] > DEAD else 0.0)
        return failed(id, title, measured, f"below {DEAD:.0%}", sure, worst.name, picture)
    return passed(id, title, measured, f"below {DEAD:.0%}", picture)


def curve(case: Evidence) -> Picture:
    """Return the curve of the loss, calmed."""
    levels = [("uniform guess", case.uniform)] if math.isfinite(case.uniform) else []
    levels += [(name, value) for name, value in case.floors.items() if name in ("pair", "triple")]
    return Picture(
        "Loss",
        "lines",
        (Series("loss", tuple(thin(case.steps)), tuple(thin(calm(case.losses)))),),
        levels=tuple(levels),
    )


def swings_little(case: Evidence) -> Check:
    """The loss does not swing from step to step, nor in waves."""
    id, title = "oscillation", "a loss that does not oscillate"
    losses = case.losses[np.isfinite(case.losses)]
    if len(losses) < 60 or (len(case.steps) > 1 and case.steps[1] - case.steps[0] > 1):
        return unseen(id, title, "too few steps were seen, or too many to see each")
    late = losses[len(losses) // 4 :]
    rest = late - np.convolve(np.pad(late, 2, mode="edge"), np.ones(5) / 5, "valid")
    size = float(rest.std() / (abs(late.mean()) + 1e-12))
    echo = float(np.corrcoef(rest[:-1], rest[1:])[0, 1]) if rest.std() > 0 else 0.0
    # White noise less its mean over five has a correlation of about -0.25 from step to step.
    measured = f"from step to step it moves by {size:.1%}, with a correlation of {echo:.2f}"
    if echo < -0.7 and size > 0.01:
        return failed(id, title, measured, "about -0.3", 0.75, "the learning rate", curve(case))
    waves = _waves(losses)
    if waves >= 3:
        measured = f"it rose and fell again {waves} times"
        return failed(
            id, title, measured, "falls", 0.6, "the learning rate or momentum", curve(case)
        )
    return passed(id, title, measured, "about -0.3", curve(case))


def _waves(losses: np.ndarray) -> int:
    """Count rises that noise does not explain, each followed by a fall."""
    count_of_parts = min(50, len(losses) // 12)
    if count_of_parts < 10:
        return 0  # too few losses in each to know their noise
    parts = np.array_split(losses[len(losses) // 10 :], count_of_parts)
    means = np.array([p.mean() for p in parts])
    noise = np.array([p.std() / math.sqrt(len(p)) for p in parts]).mean()
    low, rising, count, high = means[0], False, 0, means[0]
    for value in means[1:]:
        if not rising:
            low = min(low, value)
            if value > low + max(8 * noise, 0.25 * abs(low)):
                rising, high = True, value
        else:
            high = max(high, value)
            if value < high - max(8 * noise, 0.15 * abs(high)):
                rising, low = False, value
                count += 1
    return count


def _rate_ended(case: Evidence) -> str:
    """Say when the learning rate has long fallen to nothing; "" if it has not."""
    points = [(look.step, look.lr) for look in case.observations if look.lr > 0]
    if len(points) < 5 or points[-1][0] < 100:
        return ""
    top = max(rate for _, rate in points)
    gone = [step for step, rate in points if rate < 3e-3 * top]
    if gone and gone[0] < 0.6 * points[-1][0] and points[-1][1] < 3e-3 * top:
        return f"from step {gone[0]} on the learning rate is less than 1/300 of what it was"
    return ""


def still_falls(case: Evidence) -> Check:
    """The loss does not rest where a guess by frequency would be."""
    id, title = "plateau", "the loss gets below a mere guess"
    if len(case.losses) < 100 or not case.first:
        return unseen(id, title, "too few steps were seen")
    entropy = case.data.entropy if case.data else math.nan
    guess = entropy if math.isfinite(entropy) else case.first.criterion.uniform
    kind = case.first.criterion.kind
    ended = _rate_ended(case)
    if ended:
        return failed(id, title, ended, "steps to the end", 0.7, "the learning rate", curve(case))
    if not math.isfinite(guess) or guess <= 0 or not kind:
        return unseen(id, title, "what a guess would be is not known")
    if kind in ("mse_loss", "square"):
        guess = case.first.criterion.uniform
    means = case.smooth(20)
    moving = means[len(means) // 2] - means[-1] > 0.01 * abs(means[-1])
    measured = f"it is {case.ended:.3g}, a guess by frequency {guess:.3g}"
    if case.ended > 0.97 * guess and not moving:
        return failed(id, title, measured, "clearly less", 0.5, "", curve(case))
    return passed(id, title, measured, "clearly less", curve(case))


RULES = (
    numbers,
    step_down,
    gradients_fresh,
    gradient_arrives,
    gradient_calm,
    units_live,
    swings_little,
    still_falls,
)
