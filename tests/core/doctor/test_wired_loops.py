"""Loops around networks that are wired oddly: the cause stands first; as meant, there is none."""

import math

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from core import watch

STEPS, ROWS, TOKENS, WIDE = 24, 16, 12, 32


def train(make_loss, *modules, optimizer=None, batch=ROWS, after=None):
    """Train for some steps, and return the diagnosis; ``after`` uses the network."""
    optimizer = optimizer or torch.optim.Adam(nn.ModuleList(modules).parameters(), lr=2e-3)
    with watch(*modules, quiet=True, record=False, budget=0.0) as seen:
        for step in range(STEPS):
            loss = make_loss(step)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            seen.step(loss)
    if after:
        with seen.using():
            after()
    return seen.diagnosis


def first(diagnosis):
    """The first cause; ""."""
    return diagnosis.causes[0].id if diagnosis.causes else ""


@pytest.fixture(autouse=True)
def seeded():
    """The same numbers each time."""
    torch.manual_seed(0)


PICTURES = (
    ("dims_scrambled", lambda x: x.view(len(x), 3, 10, 8)),
    (
        "",
        lambda x: x.permute(0, 3, 1, 2),
    ),
)


@pytest.mark.parametrize(("cause", "moved"), PICTURES)
def test_channels_by_a_view(cause, moved):
    """Pictures whose channels stand last, for a convolution that wants them first."""
    x, y = torch.randn(200, 10, 8, 3), torch.arange(200) % 4
    x[torch.arange(200), :, :, y % 3] += 1.5
    conv, out = nn.Conv2d(3, 6, 3), nn.Linear(6, 4)

    def loss(step):
        i = torch.randint(0, 200, (ROWS,))
        return F.cross_entropy(out(conv(moved(x[i])).relu().mean((2, 3))), y[i])

    assert first(train(loss, conv, out)) == cause


def shares_as_meant(scores, mask):
    """Scaled, masked, then a softmax along the keys."""
    return scores.div(math.sqrt(WIDE)).masked_fill(mask == 0, -math.inf).softmax(-1)


ATTENTION = [
    ("", shares_as_meant),
    ("attention_axis", lambda s, m: s.div(5.7).masked_fill(m == 0, -1e9).softmax(-2)),
    ("attention_mask_late", lambda s, m: s.div(5.7).softmax(-1).masked_fill(m == 0, 0.0)),
]


@pytest.mark.parametrize(
    ("cause", "moved"),
    [
        ("dims_scrambled", lambda x: x.reshape(x.shape[1], len(x), 3)),
        ("", lambda x: x.transpose(0, 1)),
    ],
)
def test_steps_for_a_batch_by_a_reshape(cause, moved):
    """A recurrent network that wants steps first is given examples that are mixed."""
    x, y = torch.randn(200, TOKENS, 3), torch.arange(200) % 4
    x += 2 * F.one_hot(y, 4)[:, None, :3]
    lstm, out = nn.LSTM(3, WIDE), nn.Linear(WIDE, 4)

    def loss(step):
        i = torch.randint(0, 200, (ROWS,))
        return F.cross_entropy(out(lstm(moved(x[i]))[0].mean(0)), y[i])

    assert first(train(loss, lstm, out)) == cause


@pytest.mark.parametrize(
    ("cause", "way"), [("", "means"), ("", "steps"), ("dims_scrambled", "steps first")]
)
def test_a_series_in_pieces_that_are_as_many_as_the_batch(cause, way):
    """Its examples come back by another reshape: nothing is mixed but by what goes over pieces."""
    x, y = torch.randn(200, 64, 3), torch.arange(200) % 4
    x += 2 * F.one_hot(y, 4)[:, None, :3]
    inside, out = nn.LSTM(3, WIDE, batch_first=way != "steps first"), nn.Linear(WIDE, 4)

    def loss(step):
        i = torch.randint(0, 200, (8,))
        pieces = inside(x[i].reshape(64, 8, 3))[0]  # 8 of 8 steps in each example
        if way == "means":
            pieces = pieces.mean(1)
        return F.cross_entropy(out(pieces.reshape(8, -1, WIDE).mean(1)), y[i])

    assert first(train(loss, inside, out)) == cause


