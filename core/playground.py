"""What a playground is: one subject, its data, models, loss and use, in one folder."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

import torch
from torch import Tensor, nn

from .errors import UserError
from .telemetry.events import Array

if TYPE_CHECKING:
    from .switches import Switches
    from .training.checkpoint import Checkpoint
    from .training.recipe import Recipe

Batch = tuple[Tensor, Tensor]
Tell = Callable[[str, float], None]
"""Is told in words what is being done, and the share of it that is done, 0 to 1."""
Cancelled = Callable[[], bool]
"""Is asked now and then whether the person has changed their mind."""
Vocabulary = Mapping[str, Any]
"""What a network's numbers stand for, as plain values for JSON; kept with its weights."""


def scaled(size: int, factor: float, most: int) -> int:
    """Return a size so many times as large, from 1 to ``most``."""
    return min(most, max(1, round(factor * size)))


class TrainingSet(Protocol):
    """What a run trains on."""

    def __len__(self) -> int:
        """How many examples there are."""
        ...

    @property
    def contents(self) -> Tensor:
        """What the examples are made of: a row for each, or the tokens of a text (N,)."""
        ...

    def batch(self, indices: Tensor, recipe: Any, generator: torch.Generator) -> Batch:
        """Return inputs and targets of these examples, ready for the model."""
        ...


