"""A script with arguments in the style of the official examples: main(), train(), test()."""

import argparse

import numpy as np
import torch
from torch import nn, optim
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 8, 3, 2)
        self.conv2 = nn.Conv2d(8, 16, 3, 2)
        self.fc1 = nn.Linear(576, 64)
        self.fc2 = nn.Linear(64, 10)

    def forward(self, x):
        x = F.relu(self.conv1(x))
        x = F.relu(self.conv2(x))
        x = F.relu(self.fc1(torch.flatten(x, 1)))
        # fault double_softmax: return F.softmax(self.fc2(x), dim=1)
        return self.fc2(x)


def train(args, model, loader, optimizer, epoch):
    model.train()
    for batch_idx, (data, target) in enumerate(loader):
        # fault gradients_not_zeroed: pass
        optimizer.zero_grad()
        output = model(data)
        loss = F.cross_entropy(output, target)
        # right gradients_not_zeroed
        loss.backward()
        optimizer.step()
        if batch_idx % args.log_interval == 0:
            print(f"Train Epoch: {epoch} [{batch_idx}]\tLoss: {loss.item():.6f}")


def test(model, loader):
    model.eval()
    test_loss, correct = 0, 0
    with torch.no_grad():
        for data, target in loader:
            output = model(data)
            test_loss += F.cross_entropy(output, target, reduction="sum").item()
            correct += (output.argmax(1) == target).sum().item()
    count = len(loader.dataset)
    print(f"Test set: Average loss: {test_loss / count:.4f}, Accuracy: {correct}/{count}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--batch-size", type=int, default=64)
    # fault lr_too_high: parser.add_argument("--lr", type=float, default=0.3)
    parser.add_argument("--lr", type=float, default=0.002)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--log-interval", type=int, default=50)
    args = parser.parse_args()
    torch.manual_seed(args.seed)
    data = np.load("digits.npz")
    x = torch.tensor(data["images"]).float().view(-1, 1, 28, 28) / 255
    x = (x - 0.1307) / 0.3081
    y = torch.tensor(data["labels"]).long()
    order = torch.randperm(len(x))
    x, y = x[order], y[order]
    train_loader = DataLoader(TensorDataset(x[:4000], y[:4000]), args.batch_size, shuffle=True)
    test_loader = DataLoader(TensorDataset(x[4000:], y[4000:]), 250)
    model = Net()
    # right lr_too_high
    optimizer = optim.Adam(model.parameters(), lr=args.lr)
    for epoch in range(1, args.epochs + 1):
        train(args, model, train_loader, optimizer, epoch)
        test(model, test_loader)


if __name__ == "__main__":
    main()