TWO, HALF = 2, WIDE // 2
HEADS = [
    ("", lambda x: x.view(ROWS, -1, TWO, HALF).transpose(1, 2), "as meant"),
    ("", lambda x: x.view(ROWS, -1, TWO, HALF).permute(0, 2, 1, 3), "by products of torch"),
    ("", lambda x: x.transpose(1, 2).reshape(ROWS, TWO, HALF, -1).mT, "channels first"),
    ("", lambda x: x.view(ROWS, 1, -1, WIDE), "one head"),
    ("", lambda x: x.view(ROWS, -1, 8, WIDE // 8).transpose(1, 2), "as many as tokens"),
    ("dims_scrambled", lambda x: x.view(ROWS, TWO, -1, HALF), "as meant"),
    ("dims_scrambled", lambda x: x.view(ROWS, TWO, -1, HALF), "by products of torch"),
    ("dims_scrambled", lambda x: x.reshape(ROWS * TWO, -1, HALF), "in a batch"),
    (
        "dims_scrambled",
        lambda x: x.view(ROWS, -1, TWO, HALF).transpose(1, 2),
        "joined by a reshape",
    ),
]


@pytest.mark.parametrize(("cause", "split", "way"), HEADS)
def test_heads_that_are_split_off_tokens(cause, split, way):
    """Tokens and heads change places by a transpose, on the way there and back."""
    length = 8 if way == "as many as tokens" else TOKENS
    embed, place = nn.Embedding(9, WIDE), nn.Embedding(length, WIDE)
    qkv, join, out = nn.Linear(WIDE, 3 * WIDE), nn.Linear(WIDE, WIDE), nn.Linear(WIDE, 9)

    def loss(step):
        tokens = torch.randint(9, (ROWS, length))
        x = embed(tokens) + place.weight
        q, k, v = (split(part.contiguous()) for part in qkv(x).chunk(3, -1))
        if way == "by products of torch":
            y = F.scaled_dot_product_attention(q, k, v)
        else:
            y = (q @ k.mT / q.shape[-1] ** 0.5).softmax(-1) @ v
        if y.dim() == 4 and way != "joined by a reshape":
            y = y.transpose(1, 2)
        return F.cross_entropy(out(x + join(y.reshape(ROWS, length, WIDE))).mT, tokens.flip(1))

    diagnosis = train(loss, embed, place, qkv, join, out)
    assert first(diagnosis) == cause, diagnosis.text()


def test_heads_have_all_the_lines_in_which_they_are_split_off_and_joined():
    """Each of them is to be changed."""
    x = torch.randn(100, TOKENS, WIDE)
    qkv, out = nn.Linear(WIDE, 3 * WIDE), nn.Linear(WIDE, 3)

    def loss(step):
        q, k, v = qkv(x[torch.randint(100, (ROWS,))]).split(WIDE, -1)
        q = q.reshape(ROWS, TWO, TOKENS, HALF)
        k = k.reshape(ROWS, TWO, TOKENS, HALF)
        v = v.reshape(ROWS, TOKENS, TWO, HALF).transpose(1, 2)
        y = (q @ k.mT / HALF**0.5).softmax(-1) @ v
        y = y.reshape(ROWS, TOKENS, WIDE)
        return F.cross_entropy(out(y).mT, torch.arange(TOKENS).expand(ROWS, -1) % 3)

    (cause, *_) = train(loss, qkv, out).causes
    assert cause.id == "dims_scrambled"
    assert [line.text[:9] for line in cause.lines] == ["q = q.res", "k = k.res", "y = y.res"]


@pytest.mark.parametrize(
    ("cause", "between", "each"),
    [
        ("state_detached", lambda h: h.detach(), False),
        ("state_detached", lambda h: h.data, False),
        ("", lambda h: h, False),
        ("", lambda h: h.detach(), True),
    ],
    ids=["detached", "data", "whole", "a loss for each step"],
)
def test_a_state_between_the_steps_of_one_sequence(cause, between, each):
    """Detached there, what came first is not learned; each step may have a loss of its own."""
    embed, cell, out = nn.Embedding(9, WIDE), nn.GRUCell(WIDE, WIDE), nn.Linear(WIDE, 9)

    def make_loss(step):
        tokens = torch.randint(9, (ROWS, TOKENS))
        state, losses = torch.zeros(ROWS, WIDE), []
        for t in range(TOKENS):
            state = cell(embed(tokens[:, t]), between(state))
            losses.append(F.cross_entropy(out(state), tokens[:, t if each else 0]))
        return sum(losses) if each else losses[-1]

    diagnosis = train(make_loss, embed, cell, out)
    assert first(diagnosis) == cause, diagnosis.text()


def test_windows_of_a_long_sequence_may_be_detached():
    """Between them, once each: that is truncated backpropagation through time."""
    x, y = torch.randn(200, 40, 3), torch.arange(200) % 4
    lstm, out = nn.LSTM(3, WIDE, batch_first=True), nn.Linear(WIDE, 4)

    def make_loss(step):
        i, state = torch.randint(0, 200, (ROWS,)), None
        for window in x[i].split(10, 1):
            hidden, state = lstm(window, state)
            state = tuple(part.detach() for part in state)
        return F.cross_entropy(out(hidden[:, -1]), y[i])

    assert "state_detached" not in [cause.id for cause in train(make_loss, lstm, out).causes]


@pytest.mark.parametrize(("cause", "shares"), ATTENTION)
def test_attention(cause, shares):
    """A causal self-attention over tokens that repeat after three places."""
    assert first(attention(shares)) == cause


def test_attention_without_its_scale():
    """Wide queries and keys, of first weights that make their products large."""
    plain = lambda s, m: s.masked_fill(m == 0, -math.inf).softmax(-1)  # noqa: E731
    assert first(attention(plain, size=2.0)) == "attention_unscaled"


SCALES = [
    ("attention_unscaled", lambda q, k: 1.0 * (q @ k.transpose(-2, -1))),
    ("attention_unscaled", lambda q, k: torch.einsum("bid,bjd->bij", q, k) / 1),
    ("", lambda q, k: (q * WIDE**-0.5) @ k.transpose(-2, -1)),
    ("", lambda q, k: F.normalize(q, dim=-1) @ F.normalize(k, dim=-1).transpose(-2, -1)),
]


@pytest.mark.parametrize(("cause", "scores"), SCALES)
def test_a_scale_is_what_makes_products_smaller(cause, scores):
    """A factor of one is none, and one of the queries, or their norm, is one."""
    masked = lambda s, m: s.masked_fill(m == 0, -math.inf).softmax(-1)  # noqa: E731
    assert first(attention(masked, size=2.0, scores=scores)) == cause


def attention(shares, size=1.0, scores=lambda q, k: q @ k.transpose(-2, -1)):
    """Train an attention whose shares are made by a function of scores and mask."""
    rows = (torch.randint(0, 20, (300, 1)) + torch.arange(TOKENS + 1) * 7) % 20
    emb, pos = nn.Embedding(20, WIDE), nn.Embedding(TOKENS, WIDE)
    q, k, v = (nn.Linear(WIDE, WIDE, bias=False) for _ in range(3))
    out, mask = nn.Linear(WIDE, 20), torch.tril(torch.ones(TOKENS, TOKENS))
    with torch.no_grad():
        q.weight.mul_(size)

    def loss(step):
        x = rows[torch.randint(0, 300, (ROWS,))]
        h = emb(x[:, :-1]) + pos(torch.arange(TOKENS))
        weighed = shares(scores(q(h), k(h)), mask) @ v(h)
        return F.cross_entropy(out(h + weighed).flatten(0, 1), x[:, 1:].flatten())

    return train(loss, emb, pos, q, k, v, out)


@pytest.mark.parametrize("cause", ["layer_repeated", ""])
def test_a_list_of_one_layer(cause):
    """``[layer] * 3`` against three layers."""
    x = torch.randn(200, 8)
    layer = nn.Sequential(nn.Linear(8, 8), nn.Tanh())
    made = [layer] * 3 if cause else [nn.Sequential(nn.Linear(8, 8), nn.Tanh()) for _ in range(3)]
    net = nn.Sequential(*made, nn.Linear(8, 1))

    def loss(step):
        batch = x[torch.randint(0, 200, (ROWS,))]
        return F.mse_loss(net(batch), batch[:, :1].sin())

    assert first(train(loss, net)) == cause


@pytest.mark.parametrize(("cause", "rows"), [("batch_norm_tiny", 2), ("", ROWS)])
def test_batch_norm_of_two_examples(cause, rows):
    """Two examples are normalised to +1 and -1."""
    x, y = torch.randn(200, 8), torch.arange(200) % 2
    x[:, 0] += 2.0 * y
    net = nn.Sequential(nn.Linear(8, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, 2))

    def loss(step):
        i = torch.randint(0, 200, (rows,))
        return F.cross_entropy(net(x[i]), y[i])

    assert first(train(loss, net)) == cause


@pytest.mark.parametrize(
    ("cause", "ignored", "filled"),
    [("padding_in_loss", -100, 0), ("", 0, 0), ("class_imbalance", -100, 5)],
    ids=["counted", "ignored", "no padding"],
)
def test_padding_in_the_loss(cause, ignored, filled):
    """Behind the end of short rows; where tokens are there, most labels are of one class."""
    lengths = torch.randint(2, 4, (200, 1))
    x = torch.randint(1, 9, (200, TOKENS))
    behind = torch.arange(TOKENS) >= lengths
    labels = torch.where(behind, 0, 1 + x % 4)
    tokens = torch.where(behind & (filled == 0), 0, x)
    embed, gru, out = (
        nn.Embedding(9, WIDE),
        nn.GRU(WIDE, WIDE, batch_first=True),
        nn.Linear(WIDE, 5),
    )

    def loss(step):
        i = torch.randint(0, 200, (ROWS,))
        logits = out(gru(embed(tokens[i]))[0])
        return F.cross_entropy(logits.flatten(0, 1), labels[i].flatten(), ignore_index=ignored)

    assert first(train(loss, embed, gru, out)) == cause


@pytest.mark.parametrize("way", ["masked", "picked"])
def test_padding_that_a_loss_leaves_out_by_hand(way):
    """Each loss times a mask; or log-probabilities that are picked, which is understood."""
    lengths = torch.randint(2, 4, (200, 1))
    x = torch.randint(1, 9, (200, TOKENS))
    real = torch.arange(TOKENS) < lengths
    tokens, labels = torch.where(real, x, 0), torch.where(real, 1 + x % 4, 0)
    embed, gru, out = (
        nn.Embedding(9, WIDE),
        nn.GRU(WIDE, WIDE, batch_first=True),
        nn.Linear(WIDE, 5),
    )

    def loss(step):
        i = torch.randint(0, 200, (ROWS,))
        logits, y, kept = out(gru(embed(tokens[i]))[0]).flatten(0, 1), labels[i].flatten(), real[i]
        if way == "masked":
            each = F.cross_entropy(logits, y, reduction="none") * kept.flatten()
            return each.sum() / kept.sum()
        return -logits.log_softmax(-1)[torch.arange(len(y)), y].mean()

    diagnosis = train(loss, embed, gru, out)
    assert "padding_in_loss" not in [cause.id for cause in diagnosis.causes], diagnosis.text()
    assert "not understood" not in diagnosis.sentence


@pytest.mark.parametrize("cause", ["padding_read", ""])
def test_padding_at_the_end_that_is_read(cause):
    """Words of two to four letters in rows of twelve, padded behind or in front."""
    lengths = torch.randint(2, 5, (300,))
    words = torch.randint(1, 9, (300, TOKENS))
    words[torch.arange(TOKENS) >= lengths[:, None]] = 0
    y = words[torch.arange(300), lengths - 1] % 3
    if not cause:
        words = torch.stack(
            [row.roll(int(TOKENS - n)) for row, n in zip(words, lengths, strict=True)]
        )
    emb, gru, out = nn.Embedding(9, 8), nn.GRU(8, 16, batch_first=True), nn.Linear(16, 3)

    def loss(step):
        i = torch.randint(0, 300, (ROWS,))
        return F.cross_entropy(out(gru(emb(words[i]))[0][:, -1]), y[i])

    assert first(train(loss, emb, gru, out)) == cause


@pytest.mark.parametrize(("way", "cause"), [("last place", "padding_read"), ("last state", "")])
@pytest.mark.parametrize("batch_first", [True, False])
def test_the_last_place_of_what_was_packed_is_padding(batch_first, way, cause):
    """Packed rows come back padded with zeros; the last state is that of each row's end."""
    lengths = torch.randint(2, TOKENS + 1, (300,))
    words = torch.randint(1, 9, (300, TOKENS))
    words[torch.arange(TOKENS) >= lengths[:, None]] = 0
    y = words[torch.arange(300), lengths - 1] % 3
    emb, gru, out = nn.Embedding(9, 8), nn.GRU(8, 16, batch_first=batch_first), nn.Linear(16, 3)

    def loss(step):
        i = torch.randint(0, 300, (ROWS,))
        given = emb(words[i] if batch_first else words[i].T)
        states, last = gru(pack_padded_sequence(given, lengths[i], batch_first, False))
        states, _ = pad_packed_sequence(states, batch_first)
        ends = states[:, -1] if batch_first else states[-1]
        return F.cross_entropy(out(ends if way == "last place" else last[0]), y[i])

    assert first(train(loss, emb, gru, out)) == cause


@pytest.mark.parametrize("cause", ["padding_read", ""])
def test_padding_in_front_that_is_read_at_the_end_of_a_word(cause):
    """The state is taken at each word's length, where words padded in front have not begun."""
    lengths = torch.randint(2, 6, (300,))
    words = torch.randint(1, 9, (300, TOKENS))
    words[torch.arange(TOKENS) >= lengths[:, None]] = 0
    y = words[torch.arange(300), lengths - 1] % 3
    if cause:
        words = torch.stack(
            [row.roll(int(TOKENS - n)) for row, n in zip(words, lengths, strict=True)]
        )
    emb, gru, out = nn.Embedding(9, 8), nn.GRU(8, 16, batch_first=True), nn.Linear(16, 3)

    def loss(step):
        i = torch.randint(0, 300, (ROWS,))
        states = gru(emb(words[i]))[0]
        return F.cross_entropy(out(states[torch.arange(ROWS), lengths[i] - 1]), y[i])

    assert first(train(loss, emb, gru, out)) == cause


@pytest.mark.parametrize(
    ("cause", "last"), [("outputs_out_of_reach", nn.Sigmoid()), ("", nn.Identity())]
)
def test_targets_beyond_a_sigmoid(cause, last):
    """Targets from -2 to 2, and outputs from 0 to 1."""
    x = torch.randn(200, 4)
    net = nn.Sequential(nn.Linear(4, 16), nn.Tanh(), nn.Linear(16, 1), last)

    def loss(step):
        batch = x[torch.randint(0, 200, (ROWS,))]
        return F.mse_loss(net(batch), 2 * batch[:, :1].sin())

    assert first(train(loss, net)) == cause


@pytest.mark.parametrize(
    ("cause", "dtype"), [("low_precision_weights", torch.bfloat16), ("", None)]
)
def test_weights_in_bfloat16(cause, dtype):
    """Steps of a small learning rate are lost in three digits."""
    x = torch.randn(200, 8).to(dtype or torch.float32)
    net = nn.Sequential(nn.Linear(8, 16), nn.Tanh(), nn.Linear(16, 1)).to(dtype or torch.float32)

    def loss(step):
        batch = x[torch.randint(0, 200, (ROWS,))]
        return F.mse_loss(net(batch), batch[:, :1].sin())

    optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
    assert first(train(loss, net, optimizer=optimizer)) == cause


@pytest.mark.parametrize("cause", ["context_frozen", ""])
def test_a_generation_whose_context_stays(cause):
    """Letters are drawn one after another; the context is cut anew, or is forgotten."""
    rows = (torch.randint(0, 9, (300, 1)) + torch.arange(4) * 2) % 9
    emb, hidden, out = nn.Embedding(9, 8), nn.Linear(24, 16), nn.Linear(16, 9)

    def scores(x):
        return out(hidden(emb(x).flatten(1)).tanh())

    def loss(step):
        x = rows[torch.randint(0, 300, (ROWS,))]
        return F.cross_entropy(scores(x[:, :3]), x[:, 3])

    def generate():
        context, drawn = [0, 0, 0], []
        for _ in range(20):
            shares = scores(torch.tensor([context])).softmax(1)
            drawn.append(int(torch.multinomial(shares, 1)))
            if not cause:
                context = [*context[1:], drawn[-1]]

    assert first(train(loss, emb, hidden, out, after=generate)) == cause


@pytest.mark.parametrize("network", ["keys", "state"])
@pytest.mark.parametrize("remembers", [True, False])
def test_a_network_that_keeps_earlier_tokens_may_be_given_one_at_a_time(network, remembers):
    """By a cache of keys and values, or by a hidden state; without it its context is too short."""
    embed, gru = nn.Embedding(9, WIDE), nn.GRU(WIDE, WIDE, batch_first=True)
    query, key, value, head = (nn.Linear(WIDE, n) for n in (WIDE, WIDE, WIDE, 9))

    def attention(x, cache=None):
        x = embed(x)
        q, k, v = query(x), key(x), value(x)
        if cache:
            k, v = torch.cat([cache[0], k], 1), torch.cat([cache[1], v], 1)
        scores = q @ k.transpose(-2, -1) / WIDE**0.5
        behind = torch.ones(scores.shape[-2:], dtype=torch.bool).triu(1 + k.shape[1] - q.shape[1])
        weights = scores.masked_fill(behind, -math.inf).softmax(-1)
        return head(weights @ v), (k, v)

    def recurrent(x, state=None):
        out, state = gru(embed(x), state)
        return head(out), state

    forward = attention if network == "keys" else recurrent
    used = (embed, query, key, value, head) if network == "keys" else (embed, gru, head)
    tokens = torch.randint(9, (ROWS, TOKENS + 1))

    def make_loss(step):
        return F.cross_entropy(forward(tokens[:, :-1])[0].flatten(0, 1), tokens[:, 1:].flatten())

    @torch.no_grad()
    def generate():
        token, kept = torch.zeros(1, 1, dtype=torch.long), None
        for _ in range(10):
            logits, found = forward(token, kept)
            kept = found if remembers else None
            token = logits[:, -1].argmax(-1, keepdim=True)

    diagnosis = train(make_loss, *used, after=generate)
    assert (first(diagnosis) == "train_eval_mismatch") is not remembers, diagnosis.text()
    assert remembers or "1 token at a time" in diagnosis.causes[0].evidence


@pytest.mark.parametrize("moves", [True, False])
def test_texts_that_end_at_once_do_not_say_how_they_grow(moves):
    """Each begins with the same token; where another one follows alone, the context is lost."""
    tokens = torch.randint(1, 9, (ROWS, TOKENS + 1))
    embed, gru, head = (
        nn.Embedding(9, WIDE),
        nn.GRU(WIDE, WIDE, batch_first=True),
        nn.Linear(WIDE, 9),
    )

    def make_loss(step):
        logits = head(gru(embed(tokens[:, :-1]))[0])
        return F.cross_entropy(logits.flatten(0, 1), tokens[:, 1:].flatten())

    @torch.no_grad()
    def generate():
        for number in range(6):
            head(gru(embed(torch.tensor([[number if moves else 0]])))[0])

    diagnosis = train(make_loss, embed, gru, head, after=generate)
    assert ("train_eval_mismatch" in [c.id for c in diagnosis.causes]) == moves, diagnosis.text()


@pytest.mark.parametrize("asked", ["prompt", "zeros"])
@pytest.mark.parametrize("cut", ["first", "last"])
def test_a_sampler_that_cuts_the_wrong_end(cut, asked):
    """From some letters on what is drawn is no longer seen."""
    rows = (torch.randint(0, 9, (300, 1)) + torch.arange(7) * 2) % 9
    emb, gru, out = nn.Embedding(9, 8), nn.GRU(8, WIDE, batch_first=True), nn.Linear(WIDE, 9)

    def loss(step):
        x = rows[torch.randint(0, 300, (ROWS,))]
        return F.cross_entropy(out(gru(emb(x[:, :6]))[0]).flatten(0, 1), x[:, 1:].flatten())

    @torch.no_grad()
    def generate():
        ids = rows[:1, :3] if asked == "prompt" else torch.zeros(1, 1, dtype=torch.long)
        for _ in range(24):
            context = ids[:, :6] if cut == "first" else ids[:, -6:]
            shares = out(gru(emb(context))[0])[:, -1].softmax(-1)
            ids = torch.cat([ids, torch.multinomial(shares, 1)], 1)

    diagnosis = train(loss, emb, gru, out, after=generate)
    assert first(diagnosis) == ("context_frozen" if cut == "first" else "")


@pytest.mark.parametrize("answer", ["given", "shifted", "shifted behind", "copied"])
def test_a_decoder_that_is_given_the_answer(answer):
    """Sequences in reverse; where the task is to copy them, the question is the answer."""
    emb, head = nn.Embedding(11, 16), nn.Linear(WIDE, 11)
    encoder, decoder = (nn.GRU(16, WIDE, batch_first=True) for _ in range(2))

    def loss(step):
        asked = torch.randint(0, 10, (ROWS, 6))
        wanted = asked if answer == "copied" else asked.flip(1)
        begin = torch.full((ROWS, 1), 10)
        if answer == "shifted behind":
            told = torch.cat([emb(begin), emb(wanted)[:, :-1]], 1)
        else:
            told = emb(wanted if answer == "given" else torch.cat([begin, wanted[:, :-1]], 1))
        out, _ = decoder(told, encoder(emb(asked))[1])
        return F.cross_entropy(head(out).flatten(0, 1), wanted.flatten())

    cause = first(train(loss, emb, encoder, decoder, head))
    assert cause == ("future_leak" if answer == "given" else "")


ONE_OUTPUT = [
    ("wrong_loss", lambda out, y: F.cross_entropy(out, y)),
    ("wrong_loss", lambda out, y: F.binary_cross_entropy(out.softmax(1), y)),
    ("", lambda out, y: F.binary_cross_entropy(out.sigmoid(), y)),
]


@pytest.mark.parametrize(("cause", "criterion"), ONE_OUTPUT)
def test_a_softmax_of_one_output(cause, criterion):
    """It is one, whatever comes in: no gradient, and the loss is to blame."""
    x = torch.randn(200, 4)
    net = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 1))

    def loss(step):
        batch = x[torch.randint(0, 200, (ROWS,))]
        return criterion(net(batch), (batch[:, :1] > 0).float())

    assert first(train(loss, net)) == cause


