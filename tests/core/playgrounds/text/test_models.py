"""Text networks: they see no future, remember rightly, are judged alike, and learn."""

import math

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from core import playgrounds
from core.errors import UserError
from core.layers import layers_of
from core.playgrounds.text.evaluation import lengths, loss_of
from core.playgrounds.text.inside import attention, logit_lens, look_into, neighbours
from core.playgrounds.text.models import build
from core.playgrounds.text.recipe import MODELS, RECIPES, TextRecipe
from core.playgrounds.text.writer import Writer, continuations, prompt_tokens
from core.sampling import Sampling, Stream
from core.telemetry.events import Finished, Metrics, Snapshot
from core.telemetry.probes import Probe
from core.tokenizers import characters
from core.training.checkpoint import load_checkpoint
from core.training.control import Control
from core.training.learner import Learner
from core.training.trainer import Run, train

CPU = torch.device("cpu")
TEXT = playgrounds.get("text")
SMALL = {
    "tokenizer": "characters",
    "context": 16,
    "width": 16,
    "layers": 2,
    "heads": 2,
    "hidden": (24,),
    "batch_size": 8,
}
LOUD = {"gain": 0.3, "branch_gain": 5.0}
"""First weights that are large enough for every part of a network to be heard."""
VARIANTS = [
    {"position": position, "qk_norm": norm, "tied": tied}
    for position in ("rotary", "learned")
    for norm in (True, False)
    for tied in (True, False)
]
NAMES = ["-".join([v["position"], *(k for k in ("qk_norm", "tied") if v[k])]) for v in VARIANTS]
LESSON = (
    "The cat sat on the mat. A rat, by the way, sat on the cat!\n"
    "Shall I compare thee to a summer's day? Zoë: naïve, 小猫 😀.\n\n"
)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """A text of some six thousand characters, several of them of many bytes."""
    path = tmp_path_factory.mktemp("text") / "lesson.txt"
    path.write_text(LESSON * 50, encoding="utf-8")
    return TEXT.load(path)


@pytest.fixture(scope="module")
def shakespeare():
    """The bundled plays."""
    return TEXT.load(None)


def recipe(model="gpt", **rest):
    """A small recipe of a model."""
    return TextRecipe().replace({"model": model, **SMALL, **rest})


def built(model="gpt", **rest):
    """A small network of characters, fresh, whose parts can all be heard."""
    return build(recipe(model, **LOUD, **rest), characters(LESSON)).eval()


def scores(network, tokens):
    """What it says after the last of these tokens, without remembering anything: (B, V)."""
    with torch.no_grad():
        if network.whole:
            return network(tokens[:, -network.context :])[:, -1]
        missing = max(0, network.context - tokens.shape[1])
        padded = F.pad(tokens, (missing, 0), value=network.tokenizer.newline)
        return network(padded[:, -network.context :])


def run(data, steps=30, **rest):
    """Train a small network; return the events."""
    more = {key: rest.pop(key) for key in ("out", "watched", "resume") if key in rest}
    made = Run(TEXT, recipe(**rest), data, CPU, None, steps, probe_every=0.0, **more)
    return list(train(made, Control()))


def losses_of(events):
    """The loss of every step."""
    return np.concatenate([event.losses for event in events if isinstance(event, Metrics)])


