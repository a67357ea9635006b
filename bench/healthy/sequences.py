"""Healthy programs: language models, sequences and graphs."""

import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

from bench.healthy.programs import Watch, healthy, names


def _next_letters() -> tuple[torch.Tensor, torch.Tensor]:
    rows = names()
    start = torch.zeros(len(rows), 1, dtype=torch.long)
    targets = rows.clone()
    after = torch.cat([torch.ones(len(rows), 1, dtype=torch.bool), rows[:, :-1] > 0], 1)
    targets[~after] = -1
    return torch.cat([start, rows[:, :-1]], 1), targets


@healthy("language model")
def gru_of_names(watch: Watch) -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.emb = nn.Embedding(27, 16)
            self.gru = nn.GRU(16, 48, batch_first=True)
            self.out = nn.Linear(48, 27)

        def forward(self, x):
            return self.out(self.gru(self.emb(x))[0])

    x, y = _next_letters()
    net = Net()
    opt = torch.optim.Adam(net.parameters(), lr=5e-3)
    with watch() as seen:
        for _ in range(300):
            i = torch.randint(0, 7000, (64,))
            loss = F.cross_entropy(net(x[i]).flatten(0, 1), y[i].flatten(), ignore_index=-1)
            opt.zero_grad()
            loss.backward()
            opt.step()
            seen.step(loss)


@healthy("language model, time first")
def word_language_model(watch: Watch) -> None:
    """In the layout of the official example: (time, batch), hidden state carried and detached."""
    text = names()[:6000].flatten()
    columns = text[: len(text) // 20 * 20].view(20, -1).t().contiguous()
    emb, rnn, out = nn.Embedding(27, 24), nn.LSTM(24, 48), nn.Linear(48, 27)
    model = nn.ModuleList([emb, rnn, out])
    opt = torch.optim.Adam(model.parameters(), lr=4e-3)
    hidden = None
    with watch() as seen:
        for start in range(0, 16 * 180, 16):
            data, target = columns[start : start + 16], columns[start + 1 : start + 17].reshape(-1)
            if hidden is not None:
                hidden = tuple(h.detach() for h in hidden)
            opt.zero_grad()
            output, hidden = rnn(emb(data), hidden)
            loss = F.cross_entropy(out(output).view(-1, 27), target)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 0.25)
            opt.step()
            seen.step(loss.item())


@healthy("language model")
def small_gpt(watch: Watch) -> None:
    class Attention(nn.Module):
        def __init__(self, width: int, heads: int) -> None:
            super().__init__()
            self.heads, self.qkv, self.proj = heads, nn.Linear(width, 3 * width), None
            self.proj = nn.Linear(width, width)

        def forward(self, x):
            b, t, c = x.shape
            q, k, v = (
                part.view(b, t, self.heads, -1).transpose(1, 2) for part in self.qkv(x).split(c, 2)
            )
            y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
            return self.proj(y.transpose(1, 2).reshape(b, t, c))

    class Block(nn.Module):
        def __init__(self, width: int) -> None:
            super().__init__()
            self.n1, self.n2 = nn.LayerNorm(width), nn.LayerNorm(width)
            self.attention = Attention(width, 4)
            self.mlp = nn.Sequential(
                nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width)
            )

        def forward(self, x):
            x = x + self.attention(self.n1(x))
            return x + self.mlp(self.n2(x))

    class GPT(nn.Module):
        def __init__(self, width: int = 32) -> None:
            super().__init__()
            self.wte, self.wpe = nn.Embedding(27, width), nn.Embedding(24, width)
            self.blocks = nn.ModuleList([Block(width), Block(width)])
            self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, 27, bias=False)

        def forward(self, ids):
            x = self.wte(ids) + self.wpe(torch.arange(ids.shape[1]))
            for block in self.blocks:
                x = block(x)
            return self.head(self.norm(x))

    data = names().flatten()
    model = GPT()
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, betas=(0.9, 0.95))
    with watch() as seen:
        for step in range(260):
            for group in optimizer.param_groups:
                group["lr"] = 3e-3 * min(1.0, (step + 1) / 40)
            ix = torch.randint(len(data) - 25, (16,))
            x = torch.stack([data[i : i + 24] for i in ix])
            y = torch.stack([data[i + 1 : i + 25] for i in ix])
            logits = model(x)
            loss = F.cross_entropy(logits.view(-1, 27), y.view(-1))
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            seen.step(loss)


