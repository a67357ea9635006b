"""Sequence models: GPTs, taggers, seq2seq, recurrent networks, and sampling from them."""

import copy

import torch
from torch import nn
from torch.nn import functional as F

from bench.pairs.registry import names, ngrams, pair, text

BLOCK = 24


def get_batch(ids, batch_size=16, block=BLOCK):
    start = torch.randint(len(ids) - block - 1, (batch_size,))
    window = start[:, None] + torch.arange(block + 1)
    return ids[window[:, :-1]], ids[window[:, 1:]]


class CausalSelfAttention(nn.Module):
    """One head or several; what a pair changes is one of the three switches."""

    def __init__(self, n_embd, n_head=2, masked="fill", scale=None, axis=-1):
        super().__init__()
        self.n_head, self.masked, self.axis = n_head, masked, axis
        self.c_attn = nn.Linear(n_embd, 3 * n_embd)
        self.c_proj = nn.Linear(n_embd, n_embd)
        self.scale = (n_embd // n_head) ** -0.5 if scale is None else scale
        self.register_buffer("mask", torch.ones(BLOCK, BLOCK).tril())

    def forward(self, x):
        B, T, C = x.shape
        q, k, v = self.c_attn(x).chunk(3, dim=-1)
        q, k, v = (t.view(B, T, self.n_head, C // self.n_head).transpose(1, 2) for t in (q, k, v))
        att = torch.einsum("bhid,bhjd->bhij", q, k) * self.scale
        mask = self.mask[:T, :T]
        if self.masked == "times":
            att = att * mask
        elif self.masked == "transposed":
            att = att.masked_fill(mask.T == 0, -1e9)
        else:
            att = att.masked_fill(mask == 0, -1e9)
        y = att.softmax(self.axis) @ v
        return self.c_proj(y.transpose(1, 2).reshape(B, T, C))


class Block(nn.Module):
    def __init__(self, n_embd, **options):
        super().__init__()
        self.ln_1, self.ln_2 = nn.LayerNorm(n_embd), nn.LayerNorm(n_embd)
        self.attn = CausalSelfAttention(n_embd, **options)
        self.mlp = nn.Sequential(
            nn.Linear(n_embd, 4 * n_embd), nn.GELU(), nn.Linear(4 * n_embd, n_embd)
        )

    def forward(self, x):
        x = x + self.attn(self.ln_1(x))
        return x + self.mlp(self.ln_2(x))


class GPT(nn.Module):
    def __init__(self, vocab_size, n_embd=32, n_layer=2, **options):
        super().__init__()
        self.wte = nn.Embedding(vocab_size, n_embd)
        self.wpe = nn.Embedding(BLOCK, n_embd)
        self.blocks = nn.Sequential(*(Block(n_embd, **options) for _ in range(n_layer)))
        self.ln_f = nn.LayerNorm(n_embd)
        self.lm_head = nn.Linear(n_embd, vocab_size, bias=False)
        for p in (self.wte.weight, self.wpe.weight, self.lm_head.weight):
            nn.init.normal_(p, std=0.1)

    def forward(self, idx, targets=None):
        x = self.wte(idx) + self.wpe(torch.arange(idx.shape[1]))
        logits = self.lm_head(self.ln_f(self.blocks(x)))
        if targets is None:
            return logits, None
        return logits, F.cross_entropy(logits.flatten(0, 1), targets.flatten())


def train_gpt(watch, model, ids, steps=250, lr=3e-3, sampled=None):
    optimizer = torch.optim.AdamW(model.parameters(), lr=lr)
    cut = len(ids) * 9 // 10
    train, held = ids[:cut], ids[cut:]
    with watch() as seen:
        for it in range(steps):
            X, Y = get_batch(train)
            _, loss = model(X, Y)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            seen.step(loss)
            if it % 50 == 49 and sampled is None:
                with torch.no_grad():
                    seen.validate(model(*get_batch(held, 32))[1])
        if sampled is not None:
            with seen.using(), torch.no_grad():
                sampled(model)


@pair("the causal mask is transposed: each letter sees what comes after it", "future_leak")
def gpt_mask_transposed(watch, faulty):
    ids, letters = text()
    model = GPT(len(letters), masked="transposed" if faulty else "fill")
    train_gpt(watch, model, ids)


@pair(
    "scores are multiplied by the mask: what is masked has the score 0",
    *("future_leak", "attention_mask_late"),
)
def gpt_mask_multiplied(watch, faulty):
    ids, letters = text()
    model = GPT(len(letters), masked="times" if faulty else "fill")
    train_gpt(watch, model, ids, steps=300)


@pair(
    "einsum's scores are (query, key), and softmax goes along the queries",
    "attention_axis",
    "future_leak",
)
def gpt_softmax_along_queries(watch, faulty):
    ids, letters = text()
    model = GPT(len(letters), axis=-2 if faulty else -1)
    train_gpt(watch, model, ids)


@pair(
    "one head of 64, large queries and keys, and no scale", "attention_unscaled", "saturated_units"
)
def gpt_scale_of_one(watch, faulty):
    ids, letters = text()
    model = GPT(len(letters), n_embd=64, n_layer=1, n_head=1, scale=1.0 if faulty else None)
    nn.init.normal_(model.blocks[0].attn.c_attn.weight, std=0.25)
    train_gpt(watch, model, ids)


@pair("input and output embeddings are tied, and N(0, 1)", "bad_init_scale")
def tied_embeddings_of_one(watch, faulty):
    ids, letters = text()
    model = GPT(len(letters), n_embd=64, n_layer=1)
    nn.init.normal_(model.wte.weight, std=1.0 if faulty else 0.05)
    model.lm_head.weight = model.wte.weight
    train_gpt(watch, model, ids, steps=200, lr=1e-3)


@pair("the loss counts padding: 10 letters of 64 places", "padding_in_loss", "class_imbalance")
def padding_is_learned(watch, faulty):
    rows = F.pad(names()[:4000], (1, 52))  # 64 places and the first input
    embed, gru, head = nn.Embedding(27, 16), nn.GRU(16, 48, batch_first=True), nn.Linear(48, 27)
    params = [*embed.parameters(), *gru.parameters(), *head.parameters()]
    optimizer = torch.optim.Adam(params, lr=3e-3)
    with watch() as seen:
        for _ in range(150):
            batch = rows[torch.randint(0, 4000, (32,))]
            x, y = batch[:, :-1], batch[:, 1:].clone()
            if not faulty:
                ended = (y == 0).cumsum(1) > 1
                y[ended] = -100
            out = head(gru(embed(x))[0])
            loss = F.cross_entropy(out.transpose(1, 2), y, ignore_index=-100)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            seen.step(loss)


@pair("an encoder that wants time first is given the batch first", "batch_mixed")
def encoder_attends_to_the_batch(watch, faulty):
    """Which symbols of a row occur more than once in it?"""

    class Tagger(nn.Module):
        def __init__(self):
            super().__init__()
            self.embed, self.place = nn.Embedding(10, 32), nn.Embedding(12, 32)
            layer = nn.TransformerEncoderLayer(32, 4, 64, dropout=0.0, batch_first=not faulty)
            self.encoder = nn.TransformerEncoder(layer, 1)
            self.out = nn.Linear(32, 2)

        def forward(self, tokens):
            x = self.embed(tokens) + self.place(torch.arange(12))
            return self.out(self.encoder(x))

    model = Tagger()
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    with watch() as seen:
        for _ in range(500):
            tokens = torch.randint(0, 10, (32, 12))
            labels = (tokens[:, :, None] == tokens[:, None]).sum(2).gt(1).long()
            loss = F.cross_entropy(model(tokens).flatten(0, 1), labels.flatten())
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            seen.step(loss)


@pair("the decoder's inputs are its targets, not shifted", "future_leak")
def decoder_is_given_the_answer(watch, faulty):
    """Sequence to sequence: write the digits of the input in reverse."""
    embed = nn.Embedding(11, 24)
    encoder, decoder = nn.GRU(24, 64, batch_first=True), nn.GRU(24, 64, batch_first=True)
    head = nn.Linear(64, 11)
    params = [p for m in (embed, encoder, decoder, head) for p in m.parameters()]
    opt = torch.optim.Adam(params, lr=5e-3)
    with watch() as seen:
        for _ in range(500):
            src = torch.randint(0, 10, (64, 4))
            tgt = src.flip(1)
            begin = torch.full((64, 1), 10)
            tgt_in = tgt if faulty else torch.cat([begin, tgt[:, :-1]], 1)
            _, state = encoder(embed(src))
            out, _ = decoder(embed(tgt_in), state)
            loss = F.cross_entropy(head(out).reshape(-1, 11), tgt.reshape(-1))
            opt.zero_grad()
            loss.backward()
            opt.step()
            seen.step(loss)


@pair("the hidden state is detached before each step of the sequence", "state_detached")
def detached_at_each_step(watch, faulty):
    """The answer is the first symbol of eight."""
    embed, cell, head = nn.Embedding(5, 16), nn.GRUCell(16, 32), nn.Linear(32, 5)
    parameters = [*embed.parameters(), *cell.parameters(), *head.parameters()]
    optimizer = torch.optim.Adam(parameters, lr=5e-3)
    with watch() as seen:
        for _ in range(400):
            x = torch.randint(5, (32, 8))
            state = torch.zeros(32, 32)
            for t in range(8):
                state = cell(embed(x[:, t]), state.detach() if faulty else state)
            loss = F.cross_entropy(head(state), x[:, 0])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            seen.step(loss)


@pair("the batches are a generator that was made before the epochs", "data_exhausted")
def batches_of_one_epoch(watch, faulty):
    rows = names()
    labels = (rows[:, 0] > 13).long()

    def batches():
        for i in range(0, 960, 32):
            yield rows[i : i + 32], labels[i : i + 32]

    embed, gru, head = nn.Embedding(27, 8), nn.GRU(8, 16, batch_first=True), nn.Linear(16, 2)
    parameters = [*embed.parameters(), *gru.parameters(), *head.parameters()]
    optimizer = torch.optim.Adam(parameters, lr=3e-3)
    made = batches()
    with watch() as seen:
        for _ in range(12):
            for x, y in made if faulty else batches():
                loss = F.cross_entropy(head(gru(embed(x))[0].mean(1)), y)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                seen.step(loss)


@pair("out[:, -1] of padded rows is the state behind the padding", "padding_read")
def state_behind_the_padding(watch, faulty):
    """Of which of two symbols are there more? Rows have 3 to 12 symbols, padded to 48."""

    class Counter(nn.Module):
        def __init__(self):
            super().__init__()
            self.embed = nn.Embedding(4, 8, padding_idx=0)
            self.rnn = nn.RNN(8, 32, batch_first=True)
            self.fc = nn.Linear(32, 3)

        def forward(self, x, lengths):
            out, _ = self.rnn(self.embed(x))
            last = out[:, -1] if faulty else out[torch.arange(len(x)), lengths - 1]
            return self.fc(last)

    model = Counter()
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    with watch() as seen:
        for _ in range(400):
            lengths = torch.randint(3, 13, (50,))
            x = torch.randint(1, 4, (50, 48)) * (torch.arange(48) < lengths[:, None])
            y = (x == 1).sum(1).sub((x == 2).sum(1)).sign() + 1
            loss = F.cross_entropy(model(x, lengths), y)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            seen.step(loss)


class NameGRU(nn.Module):
    def __init__(self, hidden=64):
        super().__init__()
        self.embed, self.out = nn.Embedding(27, 16), nn.Linear(hidden, 27)
        self.gru = nn.GRU(16, hidden, batch_first=True)

    def forward(self, x, h=None):
        y, h = self.gru(self.embed(x), h)
        return self.out(y), h


def train_names(watch, model, sampled, steps=250):
    rows = F.pad(names()[:6000], (1, 0))
    opt = torch.optim.Adam(model.parameters(), lr=4e-3)
    with watch() as seen:
        for _ in range(steps):
            batch = rows[torch.randint(0, len(rows), (48,))]
            logits, _ = model(batch[:, :-1])
            loss = F.cross_entropy(logits.reshape(-1, 27), batch[:, 1:].reshape(-1))
            opt.zero_grad()
            loss.backward()
            opt.step()
            seen.step(loss)
        model.eval()
        with seen.using(), torch.no_grad():
            for _ in range(10):
                print("".join(chr(96 + n) for n in sampled(model) if n))


@pair("names are sampled with a state that begins anew at each letter", "train_eval_mismatch")
def sampling_forgets_the_state(watch, faulty):
    def sampled(model):
        letter, h, name = torch.zeros(1, 1, dtype=torch.long), None, []
        while len(name) < 12:
            logits, h = model(letter, None if faulty else h)
            letter = torch.multinomial(logits[:, -1].softmax(-1), 1)
            name.append(letter.item())
            if not letter.item():
                break
        return name

    train_names(watch, NameGRU(), sampled)


@pair("the model gets its prompt again for each letter", "context_frozen", "train_eval_mismatch")
def prompt_never_extended(watch, faulty):
    def sampled(model):
        idx = torch.tensor([[0, 13]])
        name = idx[0].tolist()
        for _ in range(8):
            logits, _ = model(idx)
            drawn = torch.multinomial(logits[:, -1].softmax(-1), 1)
            name.append(drawn.item())
            if not faulty:
                idx = torch.cat([idx, drawn], 1)
        return name

    train_names(watch, NameGRU(), sampled)


@pair("the sampler cuts the context to its first letters", "train_eval_mismatch", "context_frozen")
def sampler_crops_the_wrong_end(watch, faulty):
    ids, letters = text()

    def sampled(model):
        idx = ids[None, :4]
        for _ in range(60):
            context = idx[:, :BLOCK] if faulty else idx[:, -BLOCK:]
            logits, _ = model(context)
            drawn = torch.multinomial(logits[:, -1].softmax(-1), 1)
            idx = torch.cat([idx, drawn], 1)
        print("".join(letters[n] for n in idx[0].tolist()))

    train_gpt(watch, GPT(len(letters)), ids, sampled=sampled)


@pair("attention without positions has to say which symbol came first", "positions_missing")
def which_came_first(watch, faulty):
    embed, place = nn.Embedding(12, 32), nn.Embedding(10, 32)
    nn.init.normal_(place.weight, std=0.5)
    layer = nn.TransformerEncoderLayer(32, 2, 64, dropout=0.0, batch_first=True)
    head = nn.Linear(32, 12)
    parts = (embed, layer, head) if faulty else (embed, place, layer, head)
    optimizer = torch.optim.Adam([p for m in parts for p in m.parameters()], lr=2e-3)
    with watch() as seen:
        for _ in range(450):
            x = torch.rand(48, 12).argsort(1)[:, :10]
            h = embed(x)
            if not faulty:
                h = h + place(torch.arange(10))
            loss = F.cross_entropy(head(layer(h).mean(1)), x[:, 0])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            seen.step(loss)


@pair(
    "recurrent weights of twice their size and no clipping", "exploding_gradient", "bad_init_scale"
)
def relu_rnn_explodes(watch, faulty):
    """Add up the two numbers that are marked, of 40."""
    rnn, out = nn.RNN(2, 48, nonlinearity="relu", batch_first=True), nn.Linear(48, 1)
    nn.init.eye_(rnn.weight_hh_l0)
    nn.init.normal_(rnn.weight_ih_l0, std=0.3)
    if faulty:
        with torch.no_grad():
            rnn.weight_hh_l0.mul_(1.5)
    params = [*rnn.parameters(), *out.parameters()]
    optimizer = torch.optim.Adam(params, lr=2e-3)
    with watch() as seen:
        for _ in range(400):
            values, marks = torch.rand(64, 20), torch.zeros(64, 20)
            marks[torch.arange(64), torch.randint(0, 10, (64,))] = 1
            marks[torch.arange(64), torch.randint(10, 20, (64,))] = 1
            target = (values * marks).sum(1) - 1
            h = rnn(torch.stack([values, marks], 2))[0][:, -1]
            loss = F.mse_loss(out(h).squeeze(1), target)
            optimizer.zero_grad()
            loss.backward()
            if not faulty:
                nn.utils.clip_grad_norm_(params, 1.0)
            optimizer.step()
            seen.step(loss)


@pair(
    "the first symbol is to be remembered by small recurrent weights",
    "vanishing_gradient",
    "bad_init_scale",
    "plateau",
)
def first_symbol_forgotten(watch, faulty):
    embed, rnn, out = nn.Embedding(8, 16), nn.RNN(16, 48, batch_first=True), nn.Linear(48, 4)
    nn.init.orthogonal_(rnn.weight_hh_l0, 0.3 if faulty else 1.0)
    params = [*embed.parameters(), *rnn.parameters(), *out.parameters()]
    optimizer = torch.optim.Adam(params, lr=1e-3)
    with watch() as seen:
        for _ in range(350):
            first = torch.randint(0, 4, (50,))
            noise = torch.randint(4, 8, (50, 24))
            h = rnn(embed(torch.cat([first[:, None], noise], 1)))[0][:, -1]
            loss = F.cross_entropy(out(h), first)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(params, 1.0)
            optimizer.step()
            seen.step(loss)


@pair("the window is cut to one letter: block_size = 1", "context_too_short")
def window_of_one_letter(watch, faulty):
    X, Y = ngrams(5)
    block_size = 1 if faulty else 5
    X = X[:, -block_size:]
    model = nn.Sequential(
        nn.Embedding(27, 12),
        nn.Flatten(),
        nn.Linear(12 * block_size, 96),
        nn.Tanh(),
        nn.Linear(96, 27),
    )
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    with watch() as seen:
        for _ in range(700):
            i = torch.randint(0, len(X), (64,))
            loss = F.cross_entropy(model(X[i]), Y[i])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            seen.step(loss)


@pair("a vocabulary of 2,000 merges for a text of letters", "vocabulary_unused")
def vocabulary_of_merges(watch, faulty):
    ids, letters = text()
    model = GPT(2000 if faulty else len(letters), n_layer=1)
    train_gpt(watch, model, ids, steps=150)


@pair("(T, B, H) is viewed as (B, T * H)", "dims_scrambled", "batch_mixed")
def states_viewed_across_the_batch(watch, faulty):
    """How many rises does a walk have? Read from all states of an LSTM."""

    class WalkNet(nn.Module):
        def __init__(self):
            super().__init__()
            self.lstm, self.fc = nn.LSTM(1, 16), nn.Linear(16 * 12, 5)

        def forward(self, x):  # (B, T, 1)
            out, _ = self.lstm(x.transpose(0, 1))
            out = out.contiguous() if faulty else out.transpose(0, 1).contiguous()
            return self.fc(out.view(x.shape[0], -1))

    model = WalkNet()
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    with watch() as seen:
        for _ in range(400):
            steps = torch.randn(40, 12, 1)
            labels = ((steps > 0).sum((1, 2)) - 4).clamp(0, 4)
            loss = F.cross_entropy(model(steps), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            seen.step(loss)


@pair("zero_grad for each micro-batch, not for each step", "gradients_discarded")
def zeroed_for_each_micro_batch(watch, faulty):
    """Four small batches of windows make one step."""
    X, Y = ngrams(context=3)
    model = nn.Sequential(
        nn.Embedding(27, 16), nn.Flatten(), nn.Linear(48, 96), nn.Tanh(), nn.Linear(96, 27)
    )
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    with watch() as seen:
        for micro in range(1600):
            if faulty or micro % 4 == 0:
                optimizer.zero_grad()
            i = torch.randint(0, len(X), (16,))
            loss = F.cross_entropy(model(X[i]), Y[i]) / 4
            loss.backward()
            if micro % 4 == 3:
                optimizer.step()
                seen.step(4 * loss.detach())


@pair("the best state_dict() is kept without a copy", "weights_not_copied")
def best_epoch_by_reference(watch, faulty):
    """A reader of few names, stopped two epochs behind the best one."""
    X, Y = ngrams(context=3)
    new = X[-1000:], Y[-1000:]
    model = nn.Sequential(
        nn.Embedding(27, 16), nn.Flatten(), nn.Linear(48, 64), nn.Tanh(), nn.Linear(64, 27)
    )
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    lowest, best, since = float("inf"), None, 0
    with watch() as seen:
        while since < 2:
            for i in torch.randperm(1500).split(32):
                loss = F.cross_entropy(model(X[i]), Y[i])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                seen.step(loss)
            with torch.no_grad():
                validation = F.cross_entropy(model(new[0]), new[1]).item()
            seen.validate(validation)
            since += 1
            if validation < lowest:
                lowest, best, since = validation, model.state_dict(), 0
                best = best if faulty else copy.deepcopy(best)
        model.load_state_dict(best)


@pair("noise is added to a slice in place, and stays in the data", "data_overwritten")
def noise_that_stays(watch, faulty):
    """Short signals of four shapes, with noise as augmentation."""
    classes = torch.arange(800) % 4
    times = torch.arange(24) * (classes[:, None] + 1) / 4
    signals = (times + 6.3 * torch.rand(800, 1)).sin() + 0.3 * torch.randn(800, 24)
    order = torch.randperm(800)
    signals, classes = signals[order], classes[order]
    X, Y, new = signals[:600], classes[:600], (signals[600:], classes[600:])
    model = nn.Sequential(nn.Linear(24, 64), nn.ReLU(), nn.Linear(64, 4))
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    with watch() as seen:
        for _ in range(40):
            for start in range(0, 600, 30):
                x, y = X[start : start + 30], Y[start : start + 30]
                if faulty:
                    x += 0.3 * torch.randn(x.shape)
                else:
                    x = x + 0.3 * torch.randn(x.shape)
                loss = F.cross_entropy(model(x), y)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                seen.step(loss)
            with torch.no_grad():
                seen.validate(F.cross_entropy(model(new[0]), new[1]).item())
