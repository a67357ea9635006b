"""Healthy programs: further kinds, and further ways to write a loop."""

import math

import torch
from torch import nn
from torch.distributions import Categorical
from torch.func import functional_call, grad_and_value
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint
from torch.utils.data import DataLoader, IterableDataset

from bench.healthy.programs import Watch, clusters, digits, healthy, names


@healthy("metric learning (siamese)")
def siamese(watch: Watch) -> None:
    x, y = clusters()
    embed = nn.Sequential(nn.Linear(16, 48), nn.ReLU(), nn.Linear(48, 8))
    opt = torch.optim.Adam(embed.parameters(), lr=2e-3)
    with watch() as seen:
        for _ in range(300):
            i, j = torch.randint(0, 3000, (2, 64))
            same = (y[i] == y[j]).float()
            distance = F.pairwise_distance(embed(x[i]), embed(x[j]))
            loss = (same * distance**2 + (1 - same) * F.relu(2 - distance) ** 2).mean()
            opt.zero_grad()
            loss.backward()
            opt.step()
            seen.step(loss.item())


@healthy("masked language model (80, 10, 10)")
def masked_in_three_ways(watch: Watch) -> None:
    rows = names()
    emb, pos = nn.Embedding(28, 32), nn.Embedding(12, 32)
    block = nn.TransformerEncoderLayer(32, 2, 64, 0.1, "gelu", batch_first=True, norm_first=True)
    head = nn.Linear(32, 28)
    model = nn.ModuleList([emb, pos, block, head])
    opt = torch.optim.AdamW(model.parameters(), lr=3e-3)
    with watch() as seen:
        for _ in range(200):
            ids = rows[torch.randint(0, len(rows), (64,))]
            labels, chance = ids.clone(), torch.rand(ids.shape)
            chosen = (torch.rand(ids.shape) < 0.15) & (ids > 0)
            labels[~chosen] = -100
            ids = torch.where(chosen & (chance < 0.8), torch.tensor(27), ids)
            ids = torch.where(chosen & (chance > 0.9), torch.randint(1, 27, ids.shape), ids)
            logits = head(block(emb(ids) + pos(torch.arange(12))))
            loss = F.cross_entropy(logits.view(-1, 28), labels.view(-1))
            opt.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            opt.step()
            seen.step(loss)


@healthy("vision transformer")
def patches_of_digits(watch: Watch) -> None:
    class ViT(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.patch = nn.Conv2d(1, 32, 7, 7)
            self.cls = nn.Parameter(torch.zeros(1, 1, 32))
            self.pos = nn.Parameter(0.02 * torch.randn(1, 17, 32))
            self.block = nn.TransformerEncoderLayer(
                32, 4, 64, 0.0, "gelu", batch_first=True, norm_first=True
            )
            self.norm, self.head = nn.LayerNorm(32), nn.Linear(32, 10)

        def forward(self, x):
            x = self.patch(x).flatten(2).transpose(1, 2)
            x = torch.cat([self.cls.expand(len(x), -1, -1), x], 1) + self.pos
            return self.head(self.norm(self.block(x)[:, 0]))

    x, y = digits()
    model = ViT()
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=0.05)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 150)
    with watch() as seen:
        for _ in range(150):
            i = torch.randint(0, 4500, (48,))
            loss = F.cross_entropy(model(x[i].view(-1, 1, 28, 28)), y[i], label_smoothing=0.1)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            scheduler.step()
            seen.step(loss)


