"""A learner's own versions of what the lectures build: bigrams, MLP, batch norm, GPT, tokens."""

import random
from functools import cache

import torch
import torch.nn as nn
from torch.nn import functional as F

from bench.pairs.registry import moons, names, pair, text

# ---- names -------------------------------------------------------------------------------------

chars = list("abcdefghijklmnopqrstuvwxyz")
stoi = {s: i + 1 for i, s in enumerate(chars)}
stoi["."] = 0
itos = {i: s for s, i in stoi.items()}


@cache
def read_words(n=3000):
    words = ["".join(itos[i] for i in row if i > 0) for row in names().tolist()]
    random.Random(42).shuffle(words)
    return words[:n]


def build_dataset(words, block_size=3):
    X, Y = [], []
    for w in words:
        context = [0] * block_size
        for ch in w + ".":
            ix = stoi[ch]
            X.append(context)
            Y.append(ix)
            context = [*context[1:], ix]  # crop and append
    return torch.tensor(X), torch.tensor(Y)


def splits(block_size=3):
    words = read_words()
    n1 = int(0.8 * len(words))
    return *build_dataset(words[:n1], block_size), *build_dataset(words[n1:], block_size)


@pair(
    "W2 is made with requires_grad and then scaled: it is no leaf, and its grad is None",
    *("crash", "parameter_not_trained"),
)
def makemore_scaled_after_requires_grad(watch, faulty):
    Xtr, Ytr, Xdev, Ydev = splits()
    g = torch.Generator().manual_seed(2147483647)
    C = torch.randn((27, 10), generator=g, requires_grad=True)
    W1 = torch.randn((30, 100), generator=g, requires_grad=True)
    b1 = torch.zeros(100, requires_grad=True)
    W2 = torch.randn((100, 27), generator=g, requires_grad=True)
    b2 = torch.zeros(27, requires_grad=True)
    W1.data *= (5 / 3) / 30**0.5
    if faulty:
        W2 = W2 * 0.01
    else:
        W2.data *= 0.01
    parameters = [C, W1, b1, W2, b2]
    lossi = []
    with watch() as seen:
        for i in range(1500):
            ix = torch.randint(0, Xtr.shape[0], (32,), generator=g)
            emb = C[Xtr[ix]]
            h = torch.tanh(emb.view(-1, 30) @ W1 + b1)
            logits = h @ W2 + b2
            loss = F.cross_entropy(logits, Ytr[ix])
            for p in parameters:
                p.grad = None
            loss.backward()
            for p in parameters:
                p.data += -0.1 * p.grad
            lossi.append(loss.log10().item())
            seen.step(loss)
            if i % 500 == 499:
                with torch.no_grad():
                    h = torch.tanh(C[Xdev].view(-1, 30) @ W1 + b1)
                    seen.validate(F.cross_entropy(h @ W2 + b2, Ydev))


@pair("the search for a learning rate is left in", "lr_growing", "lr_too_high")
def makemore_lr_search_left_in(watch, faulty):
    Xtr, Ytr, Xdev, Ydev = splits()
    g = torch.Generator().manual_seed(2147483647)
    C = torch.randn((27, 10), generator=g)
    W1 = torch.randn((30, 100), generator=g) * 0.2
    b1 = torch.randn(100, generator=g) * 0.01
    W2 = torch.randn((100, 27), generator=g) * 0.01
    b2 = torch.zeros(27)
    parameters = [C, W1, b1, W2, b2]
    for p in parameters:
        p.requires_grad = True

    max_steps = 1500
    lrs = 10 ** torch.linspace(-3, 1, max_steps)
    with watch() as seen:
        for i in range(max_steps):
            ix = torch.randint(0, Xtr.shape[0], (32,), generator=g)
            emb = C[Xtr[ix]]
            h = torch.tanh(emb.view(emb.shape[0], -1) @ W1 + b1)
            loss = F.cross_entropy(h @ W2 + b2, Ytr[ix])
            for p in parameters:
                p.grad = None
            loss.backward()
            lr = 0.1 if i < 1000 else 0.01
            if faulty:
                lr = lrs[i]
            for p in parameters:
                p.data += -lr * p.grad
            seen.step(loss)
            if i % 300 == 299:
                with torch.no_grad():
                    h = torch.tanh(C[Xdev].view(-1, 30) @ W1 + b1)
                    seen.validate(F.cross_entropy(h @ W2 + b2, Ydev))


