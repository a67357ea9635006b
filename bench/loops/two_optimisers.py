"""Names with two optimisers: a sparse embedding under SparseAdam, the rest under Adam."""

import os
import random
from pathlib import Path

import torch
import torch.nn as nn

from core import watch

SEED = int(os.environ.get("SEED", 42))
torch.set_num_threads(1)
torch.manual_seed(SEED)

names = Path("resources/names/names.txt").read_text().split()
random.seed(SEED)
random.shuffle(names)
ALPHABET = "." + "abcdefghijklmnopqrstuvwxyz"
CONTEXT = 4


def windows(names):
    """Return every context of letters, and the letter after it."""
    inputs, targets = [], []
    for name in names:
        padded = "." * CONTEXT + name + "."
        for at in range(CONTEXT, len(padded)):
            inputs.append([ALPHABET.index(c) for c in padded[at - CONTEXT : at]])
            targets.append(ALPHABET.index(padded[at]))
    return torch.tensor(inputs), torch.tensor(targets)


train_inputs, train_targets = windows(names[:15000])
val_inputs, val_targets = windows(names[15000:17000])


class Body(nn.Module):
    """From the embedded letters to the scores of the next one."""

    def __init__(self, width, hidden, classes):
        super().__init__()
        self.hidden = nn.Linear(width, hidden)
        self.second = nn.Linear(hidden, hidden)
        self.head = nn.Linear(hidden, classes)

    def forward(self, embedded):
        x = torch.relu(self.hidden(embedded.flatten(1)))
        x = torch.relu(self.second(x))
        return self.head(x)


embedding = nn.Embedding(len(ALPHABET), 16, sparse=True)
body = Body(CONTEXT * 16, 128, len(ALPHABET))
optim_embedding = torch.optim.SparseAdam(embedding.parameters(), lr=3e-3)
optim_body = torch.optim.Adam(body.parameters(), lr=1e-3)
criterion = nn.CrossEntropyLoss()

STEPS, BATCH = 2000, 128
with watch() as seen:
    for step in range(1, STEPS + 1):
        rows = torch.randint(0, len(train_inputs), (BATCH,))
        scores = body(embedding(train_inputs[rows]))
        loss = criterion(scores, train_targets[rows])

        optim_embedding.zero_grad()
        optim_body.zero_grad()
        loss.backward()
        optim_embedding.step()
        optim_body.step()
        seen.step(loss)

        if step % 250 == 0:
            with torch.no_grad():
                val = criterion(body(embedding(val_inputs)), val_targets)
            seen.validate(val)
            print(f"{step}: {loss.item():.4f}, val {val.item():.4f}")