@healthy("segmentation (U-Net)")
def small_unet(watch: Watch) -> None:
    """The ink of digits in noise, by cross-entropy and Dice together."""
    down1 = nn.Sequential(nn.Conv2d(1, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU())
    down2 = nn.Sequential(nn.Conv2d(8, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU())
    up, last = nn.ConvTranspose2d(16, 8, 2, 2), nn.Conv2d(16, 1, 3, padding=1)
    model = nn.ModuleList([down1, down2, up, last])
    opt = torch.optim.Adam(model.parameters(), lr=3e-3)
    pictures = digits()[0].view(-1, 1, 28, 28)
    with watch() as seen:
        for _ in range(120):
            clean = pictures[torch.randint(0, 5000, (16,))]
            mask = (clean > 0.5).float()
            first = down1(clean + 0.5 * torch.randn_like(clean))
            second = down2(F.max_pool2d(first, 2))
            scores = last(torch.cat([up(second), first], 1))
            share = scores.sigmoid()
            dice = 1 - (2 * (share * mask).sum() + 1) / (share.sum() + mask.sum() + 1)
            loss = F.binary_cross_entropy_with_logits(scores, mask) + dice
            opt.zero_grad()
            loss.backward()
            opt.step()
            seen.step(loss)


@healthy("energy-based model")
def langevin_samples(watch: Watch) -> None:
    data = torch.randn(3000, 2) * 0.3 + torch.randint(0, 2, (3000, 1)) * 2 - 1
    energy = nn.Sequential(nn.Linear(2, 48), nn.SiLU(), nn.Linear(48, 1))
    opt = torch.optim.Adam(energy.parameters(), lr=1e-3)
    chain = torch.randn(64, 2)
    with watch() as seen:
        for _ in range(200):
            real = data[torch.randint(0, 3000, (64,))]
            for _ in range(8):
                chain = chain.detach().requires_grad_(True)
                slope = torch.autograd.grad(energy(chain).sum(), chain)[0]
                chain = chain - 0.1 * slope + 0.1 * torch.randn_like(chain)
            up, low = energy(real).squeeze(), energy(chain.detach()).squeeze()
            loss = up.mean() - low.mean() + 0.1 * (up**2 + low**2).mean()
            opt.zero_grad()
            loss.backward()
            opt.step()
            seen.step(loss)


@healthy("adversarial (hinge, spectral norm)")
def hinge_gan(watch: Watch) -> None:
    sn = nn.utils.parametrizations.spectral_norm
    data = torch.randn(3000, 2) @ torch.tensor([[1.0, 0.6], [0.0, 0.4]])
    gen = nn.Sequential(nn.Linear(4, 48), nn.ReLU(), nn.Linear(48, 2))
    disc = nn.Sequential(sn(nn.Linear(2, 48)), nn.LeakyReLU(0.1), sn(nn.Linear(48, 1)))
    opt_g = torch.optim.Adam(gen.parameters(), lr=1e-3, betas=(0.0, 0.9))
    opt_d = torch.optim.Adam(disc.parameters(), lr=2e-3, betas=(0.0, 0.9))
    with watch() as seen:
        for _ in range(250):
            real, fake = data[torch.randint(0, 3000, (64,))], gen(torch.randn(64, 4))
            d_loss = F.relu(1 - disc(real)).mean() + F.relu(1 + disc(fake.detach())).mean()
            opt_d.zero_grad()
            d_loss.backward()
            opt_d.step()
            g_loss = -disc(gen(torch.randn(64, 4))).mean()
            opt_g.zero_grad()
            g_loss.backward()
            opt_g.step()
            seen.step(d_loss)


@healthy("reinforcement (A2C, several environments)")
def eight_bandits_with_state(watch: Watch) -> None:
    net = nn.Sequential(nn.Linear(4, 32), nn.Tanh())
    pi, v = nn.Linear(32, 4), nn.Linear(32, 1)
    opt = torch.optim.RMSprop(nn.ModuleList([net, pi, v]).parameters(), lr=2e-3)
    with watch() as seen:
        for _ in range(300):
            state = torch.randint(0, 4, (40,))
            h = net(F.one_hot(state, 4).float())
            dist = Categorical(logits=pi(h))
            action = dist.sample()
            reward = (action == (state + 1) % 4).float()
            advantage = reward - v(h).squeeze(-1)
            actor = -(dist.log_prob(action) * advantage.detach()).mean()
            loss = actor + 0.5 * advantage.pow(2).mean() - 0.01 * dist.entropy().mean()
            opt.zero_grad()
            loss.backward()
            opt.step()
            seen.step(loss)


@healthy("translation (padded, teacher forcing)")
def padded_seq2seq(watch: Watch) -> None:
    class Seq2Seq(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.src, self.trg = nn.Embedding(13, 16, padding_idx=0), nn.Embedding(13, 16)
            self.encoder = nn.LSTM(16, 48, batch_first=True)
            self.decoder = nn.LSTM(16, 48, batch_first=True)
            self.out = nn.Linear(48, 13)

        def forward(self, src, trg):
            _, state = self.encoder(self.src(src))
            return self.out(self.decoder(self.trg(trg), state)[0])

    source = torch.randint(3, 13, (3000, 5))
    source[torch.arange(5) >= torch.randint(2, 6, (3000, 1))] = 0
    ordered = source.masked_fill(source == 0, 99).sort(1).values
    target = torch.full((3000, 7), 0)
    target[:, 0] = 1
    target[:, 1:6] = ordered.masked_fill(ordered == 99, 0)
    target[torch.arange(3000), (source > 0).sum(1) + 1] = 2
    model = Seq2Seq()
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    criterion = nn.CrossEntropyLoss(ignore_index=0)
    with watch() as seen:
        for _ in range(250):
            i = torch.randint(0, 3000, (64,))
            output = model(source[i], target[i, :-1])
            loss = criterion(output.reshape(-1, 13), target[i, 1:].reshape(-1))
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1)
            optimizer.step()
            seen.step(loss)


@healthy("distillation (soft and hard labels)")
def soft_and_hard(watch: Watch) -> None:
    x, y = clusters()
    teacher = nn.Sequential(nn.Linear(16, 64), nn.ReLU(), nn.Linear(64, 5))
    warm = torch.optim.Adam(teacher.parameters(), lr=5e-3)
    for _ in range(150):
        warm.zero_grad()
        F.cross_entropy(teacher(x), y).backward()
        warm.step()
    teacher.eval().requires_grad_(False)
    student = nn.Sequential(nn.Linear(16, 12), nn.ReLU(), nn.Linear(12, 5))
    opt = torch.optim.SGD(student.parameters(), lr=0.05, momentum=0.9)
    with watch() as seen:
        for _ in range(300):
            i = torch.randint(0, 3000, (64,))
            soft = (teacher(x[i]) / 3).softmax(1)
            scores = student(x[i])
            kl = F.kl_div((scores / 3).log_softmax(1), soft, reduction="batchmean") * 9
            loss = 0.7 * kl + 0.3 * F.cross_entropy(scores, y[i])
            opt.zero_grad()
            loss.backward()
            opt.step()
            seen.step(loss)


@healthy("survival analysis (Cox)")
def partial_likelihood(watch: Watch) -> None:
    x = torch.randn(1000, 6)
    time = torch.empty(1000).exponential_() / (0.8 * x[:, 0] - 0.5 * x[:, 1]).exp()
    event = (time < time.median() * 2).float()
    risk = nn.Sequential(nn.Linear(6, 24), nn.ReLU(), nn.Linear(24, 1))
    opt = torch.optim.Adam(risk.parameters(), lr=3e-3)
    with watch() as seen:
        for _ in range(200):
            i = torch.randint(0, 1000, (128,))
            i = i[time[i].argsort(descending=True)]
            score = risk(x[i]).squeeze(1)
            loss = -((score - score.logcumsumexp(0)) * event[i]).sum() / event[i].sum()
            opt.zero_grad()
            loss.backward()
            opt.step()
            seen.step(loss)


@healthy("ordinal regression")
def five_grades(watch: Watch) -> None:
    x = torch.randn(2000, 8)
    grade = ((x[:, 0] + x[:, 1].tanh() + 0.2 * torch.randn(2000) + 2).clamp(0, 3.99)).long()
    body = nn.Sequential(nn.Linear(8, 24), nn.ReLU(), nn.Linear(24, 1, bias=False))
    cuts = nn.Parameter(torch.tensor([-1.0, 0.0, 1.0]))
    opt = torch.optim.Adam([*body.parameters(), cuts], lr=5e-3)
    levels = torch.arange(3)
    with watch() as seen:
        for _ in range(300):
            i = torch.randint(0, 2000, (64,))
            above = (grade[i, None] > levels).float()
            loss = F.binary_cross_entropy_with_logits(body(x[i]) - cuts, above)
            opt.zero_grad()
            loss.backward()
            opt.step()
            seen.step(loss)


@healthy("cutmix")
def cutmix(watch: Watch) -> None:
    x, y = digits()
    model = nn.Sequential(nn.Conv2d(1, 8, 3, 2), nn.ReLU(), nn.Flatten(), nn.Linear(8 * 169, 10))
    opt = torch.optim.Adam(model.parameters(), lr=1e-3)
    criterion = nn.CrossEntropyLoss()
    with watch() as seen:
        for _ in range(150):
            i = torch.randint(0, 5000, (64,))
            images, target = x[i].view(-1, 1, 28, 28).clone(), y[i]
            order, edge = torch.randperm(64), int(torch.randint(4, 18, ()))
            images[:, :, :edge, :edge] = images[order, :, :edge, :edge]
            share = 1 - edge * edge / 784
            output = model(images)
            loss = criterion(output, target) * share + criterion(output, target[order]) * (
                1.0 - share
            )
            opt.zero_grad()
            loss.backward()
            opt.step()
            seen.step(loss)


@healthy("curriculum")
def longer_and_longer_sums(watch: Watch) -> None:
    """Numbers are added up by an LSTM, two at first, eight at the end."""
    lstm, out = nn.LSTM(1, 32, batch_first=True), nn.Linear(32, 1)
    opt = torch.optim.Adam([*lstm.parameters(), *out.parameters()], lr=5e-3)
    with watch() as seen:
        for step in range(240):
            values = torch.rand(48, 2 + step // 40, 1)
            guess = out(lstm(values)[0][:, -1])
            loss = F.mse_loss(guess, values.sum(1))
            opt.zero_grad()
            loss.backward()
            opt.step()
            seen.step(loss)


@healthy("iterable data set")
def endless_stream(watch: Watch) -> None:
    class Stream(IterableDataset):
        def __iter__(self):
            while True:
                x = torch.randn(6)
                yield x, (x[0] * x[1]).tanh().unsqueeze(0)

    model = nn.Sequential(nn.Linear(6, 48), nn.Tanh(), nn.Linear(48, 1))
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3)
    with watch() as seen:
        for step, (x, y) in enumerate(DataLoader(Stream(), batch_size=32, num_workers=0)):
            loss = nn.functional.mse_loss(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            seen.step(loss)
            if step == 300:
                break


@healthy("autograd function of its own")
def binary_activations(watch: Watch) -> None:
    """A step that lets the gradient straight through (Bengio et al. 2013)."""

    class Sign(torch.autograd.Function):
        @staticmethod
        def forward(ctx, z):
            ctx.save_for_backward(z)
            return z.sign()

        @staticmethod
        def backward(ctx, gradient):
            (z,) = ctx.saved_tensors
            return gradient * (z.abs() < 1)

    x, y = clusters()
    first, last = nn.Linear(16, 64), nn.Linear(64, 5)
    opt = torch.optim.Adam([*first.parameters(), *last.parameters()], lr=2e-3)
    with watch() as seen:
        for _ in range(300):
            i = torch.randint(0, 3000, (64,))
            loss = F.cross_entropy(last(Sign.apply(first(x[i]))), y[i])
            opt.zero_grad()
            loss.backward()
            opt.step()
            seen.step(loss)


@healthy("sparse embeddings")
def bag_of_letters(watch: Watch) -> None:
    """Whether a name has more vowels than half of its letters."""
    rows = names()
    vowels = torch.isin(rows, torch.tensor([1, 5, 9, 15, 21])).sum(1)
    y = (2 * vowels >= (rows > 0).sum(1)).float()
    bag = nn.EmbeddingBag(27, 16, mode="mean", sparse=True, padding_idx=0)
    head = nn.Linear(16, 1)
    opt_sparse = torch.optim.SparseAdam(list(bag.parameters()), lr=1e-2)
    opt = torch.optim.Adam(head.parameters(), lr=1e-2)
    with watch() as seen:
        for _ in range(300):
            i = torch.randint(0, len(rows), (64,))
            loss = F.binary_cross_entropy_with_logits(head(bag(rows[i])).squeeze(1), y[i])
            opt.zero_grad()
            opt_sparse.zero_grad()
            loss.backward()
            opt.step()
            opt_sparse.step()
            seen.step(loss)


@healthy("weight norm, warm restarts")
def weight_norm_restarts(watch: Watch) -> None:
    wn = nn.utils.parametrizations.weight_norm
    x = torch.rand(1500, 3) * 2 - 1
    y = (3 * x).sin().prod(1, keepdim=True)
    net = nn.Sequential(wn(nn.Linear(3, 64)), nn.GELU(), wn(nn.Linear(64, 64)), nn.GELU())
    net.append(nn.Linear(64, 1))
    opt = torch.optim.NAdam(net.parameters(), lr=3e-3)
    sched = torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(opt, 100, eta_min=1e-6)
    with watch() as seen:
        for _ in range(300):
            i = torch.randint(0, 1500, (64,))
            loss = F.mse_loss(net(x[i]), y[i])
            opt.zero_grad()
            loss.backward()
            opt.step()
            sched.step()
            seen.step(loss)


@healthy("gradient checkpointing")
def recomputed_blocks(watch: Watch) -> None:
    x, y = clusters()
    stem, head = nn.Linear(16, 48), nn.Linear(48, 5)
    blocks = nn.ModuleList(
        nn.Sequential(nn.LayerNorm(48), nn.Linear(48, 48), nn.GELU()) for _ in range(3)
    )
    model = nn.ModuleList([stem, blocks, head])
    opt = torch.optim.Adam(model.parameters(), lr=1e-3)
    with watch() as seen:
        for _ in range(200):
            i = torch.randint(0, 3000, (64,))
            h = stem(x[i])
            for block in blocks:
                h = h + checkpoint(block, h, use_reentrant=False)
            loss = F.cross_entropy(head(h), y[i])
            opt.zero_grad()
            loss.backward()
            opt.step()
            seen.step(loss)


@healthy("functional (torch.func)")
def by_functional_call(watch: Watch) -> None:
    x, y = clusters()
    model = nn.Sequential(nn.Linear(16, 48), nn.Tanh(), nn.Linear(48, 5))
    weights = {name: p.detach().clone() for name, p in model.named_parameters()}

    def loss_of(weights, x, y):
        return F.cross_entropy(functional_call(model, weights, (x,)), y)

    step = grad_and_value(loss_of)
    with watch() as seen:
        for _ in range(300):
            i = torch.randint(0, 3000, (64,))
            gradients, loss = step(weights, x[i], y[i])
            weights = {name: w - 0.2 * gradients[name] for name, w in weights.items()}
            seen.step(loss)


@healthy("mixed precision (GradScaler)")
def scaled_bfloat16(watch: Watch) -> None:
    x, y = digits()
    model = nn.Sequential(nn.Linear(784, 64), nn.ReLU(), nn.Linear(64, 10))
    opt = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9, nesterov=True)
    scaler = torch.amp.GradScaler("cpu", enabled=True, init_scale=1024.0)
    with watch() as seen:
        for k in range(240):
            i = torch.randint(0, 5000, (32,))
            with torch.autocast("cpu", dtype=torch.bfloat16):
                loss = F.cross_entropy(model(x[i]), y[i]) / 2
            scaler.scale(loss).backward()
            if k % 2:
                scaler.unscale_(opt)
                nn.utils.clip_grad_norm_(model.parameters(), 5.0)
                scaler.step(opt)
                scaler.update()
                opt.zero_grad(set_to_none=True)
            seen.step(loss.item() * 2)


@healthy("Bayes by backprop")
def weights_with_a_spread(watch: Watch) -> None:
    x = torch.linspace(-2, 2, 200)[:, None]
    y = (2 * x).sin() + 0.1 * torch.randn(200, 1)
    shapes = [(1, 24), (24,), (24, 1), (1,)]
    mean = [nn.Parameter(torch.randn(s) / math.sqrt(s[0])) for s in shapes]
    rho = [nn.Parameter(torch.full(s, -4.0)) for s in shapes]
    opt = torch.optim.Adam([*mean, *rho], lr=5e-3)
    with watch() as seen:
        for _ in range(400):
            w = [m + F.softplus(r) * torch.randn_like(m) for m, r in zip(mean, rho, strict=True)]
            guess = (x @ w[0] + w[1]).tanh() @ w[2] + w[3]
            fit = 50 * ((guess - y) ** 2).sum()
            kl = sum(
                (0.5 * (m**2 + F.softplus(r) ** 2 - 1) - F.softplus(r).log()).sum()
                for m, r in zip(mean, rho, strict=True)
            )
            loss = (fit + kl) / 200
            opt.zero_grad()
            loss.backward()
            opt.step()
            seen.step(loss)