@pair("the rate of the bigram table, 50, is kept for the MLP", "lr_too_high")
def makemore_rate_of_the_bigram(watch, faulty):
    Xtr, Ytr, Xdev, Ydev = splits()
    g = torch.Generator().manual_seed(2147483647)
    C = torch.randn((27, 2), generator=g)
    W1 = torch.randn((6, 100), generator=g) * (5 / 3) / 6**0.5
    b1 = torch.zeros(100)
    W2 = torch.randn((100, 27), generator=g) * 0.01
    b2 = torch.zeros(27)
    parameters = [C, W1, b1, W2, b2]
    for p in parameters:
        p.requires_grad = True
    with watch() as seen:
        for k in range(1000):
            # minibatch construct
            ix = torch.randint(0, Xtr.shape[0], (64,), generator=g)
            h = torch.tanh(C[Xtr[ix]].view(-1, 6) @ W1 + b1)
            loss = F.cross_entropy(h @ W2 + b2, Ytr[ix])
            for p in parameters:
                p.grad = None
            loss.backward()
            for p in parameters:
                p.data += -(50 if faulty else 0.1) * p.grad
            seen.step(loss)
            if k % 200 == 199:
                with torch.no_grad():
                    h = torch.tanh(C[Xdev].view(-1, 6) @ W1 + b1)
                    seen.validate(F.cross_entropy(h @ W2 + b2, Ydev))


@pair("gradients are reset where the loss is printed, each 100 steps", "gradients_not_zeroed")
def makemore_reset_where_printed(watch, faulty):
    Xtr, Ytr, Xdev, Ydev = splits()
    g = torch.Generator().manual_seed(2147483647)
    C = torch.randn((27, 10), generator=g)
    W1 = torch.randn((30, 100), generator=g) * (5 / 3) / 30**0.5
    b1 = torch.zeros(100)
    W2 = torch.randn((100, 27), generator=g) * 0.01
    b2 = torch.zeros(27)
    parameters = [C, W1, b1, W2, b2]
    for p in parameters:
        p.requires_grad = True
    with watch() as seen:
        for i in range(1200):
            ix = torch.randint(0, Xtr.shape[0], (32,), generator=g)
            h = torch.tanh(C[Xtr[ix]].view(-1, 30) @ W1 + b1)
            loss = F.cross_entropy(h @ W2 + b2, Ytr[ix])
            if i % 100 == 0 or not faulty:
                print(i, loss.item())
                for p in parameters:
                    p.grad = None
            loss.backward()
            for p in parameters:
                p.data += -0.1 * p.grad
            seen.step(loss)
            if i % 300 == 299:
                with torch.no_grad():
                    h = torch.tanh(C[Xdev].view(-1, 30) @ W1 + b1)
                    seen.validate(F.cross_entropy(h @ W2 + b2, Ydev))


@pair(
    "the minibatch's indices are drawn below 32: its size, not that of the data",
    *("overfitting", "batch_repeated"),
)
def makemore_first_32_examples(watch, faulty):
    Xtr, Ytr, Xdev, Ydev = splits()
    g = torch.Generator().manual_seed(2147483647)
    model = nn.Sequential(
        nn.Embedding(27, 10), nn.Flatten(), nn.Linear(30, 100), nn.Tanh(), nn.Linear(100, 27)
    )
    batch_size = 32
    with watch() as seen:
        for i in range(1500):
            high = batch_size if faulty else Xtr.shape[0]
            ix = torch.randint(0, high, (batch_size,), generator=g)
            loss = F.cross_entropy(model(Xtr[ix]), Ytr[ix])
            for p in model.parameters():
                p.grad = None
            loss.backward()
            for p in model.parameters():
                p.data += -0.1 * p.grad
            seen.step(loss)
            if i % 250 == 249:
                with torch.no_grad():
                    seen.validate(F.cross_entropy(model(Xdev), Ydev))