@pytest.mark.parametrize("variant", VARIANTS, ids=NAMES)
def test_no_gpt_looks_ahead(variant):
    """A later token changes no earlier score, but its own and those behind it."""
    network, tokens = built(**variant), torch.randint(0, 256, (3, 16))
    with torch.no_grad():
        first = network(tokens)
        for place in (0, 7, 15):
            other = tokens.clone()
            other[:, place] = (other[:, place] + 1) % 256
            changed = network(other)
            torch.testing.assert_close(changed[:, :place], first[:, :place])
            assert ((changed - first)[:, place:].abs().amax(-1) > 1e-3).all()
        torch.testing.assert_close(network(tokens[:, :5]), first[:, :5], atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("model", ["mlp", "bigram"])
def test_windows_are_seen_up_to_the_context(model):
    """What lies further back than the context has no effect; the last token has."""
    network = built(model, context=4)
    sees = network.context
    assert sees == (1 if model == "bigram" else 4)
    tokens = torch.randint(0, 256, (3, 9))
    said, _ = network.read(tokens)
    other = tokens.clone()
    other[:, : 9 - sees] += 1
    torch.testing.assert_close(network.read(other)[0], said)
    other[:, -1] = (other[:, -1] + 1) % 256
    assert not torch.allclose(network.read(other)[0], said)


@pytest.mark.parametrize("variant", VARIANTS, ids=NAMES)
def test_what_is_remembered_changes_nothing(variant):
    """Token by token, or all at once: the same answers, also after the context was full."""
    network = built(**variant)
    stream = Stream(network, torch.randint(0, 256, (3, 5)), Sampling(), 1)
    lengths_held = set()
    for _ in range(44):
        logits = stream.logits()
        held = min(stream._held, network.context)
        lengths_held.add(held)
        expected = scores(network, stream.tokens[:, -held:])
        torch.testing.assert_close(logits, expected, atol=1e-4, rtol=0)
        stream.draw(logits)
    assert max(lengths_held) == 16 and min(lengths_held) == 5 and logits.std() > 0.1


@pytest.mark.parametrize("model", ["mlp", "bigram"])
def test_windows_slide_by_themselves(model):
    """Each answer is that of the last unigram baseline."""
    network = built(model, context=4)
    stream = Stream(network, torch.randint(0, 256, (3, 2)), Sampling(), 1)
    for _ in range(9):
        logits = stream.logits()
        torch.testing.assert_close(logits, scores(network, stream.tokens), atol=1e-4, rtol=0)
        stream.draw(logits)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("context", [1, 2, 7])
def test_a_prompt_may_be_longer_than_the_context(model, context):
    """Its end counts, and it goes on from there; even with a context of one."""
    network = built(model, context=context)
    stream = Stream(network, torch.randint(0, 256, (2, 23)), Sampling(), 1)
    torch.testing.assert_close(stream.logits(), scores(network, stream.tokens), atol=1e-4, rtol=0)
    stream.say(torch.randint(0, 256, (2, 1)))
    for _ in range(12):
        logits = stream.logits()
        seen = stream.tokens[:, -stream._held :]
        torch.testing.assert_close(logits, scores(network, seen), atol=1e-4, rtol=0)
        stream.draw(logits)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("spoken", [3, 12, 20])
def test_renewing_forgets_the_answers_and_not_the_text(model, spoken):
    """With the same weights it says the same; with new ones what these say of the whole."""
    network = built(model)
    one, other = (Stream(network, torch.tensor([[1, 2, 3, 4]]), Sampling(), 5) for _ in range(2))
    for _ in range(spoken):
        one.draw(one.logits())
        other.draw(other.logits())
    other.renew()
    torch.testing.assert_close(one.logits(), other.logits(), atol=1e-4, rtol=0)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.mul_(1.1)
    for stream in (one, other):
        stream.renew()
    logits = one.logits()
    seen = min(one._held, network.context)
    torch.testing.assert_close(logits, scores(network, one.tokens[:, -seen:]), atol=1e-4, rtol=0)


@pytest.mark.parametrize("model", MODELS)
def test_a_seed_decides_what_is_written(model):
    """The same seed, the same text; another one, another; and many at once or one by one."""
    network = built(model)

    def text(seed):
        writer = Writer(network, prompt_tokens(network, "The 小"), Sampling(), seed)
        written = "".join(writer.next().text for _ in range(40)) + writer.end()
        whole = network.tokenizer.decode(writer.tokens)
        assert whole == "The 小" + written
        return written

    assert text(3) == text(3) != text(4)
    many = torch.cat(list(continuations(network, "The 小", 5, 30, Sampling(), 3)), 1)
    assert many.shape == (5, 30)
    again = torch.cat(list(continuations(network, "The 小", 5, 30, Sampling(), 3)), 1)
    assert torch.equal(many, again) and len({tuple(row) for row in many.tolist()}) == 5


def test_a_writer_says_what_else_it_might_have_said():
    """Candidates by the network's own chances, whatever is drawn; an empty prompt is a new line."""
    network = built()
    writer = Writer(network, prompt_tokens(network, ""), Sampling(temperature=0.01), 1)
    assert writer.tokens == [network.tokenizer.newline]
    expected = scores(network, torch.tensor([writer.tokens]))[0].softmax(-1)
    said = writer.next()
    best = said.candidates[0]
    assert best.token == said.token == int(expected.argmax())
    assert best.probability == said.probability == pytest.approx(float(expected.max()), rel=1e-4)
    chances = [candidate.probability for candidate in said.candidates]
    assert len(chances) == 10 and chances == sorted(chances, reverse=True)
    other = Writer(network, [network.tokenizer.newline], Sampling(), 1)
    wished = said.candidates[3]
    assert other.say(wished.token, said.candidates).token == wished.token == other.tokens[-1]
    resume_run = other.next()
    expected = scores(network, torch.tensor([other.tokens[:-1]]))[0].softmax(-1)
    assert resume_run.probability == pytest.approx(float(expected[resume_run.token]), rel=1e-3)


def test_a_repetition_penalty_finds_other_words():
    """What was said within the context becomes less likely, and nothing else."""
    network = built("bigram")
    with torch.no_grad():
        network.output.product.weight.fill_(0.1)
        network.output.product.weight[:, 65] = 5.0
    plain = Writer(network, prompt_tokens(network, "A"), Sampling(0.1), 1)
    assert {plain.next().token for _ in range(9)} == {65}
    shares = Sampling(repetition=10.0).shares(
        torch.tensor([[2.0, -2.0, 1.0]]), torch.tensor([[0, 1]])
    )
    torch.testing.assert_close(shares, torch.tensor([[0.2, -20.0, 1.0]]).softmax(-1))
    strict = Writer(network, prompt_tokens(network, "A"), Sampling(0.1, repetition=10.0), 1)
    strict.next()
    assert len({strict.next().token for _ in range(9)}) > 1


IMPOSSIBLE = {
    "top-k": (
        lambda n: Writer(n, prompt_tokens(n, "a"), Sampling(top_k=n.tokenizer.size + 1)),
        "more than the 2.. tok",
    ),
    "temperature": (
        lambda n: Writer(n, prompt_tokens(n, "a"), Sampling(0.0)),
        "temperature of 0 is not possible",
    ),
    "repetition": (
        lambda n: Writer(n, prompt_tokens(n, "a"), Sampling(repetition=0.5)),
        "penalty of 0.5 is not",
    ),
    "no repetition": (lambda n: Sampling(repetition=math.nan), "penalty of nan is not"),
    "seed": (
        lambda n: Writer(n, prompt_tokens(n, "a"), Sampling(), -1),
        "seed of -1 is not possible",
    ),
    "large seed": (
        lambda n: Writer(n, prompt_tokens(n, "a"), Sampling(), 1 << 63),
        "is not possible: it is from 0",
    ),
    "length": (lambda n: next(continuations(n, "a", 1, 0, Sampling(), 1)), "0 tokens can't be"),
    "change": (
        lambda n: Writer(n, prompt_tokens(n, "a"), Sampling()).change(Sampling(top_k=999)),
        "top-k of 999",
    ),
}


@pytest.mark.parametrize("kind", IMPOSSIBLE)
def test_impossible_wishes_are_refused(kind):
    """With a sentence that says what is possible; the largest possible top-k is."""
    wish, words = IMPOSSIBLE[kind]
    network = built()
    with pytest.raises(UserError, match=words) as refused:
        wish(network)
    assert str(refused.value).endswith(".")
    Writer(network, prompt_tokens(network, "a"), Sampling(top_k=network.tokenizer.size)).next()


def test_a_network_that_came_apart_says_so():
    """Weights that are no numbers make a sentence."""
    network = built()
    with torch.no_grad():
        network.norm.weight.fill_(math.nan)
    with pytest.raises(UserError, match="diverged"):
        Writer(network, prompt_tokens(network, "a"), Sampling()).next()


@pytest.mark.parametrize("tied", [True, False])
def test_tied_weights_are_kept_once(data, tmp_path, tied):
    """The file has the table once, and the network that comes back has one table."""
    out = tmp_path / "net.safetensors"
    made = run(data, 3, tied=tied, out=out)
    assert isinstance(made[-1], Finished)
    checkpoint = load_checkpoint(out)
    size = data.tokenizer(recipe()).size
    tables = [name for name, t in checkpoint.weights.items() if tuple(t.shape) == (size, 16)]
    assert len(tables) == (1 if tied else 2)
    network = checkpoint.model()
    shared = network.output.product.weight is network.embedding.product.weight
    assert shared == tied and network.tokenizer == data.tokenizer(recipe())
    expected = loss_of(network, data.val(network.tokenizer), 10).nats
    learner = Learner(TEXT, recipe(tied=tied), data, CPU, checkpoint)
    assert loss_of(learner.model, data.val(network.tokenizer), 10).nats == pytest.approx(expected)


def test_the_gradient_of_a_tied_table_comes_from_both_its_uses():
    """From reading as from scoring: their sum is that of the two tables of an untied one."""
    tied, own = built(tied=True), built(tied=False)
    weights = dict(tied.state_dict())
    weights["output.product.weight"] = weights["embedding.product.weight"]
    own.load_state_dict(weights)
    tokens = torch.randint(0, 256, (2, 9))
    for network in (tied, own):
        F.cross_entropy(network(tokens).flatten(0, 1), tokens.flatten()).backward()
    both = own.embedding.product.weight.grad + own.output.product.weight.grad
    torch.testing.assert_close(tied.embedding.product.weight.grad, both, atol=1e-5, rtol=1e-4)


def slow_loss(network, ids, before):
    """-ln of each token's probability, one after another, in stretches of the context."""
    size = network.context if network.whole else 1
    nats = 0.0
    everything = [before, *ids]
    for begin in range(0, len(ids), size):
        for place in range(begin, min(begin + size, len(ids))):
            first = begin if network.whole else max(0, place + 1 - network.context)
            seen = torch.tensor([everything[first : place + 1]])
            nats -= float(scores(network, seen)[0].log_softmax(-1)[ids[place]])
    return nats


@pytest.mark.parametrize("tokenizer", ["characters", "bpe"])
@pytest.mark.parametrize("model", MODELS)
def test_the_loss_is_that_of_a_slow_loop(data, model, tokenizer):
    """Every token of the last tenth once, in stretches that do not overlap; over characters."""
    chosen = recipe(model, tokenizer=tokenizer, vocab_size=300, context=13, **LOUD)
    vocabulary = data.tokenizer(chosen)
    network = build(chosen, vocabulary)
    text = data.val(vocabulary)
    before = int(data.train(vocabulary).ids[-1])
    found = loss_of(network, text, before)
    assert found.tokens == len(text) and found.characters == data.corpus.val.characters
    network.eval()
    nats = slow_loss(network, text.ids.tolist(), before)
    assert found.nats == pytest.approx(nats, rel=1e-4)
    assert found.per_character == pytest.approx(nats / data.corpus.val.characters, rel=1e-4)
    assert found.per_token == pytest.approx(nats / len(text), rel=1e-4)
    assert found.places.shape == ((13,) if model == "gpt" else (1,))


def test_all_tokenizers_are_judged_by_the_same_characters(data):
    """However they cut the text, and however long the context is."""
    seen = set()
    for tokenizer, size in (("characters", 256), ("bpe", 256), ("bpe", 300), ("bpe", 320)):
        for context in (1, 16, 1024):
            model = "gpt" if context > 1 else "bigram"
            chosen = recipe(model, tokenizer=tokenizer, vocab_size=size, context=context)
            network = build(chosen, data.tokenizer(chosen))
            judged = TEXT.test(network, data, chosen)
            seen.add(judged["val_characters"])
            bits, nats = judged["val_bits_per_char"], judged["val_nats_per_char"]
            assert bits == pytest.approx(nats / math.log(2))
            assert judged["vocab_size"] == network.tokenizer.size
    assert seen == {data.corpus.val.characters}


def test_a_glance_judges_some_stretches_and_their_own_characters(data):
    """About as many tokens as were asked for, spread over the text."""
    chosen = recipe(tokenizer="bpe", vocab_size=300)
    network = build(chosen, data.tokenizer(chosen))
    text = data.train(network.tokenizer)
    whole, some = loss_of(network, text, 10), loss_of(network, text, 10, 300)
    assert 200 <= some.tokens <= 500 < whole.tokens
    share = some.tokens / whole.tokens
    assert some.characters == pytest.approx(share * whole.characters, rel=0.3)
    assert some.per_character == pytest.approx(whole.per_character, rel=0.1)
    length = lengths(network.tokenizer)
    assert int(length[text.ids.numpy()].sum()) == text.characters


@pytest.mark.parametrize("training", [True, False])
def test_judging_leaves_a_network_as_it_was(data, training):
    """It is judged without dropout, so twice alike, and goes on in the mode that it was in."""
    network = built(dropout=0.5).train(training)
    first = TEXT.validate(network, data, recipe(), 100)[0]
    assert first == TEXT.validate(network, data, recipe(), 100)[0]
    assert network.training == training and set(first) > {"val_loss", "val_nats_per_char"}


def test_a_text_shorter_than_the_context_is_refused(tmp_path):
    """With what would do; one token more is enough."""
    path = tmp_path / "short.txt"
    path.write_text("abcdefghij" * 12, encoding="utf-8")  # 108 characters to learn from
    short = TEXT.load(path)
    for context, fits in ((107, True), (108, False), (500, False)):
        chosen = recipe(context=context)
        vocabulary = TEXT.vocabulary(short, chosen)
        if fits:
            assert len(TEXT.prepare(short, chosen, vocabulary, CPU)) == 1
            continue
        with pytest.raises(UserError, match=r"only 108 tokens .* choose a shorter context"):
            TEXT.prepare(short, chosen, vocabulary, CPU)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"heads": 3}, "heads=3 can't share width=16 evenly"),
        ({"heads": 16}, "odd share; choose another width, or position=learned"),
        ({"width": 0}, "width"),
        ({"context": 0}, "context"),
        ({"context": 2000}, "context"),
        ({"vocab_size": 255}, "vocab_size"),
        ({"tokenizer": "words"}, "tokenizer"),
        ({"position": "none"}, "position"),
        ({"dropout": 1.0}, "dropout"),
    ],
)
def test_sizes_that_do_not_fit_are_refused(settings, words):
    """By the recipe, before anything is built."""
    with pytest.raises(UserError, match=words):
        recipe(**settings)
    assert recipe(heads=16, position="learned").heads == 16


