"""Attention in one head, step by step."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from core.lessons import attention
from core.playgrounds.text.models import GPT
from core.playgrounds.text.recipe import TextRecipe
from core.tokenizers import characters


@pytest.mark.parametrize("modern", [False, True])
def test_attention_by_hand_is_the_blocks_own(modern):
    """Queries, keys, values, scores and weights lead to the block's own output, in every head."""
    recipe = TextRecipe(
        model="gpt",
        width=16,
        heads=2,
        layers=2,
        context=8,
        position="rotary" if modern else "learned",
        qk_norm=modern,
    )
    model = GPT(recipe, characters("abcdefgh"))
    torch.manual_seed(0)
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    model.eval()
    tokens = [1, 4, 2, 2, 0]
    block = model.blocks[1]
    with torch.no_grad():
        stream = model.streams(torch.tensor([tokens]))[1]
        said = block.attend(block.norm(stream))
        shares = block.attention(said)[0]
        query, key, value = block.three(said)
        seen = F.scaled_dot_product_attention(
            query, key, value, is_causal=True, scale=block.sharpness
        )[0]
    for head in range(2):
        found = attention.trace_head(model, tokens, 1, head)
        assert found.weights == pytest.approx(shares[head].numpy(), abs=1e-5)
        assert found.output == pytest.approx(seen[head].numpy(), abs=1e-5)


def test_the_example_head_finds_the_noun():
    """The token "it" attends to "cat" most, and later tokens are masked."""
    shares = attention.example().weights
    words = attention.EXAMPLE_TOKENS
    assert shares[words.index("it")].argmax() == words.index("cat")
    assert (np.triu(shares, 1) == 0).all() and shares.sum(1) == pytest.approx(1.0)
