"""A text network to play with: it goes on from a prompt, and says what else it might have said."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ...errors import UserError
from ...sampling import Sampling, Stream
from ...tokenizers import Whole
from .models import TextModel

CANDIDATES = 10
LONGEST = 1_000_000  # tokens
MOST_PROMPT = 20_000  # characters; a network sees 1,024 tokens back at most


@dataclass(frozen=True)
class Candidate:
    """A token that might have been said.

    Attributes:
        token: its number.
        probability: the network's own, at temperature 1.
    """

    token: int
    probability: float


@dataclass(frozen=True)
class Said:
    """A token that was said.

    Attributes:
        token: its number.
        probability: what the network gave it, at temperature 1.
        text: what can be shown since the token before: "" within a character.
        candidates: the likeliest ones at this place, the likeliest first.
    """

    token: int
    probability: float
    text: str
    candidates: tuple[Candidate, ...]


class Writer:
    """Writes on after tokens, one at a time.

    Args:
        model: on the CPU, ready for use; it may get newer weights meanwhile (see ``renew``).
        tokens: what it goes on from, at least one; see :func:`prompt_tokens`.
        sampling: how each token is drawn; may be changed at any time.
        seed: of the random numbers; None for new ones.

    Raises:
        UserError: the seed, or the top-k, is impossible.
    """

    def __init__(
        self,
        model: TextModel,
        tokens: Sequence[int],
        sampling: Sampling,
        seed: int | None = None,
    ) -> None:
        check_sampling(model, sampling, seed)
        self.model = model
        self._stream = Stream(model, torch.tensor([tokens]), sampling, seed)
        self._whole = Whole(model.tokenizer)

    @property
    def tokens(self) -> list[int]:
        """All tokens so far, the prompt's too."""
        tokens: list[int] = self._stream.tokens[0].tolist()
        return tokens

    def change(self, sampling: Sampling) -> None:
        """Draw in another way from now on.

        Raises:
            UserError: the top-k is impossible.
        """
        check_sampling(self.model, sampling, None)
        self._stream.sampling = sampling

    def renew(self) -> None:
        """Continue with the model's new weights."""
        self._stream.renew()

    def next(self) -> Said:
        """Say one more token.

        Raises:
            UserError: the network has diverged.
        """
        logits = self._stream.logits()
        return self._told(int(self._stream.draw(logits)), logits)

    def read(self, token: int) -> Said:
        """Read one more token of a text that is there, and say how likely it was.

        Raises:
            UserError: the network has diverged.
        """
        logits = self._stream.logits()
        self._stream.say(torch.tensor([[token]]))
        return self._told(token, logits)

    def prepare(self, most: int) -> bool:
        """Read up to so many tokens of a long prompt; return whether there are more to read."""
        return self._stream.prepare(most)

    def _told(self, token: int, logits: Tensor) -> Said:
        """Return a token that was said, and the likeliest ones at its place."""
        shares = logits[0].softmax(-1)
        best = shares.topk(min(CANDIDATES, len(shares)))
        candidates = tuple(
            Candidate(t, p)
            for t, p in zip(best.indices.tolist(), best.values.tolist(), strict=True)
        )
        return Said(token, float(shares[token]), self._whole.feed(token), candidates)

    def heard(self, token: int) -> None:
        """Count a token that stands behind the prompt as said, which may be part of a character."""
        self._whole.feed(token)

    def say(self, token: int, candidates: tuple[Candidate, ...]) -> Said:
        """Say this token, one of the candidates at this place."""
        self._stream.say(torch.tensor([[token]]))
        given = {candidate.token: candidate.probability for candidate in candidates}
        return Said(token, given[token], self._whole.feed(token), candidates)

    def end(self) -> str:
        """Return a replacement mark if the last character was left unfinished."""
        return self._whole.end()


def prompt_tokens(model: TextModel, prompt: str) -> list[int]:
    """Return the tokens of a prompt; an empty one begins behind a line's end.

    Raises:
        UserError: it is too long to wait for.
    """
    if len(prompt) > MOST_PROMPT:
        raise UserError(
            f"A prompt of {len(prompt):,} characters is too long; give up to {MOST_PROMPT:,}."
        )
    return model.tokenizer.encode(prompt).tolist() or [model.tokenizer.newline]


def beyond_context(model: TextModel, count: int) -> str:
    """Say that a prompt of so many tokens is longer than what the network sees; "" if it is not."""
    if count <= model.context:
        return ""
    return f"The prompt has {count:,} tokens; the network sees the last {model.context:,} of them."


def check_sampling(model: TextModel, sampling: Sampling, seed: int | None) -> None:
    """Refuse what a model can't do.

    Raises:
        UserError: the seed, or the top-k, is impossible.
    """
    size = model.tokenizer.size
    if sampling.top_k is not None and sampling.top_k > size:
        raise UserError(
            f"A top-k of {sampling.top_k:,} is more than the {size:,} tokens that this network"
            f" knows; take {size:,} or less."
        )
    if seed is not None and not 0 <= seed < 1 << 63:
        raise UserError(f"A seed of {seed} is not possible: it is from 0 to {(1 << 63) - 1}.")


def continuations(
    model: TextModel, prompt: str, count: int, length: int, sampling: Sampling, seed: int | None
) -> Iterator[Tensor]:
    """Return tokens (count, 1), one step after another: many continuations of one prompt.

    Raises:
        UserError: an option is impossible.
    """
    check_sampling(model, sampling, seed)
    if not 1 <= length <= LONGEST:
        raise UserError(f"{length:,} tokens can't be written: ask for 1 to {LONGEST:,}.")
    seen = prompt_tokens(model, prompt)[-model.context :]
    start = torch.tensor([seen]).expand(count, -1)
    stream = Stream(model, start, sampling, seed)
    return (stream.draw(stream.logits()) for _ in range(length))