@healthy("masked language model")
def masked_letters(watch: Watch) -> None:
    rows = names()
    emb, pos = nn.Embedding(28, 32), nn.Parameter(0.02 * torch.randn(12, 32))
    layer = nn.TransformerEncoderLayer(32, 4, 64, dropout=0.0, batch_first=True)
    encoder = nn.TransformerEncoder(layer, 1, enable_nested_tensor=False)
    head = nn.Linear(32, 27)
    parts = nn.ModuleList([emb, encoder, head])
    opt = torch.optim.Adam([*parts.parameters(), pos], lr=2e-3)
    with watch() as seen:
        for _ in range(250):
            x = rows[torch.randint(0, len(rows), (64,))]
            hidden = torch.rand(x.shape) < 0.2
            shown = x.masked_fill(hidden, 27)
            targets = x.masked_fill(~hidden, -100)
            scores = head(encoder(emb(shown) + pos))
            loss = F.cross_entropy(scores.reshape(-1, 27), targets.reshape(-1))
            opt.zero_grad()
            loss.backward()
            opt.step()
            seen.step(loss)


@healthy("word vectors")
def skip_gram(watch: Watch) -> None:
    """word2vec with negative samples: two tables, and no other layer."""
    letters = names()
    pairs = torch.stack([letters[:, :-1].flatten(), letters[:, 1:].flatten()], 1)
    pairs = pairs[(pairs > 0).all(1)]
    centre, context = nn.Embedding(27, 10), nn.Embedding(27, 10)
    opt = torch.optim.Adam([*centre.parameters(), *context.parameters()], lr=5e-3)
    with watch() as seen:
        for _ in range(500):
            batch = pairs[torch.randint(0, len(pairs), (128,))]
            negative = torch.randint(1, 27, (128, 5))
            u = centre(batch[:, 0])
            good = (u * context(batch[:, 1])).sum(1)
            bad = (context(negative) @ u.unsqueeze(2)).squeeze(2)
            loss = -(F.logsigmoid(good) + F.logsigmoid(-bad).sum(1)).mean()
            opt.zero_grad()
            loss.backward()
            opt.step()
            seen.step(loss)


@healthy("sequence to sequence")
def reverse_letters(watch: Watch) -> None:
    """Encoder and decoder with teacher forcing: the answer is the question read backwards."""
    source = torch.randint(2, 12, (4000, 6))
    target = source.flip(1)
    given = torch.cat([torch.ones(4000, 1, dtype=torch.long), target[:, :-1]], 1)
    emb = nn.Embedding(12, 24)
    encoder, decoder = nn.GRU(24, 64, batch_first=True), nn.GRU(24, 64, batch_first=True)
    out = nn.Linear(64, 12)
    modules = nn.ModuleList([emb, encoder, decoder, out])
    opt = torch.optim.Adam(modules.parameters(), lr=4e-3)
    with watch() as seen:
        for _ in range(350):
            i = torch.randint(0, 4000, (64,))
            _, state = encoder(emb(source[i]))
            answers, _ = decoder(emb(given[i]), state)
            loss = F.cross_entropy(out(answers).transpose(1, 2), target[i])
            opt.zero_grad()
            loss.backward()
            opt.step()
            seen.step(loss)


@healthy("sequence tagging")
def one_sentence_at_a_time(watch: Watch) -> None:
    """In the tutorial's style: a sentence as (length, 1, width), no batches."""
    emb, lstm, out = nn.Embedding(20, 12), nn.LSTM(12, 24), nn.Linear(24, 3)
    model = nn.ModuleList([emb, lstm, out])
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with watch() as seen:
        for _ in range(500):
            sentence = torch.randint(0, 20, (9,))
            tags = sentence % 3
            model.zero_grad()
            embeds = emb(sentence)
            hidden, _ = lstm(embeds.view(len(sentence), 1, -1))
            scores = F.log_softmax(out(hidden.view(len(sentence), -1)), dim=1)
            loss = F.nll_loss(scores, tags)
            loss.backward()
            optimizer.step()
            seen.step(loss)


