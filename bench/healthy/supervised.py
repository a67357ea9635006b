"""Healthy programs: classification and regression."""

import math

import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset, TensorDataset, WeightedRandomSampler

from bench.healthy.programs import Watch, clusters, digits, healthy


@healthy("classification")
def digits_mlp_with_epochs(watch: Watch) -> None:
    x, y = digits()
    loader = DataLoader(TensorDataset(x[:4000], y[:4000]), batch_size=64, shuffle=True)
    model = nn.Sequential(nn.Linear(784, 64), nn.ReLU(), nn.Linear(64, 10))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    with watch() as seen:
        for _ in range(5):
            model.train()
            for xb, yb in loader:
                optimizer.zero_grad()
                loss = F.cross_entropy(model(xb), yb)
                loss.backward()
                optimizer.step()
                seen.step(loss)
            model.eval()
            with torch.no_grad():
                scores = model(x[4000:])
                right = (scores.argmax(1) == y[4000:]).float().mean()
                seen.validate(F.cross_entropy(scores, y[4000:]), right)


@healthy("classification")
def official_mnist_cnn(watch: Watch) -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv1 = nn.Conv2d(1, 8, 3, 2)
            self.conv2 = nn.Conv2d(8, 16, 3, 2)
            self.dropout = nn.Dropout(0.25)
            self.fc = nn.Linear(16 * 36, 10)

        def forward(self, x):
            x = F.relu(self.conv2(F.relu(self.conv1(x))))
            return F.log_softmax(self.fc(self.dropout(torch.flatten(x, 1))), dim=1)

    x, y = digits()
    data = TensorDataset(x[:3000].view(-1, 1, 28, 28), y[:3000])
    model = Net()
    optimizer = torch.optim.Adadelta(model.parameters(), lr=1.0)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=1, gamma=0.7)
    with watch() as seen:
        for _ in range(4):
            model.train()
            for data_batch, target in DataLoader(data, batch_size=64, shuffle=True):
                optimizer.zero_grad()
                output = model(data_batch)
                loss = F.nll_loss(output, target)
                loss.backward()
                optimizer.step()
                seen.step(loss.item())
            scheduler.step()
            model.eval()
            with torch.no_grad():
                held = model(x[3000:4000].view(-1, 1, 28, 28))
                seen.validate(F.nll_loss(held, y[3000:4000]).item())


@healthy("classification with batch norm")
def residual_cnn(watch: Watch) -> None:
    class Block(nn.Module):
        def __init__(self, width: int) -> None:
            super().__init__()
            self.conv1 = nn.Conv2d(width, width, 3, padding=1, bias=False)
            self.bn1 = nn.BatchNorm2d(width)
            self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
            self.bn2 = nn.BatchNorm2d(width)

        def forward(self, x):
            return F.relu(x + self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x))))))

    x, y = digits()
    x = x.view(-1, 1, 28, 28)
    net = nn.Sequential(
        nn.Conv2d(1, 8, 3, stride=2, padding=1, bias=False),
        nn.BatchNorm2d(8),
        nn.ReLU(),
        Block(8),
        nn.AvgPool2d(2),
        Block(8),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(8, 10),
    )
    opt = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9, weight_decay=5e-4)
    sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt, T_max=220)
    with watch() as seen:
        for _ in range(220):
            i = torch.randint(0, 4000, (48,))
            loss = F.cross_entropy(net(x[i]), y[i])
            opt.zero_grad()
            loss.backward()
            opt.step()
            sched.step()
            seen.step(loss)


