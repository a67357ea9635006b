"""The merges are the lecture's, and the tokens after each are those of its plain code."""

import random
from itertools import pairwise

import numpy as np
import pytest

from core.interruption import CancelledError, heeding
from core.lessons.tokenizer.merges import BYTES, NEVER, learn_merges
from core.lessons.tokenizer.patterns import GPT4
from core.tokenizers import train_bpe


def plain(pieces, most):
    """Return the tokens before and after each merge, with plain lists."""
    parts = [list(piece.encode("utf-8")) for piece in pieces]
    states, pairs = [[token for part in parts for token in part]], []
    for token in range(BYTES, BYTES + most):
        stats = {}
        for part in parts:
            for pair in pairwise(part):
                stats[pair] = stats.get(pair, 0) + 1
        best = max(stats, key=stats.get, default=None)
        if best is None or stats[best] < 2:
            break
        pairs.append(stats[best])
        merged = []
        for part in parts:
            made = []
            for number in part:
                made.append(number)
                # A token that was just made is no longer half of another one.
                if tuple(made[-2:]) == best:
                    made[-2:] = [token]
            merged.append(made)
        parts = merged
        states.append([token for part in parts for token in part])
    return states, pairs


@pytest.mark.parametrize("seed", range(6))
def test_each_step_is_that_of_plain_code(seed):
    """Whatever the text: overlapping pairs, pieces, bytes of one character."""
    rng = random.Random(seed)
    letters = ["ab", "aab ", "xyz\n", "äé🙂", "a", "the "][seed]
    pieces = ["".join(rng.choices(letters, k=rng.randint(0, 60))) for _ in range(4)]
    history = learn_merges(pieces, 40)
    states, counts = plain(pieces, 40)
    assert [merge.count for merge in history.merges] == counts
    assert history.lengths.tolist() == [len(state) for state in states]
    for number, state in enumerate(states):
        tokens = history.tokens(number)
        assert [token for _, token in tokens] == state
        assert b"".join(raw for raw, _ in tokens) == "".join(pieces).encode("utf-8")
        assert history.tokens(number, 3) == tokens[:3]


def test_a_pair_that_stands_once_is_not_merged():
    """So that every text comes to an end; nor is anything where there is nothing."""
    assert not learn_merges(["abc"]).merges
    for nothing in ([], [""]):
        empty = learn_merges(nothing)
        assert not empty.merges and empty.tokens(0) == [] and empty.lengths.tolist() == [0]
    assert learn_merges(["a"]).tokens(0) == [(b"a", 97)]


def test_no_merge_crosses_the_edge_of_a_piece():
    """As the pattern wants it; without it the space joins the letter before it."""
    text = "aa aa aa aa"
    pieces = [piece.text for piece in GPT4.pieces(text)]
    assert (learn_merges(pieces).joined[[1, 4, 7]] == NEVER).all()
    assert learn_merges([text]).joined[1] == 2


def test_a_text_without_ties_gives_the_tokens_of_the_trainer():
    """The same algorithm as of the text playground."""
    words = " the" * 40 + " cat" * 23 + " of" * 11
    pieces = [piece.text for piece in GPT4.pieces(words)]
    ours = [merge.left + merge.right for merge in learn_merges(pieces, 1).merges]
    assert len(ours[0]) == 2 and ours[0] in (b" t", b"th", b"he")
    trained = set(train_bpe([words], BYTES + 6).learned)
    assert {b" the", b" cat"} <= trained
    assert {b" the", b" cat"} <= {m.left + m.right for m in learn_merges(pieces, 8).merges}


def test_it_ends_where_nobody_waits():
    """Between two merges."""
    asked = iter([False, True])
    with pytest.raises(CancelledError), heeding(lambda: next(asked)):
        learn_merges(["ab" * 50])


def test_it_is_given_up_at_the_limit():
    """With read-only arrays."""
    rng = np.random.default_rng(0)
    text = "".join(rng.choice(list("abcdef"), 600))
    history = learn_merges([text], 10)
    assert len(history.merges) == 10 and not history.joined.flags.writeable
