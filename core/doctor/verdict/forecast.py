"""The loss forecast: what twice the steps, or those that are planned, would bring, and how sure.

A curve is fitted by several families: a power law that falls to a floor (Hestness et al. 2017;
Kaplan et al. 2020), one without a floor, an exponential, a logarithm, and none at all (it has
settled). Each is fitted to earlier parts of the curve and held against what came then; the better
it foretold that, the more it counts (as in Domhan et al. 2015, where curves are weighted by how
well they fit). How far they missed, how far they differ, and the noise of the losses, resampled,
make the band in which the loss will be in four of five cases.

Time is counted in learning rate that was spent, and a higher rate costs a loss that is gone when it
falls: L = f(sum of rates) + d * rate (Tissue et al. 2024, scaling law with learning rate
annealing).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from ...telemetry.events import Array
from ..diagnosis import WORTH_IT, Z80, Forecast, Picture, Series
from ..evidence import Evidence
from ..experiments.training_copies import Longer

MIN_POINTS = 8
PARTS = 40
"""Means that are made of the losses of all steps."""
EXPONENTS = (0.1, 0.2, 0.35, 0.5, 0.75, 1.0, 1.5, 2.0)
DECAYS = (0.1, 0.2, 0.35, 0.6, 1.0, 1.7)
"""Time constants, as parts of the whole time."""
FAMILIES = ("power law with a floor", "power law", "exponential", "logarithm", "settled")
STARTS = (0.05, 0.35, 0.5)
"""Parts of the time that a fit leaves out at the beginning."""
CUTS = (0.3, 0.5, 0.7)
"""Parts of the time after which the rest is held out."""
SHARPNESS = 0.25
"""The power of its error with which a fit counts less; what misses once may foresee the next."""
LEAST_ERROR = 0.008
"""No fit is trusted to be nearer than this part of the loss."""
UNTRIED = 0.1
"""What a fit is taken to miss where there are too few points to hold it against."""
RESAMPLED = 24
NARROWED = 0.5
"""By this the band is narrowed, so that it holds 80 % of what was tried (``bench.forecast``)."""
LEAST_SIZE = 0.3
"""Part of the last losses below which a loss counts no more for being small."""
ANNEALED, ANNEALED_SPREAD = 0.035, 0.03
"""The part of the loss that a rate at its maximum costs, before anything is known; its spread."""
AHEAD = 24
"""Points of a picture's forecast."""
COPIES_MISS = 0.35
"""The part of what copies say that twice the steps bring, by which they miss."""
NOISE = 0.004
"""The part of the loss by which two equal trainings differ, about."""
NAMES = {"validation": "validation", "training": "training, mean"}
LABELS = {"validation": "loss on new data", "training": "loss on training batches"}
FORECAST = "forecast, 80 % band"


@dataclass(frozen=True)
class Schedule:
    """The learning rate over the steps; without points it stays the same.

    Attributes:
        steps, rates: known points, ascending.
    """

    steps: Sequence[float] = ()
    rates: Sequence[float] = ()

    def spent(self, at: Array, now: float) -> Array:
        """Return time in steps at the highest rate, and the rate as a part of it, (n, 2).

        Beyond the last known point the whole schedule is meant to be longer: a rate that has
        decayed to its end does not go on.

        Args:
            at: steps, (n,).
            now: the step up to which it was trained.
        """
        at = np.asarray(at, float)
        if len(self.steps) < 2 or max(self.rates) <= 0:
            return np.stack([at, np.ones_like(at)], 1)
        x, y = np.asarray(self.steps, float), np.asarray(self.rates, float) / max(self.rates)
        known = max(now, x[-1])
        longer = np.maximum(at / known, 1.0)
        within = np.minimum(at, known)
        grid = np.unique(np.concatenate([[0.0, known], x, within]))
        rate = np.interp(grid, x, y)
        sums = np.concatenate([[0.0], np.cumsum(np.diff(grid) * (rate[1:] + rate[:-1]) / 2)])
        return np.stack([np.interp(within, grid, sums) * longer, np.interp(within, grid, rate)], 1)


@dataclass(frozen=True)
class Band:
    """What a loss will be at some steps.

    Attributes:
        steps: (n,).
        median, low, high: (n,); between the latter it is in four of five cases.
        now: the loss at the end of what is known, without its noise.
        chance: that the last of them is lower by a hundredth or more.
    """

    steps: Array
    median: Array
    low: Array
    high: Array
    now: float
    chance: float