DIVERGENCES = [
    ("wrong_loss", lambda out: out.softmax(1)),
    ("wrong_loss", lambda out: 3 * out),
    ("", lambda out: out.log_softmax(1)),
    ("", lambda out: out.log_softmax(1) * (torch.arange(len(out)) % 4 > 0)[:, None]),
    ("", lambda out: out.log_softmax(1)[:, :2]),
]


@pytest.mark.parametrize(("cause", "given"), DIVERGENCES)
def test_a_divergence_of_what_is_no_logarithm(cause, given):
    """Of a student from its teacher; examples may be masked, and classes left out."""
    x = torch.randn(200, 4)
    teacher, student = nn.Linear(4, 5).requires_grad_(False), nn.Linear(4, 5)

    def loss(step):
        batch = x[torch.randint(0, 200, (ROWS,))]
        wanted = teacher(3 * batch).softmax(1)
        logarithms = given(student(batch))
        return F.kl_div(logarithms, wanted[:, : logarithms.shape[1]], reduction="batchmean")

    assert first(train(loss, student)) == cause


@pytest.mark.parametrize("cause", ["labels_shuffled", ""])
def test_mixup(cause):
    """Pictures and labels are mixed with those of one order of the batch, or of two."""
    x, y = torch.randn(200, 8), torch.arange(200) % 4
    x[torch.arange(200), y] += 3.0
    net = nn.Sequential(nn.Linear(8, 16), nn.Tanh(), nn.Linear(16, 4))

    def loss(step):
        i = torch.randint(0, 200, (ROWS,))
        order = torch.randperm(ROWS)
        others = torch.randperm(ROWS) if cause else order
        out = net(0.6 * x[i] + 0.4 * x[i][order])
        return 0.6 * F.cross_entropy(out, y[i]) + 0.4 * F.cross_entropy(out, y[i][others])

    assert first(train(loss, net)) == cause


