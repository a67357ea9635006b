"""What can be chosen when a text is learned, and the recipes with a name."""

from dataclasses import dataclass

from ...errors import UserError
from ...switches import Switches
from ...tokenizers import KINDS as TOKENIZERS
from ...training.footprint import Footprint, blocks, dense
from ...training.recipe import WIDE, Recipe, Trait, setting, shared

MODELS = ("gpt", "mlp", "bigram")
TEXT, REPEATS = "text", "repeats"
DEEP = ("gpt", "mlp")
SMALLEST, LARGEST = 256, 8192
TOKENS = {"characters": 320, "gpt2": 50_257}
"""About how many there are, of tokenizers for which no setting says it."""


@dataclass(frozen=True)
class TextRecipe(Recipe):
    """The settings of a training on a text. The defaults are the recipe ``tuned gpt``."""

    dataset: str = setting(
        TEXT,
        "Tokens",
        "Dataset",
        "text: the text that was chosen. repeats: random letters that are repeated, made on the"
        " spot whatever text was chosen; only who looks back can foresee them, and so a gpt with"
        " two layers forms an induction head (see Heads).",
        choices=(TEXT, REPEATS),
    )
    optimizer: str = shared("optimizer", "muon")
    lr: float = shared("lr", 6e-3)
    beta2: float = shared("beta2", 0.99)
    weight_decay: float = shared("weight_decay", 0.3)
    batch_size: int = setting(
        8,
        "Training",
        "Batch size",
        "How many stretches of text (for mlp and bigram: windows) an update is averaged over.",
        low=1,
        high=8192,
    )
    precision: str = shared("precision", "auto", only={"model": ("gpt",)})
    trained: str = setting(
        "all",
        "Training",
        "Trained weights",
        "Which weights learn, for a network that is trained further: all; or last, those of the"
        " last blocks and of the norm behind them; or lora, an addition of low rank to each"
        " product of the attention. The others stay as they are: quicker, and with less memory.",
        choices=("all", "last", "lora"),
        only={"model": ("gpt",)},
    )
    trained_blocks: int = setting(
        2,
        "Training",
        "Trained blocks",
        "How many of the last blocks learn.",
        low=1,
        high=48,
        only={"trained": ("last",)},
    )
    lora_rank: int = setting(
        8,
        "Training",
        "LoRA rank",
        "The rank of each addition: two thin matrices, one of as many rows and one of as many"
        " columns, are learned in place of a wide one.",
        low=1,
        high=256,
        only={"trained": ("lora",)},
    )
    tokenizer: str = setting(
        "bpe",
        "Tokens",
        "Tokenizer",
        "How text becomes numbers. characters: one each. bpe: pairs that often stand together, as"
        " this text has them. gpt2: the 50,257 tokens of GPT-2, made for all of the web.",
        choices=TOKENIZERS,
    )
    vocab_size: int = setting(
        1024,
        "Tokens",
        "Vocabulary",
        "How many tokens there are at most, the 256 bytes included; a short text has fewer pairs to"
        " merge. More make a text shorter, and each of them rarer.",
        low=SMALLEST,
        high=LARGEST,
        only={"tokenizer": ("bpe",)},
    )
    occurring: bool = setting(
        False,
        "Tokens",
        "Occurring only",
        "Keep only the tokens that occur in the text, and of gpt2 the 256 bytes to spell all others"
        " with. Of characters no others are kept: a text with another one is refused, as by"
        " nanoGPT.",
        only={"tokenizer": ("characters", "gpt2")},
        fixes={"vocabulary_unused": True},
    )
    model: str = setting(
        "gpt",
        "Model",
        "Model",
        "bigram: a table of what follows what. mlp: the last tokens as points in a space. gpt:"
        " attention, each token asks all before it.",
        choices=MODELS,
    )
    context: int = setting(
        128,
        "Model",
        "Context",
        "How many tokens back the network sees.",
        low=1,
        fixes={"context_too_short": 8},
        high=1024,
        only={"model": DEEP},
    )
    width: int = setting(
        128,
        "Model",
        "Width",
        "In how many dimensions a token is a point; for gpt, the width of everything.",
        low=1,
        high=2048,
        only={"model": DEEP},
    )
    layers: int = setting(
        4,
        "Model",
        "Layers",
        "How many blocks of attention and thought stand one after another.",
        low=1,
        high=48,
        only={"model": ("gpt",)},
    )
    heads: int = setting(
        4,
        "Model",
        "Heads",
        "How many things a block can look for at once; they share the width.",
        low=1,
        high=64,
        only={"model": ("gpt",)},
    )
    position: str = setting(
        "rotary",
        "Model",
        "Positions",
        "How a block knows what stands where. learned: each place of the context is a point too, as"
        " in GPT-2. rotary: queries and keys are turned by their place, so that only distances"
        " count; learns from less text.",
        choices=("rotary", "learned"),
        only={"model": ("gpt",)},
    )
    qk_norm: bool = setting(
        True,
        "Model",
        "QK norm",
        "All queries and keys have the same length, so that no head can shout early on.",
        only={"model": ("gpt",)},
    )
    gelu: str = setting(
        "exact",
        "Model",
        "GELU",
        "The nonlinearity between a block's two layers of thought: x times the share of a normal"
        " distribution below x. tanh is an approximation of it, which GPT-2 was trained with.",
        choices=("exact", "tanh"),
        only={"model": ("gpt",)},
    )
    bias: bool = setting(
        True,
        "Model",
        "Biases",
        "Whether norms and matrix products add a number of their own to each output, as in GPT-2;"
        " nanoGPT leaves them out.",
        only={"model": ("gpt",)},
    )
    tied: bool = setting(
        True,
        "Model",
        "Tied",
        "Tied embeddings: the table that reads a token is also the one that scores it, so that it"
        " is learned twice as often and costs half.",
        only={"model": ("gpt",)},
    )
    hidden: tuple[int, ...] = shared("hidden", (512,), only={"model": ("mlp",)})
    activation: str = shared("activation", "tanh", only={"model": ("mlp",)})
    init: str = shared(
        "init",
        "normal",
        help="How large the first weights are. normal is the same for every size, as in GPT-2;"
        " kaiming and xavier keep the spread of the signal from layer to layer; zeros can't learn"
        " at all.",
    )
    gain: float = shared("gain", 0.02)
    branch_gain: float = setting(
        0.1,
        "Model",
        "Branch gain",
        "How much each block adds at first, against GPT-2's own initialisation, which is 1. Near"
        " zero, every block begins by handing on what it is given.",
        low=0.0,
        high=10.0,
        only={"model": ("gpt",)},
    )
    dropout: float = shared("dropout", 0.1, only={"model": DEEP})

    @property
    def has_hidden_matrices(self) -> bool:
        """Whether its network has hidden linear layers, whose matrices Muon moves."""
        return self.model == "gpt" or (self.model == "mlp" and bool(self.hidden))

    def is_mixed_on(self, device: str) -> bool:
        """Whether its products are computed in half precision on a device that multiplies so."""
        return self.precision == "auto" and self.model == "gpt" and self.width >= WIDE

    @property
    def whole(self) -> bool:
        """Whether its model answers after each token of a stretch."""
        return self.model == "gpt"

    @property
    def rank(self) -> int:
        """The rank of what is added to the attention's products; 0 where nothing is."""
        return self.lora_rank if self.model == "gpt" and self.trained == "lora" else 0

    @property
    def sees(self) -> int:
        """How many tokens back its model sees."""
        return self.context if self.model in DEEP else 1

    def footprint(self, symbols: int = 0) -> Footprint:
        """Count the weights, and what each layer keeps of a window or a stretch."""
        count = symbols or TOKENS.get(self.tokenizer, self.vocab_size)
        table, scores, loses = count * self.width, float(2 * count), self.dropout > 0
        tokens = 6.0 * self.sees  # 64 bits each, with their places
        if self.model == "bigram":
            return Footprint(count * count, scores + tokens, scores)
        if self.model == "mlp":
            sizes = (self.context * self.width, *self.hidden)
            weights, kept = dense(sizes, dropout=loses)
            weights += table + count * (sizes[-1] + 1)
            return Footprint(weights, sizes[0] + kept + scores + tokens, max(scores, *sizes))
        weights, kept = blocks(
            self.layers, self.width, loses, self.qk_norm or self.position == "rotary"
        )
        weights += table * (1 if self.tied else 2) + self.context * self.width
        kept = self.context * (kept + 2 * self.width + scores) + tokens
        learned = None
        if self.trained == "last":
            learned = 12 * self.width * (self.width + 1) * min(self.trained_blocks, self.layers)
        if self.rank:
            learned = 6 * self.width * self.rank * self.layers  # width to 3 widths, and to one
            weights += learned
            kept += 2 * self.context * self.rank * self.layers
        widest = self.context * max(4 * self.width, scores)
        return Footprint(weights, kept, widest, learned=learned)

    def traits(self) -> Trait:
        """Say what its network and its data have."""
        found = super().traits() | Trait.DESCENT | Trait.TOKENS | Trait.CROSS_ENTROPY
        if self.model in DEEP:
            found |= Trait.HIDDEN
        if self.model == "mlp":
            found |= Trait.ACTIVATIONS | Trait.DENSE | Trait.CONFIGURABLE
            found |= Trait.CONTEXT if self.context > 1 else Trait(0)
        if self.tied:
            found |= Trait.TIED
        if self.tokenizer == "characters" and self.dataset == TEXT:
            found |= Trait.RARE_LABELS
        return found | Trait.SEQUENCES if self.whole else found

    def check(self) -> None:
        """Refuse sizes that do not fit one another."""
        if self.model == "gpt" and self.width % self.heads:
            raise UserError(
                f"heads={self.heads} can't share width={self.width} evenly; choose a width that is"
                " a multiple of it."
            )
        if self.model == "gpt" and self.position == "rotary" and self.width // self.heads % 2:
            raise UserError(
                f"position=rotary turns pairs, and width={self.width} leaves each of {self.heads}"
                " heads an odd share; choose another width, or position=learned."
            )