@pair(
    "backprop by hand: dlogits is not divided by the size of the batch",
    *("lr_too_high", "gradients_not_averaged", "wrong_backward"),
)
def makemore_backprop_ninja(watch, faulty):
    Xtr, Ytr, Xdev, Ydev = splits()
    g = torch.Generator().manual_seed(2147483647)
    C = torch.randn((27, 10), generator=g)
    W1 = torch.randn((30, 100), generator=g) * (5 / 3) / 30**0.5
    b1 = torch.randn(100, generator=g) * 0.1
    W2 = torch.randn((100, 27), generator=g) * 0.1
    b2 = torch.randn(27, generator=g) * 0.1
    parameters = [C, W1, b1, W2, b2]
    for p in parameters:
        p.requires_grad = True
    n = 32
    with watch() as seen, torch.no_grad():
        for i in range(1500):
            ix = torch.randint(0, Xtr.shape[0], (n,), generator=g)
            Xb, Yb = Xtr[ix], Ytr[ix]
            # forward
            embcat = C[Xb].view(n, -1)
            h = torch.tanh(embcat @ W1 + b1)
            logits = h @ W2 + b2
            loss = F.cross_entropy(logits, Yb)
            # backward, no loss.backward()
            dlogits = F.softmax(logits, 1)
            dlogits[range(n), Yb] -= 1
            if not faulty:
                dlogits /= n
            dW2, db2 = h.T @ dlogits, dlogits.sum(0)
            dhpreact = (1.0 - h**2) * (dlogits @ W2.T)
            dW1, db1 = embcat.T @ dhpreact, dhpreact.sum(0)
            demb = (dhpreact @ W1.T).view(n, 3, 10)
            dC = torch.zeros_like(C).index_put_((Xb,), demb, accumulate=True)
            # update
            for p, grad in zip(parameters, [dC, dW1, db1, dW2, db2], strict=True):
                p -= 0.1 * grad
            seen.step(loss)
            if i % 300 == 299:
                h = torch.tanh(C[Xdev].view(-1, 30) @ W1 + b1)
                seen.validate(F.cross_entropy(h @ W2 + b2, Ydev))


@pair(
    "an RNN's time steps are taken with a view, where the first two axes are to be exchanged",
    *("dims_scrambled", "batch_mixed", "labels_shuffled"),
)
def makemore_rnn_steps_by_view(watch, faulty):
    Xtr, Ytr, Xdev, Ydev = splits(block_size=6)

    class RNN(nn.Module):
        def __init__(self, n_embd=12, n_hidden=64):
            super().__init__()
            self.wte = nn.Embedding(27, n_embd)
            self.cell = nn.Linear(n_embd + n_hidden, n_hidden)
            self.start = nn.Parameter(torch.zeros(1, n_hidden))
            self.lm_head = nn.Linear(n_hidden, 27)

        def forward(self, idx):
            b, t = idx.size()
            emb = self.wte(idx)  # (b, t, n_embd)
            steps = emb.view(t, b, -1) if faulty else emb.transpose(0, 1)
            hprev = self.start.expand(b, -1)
            for xt in steps:
                hprev = torch.tanh(self.cell(torch.cat([xt, hprev], dim=1)))
            return self.lm_head(hprev)

    model = RNN()
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    with watch() as seen:
        for step in range(800):
            ix = torch.randint(0, Xtr.shape[0], (32,))
            loss = F.cross_entropy(model(Xtr[ix]), Ytr[ix])
            model.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            seen.step(loss)
            if step % 200 == 199:
                with torch.inference_mode():
                    seen.validate(F.cross_entropy(model(Xdev), Ydev))


@pair(
    "names are sampled with the newest letter at the wrong end of the context",
    "train_eval_mismatch",
)
def makemore_context_backwards(watch, faulty):
    Xtr, Ytr, Xdev, Ydev = splits()
    g = torch.Generator().manual_seed(2147483647)
    C = torch.randn((27, 10), generator=g)
    W1 = torch.randn((30, 100), generator=g) * (5 / 3) / 30**0.5
    b1 = torch.zeros(100)
    W2 = torch.randn((100, 27), generator=g) * 0.01
    b2 = torch.zeros(27)
    parameters = [C, W1, b1, W2, b2]
    for p in parameters:
        p.requires_grad = True
    with watch() as seen:
        for i in range(1500):
            ix = torch.randint(0, Xtr.shape[0], (32,), generator=g)
            h = torch.tanh(C[Xtr[ix]].view(-1, 30) @ W1 + b1)
            loss = F.cross_entropy(h @ W2 + b2, Ytr[ix])
            for p in parameters:
                p.grad = None
            loss.backward()
            for p in parameters:
                p.data += -0.1 * p.grad
            seen.step(loss)
            if i % 500 == 499:
                with torch.no_grad():
                    h = torch.tanh(C[Xdev].view(-1, 30) @ W1 + b1)
                    seen.validate(F.cross_entropy(h @ W2 + b2, Ydev))
        # sample from the model
        with seen.using(), torch.no_grad():
            for _ in range(20):
                out, context = [], [0, 0, 0]
                while len(out) < 15:
                    h = torch.tanh(C[torch.tensor([context])].view(1, -1) @ W1 + b1)
                    probs = F.softmax(h @ W2 + b2, dim=1)
                    ix = torch.multinomial(probs, num_samples=1, generator=g).item()
                    context = [ix, *context[:-1]] if faulty else [*context[1:], ix]
                    out.append(ix)
                    if ix == 0:
                        break
                print("".join(itos[i] for i in out))