def means_of(steps: Array, losses: Array, parts: int = PARTS) -> tuple[Array, Array]:
    """Return the mean losses of equal parts of a training, and the step amid each."""
    good = np.isfinite(losses)
    x, y = np.asarray(steps, float)[good] + 1, np.asarray(losses, float)[good]
    count = min(parts, len(x) // 3)
    if not count:
        return x[:0], y[:0]
    pieces = np.array_split(np.arange(len(x)), count)
    return np.array([x[p].mean() for p in pieces]), np.array([y[p].mean() for p in pieces])


def unforeseeable(steps: Array, losses: Array) -> str:
    """Return why a curve of some points, (n,) each, can't be forecast; "" if it can."""
    if not np.isfinite(losses).all():
        return "the loss is NaN or infinite"
    if len(losses) < MIN_POINTS:
        return f"there are {len(losses)} points of the curve, and {MIN_POINTS} are needed"
    quarter = max(2, len(losses) // 4)
    begin, end = float(losses[:2].mean()), float(losses[-quarter:].mean())
    rest = losses[-2 * quarter :]
    noise = float(np.abs(np.diff(rest)).mean()) / quarter**0.5 + 1e-12
    before = float(rest[: len(rest) - quarter].mean())
    lowest = min(float(losses[i : i + quarter].mean()) for i in range(len(losses) - quarter + 1))
    if end > max(before, lowest) + 2 * noise and end > lowest + 0.01 * abs(lowest):
        return "the loss rises"
    if end > begin - noise:
        return "the loss does not fall"
    return ""


def forecast(
    steps: Array,
    losses: Array,
    targets: Array,
    schedule: Schedule | None = None,
    now: float = 0,
    floor: float = 0.0,
) -> Band | str:
    """Forecast a curve; return in words why it can't be done, if so.

    Args:
        steps: ascending, (n,), from 1 on.
        losses: on new data there, or the mean training losses around there, (n,).
        targets: the steps that are asked for, (m,).
        schedule: the learning rate as far as it is known, also ahead; None for a constant one.
        now: the step up to which it was trained, if that is more than the last point's.
        floor: below which no loss comes; what is above it is what falls.
    """
    losses = losses - floor
    good = np.isfinite(losses)
    if good[-MIN_POINTS // 2 :].all():
        steps, losses = steps[good], losses[good]
    if why := unforeseeable(steps, losses):
        return why
    x, y = np.asarray(steps, float), np.asarray(losses, float)
    now = max(now, x[-1])
    schedule = schedule or Schedule()
    asked = np.concatenate([[now], np.asarray(targets, float)])
    time = schedule.spent(np.concatenate([x, asked]), now)
    known, ahead = time[: len(x)], time[len(x) :]
    varies = bool(np.ptp(time[:, 1]) > 0.02)
    fits = [(family, start) for family in FAMILIES for start in STARTS]
    generator = np.random.default_rng(0)
    found, errors, trust = [], [], []
    scale = float(abs(y[-len(y) // 4 :].mean())) + 1e-12
    for family, start in fits:
        miss = _miss(family, start, known, y, varies)
        fitted = _fit(family, start, known, y, ahead, varies, generator)
        if fitted is not None:
            found.append(fitted)
            errors.append(UNTRIED if miss is None else max(LEAST_ERROR, miss / scale))
            trust.append(errors[-1] ** (-2 * SHARPNESS))
    if not found:
        return "no curve fits it"
    # What was missed for a doubling of the time is missed the more, the farther ahead.
    doublings = np.log2(np.maximum(asked / now, 1.0))
    draws, shares = np.stack(found), np.repeat(trust, RESAMPLED) / np.sum(trust) / RESAMPLED
    noise = scale * np.array(errors)[:, None] * generator.standard_normal(draws.shape[:2])
    middle = draws.reshape(-1, len(asked))
    values = (draws + noise[..., None] * doublings).reshape(-1, len(asked))
    median = _quantile(middle, shares, 0.5)
    values = median + NARROWED * (values - median)
    if y.min() >= 0:
        values, median = np.maximum(values, 0.0), np.maximum(median, 0.0)
    low, high = (_quantile(values, shares, q) for q in (0.1, 0.9))
    low, high = np.minimum(low, median) + floor, np.maximum(high, median) + floor
    median, values = median + floor, values + floor
    chance = float(shares[values[:, -1] < (1 - WORTH_IT) * median[0]].sum())
    return Band(asked[1:], median[1:], low[1:], high[1:], float(median[0]), chance)


def _quantile(values: Array, shares: Array, q: float) -> Array:
    """Return the weighted quantile of each column of (n, m)."""
    order = values.argsort(0)
    sums = shares[order].cumsum(0)
    places = (sums < q * sums[-1]).sum(0).clip(0, len(values) - 1)
    found: Array = np.take_along_axis(values, order, 0)[places, np.arange(values.shape[1])]
    return found


def _shapes(family: str, time: Array, whole: float) -> Array:
    """Return what a family's curve is made of for each of its shapes, (shapes, n)."""
    part = np.maximum(time, 1e-9) / whole
    if family.startswith("power"):
        return np.stack([part**-c for c in EXPONENTS])
    if family == "exponential":
        return np.stack([np.exp(-part / k) for k in DECAYS])
    if family == "logarithm":
        return -np.log(part)[None]
    return np.zeros((1, len(part)))


def _bases(family: str, time: Array, whole: float, scale: float, varies: bool) -> Array:
    """Return the columns that are weighted, (shapes, n, columns)."""
    shapes = _shapes(family, time[:, 0], whole)
    columns = [] if family == "settled" else [shapes]
    if family != "power law":
        columns.append(np.ones_like(shapes))
    if varies:
        columns.append(np.broadcast_to(scale * time[:, 1], shapes.shape))
    return np.stack(columns, -1)


def _solve(
    family: str, start: float, time: Array, losses: Array, ahead: Array, varies: bool
) -> tuple[Array, Array, Array, Array] | None:
    """Prepare a family's least squares: bases, pseudo-inverses, bases ahead, and the losses."""
    whole = float(time[-1, 0])
    kept = time[:, 0] >= start * whole
    if kept.sum() < 5:
        return None
    time, losses = time[kept], losses[kept]
    scale = float(abs(losses[-max(1, len(losses) // 4) :].mean())) + 1e-12
    bases = _bases(family, time, whole, scale, varies)
    # A miss counts between as it is and as a share of the loss there: the late losses matter.
    heavy = np.maximum(np.abs(losses) / scale, LEAST_SIZE) ** -0.5
    bases, losses = bases * heavy[:, None], losses * heavy
    if varies:
        noise = float(np.abs(np.diff(losses)).mean()) + 1e-3 * scale
        prior = np.zeros((len(bases), 1, bases.shape[-1]))
        prior[..., -1] = noise / ANNEALED_SPREAD
        bases = np.concatenate([bases, prior], 1)
        losses = np.append(losses, ANNEALED * noise / ANNEALED_SPREAD)
    return bases, np.linalg.pinv(bases), _bases(family, ahead, whole, scale, varies), losses


def _predict(
    family: str, bases: Array, inverses: Array, ahead: Array, losses: Array
) -> tuple[Array, Array] | None:
    """Fit (n, draws) losses; return what is ahead, (draws, m), and the fit of the first, (n,)."""
    weights = inverses @ losses
    errors = np.square(bases @ weights - losses).sum(1)
    if family != "settled":
        errors[weights[:, 0] < 0] = np.inf
    if family == "power law with a floor" and losses.min() >= 0:
        errors[weights[:, 1] < 0] = np.inf
    best = errors.argmin(0)
    draws = np.arange(losses.shape[1])
    if not np.isfinite(errors[best[0], 0]):
        return None
    chosen = weights[best, :, draws]
    found: Array = np.einsum("bmk,bk->bm", ahead[best], chosen)
    return found, bases[best[0]] @ chosen[0]


def _fit(
    family: str,
    start: float,
    time: Array,
    losses: Array,
    ahead: Array,
    varies: bool,
    generator: np.random.Generator,
) -> Array | None:
    """Return what a family says of the times ahead, with the noise resampled: (draws, m)."""
    made = _solve(family, start, time, losses, ahead, varies)
    if made is None:
        return None
    bases, inverses, beyond, known = made
    first = _predict(family, bases, inverses, beyond, known[:, None])
    if first is None:
        return None
    rest = known - first[1]
    drawn = first[1][:, None] + generator.choice(rest, (len(known), RESAMPLED))
    if varies:
        noise = known[-1] * ANNEALED_SPREAD / ANNEALED
        drawn[-1] = known[-1] + noise * generator.standard_normal(RESAMPLED)
    again = _predict(family, bases, inverses, beyond, drawn)
    return None if again is None else again[0]


def _miss(family: str, start: float, time: Array, losses: Array, varies: bool) -> float | None:
    """Return how far a family missed the rest of the curve, for a doubling of the time."""
    found = []
    for cut in CUTS:
        seen = time[:, 0] <= cut * time[-1, 0]
        if seen.sum() < 5:
            continue
        made = _solve(family, start, time[seen], losses[seen], time[~seen], varies)
        if made is None:
            continue
        bases, inverses, beyond, known = made
        got = _predict(family, bases, inverses, beyond, known[:, None])
        if got is None:
            continue
        error = got[0][0] - losses[~seen]
        tail = max(1, len(error) // 3)
        found.append(float(error[-tail:].mean()))
    return float(np.sqrt(np.mean(np.square(found)))) if found else None


# Of a training.


def forecast_of(evidence: Evidence) -> Forecast | str:
    """Forecast the loss of a training; return in words why it can't be done, if so.

    The loss on new data counts where it was measured often enough. A training in its
    first half is forecast to the steps that are planned, any other to twice its steps; where
    copies were trained for less time, what they say counts as well.
    """
    longer = evidence.result(Longer)
    curve = _of_curve(evidence)
    if longer is None:
        return curve
    return _with_copies(evidence, longer, curve)


def _of_curve(evidence: Evidence) -> Forecast | str:
    points = [(step, loss) for step, loss in evidence.validations if step > 0]
    on = "validation" if len(points) >= MIN_POINTS else "training"
    if on == "validation":
        x, y = np.array(points, float).T
    elif not np.isfinite(evidence.losses[-max(1, len(evidence.losses) // 20) :]).all():
        return "the loss is NaN or infinite"
    else:
        x, y = means_of(evidence.steps, evidence.losses)
    # How new data is measured is not known: its targets need not be smoothed.
    floor = evidence.loss_floor if on == "training" else 0.0
    floor = floor if y.min(initial=math.inf) >= floor else 0.0
    done = evidence.done
    # Near its end the rest of a run is too short to say whether the loss has settled.
    goes_on = evidence.planned >= 2 * done
    at = evidence.planned if goes_on else 2 * done
    rates = evidence.learning_rates + (evidence.rates_ahead if goes_on else [])
    schedule = Schedule(*zip(*sorted(rates), strict=True)) if rates else Schedule()
    ahead = np.linspace(done, at, AHEAD)
    found = forecast(x, y, ahead, schedule, done, floor)
    if isinstance(found, str):
        return found
    lines = (ahead, found.median, found.low, found.high)
    tail = Series(FORECAST, *(tuple(line.tolist()) for line in lines))
    median, low, high = tail.y[-1], tail.low[-1], tail.high[-1]
    picture = _picture(on, Series(NAMES[on], tuple(x.tolist()), tuple(y.tolist())), tail)
    return Forecast(at, median, low, high, on, found.now, found.chance, picture)


def _with_copies(evidence: Evidence, longer: Longer, curve: Forecast | str) -> Forecast:
    """Return what copies say of twice the steps, together with the curve, each by its certainty."""
    spread = max(NOISE * abs(longer.now), COPIES_MISS * abs(longer.now - longer.twice))
    twice = longer.twice
    if isinstance(curve, Forecast) and curve.on == "validation":
        ratio = longer.now / curve.now if curve.now else 1.0  # other examples, another height
        apart = max(NOISE * abs(longer.now), ratio * (curve.high - curve.low) / (2 * Z80))
        mine, its = spread**-2, apart**-2
        twice = (mine * longer.twice + its * ratio * curve.median) / (mine + its)
        spread = (mine + its) ** -0.5
    low, high = twice - Z80 * spread, twice + Z80 * spread
    now, done = longer.now, evidence.done
    if np.min(evidence.losses, initial=now) >= 0:  # a loss that may be negative has been
        twice, low, high = (max(0.0, value) for value in (twice, low, high))
    least = ((1 - WORTH_IT) * now - twice) / spread
    points = [point for point in evidence.validations if point[0] > 0] or [(done, now)]
    steps, losses = zip(*points, strict=True)
    picture = _picture(
        "validation",
        Series(NAMES["validation"], tuple(map(float, steps)), losses),
        Series(FORECAST, (done, 2 * done), (now, twice), (now, low), (now, high)),
    )
    return Forecast(2 * done, twice, low, high, "validation", now, NormalDist().cdf(least), picture)


def _picture(on: str, known: Series, ahead: Series) -> Picture:
    return Picture("Forecast", "lines", (known, ahead), y_label=LABELS[on])