def test_a_table_that_no_memory_holds_is_refused(tmp_path):
    """A table of pairs of GPT-2's tokens would be ten gigabytes."""

    class Huge:
        """As many tokens as GPT-2's has."""

        size = 50257
        newline = 198

    with pytest.raises(UserError, match="50,257 x 50,257 numbers would not fit"):
        build(recipe("bigram"), Huge())


@pytest.mark.parametrize("model", MODELS)
def test_every_model_learns(data, model):
    """After some steps the loss is lower than at first, and the run ends as finished."""
    rate = {"gpt": 0.01, "mlp": 0.02, "bigram": 0.1}[model]
    events = run(data, model=model, steps=60, lr=rate, context=8, batch_size=16)
    losses = losses_of(events)
    assert isinstance(events[-1], Finished) and len(losses) == 60
    assert losses[0] == pytest.approx(math.log(data.tokenizer(recipe()).size), abs=0.3)
    assert losses[-10:].mean() < losses[:5].mean() - 0.5


def test_a_gpt_learns_from_shakespeare(shakespeare):
    """Thirty steps of bytes on the plays: it begins with a uniform guess and gets better."""
    chosen = {"context": 32, "width": 32, "lr": 0.01, "batch_size": 8}
    losses = losses_of(run(shakespeare, 30, **chosen))
    assert losses[-5:].mean() < losses[0] - 1.0