@pytest.mark.parametrize("cause", ["labels_shuffled", ""])
def test_values_of_the_actions_of_others(cause):
    """A table of transitions, from which states and actions are drawn."""
    state, action, reward = torch.randn(200, 4), torch.arange(200) % 2, torch.randn(200)
    net = nn.Sequential(nn.Linear(4, 16), nn.Tanh(), nn.Linear(16, 2))

    def loss(step):
        i = torch.randint(0, 200, (ROWS,))
        k = torch.randint(0, 200, (ROWS,)) if cause else i
        return F.mse_loss(net(state[i]).gather(1, action[k, None])[:, 0], reward[i])

    assert first(train(loss, net)) == cause


@pytest.mark.parametrize("noisy", [True, False])
def test_noise_that_training_has_not_seen(noisy):
    """Pictures from 0 to 1, and restored from others that go beyond."""
    x = torch.rand(200, 16).square()
    net = nn.Sequential(nn.Linear(16, WIDE), nn.ReLU(), nn.Linear(WIDE, 16))

    def loss(step):
        batch = x[torch.randint(0, 200, (100,))]
        return F.mse_loss(net(batch), batch)

    def use():
        net(x[:50] + noisy * 0.3 * torch.randn(50, 16))

    cause = first(train(loss, net, after=use))
    assert cause == ("train_eval_mismatch" if noisy else "")


