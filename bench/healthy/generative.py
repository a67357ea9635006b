"""Healthy programs: autoencoders, adversarial networks, diffusion, flows."""

import math

import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

from bench.healthy.programs import Watch, digits, healthy


def _ring(count: int) -> torch.Tensor:
    angle = torch.rand(count) * 2 * math.pi
    return torch.stack([angle.cos(), angle.sin()], 1) + 0.05 * torch.randn(count, 2)


@healthy("autoencoder")
def digits_autoencoder(watch: Watch) -> None:
    x, _ = digits()
    encoder = nn.Sequential(nn.Linear(784, 96), nn.ReLU(), nn.Linear(96, 12))
    decoder = nn.Sequential(nn.Linear(12, 96), nn.ReLU(), nn.Linear(96, 784))
    opt = torch.optim.Adam([*encoder.parameters(), *decoder.parameters()], lr=2e-3)
    with watch() as seen:
        for _ in range(400):
            batch = x[torch.randint(0, 5000, (64,))]
            loss = F.mse_loss(decoder(encoder(batch)), batch)
            opt.zero_grad()
            loss.backward()
            opt.step()
            seen.step(loss)


@healthy("denoising autoencoder")
def denoise_digits(watch: Watch) -> None:
    x = digits()[0][:3000].view(-1, 1, 28, 28)
    net = nn.Sequential(
        nn.Conv2d(1, 8, 3, stride=2, padding=1),
        nn.ReLU(),
        nn.Conv2d(8, 16, 3, stride=2, padding=1),
        nn.ReLU(),
        nn.ConvTranspose2d(16, 8, 4, stride=2, padding=1),
        nn.ReLU(),
        nn.ConvTranspose2d(8, 1, 4, stride=2, padding=1),
    )
    opt = torch.optim.Adam(net.parameters(), lr=2e-3)
    with watch() as seen:
        for _ in range(200):
            clean = x[torch.randint(0, 3000, (32,))]
            noisy = clean + 0.5 * torch.randn_like(clean)
            loss = F.mse_loss(net(noisy), clean)
            opt.zero_grad()
            loss.backward()
            opt.step()
            seen.step(loss)


@healthy("variational autoencoder, summed loss")
def vae_summed(watch: Watch) -> None:
    class VAE(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.enc = nn.Linear(784, 100)
            self.mean, self.log_var = nn.Linear(100, 8), nn.Linear(100, 8)
            self.dec = nn.Sequential(nn.Linear(8, 100), nn.ReLU(), nn.Linear(100, 784))

        def forward(self, x):
            h = F.relu(self.enc(x))
            mean, log_var = self.mean(h), self.log_var(h)
            z = mean + torch.randn_like(mean) * (0.5 * log_var).exp()
            return torch.sigmoid(self.dec(z)), mean, log_var

    x = digits()[0] * 0.31 + 0.13
    model = VAE()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    with watch() as seen:
        for _ in range(5):
            for (data,) in DataLoader(TensorDataset(x), batch_size=100, shuffle=True):
                optimizer.zero_grad()
                recon, mu, logvar = model(data)
                bce = F.binary_cross_entropy(recon, data.clamp(0, 1), reduction="sum")
                kld = -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())
                loss = bce + kld
                loss.backward()
                optimizer.step()
                seen.step(loss)


@healthy("variational autoencoder")
def beta_vae(watch: Watch) -> None:
    x = torch.randn(3000, 3) @ torch.randn(3, 20) + 0.1 * torch.randn(3000, 20)
    x = x / x.std()
    encoder = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 8))
    decoder = nn.Sequential(nn.Linear(4, 64), nn.ReLU(), nn.Linear(64, 20))
    params = [*encoder.parameters(), *decoder.parameters()]
    opt = torch.optim.Adam(params, lr=2e-3)
    with watch() as seen:
        for step in range(600):
            xb = x[torch.randint(0, 3000, (100,))]
            mu, log_var = encoder(xb).chunk(2, 1)
            z = mu + (log_var / 2).exp() * torch.randn_like(mu)
            recon = ((decoder(z) - xb) ** 2).sum(1).mean()
            kl = 0.5 * (mu**2 + log_var.exp() - 1 - log_var).sum(1).mean()
            loss = recon + min(1.0, step / 200) * 0.5 * kl
            opt.zero_grad()
            loss.backward()
            opt.step()
            seen.step(loss)