@pytest.mark.parametrize("model", MODELS)
def test_the_same_seed_learns_the_same(data, model):
    """Twice the same losses, to the last digit; with another seed, others."""
    one, two = (losses_of(run(data, 8, model=model, dropout=0.1)) for _ in range(2))
    assert one.tolist() == two.tolist()
    assert one.tolist() != losses_of(run(data, 8, model=model, dropout=0.1, seed=7)).tolist()


def test_a_run_goes_on_as_if_it_had_never_stopped(data, tmp_path):
    """Twelve steps at once, or six and six."""
    out = tmp_path / "net.safetensors"
    chosen = {"schedule": "constant", "tokenizer": "bpe", "vocab_size": 280}
    whole = losses_of(run(data, 12, **chosen))
    first = losses_of(run(data, 6, out=out, **chosen))
    rest = losses_of(run(data, 6, resume=load_checkpoint(out), **chosen))
    np.testing.assert_allclose(np.concatenate([first, rest]), whole, rtol=1e-5)
    with pytest.raises(UserError, match="other letters or tokens"):
        run(data, 6, resume=load_checkpoint(out), tokenizer="characters")


def test_probes_hear_how_evenly_a_block_looks_about(data):
    """Between one token only and all alike; on layers that attend, and on no other."""
    events = run(data, 4, watched=True)
    names = list(layers_of(built()))
    snapshots = [event for event in events if isinstance(event, Snapshot)]
    assert snapshots
    for snapshot in snapshots:
        for name, stats in zip(names, snapshot.layers, strict=True):
            attends, adds = name.endswith("attend"), name.endswith(("project", "contract"))
            assert math.isnan(stats.attention_entropy) != attends
            assert math.isnan(stats.stream) != adds
            assert not attends or 0.0 <= stats.attention_entropy <= math.log(16) + 1e-5
            assert not adds or stats.stream > 0


