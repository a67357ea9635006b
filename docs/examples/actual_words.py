"""The notebook ``actual_words``, as it was, under the doctor's eyes.

    python docs/examples/actual_words.py TEXT [STEPS]

TEXT is any text file, such as Tiny Shakespeare; GPT-2's tokenizer is needed (tiktoken fetches its
files, or finds them where TIKTOKEN_CACHE_DIR says). Its loss falls, and its samples stay noise.
"""

import sys
from pathlib import Path

import tiktoken
import torch
from torch.nn import functional as F

from glassbox import watch

text = Path(sys.argv[1]).read_text(encoding="utf-8")
steps = int(sys.argv[2]) if len(sys.argv) > 2 else 2500
tokenizer = tiktoken.get_encoding("gpt2")
vocab_size = tokenizer.n_vocab  # the notebook had 30,522
data = torch.tensor(tokenizer.encode_ordinary(text))
context = 1

g = torch.Generator().manual_seed(42)
C = torch.randn((vocab_size, 20), generator=g)
W1 = torch.randn((20 * context, 500), generator=g)
W2 = torch.randn((500, vocab_size), generator=g) * 0.01
b2 = torch.zeros(vocab_size)
bngain, bnbias = torch.ones((1, 500)), torch.zeros((1, 500))
parameters = [C, W1, W2, b2, bngain, bnbias]
for p in parameters:
    p.requires_grad = True

lr = 0.3
with watch() as seen:
    for step in range(steps):
        ix = torch.randint(0, len(data) - context, (32,), generator=g)
        x = torch.stack([data[i : i + context] for i in ix])
        y = data[ix + context]
        hidden = C[x].view(len(x), -1) @ W1
        hidden = bngain * (hidden - hidden.mean(0, keepdim=True)) / hidden.std(0, keepdim=True)
        logits = torch.tanh(hidden + bnbias) @ W2 + b2
        regulariser = sum(p.detach().mean().abs() for p in parameters)
        loss = F.cross_entropy(logits, y) + 0.1 * regulariser
        for p in parameters:
            p.grad = None
        loss.backward()
        for p in parameters:
            p.data -= lr / min(1, 1000 / (step + 1)) * p.grad
        seen.step(loss)
        if step % 250 == 0:
            print(f"{step}: {loss.item():.3f}")

    with seen.using(), torch.no_grad():
        written = tokenizer.encode_ordinary("ROMEO:")
        for _ in range(60):
            x = torch.tensor([written[:context]])  # the first tokens, not the last ones
            hidden = C[x].view(1, -1) @ W1  # and no batch norm
            shares = (torch.tanh(hidden) @ W2 + b2).softmax(-1)
            written.append(int(torch.multinomial(shares, 1, generator=g)))
        print(tokenizer.decode(written))
