"""What can be chosen when names are trained, the named recipes, and the compared models."""

from dataclasses import dataclass

from ...errors import UserError
from ...model_comparison import ComparedModel, Measure
from ...switches import Switches
from ...training.footprint import DROPOUT, Footprint, blocks, dense
from ...training.recipe import WIDE, Recipe, Trait, setting, shared

MODELS = ("mlp", "mlp-bn", "wavenet", "gru", "transformer", "bigram", "bigram-count")
HIDDEN = ("mlp", "mlp-bn")
DEEP = ("mlp", "mlp-bn", "wavenet", "gru", "transformer")
ALL = 1_000_000
"""A batch of all examples there are."""
LETTERS = 27
"""Of the names that are shipped, the end mark included."""
USED = 16
"""Letters of the longest names of a batch, about."""


@dataclass(frozen=True)
class NamesRecipe(Recipe):
    """The settings of a training on names. The defaults are the recipe ``tuned mlp``."""

    lr: float = shared("lr", 3e-3)
    weight_decay: float = shared("weight_decay", 0.05)
    batch_size: int = setting(
        512,
        "Training",
        "Batch size",
        "How many letters (for gru and transformer: names) an update is averaged over; a million"
        " takes all there are, as the lecture's bigram does.",
        low=1,
        high=ALL,
    )
    model: str = setting(
        "mlp",
        "Model",
        "Model",
        "The lectures' models, from the simplest up. bigram-count: a table of what follows what."
        " bigram: the same as one layer. mlp: the last letters as points in a space. mlp-bn: deep,"
        " with batch norm. wavenet: pairs of pairs of letters. gru: a memory. transformer:"
        " attention.",
        choices=MODELS,
    )
    context: int = setting(
        8,
        "Model",
        "Context",
        "How many letters back the network sees.",
        low=1,
        fixes={"context_too_short": 8},
        high=64,
        only={"model": DEEP},
    )
    embedding: int = setting(
        32,
        "Model",
        "Embedding",
        "In how many dimensions a letter is a point; for a transformer, the width of everything.",
        low=1,
        high=512,
        only={"model": DEEP},
    )
    hidden: tuple[int, ...] = shared("hidden", (430,), only={"model": HIDDEN})
    activation: str = shared("activation", "tanh", only={"model": HIDDEN})
    width: int = setting(
        128,
        "Model",
        "Units",
        "The units of each layer that fuses neighbours (wavenet), or of the memory (gru).",
        low=1,
        high=2048,
        only={"model": ("wavenet", "gru")},
    )
    depth: int = setting(
        4,
        "Model",
        "Blocks",
        "How many blocks of attention and thought stand one after another.",
        low=1,
        high=16,
        only={"model": ("transformer",)},
    )
    heads: int = setting(
        4,
        "Model",
        "Heads",
        "How many things a block can look for at once; they share the embedding's dimensions.",
        low=1,
        high=64,
        only={"model": ("transformer",)},
    )
    smoothing: float = setting(
        1.0,
        "Model",
        "Smoothing",
        "Every pair of letters counts as seen this many times more, so that none is impossible.",
        low=1e-6,
        high=1e6,
        only={"model": ("bigram-count",)},
    )
    init: str = shared("init", "kaiming")
    gain: float = shared("gain", 1.0)
    dropout: float = shared("dropout", 0.1, only={"model": DEEP})

    memory_dropout: float = setting(
        0.0,
        "Model",
        "Memory dropout",
        "The share of what a letter adds to the memory that is left out at random (Semeniuta et al."
        " 2016), against overfitting.",
        low=0.0,
        high=0.9,
        only={"model": ("gru",)},
    )

    precision: str = shared("precision", "auto", only={"model": ("gru",)})

    def is_mixed_on(self, device: str) -> bool:
        """Whether its products are computed in half precision on a device that multiplies so."""
        wide = self.model == "gru" and self.width >= WIDE
        # On a GPU such small products wait for their launches, and converting would add to them.
        return self.precision == "auto" and wide and device == "cpu"

    @property
    def has_hidden_matrices(self) -> bool:
        """Whether its network has hidden linear layers, whose matrices Muon moves."""
        return self.model in DEEP and (self.model not in HIDDEN or bool(self.hidden))

    @property
    def whole(self) -> bool:
        """Whether its model reads whole names, and not windows of letters."""
        return self.model in ("gru", "transformer")

    @property
    def sees(self) -> int:
        """How many letters back its model sees."""
        return self.context if self.model in DEEP else 1

    def footprint(self, symbols: int = 0) -> Footprint:
        """Count the weights, and what each layer keeps of a window or a name."""
        count, loses = symbols or LETTERS, self.dropout > 0
        table, entered = count * self.embedding, self.context * self.embedding
        scores = float(2 * count)
        data = 1.5 * self.sees + 4  # their letters, once as they are and once in an epoch's order
        if self.model in ("bigram", "bigram-count"):
            return Footprint(count * count, scores, scores, data)
        if self.model in HIDDEN:
            sizes = (entered, *self.hidden)
            weights, kept = dense(sizes, self.model == "mlp-bn", loses)
            weights += table + count * (sizes[-1] + 1)
            return Footprint(weights, kept + entered + scores, max(scores, *sizes), data)
        if self.model == "wavenet":
            weights, kept, width, places = table, entered + scores, self.embedding, self.context
            while places > 1:
                places //= 2
                weights += 2 * width * self.width
                kept += places * self.width * (2 + DROPOUT * loses)
                width = self.width
            widest = max(entered, self.context // 2 * self.width)
            return Footprint(weights + count * (width + 1), kept, widest, data)
        letters = min(self.context, USED)
        if self.model == "gru":
            weights = table + 3 * self.width * (self.embedding + self.width)
            weights += count * (self.width + 1)
            # Of a batch the shorter names end earlier: half of the letters are there.
            kept = letters / 2 * (self.embedding + self.width * (12 + DROPOUT * loses) + scores)
            return Footprint(weights, kept, letters / 2 * max(3 * self.width, scores), data)
        weights, kept = blocks(self.depth, self.embedding, loses)
        weights += table + self.context * self.embedding + count * (self.embedding + 1)
        kept = letters * (kept + 2 * self.embedding + scores)
        return Footprint(weights, kept, letters * max(4 * self.embedding, scores), data)

    def traits(self) -> Trait:
        """Say what its network and its data have."""
        found = super().traits() | Trait.TOKENS | Trait.CROSS_ENTROPY
        if self.model == "bigram-count":
            return super().traits()
        found |= Trait.DESCENT
        if self.model in DEEP:
            found |= Trait.HIDDEN
        if self.model in ("mlp", "mlp-bn", "wavenet"):
            found |= Trait.ACTIVATIONS | Trait.DENSE
        if self.model == "mlp":
            found |= Trait.CONFIGURABLE
            found |= Trait.CONTEXT if self.context > 1 else Trait(0)
        if self.model in ("mlp-bn", "wavenet"):
            found |= Trait.BATCH_NORM
        return found | Trait.SEQUENCES if self.whole else found

    def check(self) -> None:
        """Refuse sizes that do not fit one another."""
        if self.model == "wavenet" and (self.context < 2 or self.context & (self.context - 1)):
            raise UserError(
                f"context={self.context} can't be halved again and again; wavenet wants 2, 4, 8,"
                " 16, 32 or 64."
            )
        if self.model == "transformer" and self.embedding % self.heads:
            raise UserError(
                f"heads={self.heads} can't share embedding={self.embedding} evenly; choose an"
                " embedding that is a multiple of it."
            )
        if self.model in ("mlp-bn", "wavenet") and self.batch_size < 2:
            raise UserError("batch norm needs a batch_size of at least 2.")


def _lecture(**settings: object) -> NamesRecipe:
    """Return a recipe by the lectures' way: plain descent at 0.1, then at 0.01."""
    way: dict[str, object] = {
        "optimizer": "sgd",
        "lr": 0.1,
        "schedule": "drop",
        "batch_size": 32,
        "steps": 200_000,
        "weight_decay": 0.0,
        "dropout": 0.0,
        "context": 3,
        "embedding": 10,
        "hidden": (200,),
    }
    return NamesRecipe().replace({**way, **settings})


RECIPES = {
    "tuned gru": NamesRecipe(
        model="gru",
        context=16,
        embedding=128,
        width=320,
        dropout=0.25,
        memory_dropout=0.1,
        lr=5e-3,
        weight_decay=0.2,
        batch_size=96,
    ),
    "tuned mlp": NamesRecipe(),
    "tuned mlp-bn": NamesRecipe(model="mlp-bn", hidden=(200, 200, 200), embedding=24),
    "tuned wavenet": NamesRecipe(
        model="wavenet", embedding=24, batch_size=128, lr=4e-3, weight_decay=0.01, dropout=0.0
    ),
    "tuned transformer": NamesRecipe(
        model="transformer",
        context=16,
        embedding=64,
        depth=2,
        batch_size=64,
        weight_decay=0.01,
        dropout=0.0,
    ),
    "tuned bigram": NamesRecipe(model="bigram", lr=0.1, batch_size=4096, weight_decay=0.0),
    "counted bigram": NamesRecipe(model="bigram-count", smoothing=0.1),
    "lecture counts": NamesRecipe(model="bigram-count", smoothing=1.0),
    "lecture bigram": _lecture(
        model="bigram",
        init="normal",
        lr=50.0,
        schedule="constant",
        batch_size=ALL,
        steps=200,
        weight_decay=2.74e-5,
    ),
    "lecture mlp": _lecture(model="mlp", init="normal"),
    "lecture mlp, improved": _lecture(model="mlp"),
    "lecture mlp-bn": _lecture(model="mlp-bn"),
    "lecture wavenet": _lecture(model="wavenet", context=8, embedding=24, width=128, drop_at=0.75),
    "makemore gru": _lecture(
        model="gru",
        context=16,
        embedding=64,
        width=64,
        optimizer="adamw",
        lr=5e-4,
        weight_decay=0.01,
        schedule="constant",
        steps=30_000,
    ),
    "makemore transformer": _lecture(
        model="transformer",
        context=16,
        embedding=64,
        optimizer="adamw",
        lr=5e-4,
        weight_decay=0.01,
        schedule="constant",
        steps=30_000,
    ),
    "notebook MLP": _lecture(
        model="mlp", context=5, embedding=8, hidden=(350, 100), init="normal", lr=0.2
    ),
}
"""The first is the default. "notebook MLP" is the notebook that this project came from.

The lectures' bigram adds 0.01 times the mean square of its 27 x 27 weights to the loss; the
gradient of that is a weight decay of 2 * 0.01 / 729.
"""

SWITCHES = Switches(
    plain={
        "lr": 5e-4,
        "schedule": "constant",
        "weight_decay": 0.01,
        "dropout": 0.0,
        "memory_dropout": 0.0,
        "precision": "float32",
    },
    added=(
        {"lr": 5e-3},
        {"schedule": "cosine"},
        {"weight_decay": 0.2},
        {"dropout": 0.25},
        {"memory_dropout": 0.1},
        {"precision": "auto"},
        {"optimizer": "muon"},
    ),
    steps=500,
)
"""From makemore's rate, schedule and decay to the default recipe, and Muon on top of it: for names
it brings nothing, which is worth seeing."""

MEASURE = Measure(
    train="Train loss",
    judged="Dev loss",
    train_help="Nats a character on names that it learned from, up to 3,000 of them: the lower, the"
    " better it knows them.",
    judged_help="Nats a character on names that it never saw: this is what counts. The star marks"
    " the best. Far above the train loss, it overfits.",
    axis="Nats a character",
    places=3,
    reference="Lecture",
    reference_help="The dev loss that the lecture reached, on makemore's own names.txt. Point at"
    " one to see which lecture.",
    overfits=0.10,
    gap="on names it never saw it is {gap:.2f} nats worse",
    plan="Train one model after the other, and measure each on names that it never saw.",
    about="Each model of the lectures, trained and measured on your names.",
)
"""What the models are compared by."""

COMPARED_MODELS = (
    ComparedModel(
        "bigram-count",
        "count bigrams",
        {"lecture": "lecture counts", "tuned": "counted bigram"},
        2.48,
        "makemore, part 1",
    ),
    ComparedModel(
        "bigram",
        "the same table, learned as one layer",
        {"lecture": "lecture bigram", "tuned": "tuned bigram"},
        2.48,
        "makemore, part 1",
    ),
    ComparedModel(
        "mlp",
        "letters become points; a hidden layer",
        {"lecture": "lecture mlp", "tuned": "tuned mlp"},
        2.17,
        "makemore, part 2; with a better initialisation, 2.103 (part 3)",
    ),
    ComparedModel(
        "mlp-bn",
        "batch norm keeps deep layers alive",
        {"lecture": "lecture mlp-bn", "tuned": "tuned mlp-bn"},
        2.105,
        "makemore, part 3",
    ),
    ComparedModel(
        "wavenet",
        "pairs of pairs: a longer context",
        {"lecture": "lecture wavenet", "tuned": "tuned wavenet"},
        1.994,
        "makemore, part 5",
    ),
    ComparedModel(
        "gru",
        "a memory reads the whole name",
        {"lecture": "makemore gru", "tuned": "tuned gru"},
        None,
        "makemore.py has it; no value was published",
    ),
    ComparedModel(
        "transformer",
        "each letter asks all before it",
        {"lecture": "makemore transformer", "tuned": "tuned transformer"},
        1.92,
        "makemore's README, about, on its test names",
    ),
)
