"""Healthy programs: what loops do besides: accumulation, mixed precision, schedules, trainers."""

import copy

import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset, random_split

from bench.healthy.programs import Watch, clusters, digits, healthy


def _small() -> nn.Sequential:
    return nn.Sequential(nn.Linear(16, 48), nn.ReLU(), nn.Linear(48, 5))


@healthy("gradient accumulation")
def accumulate_four(watch: Watch) -> None:
    x, y = clusters()
    model = _small()
    opt = torch.optim.Adam(model.parameters(), lr=3e-3)
    with watch() as seen:
        for k, i in enumerate(torch.randperm(3000).repeat(6).split(25)):
            loss = F.cross_entropy(model(x[i]), y[i])
            (loss / 4).backward()
            if k % 4 == 3:
                opt.step()
                opt.zero_grad()
            seen.step(loss)


@healthy("gradient accumulation")
def accumulate_inside_a_step(watch: Watch) -> None:
    x, y = clusters()
    model = _small()
    opt = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    with watch() as seen:
        for _ in range(250):
            opt.zero_grad()
            total = 0.0
            for _ in range(3):
                i = torch.randint(0, 3000, (32,))
                loss = F.cross_entropy(model(x[i]), y[i]) / 3
                loss.backward()
                total += loss.item()
            opt.step()
            seen.step(total)


@healthy("mixed precision")
def autocast_bfloat16(watch: Watch) -> None:
    x, y = digits()
    model = nn.Sequential(nn.Linear(784, 64), nn.ReLU(), nn.Linear(64, 10))
    opt = torch.optim.AdamW(model.parameters(), lr=1e-3)
    with watch() as seen:
        for _ in range(250):
            i = torch.randint(0, 5000, (64,))
            with torch.autocast("cpu", dtype=torch.bfloat16):
                scores = model(x[i])
                loss = F.cross_entropy(scores.float(), y[i])
            opt.zero_grad(set_to_none=True)
            loss.backward()
            opt.step()
            seen.step(loss)


@healthy("schedules")
def one_cycle(watch: Watch) -> None:
    x, y = clusters()
    model = _small()
    opt = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, nesterov=True)
    sched = torch.optim.lr_scheduler.OneCycleLR(opt, max_lr=0.3, total_steps=420)
    with watch() as seen:
        for _ in range(420):
            i = torch.randint(0, 3000, (64,))
            loss = F.cross_entropy(model(x[i]), y[i])
            opt.zero_grad()
            loss.backward()
            opt.step()
            sched.step()
            seen.step(loss)


@healthy("schedules")
def warm_restarts(watch: Watch) -> None:
    x, y = clusters()
    model = _small()
    opt = torch.optim.AdamW(model.parameters(), lr=5e-3)
    sched = torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(opt, T_0=100, T_mult=2)
    with watch() as seen:
        for _ in range(450):
            i = torch.randint(0, 3000, (64,))
            loss = F.cross_entropy(model(x[i]), y[i])
            opt.zero_grad()
            loss.backward()
            opt.step()
            sched.step()
            seen.step(loss)


@healthy("second-order optimiser")
def lbfgs(watch: Watch) -> None:
    x = torch.randn(300, 5)
    y = (x[:, :1] * x[:, 1:2]).tanh() + 0.05 * torch.randn(300, 1)
    model = nn.Sequential(nn.Linear(5, 16), nn.Tanh(), nn.Linear(16, 1))
    opt = torch.optim.LBFGS(model.parameters(), lr=0.5, max_iter=5)
    with watch() as seen:
        for _ in range(60):

            def closure():
                opt.zero_grad()
                loss = F.mse_loss(model(x), y)
                loss.backward()
                return loss

            seen.step(opt.step(closure))


