"""A lecture's notebook: one matrix, one-hot letters, the whole data in each step."""

# %%
import torch
import torch.nn.functional as F

words = open("names.txt").read().splitlines()[:3000]
stoi = {s: i for i, s in enumerate("." + "".join(sorted(set("".join(words)))))}
xs, ys = [], []
for w in words:
    chs = ["."] + list(w) + ["."]
    for ch1, ch2 in zip(chs, chs[1:]):
        xs.append(stoi[ch1])
        ys.append(stoi[ch2])
xs, ys = torch.tensor(xs), torch.tensor(ys)
num = xs.nelement()

# %%
g = torch.Generator().manual_seed(2147483647)
W = torch.randn((27, 27), generator=g, requires_grad=True)

# %%
for k in range(200):
    xenc = F.one_hot(xs, num_classes=27).float()
    logits = xenc @ W
    counts = logits.exp()
    probs = counts / counts.sum(1, keepdims=True)
    loss = -probs[torch.arange(num), ys].log().mean() + 0.01 * (W**2).mean()
    W.grad = None
    loss.backward()
    # fault lr_too_low: W.data += -0.01 * W.grad
    W.data += -50 * W.grad

print(loss.item())