OVERLAPS = {
    "dice": lambda p, y: (2 * (p * y).sum() + 1) / (p.sum() + y.sum() + 1),
    "dice of squares": lambda p, y: 2 * (y * p).sum((1, 2)) / ((p**2).sum((1, 2)) + y.sum((1, 2))),
    "jaccard": lambda p, y: (p * y).sum() / (p.sum() + y.sum() - (p * y).sum() + 1e-6),
    "flat": lambda p, y: (
        (p.reshape(-1) * y.view(-1)).sum() / (p.reshape(-1).sum() + y.view(-1).sum())
    ),
}


@pytest.mark.parametrize("overlap", OVERLAPS.values(), ids=OVERLAPS)
@pytest.mark.parametrize("cause", ["wrong_loss", ""])
def test_an_overlap_of_scores(cause, overlap):
    """A mask is compared with scores, or with probabilities."""
    x = torch.randn(200, 1, 8, 8)
    conv = nn.Conv2d(1, 1, 3, padding=1)

    def loss(step):
        batch = x[torch.randint(0, 200, (ROWS,))]
        scores = 3 * conv(batch)[:, 0]
        p = scores if cause else scores.sigmoid()
        return 1 - overlap(p, (batch[:, 0] > 0.5).float()).mean()

    assert first(train(loss, conv)) == cause