@healthy("trainer class")
def lightning_like(watch: Watch) -> None:
    class Module(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.net = _small()

        def training_step(self, batch, batch_idx):
            x, y = batch
            return F.cross_entropy(self.net(x), y)

        def validation_step(self, batch, batch_idx):
            x, y = batch
            return F.cross_entropy(self.net(x), y)

        def configure_optimizers(self):
            return torch.optim.Adam(self.parameters(), lr=2e-3)

    class Trainer:
        def __init__(self, epochs: int) -> None:
            self.epochs = epochs

        def fit(self, module, train_loader, val_loader):
            optimizer = module.configure_optimizers()
            with watch() as seen:
                for _ in range(self.epochs):
                    module.train()
                    for k, batch in enumerate(train_loader):
                        loss = module.training_step(batch, k)
                        optimizer.zero_grad()
                        loss.backward()
                        optimizer.step()
                        seen.step(loss.detach())
                    module.eval()
                    with torch.no_grad():
                        held = [module.validation_step(b, k) for k, b in enumerate(val_loader)]
                    seen.validate(torch.stack(held).mean())

    x, y = clusters()
    train, held = random_split(TensorDataset(x, y), [2500, 500])
    Trainer(8).fit(
        Module(), DataLoader(train, batch_size=50, shuffle=True), DataLoader(held, batch_size=250)
    )


@healthy("ensemble")
def three_members(watch: Watch) -> None:
    """Three networks with an optimiser each, trained in one step on batches of their own."""
    x, y = clusters()
    members = [_small() for _ in range(3)]
    optimizers = [torch.optim.Adam(m.parameters(), lr=2e-3) for m in members]
    with watch() as seen:
        for _ in range(250):
            losses = []
            for model, opt in zip(members, optimizers, strict=True):
                i = torch.randint(0, 3000, (48,))
                loss = F.cross_entropy(model(x[i]), y[i])
                opt.zero_grad()
                loss.backward()
                opt.step()
                losses.append(loss.detach())
            seen.step(torch.stack(losses).mean())


@healthy("averaged weights")
def averaged_weights(watch: Watch) -> None:
    x, y = clusters()
    model = _small()
    average = torch.optim.swa_utils.AveragedModel(model)
    opt = torch.optim.SGD(model.parameters(), lr=0.1)
    with watch() as seen:
        for step in range(500):
            i = torch.randint(0, 2500, (64,))
            loss = F.cross_entropy(model(x[i]), y[i])
            opt.zero_grad()
            loss.backward()
            opt.step()
            if step > 250:
                average.update_parameters(model)
            seen.step(loss)
            if step % 50 == 49:
                average.eval()
                with torch.no_grad():
                    seen.validate(F.cross_entropy(average(x[2500:]), y[2500:]))


@healthy("sharpness-aware steps")
def sharpness_aware(watch: Watch) -> None:
    """Two backward passes in a step: the second at a point uphill, then back."""
    x, y = clusters()
    model = _small()
    opt = torch.optim.SGD(model.parameters(), lr=0.1)
    with watch() as seen:
        for _ in range(300):
            i = torch.randint(0, 3000, (64,))
            opt.zero_grad()
            loss = F.cross_entropy(model(x[i]), y[i])
            loss.backward()
            with torch.no_grad():
                params = list(model.parameters())
                size = torch.stack([p.grad.norm() for p in params]).norm()
                moves = [0.02 * p.grad / (size + 1e-9) for p in params]
                for p, move in zip(params, moves, strict=True):
                    p.add_(move)
            opt.zero_grad()
            F.cross_entropy(model(x[i]), y[i]).backward()
            with torch.no_grad():
                for p, move in zip(params, moves, strict=True):
                    p.sub_(move)
            opt.step()
            seen.step(loss)


@healthy("functional calls")
def per_example_gradients(watch: Watch) -> None:
    """Private training: each example's gradient is clipped by itself, with torch.func."""
    x, y = clusters()
    model = _small()
    names = [name for name, _ in model.named_parameters()]
    opt = torch.optim.SGD(model.parameters(), lr=0.2)

    def loss_of(params, xb, yb):
        scores = torch.func.functional_call(model, params, (xb.unsqueeze(0),))
        return F.cross_entropy(scores, yb.unsqueeze(0))

    each = torch.func.vmap(torch.func.grad_and_value(loss_of), in_dims=(None, 0, 0))
    with watch() as seen:
        for _ in range(250):
            i = torch.randint(0, 3000, (32,))
            params = {n: p.detach() for n, p in model.named_parameters()}
            grads, losses = each(params, x[i], y[i])
            norms = torch.stack([grads[n].flatten(1).norm(dim=1) for n in names]).norm(dim=0)
            share = (1.0 / (norms + 1e-6)).clamp(max=1.0)
            for name, p in model.named_parameters():
                p.grad = torch.einsum("b,b...->...", share, grads[name]) / 32
            opt.step()
            seen.step(losses.mean())


@healthy("mixture of experts")
def four_experts(watch: Watch) -> None:
    x, y = clusters()
    experts = nn.ModuleList(_small() for _ in range(4))
    gate = nn.Linear(16, 4)
    opt = torch.optim.Adam([*experts.parameters(), *gate.parameters()], lr=2e-3)
    with watch() as seen:
        for _ in range(300):
            i = torch.randint(0, 3000, (64,))
            weights = F.softmax(gate(x[i]), 1)
            scores = torch.stack([expert(x[i]) for expert in experts], 1)
            mixed = (weights.unsqueeze(2) * scores).sum(1)
            balance = weights.mean(0).square().sum() * 4
            loss = F.cross_entropy(mixed, y[i]) + 0.01 * balance
            opt.zero_grad()
            loss.backward()
            opt.step()
            seen.step(loss)


@healthy("mixup")
def mixup(watch: Watch) -> None:
    x, y = digits()
    model = nn.Sequential(nn.Linear(784, 64), nn.ReLU(), nn.Linear(64, 10))
    opt = torch.optim.Adam(model.parameters(), lr=1e-3)
    with watch() as seen:
        for _ in range(300):
            i = torch.randint(0, 5000, (64,))
            share = float(torch.distributions.Beta(0.3, 0.3).sample())
            other = torch.randperm(64)
            mixed = share * x[i] + (1 - share) * x[i][other]
            scores = model(mixed)
            loss = share * F.cross_entropy(scores, y[i])
            loss = loss + (1 - share) * F.cross_entropy(scores, y[i][other])
            opt.zero_grad()
            loss.backward()
            opt.step()
            seen.step(loss)


@healthy("early stopping")
def early_stopping(watch: Watch) -> None:
    x, y = clusters()
    model = _small()
    opt = torch.optim.Adam(model.parameters(), lr=2e-3)
    best, best_state, patience = float("inf"), None, 0
    with watch() as seen:
        for _ in range(40):
            for i in torch.randperm(2400).split(60):
                loss = F.cross_entropy(model(x[i]), y[i])
                opt.zero_grad()
                loss.backward()
                opt.step()
                seen.step(loss)
            with torch.no_grad():
                held = F.cross_entropy(model(x[2400:]), y[2400:]).item()
            seen.validate(held)
            if held < best - 1e-3:
                best, best_state, patience = held, copy.deepcopy(model.state_dict()), 0
            else:
                patience += 1
                if patience == 3:
                    break
    model.load_state_dict(best_state)
