"""The numbers of the first lesson are the networks' own."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from core.lessons import attention, convolution
from core.lessons import embedding_lookup as lookup
from core.lessons.forward_trace import journey, softmax
from core.lessons.product import MOST, Layer, Sizes
from core.playgrounds.digits.data import bundled, prepare
from core.playgrounds.digits.models import build
from core.playgrounds.digits.recipe import RECIPES, DigitsRecipe
from core.playgrounds.names import models as names
from core.playgrounds.names.alphabet import Alphabet
from core.playgrounds.names.recipe import NamesRecipe
from core.playgrounds.text.models import GPT
from core.playgrounds.text.recipe import TextRecipe
from core.tokenizers import characters

NETWORKS = {
    "modern": RECIPES["modern"],
    "mlp": DigitsRecipe(model="mlp", hidden=(60, 37), batch_norm=True),
    "EZMNIST": RECIPES["EZMNIST"],
    "even kernel": DigitsRecipe(channels=(4, 6), kernel=4, batch_norm=False),
}
pytestmark = pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel")


@pytest.fixture
def picture():
    """A held-out digit, 0 to 1."""
    return bundled().validation.images[123].float().numpy() / 255


@pytest.fixture(params=NETWORKS)
def network(request):
    """A network with weights, and with what batch norm learns from some digits."""
    model = build(NETWORKS[request.param])
    with torch.no_grad():
        model.train()(prepare(bundled().validation.images[:100]))
    return model.eval()


def test_the_last_stage_says_what_the_network_says(network, picture):
    """A digit's way through the layers ends in the network's own ten scores."""
    with torch.no_grad():
        scores = network(prepare(torch.from_numpy(picture)[None]))[0]
    stages = journey(network, picture)
    assert torch.equal(torch.from_numpy(stages[-1].outputs.copy()), scores)
    assert [stage.info.units for stage in stages][-1] == 10


def test_a_sum_and_what_follows_it_is_the_output(network, picture):
    """For any unit and place of any layer: products, bias, batch norm and activation."""
    draw = np.random.default_rng(1)
    for stage in journey(network, picture):
        shape = stage.outputs.shape
        for _ in range(12):
            unit, *place = (int(draw.integers(size)) for size in shape)
            found = stage.sum_of(unit, tuple(place) or (0, 0))
            said = float(stage.outputs[(unit, *place)])
            end = found.steps[-1][1] if found.steps else found.total
            assert end == pytest.approx(said, abs=1e-5)
            if not stage.acts:
                assert found.total == pytest.approx(said, abs=1e-4)
            elif stage.acts == ("relu",):
                assert max(0.0, found.total) == pytest.approx(said, abs=1e-4)
            assert found.rows.sum() + (found.bias or 0) == pytest.approx(found.total, abs=1e-4)


def test_the_first_layer_of_an_mlp_is_summed_by_the_rows_of_the_picture(picture):
    """Its 784 inputs are folded into the picture again."""
    first = journey(build(NETWORKS["mlp"]).eval(), picture)[0]
    found = first.sum_of(3)
    assert found.inputs.shape == (28, 28)
    assert np.corrcoef(found.inputs.ravel(), picture.ravel())[0, 1] > 0.999


def test_softmax_is_torchs_at_any_temperature():
    """Also where e to the power of a score is more than a computer can hold."""
    scores = np.array([1.0, -2.0, 3000.0, 2999.0])
    for temperature in (0.1, 1.0, 7.0):
        shares = softmax(scores, temperature)[2]
        right = F.softmax(torch.from_numpy(scores) / temperature, 0).numpy()
        assert shares == pytest.approx(right)


def test_sizes_that_do_not_fit_explain_themselves():
    """They have no product, and say whose numbers find no partner; kept together, they fit."""
    sizes = Sizes(inputs=4, rows=4)
    apart = sizes.change("rows", 3, together=False)
    assert not apart.fits and "y" not in Layer().cut(apart)
    assert "A row of x has 4 numbers, but a column of W has 3 weights" in apart.misfit()
    assert "hatched weights" in sizes.change("rows", 5, together=False).misfit()
    assert sizes.change("inputs", 2, together=True) == Sizes(inputs=2, rows=2)
    assert sizes.change("batch", 99, together=True).batch == MOST and not sizes.misfit()


def test_a_small_layer_is_a_product():
    """What is shown is x @ W + b, and a turned number comes round again."""
    layer, sizes = Layer(), Sizes(batch=2, inputs=3, rows=3, outputs=2)
    cut = layer.cut(sizes)
    assert (cut["y"] == cut["x"] @ cut["w"] + cut["b"]).all() and cut["y"].shape == (2, 2)
    before = layer.w.copy()
    for _ in range(7):
        layer.turn("w", 1, 0, 1)
    assert (layer.w == before).all()


@pytest.mark.parametrize("kernel", [1, 3, 5])
def test_an_unrolled_filter_does_what_torch_does(kernel):
    """Sliding and the matrix give its numbers; each weight stands there once for each place."""
    draw = torch.Generator().manual_seed(2)
    patch = torch.randn(kernel + 2, kernel + 2, generator=draw)
    weights = torch.randn(kernel, kernel, generator=draw)
    right = F.conv2d(patch[None, None], weights[None, None])[0, 0].numpy()
    slid = convolution.slide(patch.numpy(), weights.numpy())
    matrix = convolution.unroll(weights.numpy(), len(patch))
    assert slid == pytest.approx(right, abs=1e-5)
    assert patch.numpy().ravel() @ matrix == pytest.approx(right.ravel(), abs=1e-5)
    counts = np.bincount(convolution.origins(len(patch), kernel).ravel() + 1)
    assert (counts[1:] == matrix.shape[1]).all() and len(counts) == kernel**2 + 1


def test_the_liveliest_patch_has_an_edge_in_it(picture):
    """Neither bare paper nor solid ink."""
    assert convolution.liveliest(picture, 7).std() > picture.std()


@pytest.mark.parametrize("model", ["mlp", "bigram", "gru", "transformer", "wavenet"])
def test_a_one_hot_times_the_table_is_the_layers_own_answer(model):
    """For each network of names that has a table."""
    network = names.build(NamesRecipe(model=model, context=4), Alphabet(".abc"))
    table = lookup.table_of(network)
    first = network.output if model == "bigram" else network.embedding
    right = first(torch.tensor([2]))[0].detach().numpy()
    assert lookup.ones(4, 2) @ table == pytest.approx(right)


def test_a_network_that_counts_has_no_table():
    """There is nothing to be looked up."""
    assert lookup.table_of(names.build(NamesRecipe(model="bigram-count"), Alphabet(".ab"))) is None


@pytest.mark.parametrize("modern", [False, True])
def test_attention_by_hand_is_the_blocks_own(modern):
    """Queries, keys, values, scores and shares lead to what the block sees, in every head."""
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
        found = attention.look(model, tokens, 1, head)
        assert found.shares == pytest.approx(shares[head].numpy(), abs=1e-5)
        assert found.seen == pytest.approx(seen[head].numpy(), abs=1e-5)


def test_the_example_looks_for_a_thing():
    """In the head by hand, "it" looks at "cat" most, and nobody looks ahead."""
    shares = attention.example().shares
    words = attention.WORDS
    assert shares[words.index("it")].argmax() == words.index("cat")
    assert (np.triu(shares, 1) == 0).all() and shares.sum(1) == pytest.approx(1.0)
