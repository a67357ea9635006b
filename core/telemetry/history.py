"""The curves of a run, bounded in size however long it lasts."""

import numpy as np

from core.telemetry.events import Array, Evaluated, Metrics, Snapshot

LIMIT = 4096


class Curve:
    """Points (step, value); beyond the limit neighbours are averaged, so no part is lost."""

    def __init__(self, limit: int = LIMIT) -> None:
        self._x = np.empty(limit)
        self._y = np.empty(limit)
        self._count = 0
        self._stride = 1
        self._pending: list[tuple[float, float]] = []

    def extend(self, x: Array, y: Array) -> None:
        """Append points; x ascends."""
        for point in zip(x.tolist(), y.tolist(), strict=True):
            self._pending.append(point)
            if len(self._pending) >= self._stride:
                self._keep()

    def _keep(self) -> None:
        if self._count == len(self._x):
            half = self._count // 2
            self._x[:half] = self._x[: 2 * half].reshape(half, 2).mean(axis=1)
            self._y[:half] = self._y[: 2 * half].reshape(half, 2).mean(axis=1)
            self._count = half
            self._stride *= 2
            return  # the pending group grows to the new stride first
        self._x[self._count], self._y[self._count] = np.mean(self._pending, axis=0)
        self._count += 1
        self._pending.clear()

    @property
    def x(self) -> Array:
        """The steps, ascending; the last one stands for those that wait to be averaged."""
        return self._with_pending(self._x, 0)

    @property
    def y(self) -> Array:
        """The values, one a step."""
        return self._with_pending(self._y, 1)

    def _with_pending(self, kept: Array, part: int) -> Array:
        if not self._pending:
            return kept[: self._count]
        newest = self._pending[-1][0] if part == 0 else np.mean(self._pending, axis=0)[part]
        return np.append(kept[: self._count], newest)

    def smoothed(self, window: int = 0) -> Array:
        """Return the values averaged over a trailing window (default: a fortieth of them)."""
        values = self.y
        window = window or max(1, len(values) // 40)
        padded = np.concatenate([np.zeros(1), np.cumsum(values)])
        ends = np.arange(1, len(values) + 1)
        starts = np.maximum(0, ends - window)
        with np.errstate(invalid="ignore"):  # from an infinite loss on, there is no mean
            smooth: Array = (padded[ends] - padded[starts]) / (ends - starts)
        return smooth


class History:
    """What a run has shown so far, from its events."""

    def __init__(self) -> None:
        self.loss = Curve()
        self.accuracy = Curve()
        self.evaluations: dict[str, Curve] = {}
        self.layers: list[dict[str, Curve]] = []

    def add(self, event: object) -> None:
        """Take what an event adds to a curve; other events pass."""
        if isinstance(event, Metrics):
            first = event.step - len(event.losses) + 1
            self.loss.extend(np.arange(first, event.step + 1), event.losses)
            _append(self.accuracy, event.step, event.accuracy)
        elif isinstance(event, Evaluated):
            for name, value in event.metrics.items():
                _append(self.evaluations.setdefault(name, Curve()), event.step, value)
        elif isinstance(event, Snapshot):
            self._add_snapshot(event)

    def _add_snapshot(self, snapshot: Snapshot) -> None:
        if not self.layers:
            self.layers = [{} for _ in snapshot.layers]
        for curves, stats in zip(self.layers, snapshot.layers, strict=True):
            for name in LAYER_CURVES:
                _append(curves.setdefault(name, Curve(512)), snapshot.step, getattr(stats, name))


LAYER_CURVES = ("mean", "std", "saturated", "dead", "gradient_std", "update_to_data")


def _append(curve: Curve, step: int, value: float) -> None:
    curve.extend(np.array([step]), np.array([value]))