# ---- the layers of part 3 ----------------------------------------------------------------------


class Linear:
    def __init__(self, fan_in, fan_out, init=torch.randn):
        self.weight = init((fan_in, fan_out)) * (5 / 3) / fan_in**0.5
        self.bias = torch.zeros(fan_out)

    def __call__(self, x):
        self.out = x @ self.weight + self.bias
        return self.out

    def parameters(self):
        return [self.weight, self.bias]


class Tanh:
    def __call__(self, x):
        self.out = torch.tanh(x)
        return self.out

    def parameters(self):
        return []


@pair("rand where randn was meant: every weight is positive", "saturated_units", "bad_init_scale")
def makemore_rand_not_randn(watch, faulty):
    Xtr, Ytr, Xdev, Ydev = splits()
    init = torch.rand if faulty else torch.randn
    C = init((27, 10))
    layers = [
        *(Linear(30, 100, init), Tanh()),
        *(Linear(100, 100, init), Tanh()),
        *(Linear(100, 100, init), Tanh(), Linear(100, 27, init)),
    ]
    layers[-1].weight *= 0.1  # last layer: make less confident
    parameters = [C] + [p for layer in layers for p in layer.parameters()]
    for p in parameters:
        p.requires_grad = True
    with watch() as seen:
        for i in range(900):
            ix = torch.randint(0, Xtr.shape[0], (32,))
            x = C[Xtr[ix]].view(32, -1)
            for layer in layers:
                x = layer(x)
            loss = F.cross_entropy(x, Ytr[ix])
            for p in parameters:
                p.grad = None
            loss.backward()
            for p in parameters:
                p.data += -0.1 * p.grad
            seen.step(loss)
            if i % 300 == 299:
                with torch.no_grad():
                    x = C[Xdev].view(len(Xdev), -1)
                    for layer in layers:
                        x = layer(x)
                    seen.validate(F.cross_entropy(x, Ydev))


# ---- micrograd's demo --------------------------------------------------------------------------


@pair(
    "the max-margin loss is given labels of 0 and 1, and wants -1 and 1",
    *("wrong_loss", "plateau"),
)
def micrograd_svm_of_zeros(watch, faulty):
    X, y = moons()
    if not faulty:
        y = y * 2 - 1  # make y be -1 or 1
    model = nn.Sequential(
        nn.Linear(2, 16), nn.ReLU(), nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, 1)
    )
    with watch() as seen:
        for k in range(400):
            ri = torch.randperm(1500)[:100]
            scores = model(X[ri]).squeeze(1)
            # svm "max-margin" loss
            data_loss = (1 - y[ri] * scores).relu().mean()
            # L2 regularization
            reg_loss = 1e-4 * sum((p * p).sum() for p in model.parameters())
            total_loss = data_loss + reg_loss
            model.zero_grad()
            total_loss.backward()
            # update (sgd)
            learning_rate = 0.5 - 0.45 * k / 400
            for p in model.parameters():
                p.data -= learning_rate * p.grad
            if k % 40 == 0:
                print(f"step {k} loss {total_loss.item()}")
            seen.step(total_loss)
            if k % 80 == 79:
                with torch.no_grad():
                    scores = model(X[1500:]).squeeze(1)
                    accuracy = ((scores > 0) == (y[1500:] > 0)).float().mean()
                    seen.validate((1 - y[1500:] * scores).relu().mean(), accuracy)


# ---- gpt.py ------------------------------------------------------------------------------------

batch_size = 16  # how many independent sequences will we process in parallel?
block_size = 16  # what is the maximum context length for predictions?
n_embd = 32
n_head = 2
n_layer = 2


class Head(nn.Module):
    """One head of self-attention."""

    def __init__(self, head_size):
        super().__init__()
        self.key = nn.Linear(n_embd, head_size, bias=False)
        self.query = nn.Linear(n_embd, head_size, bias=False)
        self.value = nn.Linear(n_embd, head_size, bias=False)
        self.register_buffer("tril", torch.tril(torch.ones(block_size, block_size)))

    def forward(self, x):
        T = x.shape[1]
        k, q = self.key(x), self.query(x)
        wei = q @ k.transpose(-2, -1) * k.shape[-1] ** -0.5
        wei = wei.masked_fill(self.tril[:T, :T] == 0, float("-inf"))
        return F.softmax(wei, dim=-1) @ self.value(x)


