"""A deep perceptron as a course's exercise asks for it."""

import numpy as np
import torch
import torch.nn as nn


class DeepNet(nn.Module):
    def __init__(self, depth=6, width=64):
        super().__init__()
        self.inp = nn.Linear(784, width)
        self.hidden = nn.ModuleList([nn.Linear(width, width) for _ in range(depth)])
        self.out = nn.Linear(width, 10)

    def forward(self, x):
        # right vanishing_gradient, saturated_units
        x = torch.relu(self.inp(x))
        for layer in self.hidden:
            # fault vanishing_gradient, saturated_units: x = torch.sigmoid(layer(x))
            x = torch.relu(layer(x))
        return self.out(x)


def main():
    torch.manual_seed(7)
    data = np.load("digits.npz")
    x = torch.tensor(data["images"]).float().view(-1, 784) / 255
    y = torch.tensor(data["labels"]).long()
    model = DeepNet()
    with torch.no_grad():
        for layer in model.hidden:
            nn.init.kaiming_normal_(layer.weight)
            # fault dead_units: layer.bias.fill_(-12.0)
            layer.bias.zero_()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    loss_function = nn.CrossEntropyLoss()
    step = 0
    while step < 900:
        pick = torch.randint(0, len(x), (64,))
        loss = loss_function(model(x[pick]), y[pick])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        step += 1
    print(loss.item())


main()