@healthy("classification")
def spirals_full_batch(watch: Watch) -> None:
    t = torch.linspace(0.2, 1, 100)
    arms = []
    for k in range(3):
        angle = 4 * t + 2 * math.pi * k / 3 + 0.15 * torch.randn(100)
        arms.append(torch.stack([t * angle.sin(), t * angle.cos()], 1))
    x, y = 2 * torch.cat(arms), torch.arange(3).repeat_interleave(100)
    model = nn.Sequential(nn.Linear(2, 100), nn.ReLU(), nn.Linear(100, 3))
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
    with watch() as seen:
        for _ in range(800):
            loss = F.cross_entropy(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            seen.step(loss)


@healthy("binary classification")
def logistic_regression(watch: Watch) -> None:
    x = torch.randn(1500, 12)
    y = (torch.sigmoid(x @ torch.randn(12)) > torch.rand(1500)).float()
    model = nn.Linear(12, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.3)
    criterion = nn.BCEWithLogitsLoss()
    with watch() as seen:
        for _ in range(15):
            for i in torch.randperm(1500).split(50):
                optimizer.zero_grad()
                loss = criterion(model(x[i]).squeeze(1), y[i])
                loss.backward()
                optimizer.step()
                seen.step(loss)


@healthy("multi-label classification")
def several_labels(watch: Watch) -> None:
    x = torch.randn(3000, 20)
    y = (x @ torch.randn(20, 6) + torch.randn(3000, 6) > 1).float()
    model = nn.Sequential(nn.Linear(20, 64), nn.GELU(), nn.Linear(64, 6))
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    with watch() as seen:
        for _ in range(500):
            i = torch.randint(0, 3000, (64,))
            loss = F.binary_cross_entropy_with_logits(model(x[i]), y[i])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            seen.step(loss)


@healthy("classification of rare classes")
def weighted_classes(watch: Watch) -> None:
    x, y = clusters()
    keep = (y > 0) | (torch.rand(len(y)) < 0.2)
    x, y = x[keep], y[keep]
    counts = torch.bincount(y).float()
    sampler = WeightedRandomSampler((1 / counts)[y].tolist(), len(y))
    loader = DataLoader(TensorDataset(x, y), batch_size=50, sampler=sampler)
    model = nn.Sequential(nn.Linear(16, 48), nn.ReLU(), nn.Dropout(0.1), nn.Linear(48, 5))
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    criterion = nn.CrossEntropyLoss(label_smoothing=0.05)
    with watch() as seen:
        for _ in range(8):
            for xb, yb in loader:
                loss = criterion(model(xb), yb)
                optimizer.zero_grad()
                loss.backward()
                nn.utils.clip_grad_norm_(model.parameters(), 1.0)
                optimizer.step()
                seen.step(loss)


@healthy("regression")
def sine_by_tanh(watch: Watch) -> None:
    x = torch.linspace(-3, 3, 400).unsqueeze(1)
    y = x.sin() + 0.1 * torch.randn_like(x)
    model = nn.Sequential(nn.Linear(1, 32), nn.Tanh(), nn.Linear(32, 32), nn.Tanh())
    model.append(nn.Linear(32, 1))
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    with watch() as seen:
        for _ in range(700):
            loss = F.mse_loss(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            seen.step(loss)


@healthy("regression by hand")
def line_by_hand(watch: Watch) -> None:
    x = torch.rand(200, 1) * 2 - 1
    y = 3 * x - 1 + 0.1 * torch.randn(200, 1)
    w = torch.zeros(1, 1, requires_grad=True)
    b = torch.zeros(1, requires_grad=True)
    with watch() as seen:
        for _ in range(300):
            loss = ((x @ w + b - y) ** 2).mean()
            loss.backward()
            with torch.no_grad():
                w -= 0.3 * w.grad
                b -= 0.3 * b.grad
                w.grad.zero_()
                b.grad.zero_()
            seen.step(loss)


@healthy("regression of several columns")
def robot_arm(watch: Watch) -> None:
    angles = (torch.rand(4000, 2) - 0.5) * 3
    first, both = angles[:, 0], angles.sum(1)
    hand = torch.stack([first.cos() + 0.7 * both.cos(), first.sin() + 0.7 * both.sin()], 1)
    loader = DataLoader(TensorDataset(angles, hand), batch_size=64, shuffle=True)
    model = nn.Sequential(nn.Linear(2, 64), nn.SiLU(), nn.Linear(64, 64), nn.SiLU())
    model.append(nn.Linear(64, 2))
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
    criterion = nn.MSELoss()
    with watch() as seen:
        for _ in range(8):
            for inputs, targets in loader:
                optimizer.zero_grad(set_to_none=True)
                loss = criterion(model(inputs), targets)
                loss.backward()
                optimizer.step()
                seen.step(loss.item())


@healthy("regression of several columns")
def unit_vectors(watch: Watch) -> None:
    angle = torch.rand(2500) * 2 * math.pi
    x = torch.stack([torch.sin(k * angle) for k in (1, 2, 3)], 1) + 0.1 * torch.randn(2500, 3)
    y = torch.stack([angle.cos(), angle.sin()], 1)
    net = nn.Sequential(nn.Linear(3, 48), nn.Tanh(), nn.Linear(48, 2))
    opt = torch.optim.Adam(net.parameters(), lr=5e-3)
    with watch() as seen:
        for _ in range(600):
            i = torch.randint(0, 2500, (64,))
            loss = (net(x[i]) - y[i]).square().mean()
            opt.zero_grad()
            loss.backward()
            opt.step()
            seen.step(loss)


@healthy("robust regression")
def outliers_with_huber(watch: Watch) -> None:
    x = torch.randn(2000, 8)
    y = x[:, 0] * x[:, 1] + x[:, 2].abs() + 0.1 * torch.randn(2000)
    y = y + 8 * (torch.rand(2000) < 0.03) * torch.randn(2000)
    model = nn.Sequential(nn.Linear(8, 64), nn.ReLU(), nn.Linear(64, 1))
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    with watch() as seen:
        for _ in range(12):
            for i in torch.randperm(2000).split(50):
                loss = F.smooth_l1_loss(model(x[i]).squeeze(-1), y[i])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                seen.step(loss)


@healthy("probabilistic regression")
def mean_and_variance(watch: Watch) -> None:
    x = torch.rand(2000, 1) * 4 - 2
    y = (2 * x).sin() + (0.05 + 0.2 * x.abs()) * torch.randn_like(x)
    net = nn.Sequential(nn.Linear(1, 64), nn.Tanh(), nn.Linear(64, 2))
    opt = torch.optim.Adam(net.parameters(), lr=3e-3)
    with watch() as seen:
        for _ in range(800):
            i = torch.randint(0, 2000, (100,))
            mean, log_var = net(x[i]).chunk(2, dim=1)
            nll = 0.5 * (log_var + (y[i] - mean) ** 2 / log_var.exp() + math.log(2 * math.pi))
            loss = nll.mean()
            opt.zero_grad()
            loss.backward()
            opt.step()
            seen.step(loss)


@healthy("probabilistic regression")
def mixture_density(watch: Watch) -> None:
    y = torch.rand(1500, 1) * 2 - 1
    x = y + 0.3 * (2 * math.pi * y).sin() + 0.05 * torch.randn_like(y)
    body = nn.Sequential(nn.Linear(1, 48), nn.Tanh())
    pi_head, mu_head, sigma_head = nn.Linear(48, 5), nn.Linear(48, 5), nn.Linear(48, 5)
    modules = nn.ModuleList([body, pi_head, mu_head, sigma_head])
    opt = torch.optim.Adam(modules.parameters(), lr=5e-3)
    with watch() as seen:
        for _ in range(600):
            i = torch.randint(0, 1500, (128,))
            h = body(x[i])
            log_pi = F.log_softmax(pi_head(h), 1)
            normal = torch.distributions.Normal(mu_head(h), F.softplus(sigma_head(h)) + 1e-3)
            loss = -torch.logsumexp(log_pi + normal.log_prob(y[i]), 1).mean()
            opt.zero_grad()
            loss.backward()
            opt.step()
            seen.step(loss)


@healthy("quantile regression")
def three_quantiles(watch: Watch) -> None:
    x = torch.rand(3000, 1) * 2 - 1
    y = x.sin() + 0.3 * x.abs() * torch.randn_like(x)
    quantiles = torch.tensor([0.1, 0.5, 0.9])
    net = nn.Sequential(nn.Linear(1, 32), nn.ReLU(), nn.Linear(32, 3))
    opt = torch.optim.Adam(net.parameters(), lr=3e-3)
    with watch() as seen:
        for _ in range(600):
            i = torch.randint(0, 3000, (64,))
            error = y[i] - net(x[i])
            loss = torch.maximum(quantiles * error, (quantiles - 1) * error).mean()
            opt.zero_grad()
            loss.backward()
            opt.step()
            seen.step(loss)


@healthy("ranking")
def pairs_in_order(watch: Watch) -> None:
    x = torch.randn(2000, 10)
    worth = x @ torch.randn(10)
    scorer = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 1))
    opt = torch.optim.Adam(scorer.parameters(), lr=2e-3)
    with watch() as seen:
        for _ in range(500):
            a, b = torch.randint(0, 2000, (64,)), torch.randint(0, 2000, (64,))
            better, worse = (
                torch.where(worth[a] > worth[b], a, b),
                torch.where(worth[a] > worth[b], b, a),
            )
            loss = -F.logsigmoid(scorer(x[better]) - scorer(x[worse])).mean()
            opt.zero_grad()
            loss.backward()
            opt.step()
            seen.step(loss)


