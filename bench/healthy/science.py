"""Healthy programs: physics, fields, differentiable simulation, bare optimisation."""

import math

import torch
from torch import nn
from torch.nn import functional as F

from bench.healthy.programs import Watch, healthy


@healthy("physics-informed")
def oscillator(watch: Watch) -> None:
    """U'' + u = 0 with u(0) = 1, u'(0) = 0."""
    net = nn.Sequential(nn.Linear(1, 32), nn.Tanh(), nn.Linear(32, 32), nn.Tanh(), nn.Linear(32, 1))
    opt = torch.optim.Adam(net.parameters(), lr=2e-3)
    start = torch.zeros(1, 1, requires_grad=True)
    with watch() as seen:
        for _ in range(400):
            t = (torch.rand(64, 1) * 3).requires_grad_()
            u = net(t)
            du = torch.autograd.grad(u, t, torch.ones_like(u), create_graph=True)[0]
            ddu = torch.autograd.grad(du, t, torch.ones_like(du), create_graph=True)[0]
            u0 = net(start)
            du0 = torch.autograd.grad(u0, start, torch.ones_like(u0), create_graph=True)[0]
            loss = (ddu + u).pow(2).mean() + 5 * ((u0 - 1).pow(2) + du0.pow(2)).mean()
            opt.zero_grad()
            loss.backward()
            opt.step()
            seen.step(loss)


@healthy("physics-informed")
def heat_equation(watch: Watch) -> None:
    net = nn.Sequential(nn.Linear(2, 32), nn.Tanh(), nn.Linear(32, 32), nn.Tanh(), nn.Linear(32, 1))
    optimizer = torch.optim.Adam(net.parameters(), lr=3e-3)
    xt = torch.rand(200, 2)
    xt.requires_grad_(True)
    x0 = torch.linspace(0, 1, 50).unsqueeze(1)
    initial = torch.cat([x0, torch.zeros_like(x0)], 1)
    u_initial = (math.pi * x0).sin()
    edge = torch.cat(
        [torch.cat([torch.full((30, 1), side), torch.rand(30, 1)], 1) for side in (0.0, 1.0)]
    )
    with watch() as seen:
        for _ in range(350):
            optimizer.zero_grad()
            u = net(xt)
            grads = torch.autograd.grad(u.sum(), xt, create_graph=True)[0]
            u_x, u_t = grads[:, 0], grads[:, 1]
            u_xx = torch.autograd.grad(u_x.sum(), xt, create_graph=True)[0][:, 0]
            residual = F.mse_loss(u_t, 0.1 * u_xx)
            boundary = net(edge).pow(2).mean()
            loss = residual + boundary + F.mse_loss(net(initial), u_initial)
            loss.backward()
            optimizer.step()
            seen.step(loss.item())


@healthy("energy-conserving network")
def hamiltonian(watch: Watch) -> None:
    state = torch.randn(2000, 2)
    change = torch.stack([state[:, 1], -state[:, 0].sin()], 1)
    energy = nn.Sequential(nn.Linear(2, 48), nn.Tanh(), nn.Linear(48, 1))
    opt = torch.optim.Adam(energy.parameters(), lr=5e-3)
    with watch() as seen:
        for _ in range(400):
            i = torch.randint(0, 2000, (64,))
            x = state[i].clone().requires_grad_(True)
            slope = torch.autograd.grad(energy(x).sum(), x, create_graph=True)[0]
            guess = torch.stack([slope[:, 1], -slope[:, 0]], 1)
            loss = F.mse_loss(guess, change[i])
            opt.zero_grad()
            loss.backward()
            opt.step()
            seen.step(loss)


@healthy("implicit field")
def picture_as_a_field(watch: Watch) -> None:
    """Fourier features with a fixed random matrix, as in NeRF."""
    grid = torch.stack(torch.meshgrid(*[torch.linspace(0, 1, 32)] * 2, indexing="ij"), -1)
    grid = grid.reshape(-1, 2)
    colours = torch.stack([(6 * grid[:, 0]).sin(), (5 * grid.prod(1)).cos()], 1)
    b = torch.randn(2, 16) * 2
    net = nn.Sequential(nn.Linear(32, 64), nn.ReLU(), nn.Linear(64, 2))
    opt = torch.optim.Adam(net.parameters(), lr=3e-3)
    with watch() as seen:
        for _ in range(400):
            i = torch.randint(0, len(grid), (256,))
            angles = 2 * math.pi * grid[i] @ b
            loss = F.mse_loss(net(torch.cat([angles.sin(), angles.cos()], 1)), colours[i])
            opt.zero_grad()
            loss.backward()
            opt.step()
            seen.step(loss)