@healthy("vector-quantised autoencoder")
def vq_vae(watch: Watch) -> None:
    x = digits()[0]
    encoder = nn.Sequential(nn.Linear(784, 64), nn.ReLU(), nn.Linear(64, 16))
    decoder = nn.Sequential(nn.Linear(16, 64), nn.ReLU(), nn.Linear(64, 784))
    codes = nn.Embedding(32, 16)
    nn.init.uniform_(codes.weight, -0.5, 0.5)
    modules = nn.ModuleList([encoder, decoder, codes])
    opt = torch.optim.Adam(modules.parameters(), lr=1e-3)
    with watch() as seen:
        for _ in range(350):
            batch = x[torch.randint(0, 5000, (64,))]
            z = encoder(batch)
            nearest = torch.cdist(z, codes.weight).argmin(1)
            q = codes(nearest)
            commit = F.mse_loss(q, z.detach()) + 0.25 * F.mse_loss(z, q.detach())
            straight = z + (q - z).detach()
            loss = F.mse_loss(decoder(straight), batch) + commit
            opt.zero_grad()
            loss.backward()
            opt.step()
            seen.step(loss)


@healthy("adversarial (GAN)")
def gan_of_the_tutorial(watch: Watch) -> None:
    """The discriminator on real, then on fake, two backward passes; then the generator."""
    data = _ring(4000)
    netG = nn.Sequential(nn.Linear(8, 48), nn.ReLU(), nn.Linear(48, 48), nn.ReLU())  # noqa: N806
    netG.append(nn.Linear(48, 2))
    netD = nn.Sequential(nn.Linear(2, 48), nn.LeakyReLU(0.2), nn.Linear(48, 1), nn.Sigmoid())  # noqa: N806
    criterion = nn.BCELoss()
    optimizerD = torch.optim.Adam(netD.parameters(), lr=1e-3, betas=(0.5, 0.999))  # noqa: N806
    optimizerG = torch.optim.Adam(netG.parameters(), lr=1e-3, betas=(0.5, 0.999))  # noqa: N806
    with watch() as seen:
        for _ in range(450):
            netD.zero_grad()
            real = data[torch.randint(0, 4000, (64,))]
            label = torch.full((64,), 1.0)
            errD_real = criterion(netD(real).view(-1), label)  # noqa: N806
            errD_real.backward()
            fake = netG(torch.randn(64, 8))
            label.fill_(0.0)
            errD_fake = criterion(netD(fake.detach()).view(-1), label)  # noqa: N806
            errD_fake.backward()
            optimizerD.step()
            netG.zero_grad()
            label.fill_(1.0)
            errG = criterion(netD(fake).view(-1), label)  # noqa: N806
            errG.backward()
            optimizerG.step()
            seen.step(errD_real + errD_fake)


@healthy("adversarial (WGAN with gradient penalty)")
def wgan_gp(watch: Watch) -> None:
    data = _ring(3000)
    gen = nn.Sequential(nn.Linear(4, 48), nn.ReLU(), nn.Linear(48, 2))
    critic = nn.Sequential(nn.Linear(2, 48), nn.ReLU(), nn.Linear(48, 1))
    opt_g = torch.optim.Adam(gen.parameters(), lr=1e-3, betas=(0.0, 0.9))
    opt_c = torch.optim.Adam(critic.parameters(), lr=1e-3, betas=(0.0, 0.9))
    with watch() as seen:
        for _ in range(150):
            for _ in range(3):
                real = data[torch.randint(0, 3000, (64,))]
                with torch.no_grad():
                    fake = gen(torch.randn(64, 4))
                mix = torch.rand(64, 1)
                between = (mix * real + (1 - mix) * fake).requires_grad_()
                (slope,) = torch.autograd.grad(critic(between).sum(), between, create_graph=True)
                penalty = ((slope.norm(2, dim=1) - 1) ** 2).mean()
                critic_loss = critic(fake).mean() - critic(real).mean() + 10 * penalty
                opt_c.zero_grad()
                critic_loss.backward()
                opt_c.step()
            gen_loss = -critic(gen(torch.randn(64, 4))).mean()
            opt_g.zero_grad()
            gen_loss.backward()
            opt_g.step()
            seen.step(critic_loss)