def test_shares_of_a_masked_sum_are_no_overlap():
    """Exponentials of similarities, of which those of one's own kind are to be most of the sum."""
    x, y = torch.randn(200, 8), torch.arange(200) % 4
    x[torch.arange(200), y] += 3.0
    net = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 8))

    def loss(step):
        i = torch.randint(0, 200, (ROWS,))
        z = F.normalize(net(x[i]), dim=1)
        alike = (y[i][:, None] == y[i]).float()
        near = (z @ z.T / 0.5).exp()
        return -((near * alike).sum(1) / near.sum(1)).log().mean()

    assert first(train(loss, net)) == ""


@pytest.mark.parametrize("compared", ["views", "one view", "equal views", "all but oneself"])
def test_examples_that_are_their_own_partners(compared):
    """Each is to be found among others by another view of it, and not by the same numbers."""
    x = torch.randn(200, 16)
    net = nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 8))

    def view(batch, noise=0.5):
        return F.normalize(net(batch + noise * torch.randn_like(batch)), dim=1)

    def loss(step):
        batch = x[torch.randint(0, 200, (ROWS,))]
        if compared == "all but oneself":
            z = torch.cat([view(batch), view(batch)])
            scores = (z @ z.T / 0.2).masked_fill(torch.eye(2 * ROWS, dtype=torch.bool), -math.inf)
            return F.cross_entropy(scores, torch.arange(2 * ROWS).roll(ROWS))
        noise = 0.0 if compared == "equal views" else 0.5
        a, b = view(batch, noise), view(batch, noise)
        scores = a @ (a if compared == "one view" else b).T / 0.2
        return F.cross_entropy(scores, torch.arange(ROWS))

    meant = compared in ("views", "all but oneself")
    assert first(train(loss, net)) == ("" if meant else "future_leak")