class Playground(ABC):
    """One subject. A folder in ``core/playgrounds`` offers an instance named ``PLAYGROUND``.

    The type of the data is the playground's own affair: whoever drives it hands on what
    :meth:`load` gave.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    about: ClassVar[str]
    recipe_type: ClassVar[type["Recipe"]]
    recipes: ClassVar[Mapping[str, "Recipe"]]
    """Recipes by name; the first is the default."""
    models: ClassVar[tuple[str, ...]]
    quick_eval_examples: ClassVar[int | None] = None
    """How many examples a network that is opened is evaluated on; None for all."""
    spare: ClassVar[int] = 0
    """How many of its outputs may be there in case, without ever being an answer."""
    sampled: ClassVar[int] = 0
    """How many of its samples show what it can do; 0 if it makes nothing."""
    reads_drawings: ClassVar[bool] = False
    """Whether it has ``read(model, recipe, picture)``, probabilities for what a person drew."""
    switches: ClassVar["Switches | None"] = None
    """What lesson 6 adds to a plain recipe, one after another; None for nothing."""
    streams: ClassVar[bool] = False
    """Whether its samples are long enough to be told while they are made."""

    @abstractmethod
    def load(self, source: Path | None) -> Any:
        """Return the data: the full set from a data folder, else the bundled one.

        Raises:
            UserError: the source is a file that this playground can't learn from, or is damaged.
        """

    @abstractmethod
    def dataset(self, data: Any, recipe: Any) -> str:
        """Say in words which data a recipe trains on: this, or what it makes itself."""

    def vocabulary(self, data: Any, recipe: Any) -> Vocabulary:
        """Say what a network's inputs and outputs stand for, where the data decides it.

        Raises:
            UserError: the data does not allow what the recipe asks for.
        """
        return {}

    def sizes(self, data: Any, recipe: Any) -> tuple[int, int]:
        """Return how many symbols a vocabulary has, and how many examples there are to learn from.

        By them a training's memory is estimated before it begins; 0 symbols where the data does
        not decide them.

        Raises:
            UserError: the data does not allow what the recipe asks for.
        """
        return 0, 1

    def get_ready(  # noqa: B027, most have nothing to do here
        self, data: Any, recipe: Any, tell: Tell
    ) -> None:
        """Do now what a run with this data would wait for, and tell how far it is.

        Raises:
            UserError: the data does not allow what the recipe asks for.
            CancelledError: nobody waits for it any more; nothing half-done is kept.
        """

    def describe_data(
        self, data: Any, vocabulary: Vocabulary, recipe: Any = None
    ) -> Mapping[str, Any]:
        """Return what a screen shows of the data itself: frozen values and arrays, by name.

        Args:
            data: what :meth:`load` gave.
            vocabulary: of the network that it is shown beside; {} for none.
            recipe: of that network; None for none.
        """
        return {}

    @abstractmethod
    def build(self, recipe: Any, vocabulary: Vocabulary, initialised: bool = True) -> nn.Module:
        """Make the model of a recipe; without initial weights where a checkpoint brings them.

        A model that learns without a gradient has ``observe(inputs, targets)``; it is shown all
        examples at once, in a single step.

        Raises:
            UserError: no such vocabulary is possible.
        """

    @abstractmethod
    def example_input(self, recipe: Any, examples: int, tokens: int) -> Tensor:
        """Return zeros as the recipe's model takes them in, to see what it does with their shape.

        Args:
            recipe: of the model.
            examples: how many.
            tokens: of each, where the model takes any number of them that its context holds.
        """

    @abstractmethod
    def prepare(
        self, data: Any, recipe: Any, vocabulary: Vocabulary, device: torch.device
    ) -> TrainingSet:
        """Return the examples that a recipe's model trains on, with their tensors on that device.

        Raises:
            UserError: the data has what the vocabulary lacks.
        """

    @abstractmethod
    def held_out(
        self, data: Any, recipe: Any, vocabulary: Vocabulary, device: torch.device
    ) -> TrainingSet:
        """Return the examples that validate, in the form of those that are trained on.

        Raises:
            UserError: the data has what the vocabulary lacks.
        """

    def baselines(self, data: Any, recipe: Any, vocabulary: Vocabulary) -> Mapping[str, float]:
        """Return the validation loss of the simplest predictors, by name, the simplest first.

        Their unit is that of ``val_loss``. ``pair`` is the best that one token of context allows.
        """
        return {}

    def resized(self, recipe: Any, factor: float) -> dict[str, Any]:
        """Return the settings of the same model, so many times as wide; {} if it has no width."""
        return {}

    @abstractmethod
    def loss(self, recipe: Any, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return the loss of a batch, one number."""

    def loss_unit(self, recipe: Any) -> str:
        """Return what a recipe's loss is measured in; "" for nothing that has a name."""
        return "nats"

    def evaluated_recipe(self, recipe: Any) -> Any:
        """Return a recipe whose loss judges: without what is added to it for training alone."""
        return recipe

    def loss_difference(self, recipe: Any) -> str:
        """Return a sentence where the training loss is another one than that on validation data."""
        judged, mine = self.evaluated_recipe(recipe).to_dict(), recipe.to_dict()
        changed = [key for key, value in mine.items() if judged[key] != value]
        if not changed:
            return ""
        words = " and ".join(recipe.settings()[key].label.lower() for key in changed)
        return (
            f"The training loss is with {words}, the validation loss without: don't compare them."
        )

    def correct(self, outputs: Tensor, targets: Tensor) -> Tensor | None:
        """Return the share of right answers of a batch, one number; None where none is right."""
        return None

    @abstractmethod
    def uniform_loss(self, recipe: Any, vocabulary: Vocabulary) -> float:
        """Return the loss of a network that thinks every answer equally likely."""

    @abstractmethod
    def validate(
        self, model: nn.Module, data: Any, recipe: Any, limit: int | None = None
    ) -> tuple[dict[str, float], dict[str, Array]]:
        """Judge a model on validation data: ``val_loss`` and more, and arrays for pictures.

        Raises:
            UserError: the model was made for another vocabulary than that of the data.
        """

    @abstractmethod
    def test(self, model: nn.Module, data: Any, recipe: Any) -> dict[str, float]:
        """Judge a model on the data kept for the end: the metrics of ``evaluate``.

        Raises:
            UserError: the model was made for another vocabulary than that of the data.
        """

    def fetch(self, folder: Path, progress: Tell, cancelled: Cancelled) -> None:
        """Download the full data set into a data folder, checked and whole.

        Raises:
            UserError, CancelledError: see :func:`core.download.fetch`.
        """
        raise UserError(f"The {self.name} playground has no data to download.")

    def fitted(self, weights: Mapping[str, Tensor], model: nn.Module) -> Mapping[str, Tensor]:
        """Return a checkpoint's weights as a model of some other settings takes them.

        Args:
            weights: by name.
            model: has weights of its own already.
        """
        return weights

    def write_foreign(self, checkpoint: "Checkpoint", out: Path) -> None:
        """Write a network as Hugging Face has it, in a folder, whole or not at all.

        Raises:
            UserError: it can't be expressed there, or can't be written.
        """
        raise UserError(
            f"A network of {self.name} has no form of Hugging Face's; only those of text have one."
        )

    def read_foreign(self, path: Path) -> "Checkpoint | None":
        """Return a network that another program wrote; None where it is none of this subject.

        Args:
            path: of a file, or of the folder that it lies in.

        Raises:
            UserError: it is one, and is damaged or can't be used here.
        """
        return None

    def predict(self, model: nn.Module, recipe: Any, image: Path) -> dict[str, Any]:
        """Answer for an image file.

        Raises:
            UserError: this playground reads no images, or can't read this one.
        """
        raise UserError(f"The {self.name} playground reads no images; use sample.")

    def sample(
        self,
        model: nn.Module,
        recipe: Any,
        tell: Callable[[str], None] | None = None,
        **options: Any,
    ) -> dict[str, Any]:
        """Make something new, after a prompt: ``samples`` and ``tokens_per_second``.

        A ``note`` says it where the prompt was read otherwise than it was written.

        Args:
            model: the network.
            recipe: how it was made.
            tell: is handed the text of the first sample as it is made, where that takes a while;
                the playground's ``streams`` says whether it will be.
            options: prompt, count, tokens, temperature, top_k, top_p, seed.

        Raises:
            UserError: this playground makes nothing new, or an option is impossible.
        """
        raise UserError(f"The {self.name} playground makes nothing new; use predict with an image.")

    def recipe_on(self, device: str) -> tuple[str, str]:
        """Return which recipe a device is best begun with, and why; "" for the default.

        Args:
            device: its type: cpu, cuda or mps.
        """
        return next(iter(self.recipes)), ""

    def recipe_for(self, model: str | None = None, name: str | None = None) -> "Recipe":
        """Return the recipe of that name, or the first one for that model, or the default.

        Raises:
            UserError: there is none of that name or for that model.
        """
        if name is not None and name not in self.recipes:
            known = ", ".join(f"'{each}'" for each in self.recipes)  # a comma may be part of one
            raise UserError(f"There is no recipe '{name}' for {self.name}; there are {known}.")
        if model is not None and model not in self.models:
            known = ", ".join(self.models)
            raise UserError(f"There is no model '{model}' for {self.name}; there are {known}.")
        if name is not None:
            recipe = self.recipes[name]
            return recipe.replace({"model": model}) if model else recipe
        fitting = [r for r in self.recipes.values() if model in (None, r.to_dict()["model"])]
        return fitting[0]
