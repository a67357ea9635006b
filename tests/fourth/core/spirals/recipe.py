"""What can be chosen when spirals are learned."""

from dataclasses import dataclass

from core.training.recipe import ACTIVATIONS, INIT_FIXES, INITS, Recipe, Trait, setting, shared

MODELS = ("mlp",)


@dataclass(frozen=True)
class SpiralsRecipe(Recipe):
    """The settings of a training on spirals."""

    lr: float = shared("lr", 1e-2)
    batch_size: int = shared("batch_size", 64)
    model: str = setting("mlp", "Model", "Model", "Hidden layers of any size.", choices=MODELS)
    hidden: tuple[int, ...] = setting(
        (32, 32), "Model", "Hidden layers", "The sizes of the hidden layers.", low=1, high=512
    )
    activation: str = setting(
        "tanh", "Model", "Activation", "The nonlinearity.", choices=ACTIVATIONS
    )
    init: str = setting(
        "kaiming", "Model", "Initialisation", "The scale.", choices=INITS, fixes=INIT_FIXES
    )
    gain: float = setting(0.1, "Model", "Gain", "Of a normal initialisation.", low=0.0, high=10.0)

    def traits(self) -> Trait:
        """Return what its network and its data have."""
        found = super().traits() | Trait.DESCENT | Trait.HIDDEN | Trait.ACTIVATIONS
        return found | Trait.DENSE | Trait.CONFIGURABLE | Trait.CROSS_ENTROPY


RECIPES = {"spirals": SpiralsRecipe()}