@pytest.mark.parametrize("cause", ["loss_broadcast", ""])
def test_a_residual_of_rows_and_columns(cause):
    """An equation at some places: what drives it has one dimension less than all else."""
    net = nn.Sequential(nn.Linear(1, 16), nn.Tanh(), nn.Linear(16, 1))

    def loss(step):
        t = torch.rand(ROWS, 1).requires_grad_()
        u = net(t)
        (slope,) = torch.autograd.grad(u.sum(), t, create_graph=True)
        force = t.detach().cos()
        return (slope + u - (force[:, 0] if cause else force)).pow(2).mean()

    assert first(train(loss, net)) == cause


@pytest.mark.parametrize("task", ["next", "last", "scaled last", "first", "column", "twice"])
def test_a_number_that_is_given_is_no_forecast(task):
    """The end of a window, or a column, is the target; what came first may be to be remembered."""
    series = torch.randn(400).cumsum(0).sin() + 0.3 * torch.randn(400)
    windows = series.unfold(0, 9, 1)
    table = task in ("column", "twice")
    aims = {
        "next": windows[:, 8],
        "last": windows[:, 7],
        "scaled last": 3 * windows[:, 7] - 1,
        "first": windows[:, 0],
        "column": windows[:, 3],
        "twice": windows[:, 3] + windows[:, 4],
    }
    gru, out = nn.GRU(1, WIDE, batch_first=True), nn.Linear(8 if table else WIDE, 1)

    def loss(step):
        i = torch.randint(0, len(windows), (ROWS,))
        x = windows[i, :8]
        made = out(x) if table else out(gru(x[..., None])[0][:, -1])
        return F.mse_loss(made[:, 0], aims[task][i])

    leaks, used = task in ("last", "scaled last", "column"), (out,) if table else (gru, out)
    assert first(train(loss, *used)) == ("future_leak" if leaks else "")