class MultiHeadAttention(nn.Module):
    def __init__(self, num_heads, head_size, Head=Head):
        super().__init__()
        self.heads = nn.ModuleList([Head(head_size) for _ in range(num_heads)])
        self.proj = nn.Linear(num_heads * head_size, n_embd)

    def forward(self, x):
        return self.proj(torch.cat([h(x) for h in self.heads], dim=-1))


class Block(nn.Module):
    """Transformer block: communication followed by computation."""

    def __init__(self, sa, norm=nn.LayerNorm):
        super().__init__()
        self.sa = sa
        self.ffwd = nn.Sequential(
            nn.Linear(n_embd, 4 * n_embd), nn.ReLU(), nn.Linear(4 * n_embd, n_embd)
        )
        self.ln1, self.ln2 = norm(n_embd), norm(n_embd)

    def forward(self, x):
        x = x + self.sa(self.ln1(x))
        return x + self.ffwd(self.ln2(x))


class GPTLanguageModel(nn.Module):
    def __init__(self, vocab_size, blocks=None):
        super().__init__()
        if blocks is None:
            blocks = [Block(MultiHeadAttention(n_head, n_embd // n_head)) for _ in range(n_layer)]
        self.token_embedding_table = nn.Embedding(vocab_size, n_embd)
        self.position_embedding_table = nn.Embedding(block_size, n_embd)
        self.blocks = nn.Sequential(*blocks)
        self.ln_f = nn.LayerNorm(n_embd)
        self.lm_head = nn.Linear(n_embd, vocab_size)
        self.apply(self._init_weights)

    def _init_weights(self, module):
        if isinstance(module, nn.Linear | nn.Embedding):
            torch.nn.init.normal_(module.weight, mean=0.0, std=0.1)
            if getattr(module, "bias", None) is not None:
                torch.nn.init.zeros_(module.bias)

    def positions(self, T):
        return self.position_embedding_table(torch.arange(T))

    def forward(self, idx, targets=None):
        B, T = idx.shape
        x = self.token_embedding_table(idx) + self.positions(T)
        logits = self.lm_head(self.ln_f(self.blocks(x)))
        if targets is None:
            return logits, None
        B, T, C = logits.shape
        return logits, F.cross_entropy(logits.view(B * T, C), targets.view(B * T))

    def generate(self, idx, max_new_tokens):
        for _ in range(max_new_tokens):
            logits, _ = self(idx[:, -block_size:])
            probs = F.softmax(logits[:, -1, :], dim=-1)
            idx = torch.cat((idx, torch.multinomial(probs, num_samples=1)), dim=1)
        return idx


def get_batch(data, size=batch_size):
    ix = torch.randint(len(data) - block_size, (size,))
    x = torch.stack([data[i : i + block_size] for i in ix])
    y = torch.stack([data[i + 1 : i + block_size + 1] for i in ix])
    return x, y


@torch.no_grad()
def estimate_loss(model, data, eval_iters=5):
    model.eval()
    losses = torch.zeros(eval_iters)
    for k in range(eval_iters):
        X, Y = get_batch(data, 32)
        _, loss = model(X, Y)
        losses[k] = loss.item()
    model.train()
    return losses.mean()


def train_gpt(watch, model, train_data, val_data, max_iters=250, sample=False):
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
    with watch() as seen:
        for iter in range(max_iters):
            xb, yb = get_batch(train_data)
            _, loss = model(xb, yb)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            seen.step(loss)
            if iter % 50 == 49:
                val = estimate_loss(model, val_data)
                print(f"step {iter}: train loss {loss:.4f}, val loss {val:.4f}")
                seen.validate(val)
        if sample:
            with seen.using(), torch.no_grad():
                model.eval()
                context = torch.zeros((1, 1), dtype=torch.long)
                print(model.generate(context, max_new_tokens=60)[0].tolist())


def train_val():
    data, letters = text()
    n = int(0.9 * len(data))
    return data[:n], data[n:], len(letters)


@pair(
    "attention is multiplied by the root of the head's size, not divided",
    *("attention_unscaled", "saturated_units"),
)
def gpt_scale_upside_down(watch, faulty):
    train_data, val_data, vocab_size = train_val()

    class MyHead(Head):
        def forward(self, x):
            T = x.shape[1]
            k, q, v = self.key(x), self.query(x), self.value(x)
            wei = q @ k.transpose(-2, -1) * k.shape[-1] ** (0.5 if faulty else -0.5)
            wei = wei.masked_fill(self.tril[:T, :T] == 0, float("-inf"))
            return F.softmax(wei, dim=-1) @ v

    sa = [MultiHeadAttention(1, n_embd, MyHead) for _ in range(n_layer)]
    model = GPTLanguageModel(vocab_size, [Block(each) for each in sa])
    train_gpt(watch, model, train_data, val_data)


@pair("the mask is upside down: the last letter sees nothing at all", "nan", "future_leak")
def gpt_tril_is_one(watch, faulty):
    train_data, val_data, vocab_size = train_val()

    class MyHead(Head):
        def forward(self, x):
            T = x.shape[1]
            k, q, v = self.key(x), self.query(x), self.value(x)
            wei = q @ k.transpose(-2, -1) * k.shape[-1] ** -0.5
            wei = wei.masked_fill(self.tril[:T, :T] == (1 if faulty else 0), float("-inf"))
            return F.softmax(wei, dim=-1) @ v

    sa = [MultiHeadAttention(n_head, n_embd // n_head, MyHead) for _ in range(n_layer)]
    model = GPTLanguageModel(vocab_size, [Block(each) for each in sa])
    train_gpt(watch, model, train_data, val_data)


@pair(
    "layer norm is made of the lecture's batch norm, whose axis is kept",
    *("batch_mixed", "train_eval_mismatch"),
)
def gpt_layernorm_over_the_batch(watch, faulty):
    train_data, val_data, vocab_size = train_val()

    class LayerNorm1d(nn.Module):  # (used to be BatchNorm1d)
        def __init__(self, dim, eps=1e-5):
            super().__init__()
            self.eps = eps
            self.gamma = nn.Parameter(torch.ones(dim))
            self.beta = nn.Parameter(torch.zeros(dim))

        def forward(self, x):
            axis = 0 if faulty else -1
            xmean = x.mean(axis, keepdim=True)
            xvar = x.var(axis, keepdim=True, unbiased=False)
            xhat = (x - xmean) / torch.sqrt(xvar + self.eps)
            return self.gamma * xhat + self.beta

    sa = [MultiHeadAttention(n_head, n_embd // n_head) for _ in range(n_layer)]
    model = GPTLanguageModel(vocab_size, [Block(each, LayerNorm1d) for each in sa])
    train_gpt(watch, model, train_data, val_data, sample=True)


@pair("every position is given the embedding of the last one", "positions_missing")
def gpt_all_positions_are_the_last(watch, faulty):
    """Reverse a string: 'bca|' goes on with 'acb'."""

    class Model(GPTLanguageModel):
        def positions(self, T):
            return self.position_embedding_table(
                torch.full((T,), T - 1) if faulty else torch.arange(T)
            )

    def reversals(n):
        word = torch.randint(1, 9, (n, 8))
        return torch.cat([word, torch.zeros(n, 1, dtype=torch.long), word.flip(1)], dim=1)

    model = Model(9)
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    held = reversals(200)
    with watch() as seen:
        for iter in range(240):
            both = reversals(32)
            logits, _ = model(both[:, :-1])
            loss = F.cross_entropy(logits[:, 8:].flatten(0, 1), both[:, 9:].flatten())
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            seen.step(loss)
            if iter % 60 == 59:
                with torch.no_grad():
                    logits, _ = model(held[:, :-1])
                right = (logits[:, 8:].argmax(-1) == held[:, 9:]).float().mean()
                val = F.cross_entropy(logits[:, 8:].flatten(0, 1), held[:, 9:].flatten())
                seen.validate(val, right)


@pair(
    "the validation text is encoded with a vocabulary of its own",
    "train_eval_mismatch",
)
def gpt_two_vocabularies(watch, faulty):
    data, letters = text()
    whole = "".join(letters[i] for i in data.tolist())
    n = int(0.9 * len(whole))
    train_text, val_text = whole[:n], whole[n:]

    def encoder(source):
        chars = sorted(set(source))
        numbers = {ch: i for i, ch in enumerate(chars)}
        return lambda s: torch.tensor([numbers[c] for c in s]), len(chars)

    encode, vocab_size = encoder(whole)
    train_data = encode(train_text)
    if faulty:
        encode, _ = encoder(val_text)
    train_gpt(watch, GPTLanguageModel(vocab_size), train_data, encode(val_text))
