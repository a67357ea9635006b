"""Tokens out of logits: temperature, top-k and top-p; knows nothing of text.

:func:`generate` finishes many sequences that end; a :class:`Stream` goes on for ever, a token at a
time.
"""

import math
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor

from .errors import UserError


@dataclass(frozen=True)
class Sampling:
    """How a token is drawn from a network's answer.

    Attributes:
        temperature: the logits are divided by it; below 1 the likely grows likelier.
        top_k: only the k likeliest tokens are drawn from; None for all.
        top_p: only the likeliest that together reach this share (Holtzman et al. 2019, "nucleus").
        repetition: what has just been said is made less likely by this factor on its logit
            (Keskar et al. 2019, "CTRL"); 1 for not at all.

    Raises:
        UserError: one of them is impossible.
    """

    temperature: float = 1.0
    top_k: int | None = None
    top_p: float | None = None
    repetition: float = 1.0

    def __post_init__(self) -> None:
        if not (math.isfinite(self.temperature) and self.temperature > 0):
            raise UserError(
                f"A temperature of {self.temperature:g} is not possible: it is above zero, 1 for"
                " the network's own probabilities, 0.1 for nearly always the likeliest."
            )
        if self.top_k is not None and self.top_k < 1:
            raise UserError(f"A top-k of {self.top_k} leaves nothing to draw from; take 1 or more.")
        if self.top_p is not None and not 0 < self.top_p <= 1:
            raise UserError(f"A top-p of {self.top_p:g} is not possible: it is above 0, up to 1.")
        if not 1 <= self.repetition <= 10:
            raise UserError(
                f"A repetition penalty of {self.repetition:g} is not possible: it is from 1, for"
                " none, to 10."
            )

    def shares(self, logits: Tensor, said: Tensor | None = None) -> Tensor:
        """Return the probabilities (B, V) that are drawn from.

        Args:
            logits: the network's answers, (B, V).
            said: the tokens that were said lately, (B, t).
        """
        if said is not None and self.repetition != 1:
            old = logits.gather(1, said)
            less = torch.where(old > 0, old / self.repetition, old * self.repetition)
            logits = logits.scatter(1, said, less)
        if self == PLAIN:
            return logits.softmax(-1)
        # The largest is taken off first, so that a tiny temperature can't overflow; in single
        # precision it might be no more than zero.
        logits = logits.double()
        logits = (logits - logits.amax(-1, keepdim=True)) / self.temperature
        if self.top_k is not None and self.top_k < logits.shape[-1]:
            least = logits.topk(self.top_k, dim=-1).values[:, -1:]
            logits = logits.masked_fill(logits < least, -math.inf)
        shares = logits.softmax(-1).float()
        if self.top_p is not None and self.top_p < 1:
            ordered, order = shares.sort(dim=-1, descending=True)
            # A token stays if those before it have not reached the share yet: one always stays.
            beyond = ordered.cumsum(-1) - ordered >= self.top_p
            shares = shares.masked_fill(beyond.scatter(-1, order, beyond), 0.0)
            shares = shares / shares.sum(-1, keepdim=True)
        return shares


PLAIN = Sampling()