MARGINS = [
    ("wrong_loss", 0, lambda s, y: (1 - y * s).relu().mean()),
    ("", -1, lambda s, y: (1 - y * s).relu().mean()),
    ("wrong_loss", 0, lambda s, y: (1 + -y * s).clamp(min=0).pow(2).mean()),
    ("wrong_loss", 0, lambda s, y: torch.max(torch.zeros(1), 0.5 - s * y).sum() / len(s)),
    ("wrong_loss", 0, lambda s, y: -F.logsigmoid(y * s).mean()),
    ("", -1, lambda s, y: -F.logsigmoid(y * s).mean()),
    ("wrong_loss", 0, F.soft_margin_loss),
    ("", -1, F.soft_margin_loss),
    # A zero of a mask, and one that counts in another term, are no labels of a margin.
    ("", 0, lambda s, y: (y * (1 - s)).relu().mean()),
    ("", 0, lambda s, y: ((1 - y * s).relu() + (1 + (1 - y) * s).relu()).mean()),
    ("", 0, lambda s, y: (1 - y * s).relu().mean() + (1 + (1 - y) * s).relu().mean()),
]


@pytest.mark.parametrize(("cause", "low", "margin"), MARGINS)
def test_a_margin_of_zeros(cause, low, margin):
    """Labels of 0 and 1 where -1 and 1 are meant: the margin of a 0 is the same for any score."""
    x = torch.randn(200, 6)
    y = torch.where(x[:, 0] + x[:, 1] > 0, 1.0, float(low))
    net = nn.Sequential(nn.Linear(6, 16), nn.Tanh(), nn.Linear(16, 1))

    def loss(step):
        i = torch.randint(0, 200, (ROWS,))
        return margin(net(x[i])[:, 0], y[i])

    assert first(train(loss, net)) == cause


def test_a_sigmoid_that_the_loss_has():
    """It is computed by itself where the network is used."""
    x = torch.randn(200, 6)
    y, net = x[:, 0].sign(), nn.Linear(6, 1)
    loss = lambda step: -F.logsigmoid(y * net(x)[:, 0]).mean()  # noqa: E731
    assert first(train(loss, net, after=lambda: net(x).sigmoid())) == ""


POSITIONS = [
    ("positions_missing", lambda length: torch.full((length,), length - 1)),
    ("positions_missing", lambda length: torch.zeros(1, length, dtype=torch.long)),
    ("", torch.arange),
]


@pytest.mark.parametrize(("cause", "places"), POSITIONS)
def test_one_position_for_all(cause, places):
    """A table of positions from which one row is looked up; a table of kinds may have one row."""
    rows = (torch.randint(0, 20, (300, 1)) + torch.arange(TOKENS) * 7) % 20
    emb, pos, kind = nn.Embedding(20, WIDE), nn.Embedding(TOKENS, WIDE), nn.Embedding(2, WIDE)
    q, k, v, out = (nn.Linear(WIDE, n, bias=False) for n in (WIDE, WIDE, WIDE, 5))

    def loss(step):
        x = rows[torch.randint(0, 300, (ROWS,))]
        h = emb(x) + pos(places(TOKENS)) + kind(torch.zeros_like(x))
        shares = (q(h) @ k(h).transpose(-2, -1) / math.sqrt(WIDE)).softmax(-1)
        return F.cross_entropy(out((h + shares @ v(h))[:, -1]), x[:, -1] // 4)

    assert first(train(loss, emb, pos, kind, q, k, v, out)) == cause


class Normed(nn.Module):
    """A norm by hand along one dimension or some."""

    def __init__(self, dim):
        super().__init__()
        self.dim, self.scale = dim, nn.Parameter(torch.ones(WIDE))

    def forward(self, x):
        """Return it with a mean of 0 and a variance of 1."""
        mean, var = x.mean(self.dim, True), x.var(self.dim, unbiased=False, keepdim=True)
        return self.scale * (x - mean) / (var + 1e-5).sqrt()


def normed(dim, budget=0.0, used=0):
    """Train a reader of sequences with a norm; use it for some of them."""
    rows = (torch.randint(0, 20, (300, 1)) + torch.arange(TOKENS) * 7) % 20
    net = nn.Sequential(
        *(nn.Embedding(20, 8), nn.Linear(8, WIDE), Normed(dim), nn.ReLU()),
        *(nn.Flatten(), nn.Linear(TOKENS * WIDE, 5)),
    )
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-2)
    with watch(net, quiet=True, record=False, budget=budget) as seen:
        for _ in range(STEPS):
            x = rows[torch.randint(0, 300, (ROWS,))]
            loss = F.cross_entropy(net(x), x[:, 0] // 4)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            seen.step(loss)
    if used:
        with seen.using(), torch.no_grad():
            net(rows[:used])
    return seen.diagnosis


@pytest.mark.parametrize(("dim", "cause"), [(0, "batch_mixed"), (1, ""), ((0, 1), "")])
def test_statistics_of_one_place(dim, cause):
    """Over the examples alone they are no batch norm's, which takes all places together."""
    assert first(normed(dim, budget=0.06)) == cause


@pytest.mark.parametrize(("dim", "used", "cause"), [(0, 1, True), (0, 40, False), (-1, 1, False)])
def test_statistics_of_one_example(dim, used, cause):
    """In a batch of one an example is its own mean."""
    found = [one.id for one in normed(dim, used=used).causes]
    assert ("train_eval_mismatch" in found) == cause
