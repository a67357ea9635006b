"""A small layer, a table look-up and a convolution as matrix products."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from core.lessons import matrix_products as products
from core.lessons.matrix_products import MAX_SIZE, ProductSizes, SmallLayer
from core.playgrounds.digits.data import bundled
from core.playgrounds.names import models as names
from core.playgrounds.names.alphabet import Alphabet
from core.playgrounds.names.recipe import NamesRecipe


@pytest.fixture
def picture():
    """A held-out digit, 0 to 1."""
    return bundled().validation.images[123].float().numpy() / 255


def test_sizes_that_do_not_match_are_explained():
    """There is no product, and a sentence says why; linked sizes always match."""
    sizes = ProductSizes(inputs=4, rows=4)
    apart = sizes.change("rows", 3, linked=False)
    assert not apart.match and "y" not in SmallLayer().cut(apart)
    assert "A row of x has 4 numbers, but a column of W has 3 weights" in apart.mismatch()
    assert "hatched weights" in sizes.change("rows", 5, linked=False).mismatch()
    assert sizes.change("inputs", 2, linked=True) == ProductSizes(inputs=2, rows=2)
    assert sizes.change("batch", 99, linked=True).batch == MAX_SIZE and not sizes.mismatch()


def test_a_small_layer_is_a_product():
    """What is shown is x @ W + b, and increments wrap around."""
    layer, sizes = SmallLayer(), ProductSizes(batch=2, inputs=3, rows=3, outputs=2)
    cut = layer.cut(sizes)
    assert (cut["y"] == cut["x"] @ cut["w"] + cut["b"]).all() and cut["y"].shape == (2, 2)
    before = layer.w.copy()
    for _ in range(7):
        layer.increment("w", 1, 0, 1)
    assert (layer.w == before).all()


@pytest.mark.parametrize("kernel", [1, 3, 5])
def test_an_unrolled_filter_does_what_torch_does(kernel):
    """Both ways give its numbers; each weight is shared by all positions."""
    draw = torch.Generator().manual_seed(2)
    patch = torch.randn(kernel + 2, kernel + 2, generator=draw)
    weights = torch.randn(kernel, kernel, generator=draw)
    right = F.conv2d(patch[None, None], weights[None, None])[0, 0].numpy()
    outputs = products.convolve(patch.numpy(), weights.numpy())
    matrix = products.convolution_matrix(weights.numpy(), len(patch))
    assert outputs == pytest.approx(right, abs=1e-5)
    assert patch.numpy().ravel() @ matrix == pytest.approx(right.ravel(), abs=1e-5)
    counts = np.bincount(products.weight_indices(len(patch), kernel).ravel() + 1)
    assert (counts[1:] == matrix.shape[1]).all() and len(counts) == kernel**2 + 1


def test_the_patch_of_highest_contrast_has_an_edge_in_it(picture):
    """Neither bare paper nor solid ink."""
    assert products.highest_contrast(picture, 7).std() > picture.std()


@pytest.mark.parametrize("model", ["mlp", "bigram", "gru", "transformer", "wavenet"])
def test_a_one_hot_times_the_table_is_the_layers_own_answer(model):
    """For each network of names that has a table."""
    network = names.build(NamesRecipe(model=model, context=4), Alphabet(".abc"))
    table = products.embedding_table(network)
    first = network.output if model == "bigram" else network.embedding
    right = first(torch.tensor([2]))[0].detach().numpy()
    assert products.multi_hot(4, 2) @ table == pytest.approx(right)


def test_a_network_that_counts_has_no_table():
    """Only counts."""
    assert (
        products.embedding_table(names.build(NamesRecipe(model="bigram-count"), Alphabet(".ab")))
        is None
    )
