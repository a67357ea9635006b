"""The text playground: the tokens so far in, the next token out."""

import math
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ... import tokenizers
from ...byte_pairs import BYTES
from ...errors import UserError
from ...layers import is_factor, merged, size_of
from ...ngrams import counted
from ...playground import Cancelled, Playground, Tell, Vocabulary, scaled
from ...sampling import Sampling
from ...telemetry.events import Array
from ...tokenizers import Whole
from ...training.checkpoint import Checkpoint
from ...training.evaluation import place_of
from . import corpus
from .download import fetch_tiny
from .encode import Stretches, Windows
from .evaluation import entropies, loss_of
from .models import PLACES, TextModel, build
from .recipe import MODELS, RECIPES, SWITCHES, TextRecipe
from .tokens import TextData
from .writer import beyond_context, continuations, prompt_tokens

JUDGED = 30_000  # tokens that the training loss is taken over
LONGEST = 500_000  # tokens that judge at the end of a run; ``evaluate`` takes all there are
COUNTED = 2_000_000  # tokens, for the floors by counting
MOST = 1000  # continuations at a time
JUDGED_ON_CPU = 0.6e12  # parameters x tokens: a quarter of a minute of two cores


class TextPlayground(Playground):
    """A GPT with a real tokenizer, and what came before it."""

    name = "text"
    title = "Text"
    about = "Train a GPT on a text, token by token, and let it write on from your prompt."
    recipe_type = TextRecipe
    recipes = RECIPES
    models = MODELS
    switches = SWITCHES
    sampled = 1
    spare = BYTES
    streams = True
    quick_eval_examples = 400

    def recipe_on(self, device: str) -> tuple[str, str]:
        """Begin with a larger network where there is a GPU."""
        if device != "cuda":
            return super().recipe_on(device)
        why = "There is a GPU, on which ten times the network learns in the same time: large gpt."
        return "large gpt", why

    def load(self, source: Path | None) -> TextData:
        """Return the text of a file, a data folder or a folder of texts, else the plays."""
        return TextData(corpus.load(source))

    def dataset(self, data: TextData, recipe: TextRecipe) -> str:
        """Say which text it is."""
        return data.of(recipe).corpus.title

    def vocabulary(self, data: TextData, recipe: TextRecipe) -> Vocabulary:
        """Return the recipe's tokenizer as plain values."""
        return data.of(recipe).tokenizer(recipe).to_dict()

    def fitted(self, weights: Mapping[str, Tensor], model: nn.Module) -> Mapping[str, Tensor]:
        """Leave out the places beyond a shorter context (nanoGPT's ``crop_block_size``).

        Additions of low rank that the model lacks, or has of another rank, are merged into their
        products; its own begin anew then.
        """
        assert isinstance(model, TextModel)
        own = {name: t for name, t in model.state_dict().items() if is_factor(name)}
        theirs = {name: t.shape for name, t in weights.items() if is_factor(name)}
        if theirs != {name: t.shape for name, t in own.items()}:
            weights = {**merged(weights), **own}
        places = weights.get(PLACES)
        if places is None or len(places) <= model.context:
            return weights
        return {**weights, PLACES: places[: model.context]}

    def write_foreign(self, checkpoint: Checkpoint, out: Path) -> None:
        """Write a network as Hugging Face has a GPT-2."""
        from .foreign.export import write_huggingface

        recipe = checkpoint.recipe
        assert isinstance(recipe, TextRecipe)
        write_huggingface(out, recipe, checkpoint.vocabulary, checkpoint.weights)

    def read_foreign(self, path: Path) -> Checkpoint | None:
        """Return a GPT-2 as Hugging Face or nanoGPT writes it."""
        from .foreign.opening import read_foreign

        if (found := read_foreign(path)) is None:
            return None
        return Checkpoint(self, found.recipe, found.vocabulary, found.weights, {}, found.about)

    def sizes(self, data: TextData, recipe: TextRecipe) -> tuple[int, int]:
        """Count the tokens of the tokenizer, and the stretches or the windows of the text."""
        data = data.of(recipe)
        tokenizer = data.tokenizer(recipe)
        kind = Stretches if recipe.whole else Windows
        return tokenizer.size, len(kind(data.train(tokenizer).ids, recipe.sees))

    def get_ready(self, data: TextData, recipe: TextRecipe, tell: Tell) -> None:
        """Learn the tokenizer and cut the text, which for a large one takes a while."""
        data = data.of(recipe)
        tokenizer = data.tokenizer(recipe, tell)
        data.train(tokenizer, tell)
        data.val(tokenizer, tell)

    def describe_data(
        self, data: TextData, vocabulary: Vocabulary, recipe: TextRecipe | None = None
    ) -> dict[str, Any]:
        """Return what text it is, and what a tokenizer makes of it."""
        data = data.of(recipe)
        about: dict[str, Any] = {
            "title": data.corpus.title,
            "tiny": data.corpus.tiny,
            "characters": data.corpus.train.characters + data.corpus.val.characters,
            "letters": len(data.corpus.letters),
        }
        if not vocabulary:
            return about
        tokenizer = tokenizers.from_dict(vocabulary)
        train = data.train(tokenizer)
        single, pair = entropies(train)
        return about | {
            "tokenizer": tokenizer,
            "counts": train.counts,
            "characters_per_token": train.characters / len(train),
            "unigram": single,
            "bigram": pair,
            "excerpt": data.corpus.val.start(400),
        }

    def build(
        self, recipe: TextRecipe, vocabulary: Vocabulary, initialised: bool = True
    ) -> TextModel:
        """Make the model of a recipe for the tokens of a tokenizer."""
        return build(recipe, tokenizers.from_dict(vocabulary), initialised)

    def example_input(self, recipe: TextRecipe, examples: int, tokens: int) -> Tensor:
        """Return tokens (B, T), or windows (B, C), of zeros."""
        length = min(tokens, recipe.sees) if recipe.whole else recipe.sees
        return torch.zeros(examples, length, dtype=torch.long)

    def prepare(
        self, data: TextData, recipe: TextRecipe, vocabulary: Vocabulary, device: torch.device
    ) -> Stretches | Windows:
        """Return the training text as the recipe's model reads it."""
        ids = data.of(recipe).train(tokenizers.from_dict(vocabulary)).ids
        if len(ids) <= recipe.sees:
            raise UserError(
                f"The text has only {len(ids):,} tokens to learn from, fewer than the context of"
                f" {recipe.sees:,} and one more; choose a shorter context, or a longer text."
            )
        return (Stretches if recipe.whole else Windows)(ids, recipe.sees).to(device)

    def held_out(
        self, data: TextData, recipe: TextRecipe, vocabulary: Vocabulary, device: torch.device
    ) -> Stretches | Windows:
        """Return the text that judges as the recipe's model reads it."""
        ids = data.of(recipe).val(tokenizers.from_dict(vocabulary)).ids
        return (Stretches if recipe.whole else Windows)(ids, recipe.sees).to(device)

    def baselines(
        self, data: TextData, recipe: TextRecipe, vocabulary: Vocabulary
    ) -> dict[str, float]:
        """Return the loss on the text that judges by counting tokens, pairs and triples."""
        tokenizer, data = tokenizers.from_dict(vocabulary), data.of(recipe)
        train, val = data.train(tokenizer).ids, data.val(tokenizer).ids
        parts = [ids[:COUNTED].long() for ids in (train, val)]
        learned, judged = (torch.stack([ids[:-2], ids[1:-1]], 1) for ids in parts)
        return counted(learned, parts[0][2:], judged, parts[1][2:], tokenizer.size)

    def resized(self, recipe: TextRecipe, factor: float) -> dict[str, Any]:
        """Widen everything, or the hidden layers."""
        if recipe.model == "gpt":
            return {"width": scaled(recipe.width, factor, 2048)}
        if recipe.model == "mlp":
            return {"hidden": tuple(scaled(size, factor, 4096) for size in recipe.hidden)}
        return {}

    def loss(self, recipe: TextRecipe, outputs: Tensor, targets: Tensor) -> Tensor:
        """Cross-entropy: -ln of the right token's probability, the mean over all tokens."""
        return F.cross_entropy(outputs.flatten(0, -2), targets.flatten())

    def uniform_loss(self, recipe: TextRecipe, vocabulary: Vocabulary) -> float:
        """Return ln V."""
        return math.log(tokenizers.from_dict(vocabulary).size)

    def validate(
        self, model: nn.Module, data: TextData, recipe: TextRecipe, limit: int | None = None
    ) -> tuple[dict[str, float], dict[str, Array]]:
        """Loss per token and per character; with a limit, of some stretches only."""
        assert isinstance(model, TextModel)
        data = data.of(recipe)
        train, val = data.train(model.tokenizer), data.val(model.tokenizer)
        most = _bearable(model)
        some, fewer = (5, 2) if most < LONGEST else (10, 5)
        longest = min(some * limit if limit else LONGEST, most)
        judged = loss_of(model, val, int(train.ids[-1]), longest)
        seen = min(fewer * limit if limit else JUDGED, most)
        learned = loss_of(model, train, model.tokenizer.newline, seen)
        numbers = {
            "val_loss": judged.per_token,
            "train_loss": learned.per_token,
            "val_nats_per_char": judged.per_character,
            "train_nats_per_char": learned.per_character,
        }
        return numbers, {"places": judged.places}

    def test(self, model: nn.Module, data: TextData, recipe: TextRecipe) -> dict[str, Any]:
        """Nats on the whole last tenth of the text, per token and per character; bits, too."""
        assert isinstance(model, TextModel)
        data = data.of(recipe)
        train, val = data.train(model.tokenizer), data.val(model.tokenizer)
        judged = loss_of(model, val, int(train.ids[-1]))
        return {
            "val_nats_per_token": judged.per_token,
            "val_nats_per_char": judged.per_character,
            "val_bits_per_char": judged.per_character / math.log(2),
            "tokenizer": model.tokenizer.kind,
            "vocab_size": model.tokenizer.size,
            "val_characters": judged.characters,
        }

    def fetch(self, folder: Path, progress: Tell, cancelled: Cancelled) -> None:
        """Download Tiny Shakespeare."""
        fetch_tiny(folder, progress, cancelled)

    def sample(
        self,
        model: nn.Module,
        recipe: TextRecipe,
        tell: Callable[[str], None] | None = None,
        **options: Any,
    ) -> dict[str, Any]:
        """Return what the network writes after the prompt, each with the prompt before it."""
        assert isinstance(model, TextModel)
        sampling = Sampling(options["temperature"], options["top_k"], options["top_p"])
        count, prompt = options["count"], options["prompt"]
        read = len(prompt_tokens(model, prompt))
        if not 1 <= count <= MOST:
            raise UserError(f"A count of {count:,} is not possible: ask for 1 to {MOST:,}.")
        written, whole = [prompt] * count, [Whole(model.tokenizer) for _ in range(count)]
        begin = time.perf_counter()
        steps = continuations(model, prompt, count, options["tokens"], sampling, options["seed"])
        if tell:  # not before it is known that it can go on
            tell(prompt)
        for tokens in steps:
            for row, token in enumerate(tokens[:, 0].tolist()):
                fresh = whole[row].feed(token)
                written[row] += fresh
                if tell and not row:
                    tell(fresh)
        spent = time.perf_counter() - begin
        ends = [rest.end() for rest in whole]
        if tell:
            tell(ends[0])
        answer: dict[str, Any] = {
            "samples": [text + end for text, end in zip(written, ends, strict=True)],
            "tokens_per_second": round(count * options["tokens"] / spent, 1),
        }
        if note := beyond_context(model, read):
            answer["note"] = note
        return answer


def _bearable(model: TextModel) -> int:
    """Return how many tokens a network can be judged on without a long wait, about."""
    if not model.is_large or place_of(model).type != "cpu":
        return LONGEST
    return max(2 * model.context, int(JUDGED_ON_CPU / size_of(model)))


PLAYGROUND = TextPlayground()