@healthy("adversarial (least squares, conditional)")
def conditional_lsgan(watch: Watch) -> None:
    """A step is told for the discriminator and one for the generator, batch norm in it."""
    labels = torch.randint(0, 3, (3000,))
    data = torch.stack([labels - 1.0, (labels - 1.0).abs()], 1) + 0.1 * torch.randn(3000, 2)
    g_net = nn.Sequential(nn.Linear(7, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Linear(32, 2))
    g_net.append(nn.Tanh())
    d_net = nn.Sequential(nn.Linear(5, 32), nn.LeakyReLU(0.2), nn.Linear(32, 1))
    d_opt = torch.optim.RMSprop(d_net.parameters(), lr=5e-4)
    g_opt = torch.optim.RMSprop(g_net.parameters(), lr=5e-4)
    with watch() as seen:
        for _ in range(300):
            i = torch.randint(0, 3000, (64,))
            kind = F.one_hot(labels[i], 3).float()
            fake = g_net(torch.cat([torch.randn(64, 4), kind], 1))
            on_real, on_fake = (
                d_net(torch.cat([x, kind], 1)) for x in (data[i].clamp(-1, 1), fake.detach())
            )
            d_loss = 0.5 * (((on_real - 1) ** 2).mean() + (on_fake**2).mean())
            d_opt.zero_grad()
            d_loss.backward()
            d_opt.step()
            seen.step(d_loss)
            g_loss = ((d_net(torch.cat([fake, kind], 1)) - 1) ** 2).mean()
            g_opt.zero_grad()
            g_loss.backward()
            g_opt.step()
            seen.step(g_loss)


@healthy("diffusion")
def ddpm_on_a_ring(watch: Watch) -> None:
    data = _ring(4000)
    betas = torch.linspace(1e-4, 0.05, 100)
    kept = torch.cumprod(1 - betas, 0)
    time_table = nn.Embedding(100, 16)
    net = nn.Sequential(nn.Linear(18, 96), nn.SiLU(), nn.Linear(96, 96), nn.SiLU())
    net.append(nn.Linear(96, 2))
    opt = torch.optim.Adam([*net.parameters(), *time_table.parameters()], lr=2e-3)
    with watch() as seen:
        for _ in range(600):
            x0 = data[torch.randint(0, 4000, (128,))]
            t = torch.randint(0, 100, (128,))
            noise = torch.randn_like(x0)
            a = kept[t].unsqueeze(1)
            xt = a.sqrt() * x0 + (1 - a).sqrt() * noise
            loss = F.mse_loss(net(torch.cat([xt, time_table(t)], 1)), noise)
            opt.zero_grad()
            loss.backward()
            opt.step()
            seen.step(loss)


@healthy("diffusion (flow matching)")
def flow_matching(watch: Watch) -> None:
    data = _ring(4000)
    net = nn.Sequential(nn.Linear(3, 64), nn.ELU(), nn.Linear(64, 64), nn.ELU(), nn.Linear(64, 2))
    ema = {name: p.detach().clone() for name, p in net.named_parameters()}
    opt = torch.optim.Adam(net.parameters(), lr=2e-3)
    with watch() as seen:
        for _ in range(600):
            x1 = data[torch.randint(0, 4000, (128,))]
            x0, t = torch.randn_like(x1), torch.rand(len(x1), 1)
            xt = (1 - t) * x0 + t * x1
            loss = (net(torch.cat([xt, t], 1)) - (x1 - x0)).pow(2).mean()
            opt.zero_grad()
            loss.backward()
            opt.step()
            with torch.no_grad():
                for name, p in net.named_parameters():
                    ema[name].mul_(0.99).add_(p, alpha=0.01)
            seen.step(loss)


@healthy("normalising flow")
def coupling_layers(watch: Watch) -> None:
    data = _ring(4000)
    nets = nn.ModuleList(
        nn.Sequential(nn.Linear(1, 32), nn.Tanh(), nn.Linear(32, 2)) for _ in range(4)
    )
    opt = torch.optim.Adam(nets.parameters(), lr=2e-3)
    with watch() as seen:
        for _ in range(450):
            x = data[torch.randint(0, 4000, (128,))]
            log_det = torch.zeros(len(x))
            for k, net in enumerate(nets):
                a, b = (x[:, :1], x[:, 1:]) if k % 2 else (x[:, 1:], x[:, :1])
                scale, shift = net(a).chunk(2, 1)
                scale = scale.tanh()
                b = b * scale.exp() + shift
                log_det = log_det + scale.squeeze(1)
                x = torch.cat([a, b], 1) if k % 2 else torch.cat([b, a], 1)
            loss = (0.5 * x.square().sum(1) - log_det).mean() + math.log(2 * math.pi)
            opt.zero_grad()
            loss.backward()
            opt.step()
            seen.step(loss)


@healthy("style or input optimisation")
def picture_from_features(watch: Watch) -> None:
    """The picture is what is trained; the network is fixed."""
    features = nn.Sequential(nn.Conv2d(1, 8, 3), nn.ReLU(), nn.Conv2d(8, 8, 3))
    for p in features.parameters():
        p.requires_grad_(False)
    wanted = features(digits()[0][:1].view(1, 1, 28, 28)).detach()
    picture = torch.zeros(1, 1, 28, 28, requires_grad=True)
    opt = torch.optim.Adam([picture], lr=0.05)
    with watch() as seen:
        for _ in range(250):
            opt.zero_grad()
            loss = F.mse_loss(features(picture), wanted)
            loss.backward()
            opt.step()
            seen.step(loss)