@pytest.mark.parametrize("variant", VARIANTS, ids=NAMES)
def test_the_entropy_is_that_of_the_attention_that_is_shown(variant):
    """The probe's number is the mean over the maps; nothing of the probe stays behind."""
    network, tokens = built(**variant), torch.randint(0, 256, (1, 12))
    with Probe(network) as probe:
        network(tokens).sum().backward()
        probe.before_update()
        probe.after_update()
    maps = torch.from_numpy(attention(network, tokens[0].tolist()))
    assert maps.shape == (2, 2, 12, 12)
    assert torch.equal(maps, maps.tril()) and (maps >= 0).all()
    torch.testing.assert_close(maps.sum(-1), torch.ones(2, 2, 12))
    expected = torch.special.entr(maps).sum(-1).mean((1, 2)).tolist()
    found = [s.attention_entropy for s in probe.snapshot(1).layers]
    found = [entropy for entropy in found if not math.isnan(entropy)]
    assert found == pytest.approx(expected, rel=1e-4)
    streams = [s.stream for s in probe.snapshot(1).layers if not math.isnan(s.stream)]
    behind = [float(x.detach().std()) for x in network.streams(tokens)]
    assert len(streams) == 4 and streams[1::2] == pytest.approx(behind[1:], rel=1e-3)
    assert all(layer.listener is None for layer in layers_of(network).values())