@healthy("differentiable simulation")
def throw_at_a_target(watch: Watch) -> None:
    """The network chooses a throw; the loss is where it lands."""
    net = nn.Sequential(nn.Linear(1, 24), nn.Tanh(), nn.Linear(24, 2))
    opt = torch.optim.Adam(net.parameters(), lr=3e-3)
    with watch() as seen:
        for _ in range(250):
            wanted = 1 + torch.rand(32, 1)
            velocity = net(wanted)
            x, y, vy = torch.zeros(32), torch.zeros(32), velocity[:, 1]
            for _ in range(10):
                x = x + 0.1 * velocity[:, 0]
                vy = vy - 0.2
                y = y + 0.1 * vy
            loss = ((x - wanted.squeeze(1)) ** 2 + y**2).mean()
            opt.zero_grad()
            loss.backward()
            opt.step()
            seen.step(loss)


@healthy("neural differential equation")
def neural_ode(watch: Watch) -> None:
    a = torch.tensor([[-0.1, 1.0], [-1.0, -0.1]])
    start = torch.randn(300, 2)
    path = [start]
    for _ in range(8):
        path.append(path[-1] + 0.1 * path[-1] @ a.t())
    end = path[-1]
    field = nn.Sequential(nn.Linear(2, 32), nn.Tanh(), nn.Linear(32, 2))
    opt = torch.optim.Adam(field.parameters(), lr=4e-3)
    with watch() as seen:
        for _ in range(250):
            i = torch.randint(0, 300, (32,))
            z = start[i]
            for _ in range(8):
                z = z + 0.1 * field(z)
            loss = (z - end[i]).abs().mean()
            opt.zero_grad()
            loss.backward()
            opt.step()
            seen.step(loss)


@healthy("bare optimisation")
def polynomial_of_the_tutorial(watch: Watch) -> None:
    x = torch.linspace(-math.pi, math.pi, 2000)
    y = torch.sin(x)
    powers = x.unsqueeze(-1).pow(torch.tensor([1, 2, 3]))
    model = nn.Sequential(nn.Linear(3, 1), nn.Flatten(0, 1))
    loss_fn = nn.MSELoss(reduction="sum")
    optimizer = torch.optim.RMSprop(model.parameters(), lr=1e-3)
    with watch() as seen:
        for _ in range(2000):
            y_pred = model(powers)
            loss = loss_fn(y_pred, y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            seen.step(loss)


@healthy("bare optimisation")
def rosenbrock(watch: Watch) -> None:
    point = torch.tensor([-1.0, 1.5], requires_grad=True)
    opt = torch.optim.Adam([point], lr=0.02)
    with watch() as seen:
        for _ in range(1500):
            x, y = point
            loss = (1 - x) ** 2 + 100 * (y - x**2) ** 2
            opt.zero_grad()
            loss.backward()
            opt.step()
            seen.step(loss)


@healthy("Gaussian process")
def kernel_hyperparameters(watch: Watch) -> None:
    x = torch.linspace(0, 4, 60)
    y = (2 * x).sin() + 0.1 * torch.randn(60)
    logs = torch.zeros(3, requires_grad=True)
    opt = torch.optim.Adam([logs], lr=0.02)
    distance = (x[:, None] - x[None]) ** 2
    with watch() as seen:
        for _ in range(250):
            length, size, noise = logs.exp()
            kernel = size * (-0.5 * distance / length**2).exp() + (noise + 1e-4) * torch.eye(60)
            lower = torch.linalg.cholesky(kernel)
            solved = torch.cholesky_solve(y[:, None], lower).squeeze(1)
            loss = 0.5 * y @ solved + lower.diagonal().log().sum()
            opt.zero_grad()
            loss.backward()
            opt.step()
            seen.step(loss)


@healthy("sparse coding")
def dictionary(watch: Watch) -> None:
    atoms = F.normalize(torch.randn(16, 12), dim=1)
    x = (torch.randn(1000, 16) * (torch.rand(1000, 16) < 0.15)) @ atoms
    d = torch.randn(16, 12, requires_grad=True)
    encode = nn.Linear(12, 16)
    opt = torch.optim.Adam([d, *encode.parameters()], lr=5e-3)
    with watch() as seen:
        for _ in range(400):
            batch = x[torch.randint(0, 1000, (64,))]
            code = F.softshrink(encode(batch), 0.05)
            loss = (batch - code @ d).pow(2).mean() + 0.01 * code.abs().mean()
            opt.zero_grad()
            loss.backward()
            opt.step()
            seen.step(loss)