@healthy("segmentation")
def segment_squares(watch: Watch) -> None:
    pictures, masks = torch.randn(400, 1, 16, 16) * 0.5, torch.zeros(400, 1, 16, 16)
    for picture, mask in zip(pictures, masks, strict=True):
        r, c = torch.randint(0, 8, (2,)).tolist()
        mask[:, r : r + 7, c : c + 7] = 1
        picture += mask
    net = nn.Sequential(nn.Conv2d(1, 12, 3, padding=1), nn.ReLU(), nn.Conv2d(12, 12, 5, padding=2))
    net.extend([nn.ReLU(), nn.Conv2d(12, 1, 1)])
    opt = torch.optim.Adam(net.parameters(), lr=5e-3)

    def dice(scores, target):
        p = scores.sigmoid()
        return 1 - (2 * (p * target).sum() + 1) / (p.sum() + target.sum() + 1)

    with watch() as seen:
        for _ in range(200):
            i = torch.randint(0, 400, (16,))
            scores = net(pictures[i])
            loss = F.binary_cross_entropy_with_logits(scores, masks[i]) + dice(scores, masks[i])
            opt.zero_grad()
            loss.backward()
            opt.step()
            seen.step(loss)


@healthy("multi-task")
def class_and_size(watch: Watch) -> None:
    class Boxes(Dataset):
        def __len__(self) -> int:
            return 1200

        def __getitem__(self, n):
            g = torch.Generator().manual_seed(n)
            kind = int(torch.randint(0, 3, (1,), generator=g))
            x = torch.randn(12, generator=g)
            x[kind] += 2
            return {"x": x, "kind": kind, "size": x[3:6].sum()}

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.trunk = nn.Sequential(nn.Linear(12, 48), nn.ReLU())
            self.kind, self.size = nn.Linear(48, 3), nn.Linear(48, 1)

        def forward(self, x):
            h = self.trunk(x)
            return self.kind(h), self.size(h).squeeze(1)

    net = Net()
    opt = torch.optim.Adam(net.parameters(), lr=3e-3)
    with watch() as seen:
        for _ in range(8):
            for batch in DataLoader(Boxes(), batch_size=40, shuffle=True):
                scores, size = net(batch["x"])
                kind_loss = F.cross_entropy(scores, batch["kind"])
                loss = kind_loss + 0.5 * F.mse_loss(size, batch["size"])
                opt.zero_grad()
                loss.backward()
                opt.step()
                seen.step(loss)