@pytest.mark.parametrize("variant", VARIANTS, ids=NAMES)
def test_the_attention_shown_is_the_one_that_is_used(variant):
    """What a block hears, weighted with its map by hand, is what its next layer is given."""
    network, tokens = built(**variant), torch.randint(0, 256, (1, 10))
    heard = {}
    block = network.blocks[0]
    for name in ("attend", "project"):
        layer = getattr(block, name)
        layer.listener = lambda layer, output, name=name: heard.__setitem__(name, output.detach())
    with torch.no_grad():
        network(tokens)
        value = block.three(heard["attend"])[2]
        maps = torch.from_numpy(attention(network, tokens[0].tolist()))[0]
        seen = (maps @ value[0]).transpose(0, 1).reshape(10, 16)
        expected = F.linear(seen, block.project.product.weight, block.project.product.bias)
    torch.testing.assert_close(heard["project"][0], expected, atol=1e-4, rtol=1e-4)


def test_the_last_layer_of_the_lens_is_the_networks_own_answer():
    """One row for each layer and the beginning; of a long text the end is looked at."""
    network = built()
    tokens = torch.randint(0, 256, (20,)).tolist()
    lens = logit_lens(network, tokens)
    assert lens.tokens.shape == lens.probabilities.shape == (3, 16)
    with torch.no_grad():
        shares = network(torch.tensor([tokens[-16:]]))[0].softmax(-1)
        start = network.embedding(torch.tensor(tokens[-16:]))
        first = network.output(network.norm(start)).argmax(-1)
    assert lens.tokens[-1].tolist() == shares.argmax(-1).tolist()
    np.testing.assert_allclose(lens.probabilities[-1], shares.max(-1).values, rtol=1e-4)
    assert lens.tokens[0].tolist() == first.tolist()
    assert attention(network, tokens).shape == (2, 2, 16, 16)