@healthy("sequence classification")
def names_one_letter_at_a_time(watch: Watch) -> None:
    """The RNN of the tutorial: batch of one, a loop over letters, updates by hand."""
    rows = names()
    i2h, i2o = nn.Linear(27 + 32, 32), nn.Linear(32, 2)
    with watch() as seen:
        for _ in range(400):
            row = rows[int(torch.randint(0, len(rows), (1,)))]
            label = torch.tensor([int(row[row > 0][-1] in (1, 5, 9))])
            hidden = torch.zeros(1, 32)
            for letter in F.one_hot(row[row > 0], 27).float():
                hidden = torch.tanh(i2h(torch.cat((letter.unsqueeze(0), hidden), 1)))
            loss = F.cross_entropy(i2o(hidden), label)
            i2h.zero_grad()
            i2o.zero_grad()
            loss.backward()
            for p in [*i2h.parameters(), *i2o.parameters()]:
                p.data.add_(p.grad.data, alpha=-0.02)
            seen.step(loss)


@healthy("time series")
def forecast_waves(watch: Watch) -> None:
    t = torch.arange(1200) / 8
    series = t.sin() + 0.5 * (2.3 * t).sin() + 0.05 * torch.randn(1200)
    windows = series.unfold(0, 25, 1)
    x, y = windows[:, :24].unsqueeze(2), windows[:, 24]

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.lstm = nn.LSTM(1, 24, batch_first=True)
            self.out = nn.Linear(24, 1)

        def forward(self, x):
            h, _ = self.lstm(x)
            return self.out(h[:, -1]).squeeze(-1)

    net = Net()
    opt = torch.optim.Adam(net.parameters(), lr=5e-3)
    with watch() as seen:
        for _ in range(9):
            for xb, yb in DataLoader(TensorDataset(x, y), batch_size=32, shuffle=True):
                loss = F.mse_loss(net(xb), yb)
                opt.zero_grad()
                loss.backward()
                opt.step()
                seen.step(loss)


@healthy("time series")
def temporal_convolution(watch: Watch) -> None:
    noise = torch.randn(600, 1, 48)
    target = F.conv1d(F.pad(noise, (4, 0)), torch.tensor([[[0.1, 0.4, -0.3, 0.2, 0.6]]])).tanh()
    net = nn.Sequential(
        nn.ConstantPad1d((4, 0), 0.0),
        nn.Conv1d(1, 16, 5),
        nn.ReLU(),
        nn.ConstantPad1d((2, 0), 0.0),
        nn.Conv1d(16, 1, 3),
    )
    opt = torch.optim.Adam(net.parameters(), lr=5e-3)
    with watch() as seen:
        for _ in range(300):
            i = torch.randint(0, 600, (32,))
            loss = F.mse_loss(net(noise[i]), target[i])
            opt.zero_grad()
            loss.backward()
            opt.step()
            seen.step(loss)


@healthy("sequence classification, time first")
def transformer_time_first(watch: Watch) -> None:
    """nn.TransformerEncoder takes (time, batch, width) unless it is told otherwise."""
    tokens = torch.randint(0, 30, (10, 3000))
    labels = (tokens < 4).any(0).long()
    emb, pos = nn.Embedding(30, 32), nn.Parameter(torch.zeros(10, 1, 32))
    encoder = nn.TransformerEncoder(
        nn.TransformerEncoderLayer(32, 4, 64, dropout=0.0), 1, enable_nested_tensor=False
    )
    head = nn.Linear(32, 2)
    modules = nn.ModuleList([emb, encoder, head])
    opt = torch.optim.Adam([*modules.parameters(), pos], lr=2e-3)
    with watch() as seen:
        for _ in range(250):
            i = torch.randint(0, 3000, (50,))
            h = encoder(emb(tokens[:, i]) + pos)
            loss = F.cross_entropy(head(h.mean(0)), labels[i])
            opt.zero_grad()
            loss.backward()
            opt.step()
            seen.step(loss)


