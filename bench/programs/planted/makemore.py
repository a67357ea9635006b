"""A lecture's notebook: names letter by letter with bare tensors."""

# %%
import torch
import torch.nn.functional as F

# %%
words = open("names.txt").read().splitlines()[:8000]
chars = sorted(set("".join(words)))
stoi = {s: i + 1 for i, s in enumerate(chars)}
stoi["."] = 0
itos = {i: s for s, i in stoi.items()}
vocab_size = len(itos)
block_size = 3


def build_dataset(words):
    X, Y = [], []
    for w in words:
        context = [0] * block_size
        for ch in w + ".":
            ix = stoi[ch]
            X.append(context)
            Y.append(ix)
            context = context[1:] + [ix]
    return torch.tensor(X), torch.tensor(Y)


Xtr, Ytr = build_dataset(words[:7000])
Xdev, Ydev = build_dataset(words[7000:])

# %%
g = torch.Generator().manual_seed(2147483647)
C = torch.randn((vocab_size, 10), generator=g)
W1 = torch.randn((10 * block_size, 100), generator=g) * (5 / 3) / (10 * block_size) ** 0.5
b1 = torch.randn(100, generator=g) * 0.01
# fault bad_init_scale: W2 = torch.randn((100, vocab_size), generator=g)
W2 = torch.randn((100, vocab_size), generator=g) * 0.01
b2 = torch.zeros(vocab_size)
parameters = [C, W1, b1, W2, b2]
for p in parameters:
    p.requires_grad = True


def forward(X):
    emb = C[X]
    h = torch.tanh(emb.view(emb.shape[0], -1) @ W1 + b1)
    # fault wrong_loss, outputs_out_of_reach: return torch.tanh(h @ W2 + b2)
    return h @ W2 + b2


# %%
lossi = []
for i in range(4000):
    ix = torch.randint(0, Xtr.shape[0], (32,), generator=g)
    Xb, Yb = Xtr[ix], Ytr[ix]
    # right wrong_loss
    loss = F.cross_entropy(forward(Xb), Yb)
    for p in parameters:
        # fault gradients_not_zeroed: pass
        p.grad = None
    # right gradients_not_zeroed
    loss.backward()
    lr = 0.1 if i < 3000 else 0.01
    for p in parameters:
        # fault wrong_update_sign: p.data += lr * p.grad
        p.data += -lr * p.grad
    lossi.append(loss.log10().item())


# %%
@torch.no_grad()
def split_loss(split):
    x, y = {"train": (Xtr, Ytr), "val": (Xdev, Ydev)}[split]
    loss = F.cross_entropy(forward(x), y)
    print(split, loss.item())


split_loss("train")
split_loss("val")

# %%
for _ in range(3):
    out, context = [], [0] * block_size
    while len(out) < 30:
        logits = forward(torch.tensor([context]))
        ix = torch.multinomial(F.softmax(logits, dim=1), 1).item()
        context = context[1:] + [ix]
        out.append(itos[ix])
        if ix == 0:
            break
    print("".join(out))