def test_neighbours_point_the_same_way():
    """By the angle and not by the length; never the token itself; none without points."""
    network = built()
    points = network.embedding.product.weight
    with torch.no_grad():
        points[7] = 5.0 * points[3]
        points[9] = -points[3]
    found = neighbours(network, 3, 4)
    assert len(found) == 4 and found[0] == (7, pytest.approx(1.0, abs=1e-5))
    assert [cosine for _, cosine in found] == sorted((c for _, c in found), reverse=True)
    everyone = neighbours(network, 3, 10**6)
    assert len(everyone) == network.tokenizer.size - 1 and 3 not in dict(everyone)
    assert everyone[-1] == (9, pytest.approx(-1.0, abs=1e-5))
    assert neighbours(built("bigram"), 3, 4) == []


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("prompt", ["", "The 小猫", "a prompt that is longer than the context is"])
def test_every_layer_can_be_opened(model, prompt):
    """With a text, and with what was typed."""
    network = built(model)
    for name, layer in layers_of(network).items():
        view = look_into(name, prompt)(network, 5)
        units = layer.fan_out
        assert (view.layer, view.step) == (name, 5) and view.activity.shape[0] == units
        assert view.maps.shape == (units,) and np.isfinite(view.activity).all()


@pytest.mark.parametrize("name", RECIPES)
def test_recipes_with_a_name_are_whole(name):
    """Each can be told as plain values and read again."""
    assert TextRecipe.from_dict(RECIPES[name].to_dict()) == RECIPES[name]
    assert RECIPES[name].model in MODELS


def test_samples_have_their_prompt_and_are_told_as_they_are_made():
    """What is told, one part after another, is the first sample."""
    network, told = built(), []
    wishes = {"temperature": 0.05, "top_k": 128, "top_p": None, "seed": 2}
    found = TEXT.sample(network, recipe(), told.append, prompt="é!", count=1, tokens=9, **wishes)
    assert "".join(told) == found["samples"][0] and found["samples"][0].startswith("é!")
    many = TEXT.sample(network, recipe(), None, prompt="", count=3, tokens=4, **wishes)
    assert len(many["samples"]) == 3 and many["tokens_per_second"] > 0
    assert prompt_tokens(network, "") == [10]
    for count in (0, 1001):
        with pytest.raises(UserError, match="ask for 1 to 1,000"):
            TEXT.sample(network, recipe(), None, prompt="", count=count, tokens=4, **wishes)


def test_a_network_that_has_written_can_be_trained():
    """What sampling keeps to be quick (the turns of places) serves a training, too."""
    network = built(position="rotary", width=24)  # a size that no other test has kept
    with torch.inference_mode():
        network(torch.zeros(1, 16, dtype=torch.long))
    network(torch.zeros(1, 16, dtype=torch.long)).sum().backward()
    assert all(weight.grad is not None for weight in network.parameters())
