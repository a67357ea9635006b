"""Names by their first letter's half of the alphabet: embeddings, averaged and recurrent."""

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset


class Names(Dataset):
    def __init__(self, words):
        self.words = words

    def __len__(self):
        return len(self.words)

    def __getitem__(self, i):
        word = self.words[i][:10]
        letters = [ord(c) - 96 for c in word] + [0] * (10 - len(word))
        return torch.tensor(letters), int(word[-1] in "aeiouy")


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(27, 16)
        self.rnn = nn.GRU(16, 32, batch_first=True)
        self.classify = nn.Linear(32, 2)

    def forward(self, letters):
        _, state = self.rnn(self.embed(letters))
        return self.classify(state[-1])


def run_epoch(model, loader, optimizer=None):
    total = 0.0
    for letters, label in loader:
        loss = nn.functional.cross_entropy(model(letters), label)
        if optimizer is not None:
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        total += loss.item()
    return total / len(loader)


torch.manual_seed(0)
words = open("names.txt").read().splitlines()
words = [words[i] for i in torch.randperm(len(words))[:6000].tolist()]
train_words, test_words = words[:5000], words[5000:]
train_words.sort(key=lambda word: word[-1] in "aeiouy")
# fault not_shuffled: train_loader = DataLoader(Names(train_words), 50)
train_loader = DataLoader(Names(train_words), 50, shuffle=True)
test_loader = DataLoader(Names(test_words), 250)
model = Model()
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for epoch in range(4):
    train_loss = run_epoch(model, train_loader, optimizer)
    with torch.no_grad():
        test_loss = run_epoch(model, test_loader)
    print(epoch, train_loss, test_loss)