GPT2: dict[str, object] = {"position": "learned", "qk_norm": False, "branch_gain": 1.0}
"""What tells GPT-2's blocks from the tuned ones."""


def _by_adamw(**settings: object) -> TextRecipe:
    """Return a recipe by AdamW, without dropout and with less weight decay than the tuned one.

    Args:
        settings: what else it has, or has instead.
    """
    adamw: dict[str, object] = {"optimizer": "adamw", "dropout": 0.0, "weight_decay": 0.1}
    return TextRecipe().replace(adamw | settings)


RECIPES = {
    "tuned gpt": TextRecipe(),
    "characters gpt": TextRecipe(tokenizer="characters"),
    "large gpt": _by_adamw(
        layers=6,
        heads=6,
        width=384,
        context=256,
        batch_size=64,
        vocab_size=2048,
        lr=2e-3,
        dropout=0.2,
    ),
    "nanoGPT, on a CPU": _by_adamw(
        tokenizer="characters",
        context=64,
        batch_size=12,
        lr=1e-3,
        steps=2000,
        precision="float32",
        **GPT2,
    ),
    "nanoGPT, on a GPU": _by_adamw(
        tokenizer="characters",
        layers=6,
        heads=6,
        width=384,
        context=256,
        batch_size=64,
        lr=1e-3,
        dropout=0.2,
        steps=5000,
        **GPT2,
    ),
    "induction heads": _by_adamw(
        dataset=REPEATS,
        tokenizer="characters",
        occurring=True,
        layers=2,
        width=64,
        context=64,
        batch_size=32,
        lr=1e-3,
        schedule="constant",
        steps=1200,
        precision="float32",
        qk_norm=False,
        tied=False,
        init="kaiming",
        branch_gain=1.0,
    ),
    "tuned mlp": _by_adamw(
        model="mlp", context=8, width=64, batch_size=256, init="kaiming", lr=2e-3
    ),
    "tuned bigram": _by_adamw(model="bigram", batch_size=1024, lr=3e-2, weight_decay=0.0),
    "notebook actual_words": _by_adamw(
        model="mlp",
        tokenizer="gpt2",
        context=1,
        width=20,
        hidden=(500,),
        batch_size=64,
        init="kaiming",
        optimizer="sgd",
        lr=0.1,
        schedule="constant",
        weight_decay=0.0,
    ),
}
"""The first is the default. The nanoGPT recipes are those of its README for Shakespeare; the
notebook's is the one that this project came from: one token of GPT-2's to guess the next. The
recipe for induction heads leaves out what limits attention (QK norm, which allows no weight near
1) and begins with weights of full size: with those of the others it takes ten times the steps.
"""

SWITCHES = Switches(
    plain={
        **GPT2,
        "optimizer": "adamw",
        "lr": 1e-3,
        "schedule": "constant",
        "weight_decay": 0.01,
        "precision": "float32",
        "tied": False,
        "dropout": 0.0,
    },
    added=(
        {"position": "rotary"},
        {"qk_norm": True},
        {"branch_gain": 0.1},
        {"optimizer": "muon", "lr": 6e-3},
        {"schedule": "cosine"},
        {"tied": True},
        {"precision": "auto"},
        {"dropout": 0.1, "weight_decay": 0.3},
    ),
    steps=100,
)
"""From the lecture's way (Let's build GPT: GPT-2's blocks, AdamW at a constant rate) to the default
recipe, which the last of them is. Each optimiser has a rate that suits it: at Muon's, AdamW would
lose by more than Muon is worth.
"""
