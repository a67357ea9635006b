"""What layers are called on the screen."""

from core.telemetry.events import LayerInfo


def layer_title(info: LayerInfo) -> str:
    """Return a layer's name for a person: ``conv.0`` is conv 1."""
    name, _, number = info.name.rpartition(".")
    return f"{name} {int(number) + 1}" if name and number.isdigit() else info.name
