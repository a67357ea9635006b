"""The curves of a run, bounded in size however long it lasts."""

from collections.abc import Iterator

import numpy as np

from .events import Array, Evaluated, Metrics, Snapshot

LIMIT = 4096
LAYER_LIMIT = 512


class Curve:
    """Points (step, value); beyond the limit neighbours are averaged, so no part is lost."""

    def __init__(self, limit: int = LIMIT) -> None:
        self._points = np.empty((2, limit))  # steps, values
        self._count = 0
        self._stride = 1
        self._pending = np.empty((2, 0))

    def extend(self, x: Array, y: Array) -> None:
        """Append points; x is ascending."""
        points = np.concatenate([self._pending, np.stack([x, y])], axis=1)
        while points.shape[1] >= self._stride:
            room = self._points.shape[1] - self._count
            if not room:
                self._halve()
                continue
            groups = min(room, points.shape[1] // self._stride)
            taken = groups * self._stride
            means = points[:, :taken].reshape(2, groups, self._stride).mean(axis=2)
            self._points[:, self._count : self._count + groups] = means
            self._count += groups
            points = points[:, taken:]
        self._pending = points

    def _halve(self) -> None:
        """Average every two neighbours, and from now on twice as many points at a time."""
        half = self._count // 2
        pairs = self._points[:, : 2 * half].reshape(2, half, 2)
        self._points[:, :half] = pairs.mean(axis=2)
        self._count = half
        self._stride *= 2

    @property
    def x(self) -> Array:
        """The steps, ascending; the last one is of the points that are not averaged yet."""
        kept = self._points[0, : self._count]
        return np.append(kept, self._pending[0, -1]) if self._pending.size else kept

    @property
    def y(self) -> Array:
        """The values, one a step."""
        kept = self._points[1, : self._count]
        return np.append(kept, self._pending[1].mean()) if self._pending.size else kept

    @property
    def stride(self) -> int:
        """How many points each is the mean of."""
        return self._stride

    @classmethod
    def of(cls, points: Array, stride: int, limit: int = LIMIT) -> "Curve":
        """Return a curve that continues another one.

        Args:
            points: (2, N) its steps and values.
            stride: how many points each of them is the mean of.
            limit: how many points there may be.
        """
        curve = cls(limit)
        curve._count = min(limit, points.shape[1])
        curve._points[:, : curve._count] = points[:, :limit]
        curve._stride = stride
        return curve

    def cut(self, step: float) -> None:
        """Drop what came after a step."""
        self._pending = self._pending[:, :0]
        self._count = int(np.searchsorted(self._points[0, : self._count], step, side="right"))
        if not self._count:
            self._stride = 1

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
    """The curves of a run so far, from its events."""

    def __init__(self) -> None:
        self.loss = Curve()
        self.accuracy = Curve()
        self.seconds = Curve()
        """The seconds of training up to a step."""
        self.rate = Curve()
        """The learning rate."""
        self.evaluations: dict[str, Curve] = {}
        self.layers: list[dict[str, Curve]] = []

    def add(self, event: object) -> None:
        """Add what an event has to the curves; other events are ignored."""
        if isinstance(event, Metrics):
            first = event.step - len(event.losses) + 1
            self.loss.extend(np.arange(first, event.step + 1), event.losses)
            _append(self.accuracy, event.step, event.accuracy)
            _append(self.seconds, event.step, event.seconds)
            _append(self.rate, event.step, event.learning_rate)
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
                _append(
                    curves.setdefault(name, Curve(LAYER_LIMIT)), snapshot.step, getattr(stats, name)
                )

    def curves(self) -> Iterator[tuple[str, Curve]]:
        """Return every curve with a name of its own, dots between its parts."""
        yield from (("loss", self.loss), ("accuracy", self.accuracy))
        yield from (("seconds", self.seconds), ("rate", self.rate))
        for name, curve in self.evaluations.items():
            yield f"evaluations.{name}", curve
        for index, layer in enumerate(self.layers):
            for name, curve in layer.items():
                yield f"layers.{index}.{name}", curve

    def seconds_at(self, steps: Array) -> Array:
        """Return the seconds of training up to these steps; 0 where they are not known yet."""
        if not len(self.seconds.x):
            return np.zeros(len(steps))
        seconds: Array = np.interp(steps, self.seconds.x, self.seconds.y)
        return seconds

    def cut(self, step: float) -> None:
        """Drop what came after a step."""
        for _, curve in self.curves():
            curve.cut(step)


LAYER_CURVES = ("mean", "std", "saturated", "dead", "gradient_std", "update_to_data")


def _append(curve: Curve, step: int, value: float) -> None:
    curve.extend(np.array([step]), np.array([value]))
