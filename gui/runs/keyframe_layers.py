"""The layer table of a moment of a record: to be looked at, not to be opened."""

import numpy as np

from core.runs.run_info import RunInfo
from core.telemetry.events import Snapshot
from core.telemetry.history import Curve, History
from gui.widgets.layer_table import LayerTable

UPDATE = "update_to_data"


class KeyframeLayers(LayerTable):
    """Shows what the probes saw at a step, and the update line up to there."""

    opens_layers = False

    def show_moment(self, about: RunInfo, history: History, snapshot: Snapshot) -> bool:
        """Show a moment of a run; returns whether anything was seen in it."""
        known = all(UPDATE in layer for layer in history.layers)
        seen = known and len(snapshot.layers) == len(about.layers) == len(history.layers)
        self.set_layers(about.layers, _until(history, snapshot.step) if seen else History())
        if seen:
            self.show_snapshot(snapshot)
        return seen


def _until(history: History, step: int) -> History:
    """Return the layers' curves up to a step."""
    seen = History()
    for layer in history.layers:
        curve = layer[UPDATE]
        points = np.stack([curve.x, curve.y])[:, curve.x <= step]
        seen.layers.append({UPDATE: Curve.of(points, curve.stride, points.shape[1] or 1)})
    return seen