class Reader(Protocol):
    """A network that reads tokens, one batch after another, and says what may follow."""

    def read(self, tokens: Tensor, memory: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Read on.

        Args:
            tokens: (B, t), what is new.
            memory: (B, ...), what it remembered of those before; None at the beginning.

        Returns:
            The logits (B, V) of the next token, and the memory to continue with (B, ...).
        """
        ...


@torch.no_grad()
def generate(
    reader: Reader,
    start: Tensor,
    sampling: Sampling,
    generator: torch.Generator,
    end: int,
    longest: int,
) -> tuple[Tensor, Tensor]:
    """Continue sequences until each has ended: all at once, those that go on in one batch.

    Args:
        reader: the network; each token is read once.
        start: tokens (B, t) to go on from.
        sampling: how each next token is drawn.
        generator: the random numbers; the same ones give the same sequences.
        end: the token that ends a sequence.
        longest: tokens that are added at most.

    Returns:
        The tokens (B, t + n), ``end`` behind every sequence that is over, and the log-probability
        (B,) of what was added, by the network's own answers (at temperature 1, of all tokens).

    Raises:
        UserError: the network's outputs are NaN.
    """
    made = start.new_full((len(start), start.shape[1] + longest), end)
    made[:, : start.shape[1]] = start
    chances = torch.zeros(len(start), device=start.device)
    going = torch.arange(len(start), device=start.device)
    logits, memory = reader.read(start)
    if not torch.isfinite(logits).all():
        raise UserError("The network's answers are NaN: it has diverged.")
    for place in range(start.shape[1], made.shape[1]):
        token = torch.multinomial(sampling.shares(logits), 1, generator=generator)
        chances[going] += logits.log_softmax(-1).gather(1, token)[:, 0]
        made[going, place] = token[:, 0].to(made.dtype)
        on = token[:, 0] != end
        going = going[on]
        if not len(going):
            return made[:, : place + 1], chances
        logits, memory = reader.read(token[on], memory[on])
    return made, chances


class Streamer(Protocol):
    """A network that a stream is read by.

    Attributes:
        context: how many tokens back it sees.
        slides: whether its memory forgets the oldest token by itself.
    """

    context: int
    slides: bool

    def read(self, tokens: Tensor, memory: Any = None) -> tuple[Tensor, Any]:
        """Read on as a :class:`Reader` does; what it remembers is its own affair."""
        ...


class Stream:
    """Sequences that go on, a token at a time; each token is read once.

    A memory that can't slide (keys and values have their places in them) is full when the context
    is: the stream then begins again with the last half of it. What is said is then what a reader
    without a memory says of the same tokens.

    Args:
        reader: the network.
        start: the tokens (B, t) to go on from, t at least 1.
        sampling: how each next token is drawn.
        seed: of the random numbers; None for new ones.

    Attributes:
        tokens: all of them so far, (B, n).
        sampling: may be changed at any time.
    """

    def __init__(
        self, reader: Streamer, start: Tensor, sampling: Sampling, seed: int | None = None
    ) -> None:
        self.reader = reader
        self.tokens = start
        self.sampling = sampling
        self._memory: Any = None
        self._held = 0
        """How many of the last tokens are in its memory."""
        self._unread = start.shape[1]
        """How many of the last tokens have not been read."""
        self.generator = torch.Generator(start.device)
        if seed is None:
            self.generator.seed()
        else:
            self.generator.manual_seed(seed)

    @torch.inference_mode()
    def logits(self) -> Tensor:
        """Read what is unread, and return the answers (B, V) for the next token.

        Raises:
            UserError: they are NaN.
        """
        if not self._unread:
            raise RuntimeError("say a token before the next answer is asked for")
        context = self.reader.context
        full = self._held + self._unread > context
        if full and not self.reader.slides and self._memory is not None:
            self._memory, self._held, self._unread = None, 0, max(1, context // 2)
        unread = min(self._unread, context, self.tokens.shape[1])
        logits, self._memory = self.reader.read(self.tokens[:, -unread:], self._memory)
        self._held, self._unread = self._held + unread, 0
        if not math.isfinite(float(logits.sum())):
            raise UserError("The network's answers are NaN: it has diverged.")
        return logits

    @torch.inference_mode()
    def prepare(self, most: int) -> bool:
        """Read up to so many tokens of a long start, without an answer; return whether more wait.

        A large network reads some hundred tokens a second: who shows it has other things to do.
        """
        unread = min(self._unread, self.reader.context, self.tokens.shape[1])
        if self.reader.slides or unread <= most or self._held + unread > self.reader.context:
            return False
        end = self.tokens.shape[1] - unread + most
        _, self._memory = self.reader.read(self.tokens[:, end - most : end], self._memory)
        self._held, self._unread = self._held + most, unread - most
        return True

    @torch.inference_mode()
    def draw(self, logits: Tensor) -> Tensor:
        """Return the next tokens (B, 1) by these answers, and say them."""
        said = None if self.sampling.repetition == 1 else self.tokens[:, -self.reader.context :]
        # Where a random number falls among the shares laid end to end; for a single token this
        # takes a quarter of the time of torch.multinomial.
        reached = self.sampling.shares(logits, said).cumsum(-1)
        fallen = torch.rand(len(logits), 1, generator=self.generator, device=logits.device)
        token = torch.searchsorted(reached, fallen * reached[:, -1:], right=True)
        token = token.clamp(max=logits.shape[-1] - 1)
        self.say(token)
        return token

    def say(self, token: Tensor) -> None:
        """Continue with these tokens (B, 1)."""
        self.tokens = torch.cat([self.tokens, token], 1)
        self._unread += 1

    def renew(self) -> None:
        """Forget what was remembered: the weights have changed."""
        self._unread += self._held
        self._memory, self._held = None, 0
