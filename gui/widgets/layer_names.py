"""What layers are called on the screen."""

from core.telemetry.events import LayerInfo


def layer_title(info: LayerInfo) -> str:
    """Return a layer's name for a person: conv.0 is conv 1, blocks.0.attend block 1 attend."""
    parts = [str(int(part) + 1) if part.isdigit() else part for part in info.name.split(".")]
    if len(parts) == 3:
        parts[0] = parts[0].removesuffix("s")
    return " ".join(parts)