@healthy("speech-like alignment")
def letters_by_ctc(watch: Watch) -> None:
    codes = torch.randn(6, 10)
    net = nn.GRU(10, 48, bidirectional=True)
    out = nn.Linear(96, 6)
    opt = torch.optim.Adam([*net.parameters(), *out.parameters()], lr=5e-3)
    with watch() as seen:
        for _ in range(200):
            target = torch.randint(1, 6, (16, 4))
            frames = codes[target.repeat_interleave(3, 1)] + 0.3 * torch.randn(16, 12, 10)
            h, _ = net(frames.transpose(0, 1))
            log_probs = F.log_softmax(out(h), 2)
            lengths = torch.full((16,), 12), torch.full((16,), 4)
            loss = F.ctc_loss(log_probs, target, *lengths)
            opt.zero_grad()
            loss.backward()
            opt.step()
            seen.step(loss)


@healthy("graph network")
def graph_convolution(watch: Watch) -> None:
    """A network over all nodes of one graph, of which some have labels."""
    count = 300
    group = torch.randint(0, 3, (count,))
    same = group[:, None] == group[None]
    edges = (torch.rand(count, count) < torch.where(same, 0.06, 0.005)).float()
    adjacency = ((edges + edges.t()) > 0).float() + torch.eye(count)
    scale = adjacency.sum(1).rsqrt()
    adjacency = scale[:, None] * adjacency * scale[None]
    features = torch.randn(count, 12) + F.one_hot(group, 12).float()
    train = torch.rand(count) < 0.4
    first, second = nn.Linear(12, 24), nn.Linear(24, 3)
    opt = torch.optim.Adam([*first.parameters(), *second.parameters()], lr=0.01, weight_decay=5e-4)
    with watch() as seen:
        for _ in range(250):
            h = F.dropout(F.relu(adjacency @ first(features)), 0.3)
            scores = adjacency @ second(h)
            loss = F.cross_entropy(scores[train], group[train])
            opt.zero_grad()
            loss.backward()
            opt.step()
            seen.step(loss)


@healthy("graph network")
def message_passing(watch: Watch) -> None:
    count = 400
    x = torch.randn(count, 8)
    source, target = torch.randint(0, count, (2, 2000))
    degree = torch.bincount(target, minlength=count).clamp(1)[:, None]
    around = torch.zeros(count, 8).index_add_(0, target, x[source]) / degree
    y = (x[:, 0] + 2 * around[:, 1]).tanh()
    message, update = nn.Linear(8, 24), nn.Linear(32, 24)
    readout = nn.Linear(24, 1)
    modules = nn.ModuleList([message, update, readout])
    opt = torch.optim.Adam(modules.parameters(), lr=5e-3)
    with watch() as seen:
        for _ in range(300):
            sent = F.relu(message(x))[source]
            got = torch.zeros(count, 24).index_add(0, target, sent) / degree
            h = F.relu(update(torch.cat([x, got], 1)))
            loss = F.mse_loss(readout(h).squeeze(1), y)
            opt.zero_grad()
            loss.backward()
            opt.step()
            seen.step(loss)


@healthy("recommendation")
def matrix_factorisation(watch: Watch) -> None:
    users, items = torch.randn(200, 6), torch.randn(150, 6)
    u, i = torch.randint(0, 200, (6000,)), torch.randint(0, 150, (6000,))
    rating = (users[u] * items[i]).sum(1) / 2 + 0.1 * torch.randn(6000)
    user_table, item_table = nn.Embedding(200, 8), nn.Embedding(150, 8)
    nn.init.normal_(user_table.weight, std=0.1)
    nn.init.normal_(item_table.weight, std=0.1)
    opt = torch.optim.Adam([*user_table.parameters(), *item_table.parameters()], lr=0.02)
    with watch() as seen:
        for _ in range(7):
            for k in torch.randperm(6000).split(100):
                guess = (user_table(u[k]) * item_table(i[k])).sum(1)
                loss = F.mse_loss(guess, rating[k])
                opt.zero_grad()
                loss.backward()
                opt.step()
                seen.step(loss)
