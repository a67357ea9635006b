"""Healthy programs whose networks have parts of which not all are trained, or used, at once."""

import torch
from torch import nn
from torch.nn import functional as F

from bench.healthy.programs import Watch, healthy


@healthy("forecast with residual blocks (N-BEATS)")
def blocks_that_explain_away(watch: Watch) -> None:
    class Block(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.stem = nn.Sequential(nn.Linear(24, 48), nn.ReLU())
            self.backcast, self.forecast = nn.Linear(48, 24), nn.Linear(48, 6)

        def forward(self, x):
            h = self.stem(x)
            return self.backcast(h), self.forecast(h)

    class Forecaster(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.blocks = nn.ModuleList(Block() for _ in range(3))

        def forward(self, x):
            total = 0.0
            for block in self.blocks:
                back, ahead = block(x)
                x, total = x - back, total + ahead
            return total

    days = torch.arange(3000.0)
    series = torch.sin(days * 0.52) + 0.5 * torch.sin(days * 0.9) + 0.15 * torch.randn(3000)
    windows = series.unfold(0, 30, 1)
    model = Forecaster()
    opt = torch.optim.Adam(model.parameters(), lr=2e-3)
    with watch() as seen:
        for _ in range(8):
            for rows in windows[:2400][torch.randperm(2400)].split(64):
                loss = F.smooth_l1_loss(model(rows[:, :24]), rows[:, 24:])
                opt.zero_grad()
                loss.backward()
                opt.step()
                seen.step(loss)
            with torch.no_grad():
                new = windows[2450:]
                seen.validate(F.smooth_l1_loss(model(new[:, :24]), new[:, 24:]))


@healthy("continual learning, a head for each task")
def second_task(watch: Watch) -> None:
    centres = torch.randn(5, 20)

    class Shared(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body = nn.Sequential(nn.Linear(20, 48), nn.ReLU(), nn.Linear(48, 32), nn.ReLU())
            self.heads = nn.ModuleList([nn.Linear(32, 3), nn.Linear(32, 2)])

        def forward(self, x, task):
            return self.heads[task](self.body(x))

    model = Shared()
    opt = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    for task, classes in enumerate((range(3), range(3, 5))):
        y = torch.randint(0, len(classes), (1500,))
        x = centres[torch.tensor(classes)[y]] + 1.2 * torch.randn(1500, 20)
        with watch() as seen:
            for _ in range(8):
                for i in torch.randperm(1200).split(32):
                    loss = F.cross_entropy(model(x[i], task), y[i])
                    opt.zero_grad()
                    loss.backward()
                    opt.step()
                    seen.step(loss)


@healthy("segmentation, its logits above zero")
def overlap_of_masks(watch: Watch) -> None:
    def pictures(count):
        place = torch.randint(3, 13, (count, 2, 1))
        across, down = ((torch.arange(16) - place[:, k]).abs() < 3 for k in range(2))
        mask = (down[:, :, None] & across[:, None]).float()[:, None]
        return mask + 0.5 * torch.randn(count, 1, 16, 16), mask

    net = nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 8, 3, padding=1), nn.ReLU(),
        nn.Conv2d(8, 1, 1),
    )  # fmt: skip
    opt = torch.optim.Adam(net.parameters(), lr=5e-3)
    x, y = pictures(600)
    with watch() as seen:
        for _ in range(12):
            for i in torch.randperm(600).split(40):
                share = net(x[i]).sigmoid()
                both = (share * y[i]).sum((1, 2, 3))
                loss = (1 - 2 * both / (share.sum((1, 2, 3)) + y[i].sum((1, 2, 3)))).mean()
                opt.zero_grad()
                loss.backward()
                opt.step()
                seen.step(loss)
    new, masks = pictures(100)
    with seen.using(), torch.no_grad():
        found = net(new) > 0
    assert ((found == (masks > 0)).float().mean() > 0.9).item()


@healthy("neural differential equation")
def spiral(watch: Watch) -> None:
    turn = torch.tensor([[-0.1, 2.0], [-2.0, -0.1]])

    def states(rate, y, count):
        found = [y]
        for _ in range(count):  # the midpoint rule
            y = y + 0.05 * rate(y + 0.025 * rate(y))
            found.append(y)
        return torch.stack(found)

    true = states(lambda y: y**3 @ turn, torch.tensor([[2.0, 0.0]]), 300).squeeze(1)
    net = nn.Sequential(nn.Linear(2, 32), nn.Tanh(), nn.Linear(32, 2))
    opt = torch.optim.Adam(net.parameters(), lr=1e-2)
    with watch() as seen:
        for _ in range(250):
            start = torch.randint(0, 290, (20,))
            aims = torch.stack([true[start + k] for k in range(10)])
            loss = (states(lambda y: net(y**3), true[start], 9) - aims).abs().mean()
            opt.zero_grad()
            loss.backward()
            opt.step()
            seen.step(loss)
    with seen.using(), torch.no_grad():
        states(lambda y: net(y**3), true[:1], 300)


@healthy("graph network, dropout of its inputs")
def whole_graph(watch: Watch) -> None:
    y = torch.randint(0, 3, (300,))
    near = torch.bernoulli(torch.where(y[:, None] == y, 0.06, 0.01)).triu(1)
    near = near + near.T + torch.eye(300)
    near = near / near.sum(1, keepdim=True)
    x = torch.randn(3, 16)[y] + 1.5 * torch.randn(300, 16)
    one, two = nn.Linear(16, 16), nn.Linear(16, 3)
    opt = torch.optim.Adam([*one.parameters(), *two.parameters()], lr=0.01, weight_decay=5e-3)

    def net(x, training=True):
        hidden = F.relu(near @ one(F.dropout(x, 0.5, training)))
        return near @ two(F.dropout(hidden, 0.5, training))

    with watch() as seen:
        for _ in range(200):
            loss = F.cross_entropy(net(x)[:100], y[:100])
            opt.zero_grad()
            loss.backward()
            opt.step()
            with torch.no_grad():
                seen.validate(F.cross_entropy(net(x, False)[100:], y[100:]))
            seen.step(loss)
