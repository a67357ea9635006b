"""What layers are called on the screen: as in PyTorch, and what they do where that says more."""

from core.telemetry.events import LayerInfo

ROLES = {
    "letter": "input-to-hidden",
    "memory": "hidden-to-hidden",
    "attend": "QKV",
    "project": "output projection",
    "expand": "MLP up",
    "contract": "MLP down",
}
"""What a layer does, by the last part of its name, where that is not said by the name."""


def layer_role(info: LayerInfo) -> str:
    """Return what a layer does: ``QKV`` for ``blocks.0.attend``; "" where its name says it."""
    return ROLES.get(info.name.rpartition(".")[2], "")


def layer_title(info: LayerInfo) -> str:
    """Return a layer's name in PyTorch, and what it does: ``conv.0``, ``blocks.0.attend (QKV)``."""
    role = layer_role(info)
    return f"{info.name} ({role})" if role else info.name
