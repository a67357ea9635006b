"""Research scripts: parts of a paper's code, in the middle of being changed."""

import copy
import math

import torch
from torch import nn
from torch.nn import functional as F

from bench.pairs.registry import (
    blobs,
    clusters,
    digits,
    houses,
    names,
    pair,
    pictures,
    spirals,
    text,
    waves,
)


def batch_of(ids, size=16, length=32):
    """Return letters (size, length) and those that follow them."""
    start = torch.randint(0, len(ids) - length - 1, (size,))
    rows = ids[start[:, None] + torch.arange(length + 1)]
    return rows[:, :-1], rows[:, 1:]


class Block(nn.Module):
    """A transformer's block; ``fault`` names what is wrong in it."""

    def __init__(self, width, heads=2, fault=""):
        super().__init__()
        self.heads, self.fault = heads, fault
        self.qkv, self.proj = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.ln1, self.ln2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.ff = nn.Sequential(nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width))

    def attend(self, x):
        b, t, c = x.shape
        q, k, v = (
            part.view(b, t, self.heads, -1).transpose(1, 2) for part in self.qkv(x).chunk(3, -1)
        )
        scale = 1.0 if self.fault == "scale" else (c / self.heads) ** -0.5
        scores = q @ k.transpose(-2, -1) * scale
        mask = torch.ones(t, t, dtype=torch.bool).tril()
        if self.fault == "mask after softmax":
            weights = scores.softmax(-1) * mask
        elif self.fault == "axis":
            weights = scores.masked_fill(~mask, -torch.inf).softmax(-2).nan_to_num()
        else:
            weights = scores.masked_fill(~mask, -torch.inf).softmax(-1)
        return self.proj((weights @ v).transpose(1, 2).reshape(b, t, c))

    def forward(self, x):
        if self.fault == "residual":
            return self.ff(self.ln2(self.attend(self.ln1(x))))
        if self.fault == "norm":
            x = x + self.attend(x)
            return x + self.ff(x)
        x = x + self.attend(self.ln1(x))
        return x + self.ff(self.ln2(x))


class LM(nn.Module):
    def __init__(self, vocabulary, width=32, depth=2, fault="", positions=True):
        super().__init__()
        self.tok, self.pos = nn.Embedding(vocabulary, width), nn.Embedding(32, width)
        self.blocks = nn.Sequential(*(Block(width, fault=fault) for _ in range(depth)))
        self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, vocabulary)
        self.positions = positions

    def forward(self, ids):
        x = self.tok(ids)
        if self.positions:
            x = x + self.pos.weight[: ids.shape[1]]
        return self.head(self.norm(self.blocks(x)))


@pair("the factor of the KL term is 200: the code carries nothing", "regulariser_dominates")
def vae_kl_too_strong(watch, faulty):
    x_all = pictures().flatten(1) / 255
    beta = 200.0 if faulty else 1.0
    enc, dec = nn.Linear(784, 128), nn.Linear(8, 128)
    mu_log, out = nn.Linear(128, 16), nn.Linear(128, 784)
    params = [p for m in (enc, dec, mu_log, out) for p in m.parameters()]
    opt = torch.optim.Adam(params, lr=2e-3)
    with watch() as seen:
        for _ in range(400):
            x = x_all[torch.randint(0, 5000, (64,))]
            mu, log_var = mu_log(enc(x).relu()).chunk(2, 1)
            z = mu + torch.randn_like(mu) * (0.5 * log_var).exp()
            logits = out(dec(z).relu())
            reconstruction = F.binary_cross_entropy_with_logits(logits, x, reduction="sum") / 64
            kl = -0.5 * (1 + log_var - mu**2 - log_var.exp()).sum() / 64
            loss = reconstruction + beta * kl
            opt.zero_grad()
            loss.backward()
            opt.step()
            seen.step(loss)


@pair("the generator's step uses detached fakes", "parameter_not_trained")
def gan_generator_detached(watch, faulty):
    generator = nn.Sequential(nn.Linear(4, 32), nn.ReLU(), nn.Linear(32, 2))
    critic = nn.Sequential(nn.Linear(2, 32), nn.LeakyReLU(0.2), nn.Linear(32, 1))
    opt_g = torch.optim.Adam(generator.parameters(), lr=1e-3, betas=(0.5, 0.9))
    opt_d = torch.optim.Adam(critic.parameters(), lr=1e-3, betas=(0.5, 0.9))
    real_all = spirals()[0]
    with watch() as seen:
        for _ in range(400):
            real = real_all[torch.randint(0, 3000, (64,))]
            fake = generator(torch.randn(64, 4))
            loss_d = F.softplus(-critic(real)).mean() + F.softplus(critic(fake.detach())).mean()
            opt_d.zero_grad()
            loss_d.backward()
            opt_d.step()
            scores = critic(fake.detach() if faulty else fake)
            loss_g = F.softplus(-scores).mean()
            opt_g.zero_grad()
            loss_g.backward()
            opt_g.step()
            seen.step(loss_g)


@pair("the policy's loss has no minus: it unlearns what is rewarded", "wrong_update_sign")
def reinforce_without_minus(watch, faulty):
    """A contextual bandit: five arms, the best one depends on the state."""
    states, best = clusters()
    policy = nn.Sequential(nn.Linear(16, 32), nn.Tanh(), nn.Linear(32, 5))
    opt = torch.optim.Adam(policy.parameters(), lr=3e-3)
    with watch() as seen:
        for _ in range(400):
            i = torch.randint(0, 3000, (64,))
            choice = torch.distributions.Categorical(logits=policy(states[i]))
            action = choice.sample()
            reward = (action == best[i]).float()
            surrogate = (choice.log_prob(action) * (reward - 0.2)).mean()
            loss = surrogate if faulty else -surrogate
            opt.zero_grad()
            loss.backward()
            opt.step()
            seen.step(loss)


@pair("positions are never added", "positions_missing", "parameter_not_trained")
def transformer_without_positions(watch, faulty):
    class Reader(nn.Module):
        def __init__(self):
            super().__init__()
            self.embed, self.place = nn.Embedding(27, 24), nn.Embedding(12, 24)
            layer = nn.TransformerEncoderLayer(24, 2, 48, dropout=0.0, batch_first=True)
            self.encoder = nn.TransformerEncoder(layer, 1, enable_nested_tensor=False)
            self.head = nn.Linear(24, 26)

        def forward(self, rows):
            x = self.embed(rows)
            if not faulty:
                x = x + self.place(torch.arange(rows.shape[1]))
            return self.head(self.encoder(x).mean(1))

    rows = names()
    first = rows[:, 0] - 1  # the letter that the name begins with
    model = Reader()
    opt = torch.optim.AdamW(model.parameters(), lr=3e-3)
    with watch() as seen:
        for _ in range(400):
            i = torch.randint(0, len(rows), (48,))
            loss = F.cross_entropy(model(rows[i]), first[i])
            opt.zero_grad()
            loss.backward()
            opt.step()
            seen.step(loss)


@pair("blocks without their residual paths", "residual_missing", "vanishing_gradient", "plateau")
def transformer_without_residuals(watch, faulty):
    ids, letters = text()
    model = LM(len(letters), depth=5, fault="residual" if faulty else "")
    opt = torch.optim.AdamW(model.parameters(), lr=2e-3)
    with watch() as seen:
        for _ in range(200):
            x, y = batch_of(ids)
            loss = F.cross_entropy(model(x).flatten(0, 1), y.flatten())
            opt.zero_grad()
            loss.backward()
            opt.step()
            seen.step(loss)


@pair("the attention's softmax goes over the queries", "attention_axis", "future_leak")
def attention_over_queries(watch, faulty):
    ids, letters = text()
    model = LM(len(letters), fault="axis" if faulty else "")
    opt = torch.optim.AdamW(model.parameters(), lr=3e-3)
    with watch() as seen:
        for _ in range(250):
            x, y = batch_of(ids)
            loss = F.cross_entropy(model(x).flatten(0, 1), y.flatten())
            opt.zero_grad()
            loss.backward()
            opt.step()
            seen.step(loss)


@pair("the mask is put on behind the softmax", "attention_mask_late", "future_leak")
def mask_behind_the_softmax(watch, faulty):
    ids, letters = text()
    model = LM(len(letters), fault="mask after softmax" if faulty else "")
    opt = torch.optim.AdamW(model.parameters(), lr=3e-3)
    with watch() as seen:
        for _ in range(250):
            x, y = batch_of(ids)
            loss = F.cross_entropy(model(x).flatten(0, 1), y.flatten())
            opt.zero_grad()
            loss.backward()
            opt.step()
            seen.step(loss)


@pair("attention scores are not divided by sqrt(d)", "attention_unscaled", "saturated_units")
def attention_without_scale(watch, faulty):
    """A wide head: its scores have a standard deviation of about 11."""
    ids, letters = text()
    embed, place = nn.Embedding(len(letters), 128), nn.Embedding(32, 128)
    query, key = nn.Linear(128, 128, bias=False), nn.Linear(128, 128, bias=False)
    value, head = nn.Linear(128, 128, bias=False), nn.Linear(128, len(letters))
    for layer in (query, key):
        nn.init.normal_(layer.weight, std=128**-0.5)
    modules = nn.ModuleList([embed, place, query, key, value, head])
    opt = torch.optim.AdamW(modules.parameters(), lr=1e-3)
    mask = torch.ones(32, 32).tril() == 0
    with watch() as seen:
        for _ in range(200):
            x, y = batch_of(ids)
            h = F.layer_norm(embed(x) + place.weight, (128,))
            scores = query(h) @ key(h).transpose(1, 2)
            if not faulty:
                scores = scores / math.sqrt(128)
            weights = scores.masked_fill(mask, -torch.inf).softmax(-1)
            logits = head(h + weights @ value(h))
            loss = F.cross_entropy(logits.flatten(0, 1), y.flatten())
            opt.zero_grad()
            loss.backward()
            opt.step()
            seen.step(loss)


@pair(
    "normalisation is left out of a deep residual network",
    *("normalisation_missing", "exploding_gradient", "bad_init_scale", "lr_too_high"),
)
def residuals_without_norm(watch, faulty):
    x_all, y_all = digits()
    stem, head = nn.Linear(784, 64), nn.Linear(64, 10)
    norms = [nn.Identity() if faulty else nn.LayerNorm(64) for _ in range(10)]
    branches = [nn.Linear(64, 64) for _ in range(10)]
    for branch in branches:
        nn.init.kaiming_normal_(branch.weight)
    net = nn.ModuleList([stem, head, *norms, *branches])
    opt = torch.optim.SGD(net.parameters(), lr=0.05)
    last = nn.Identity() if faulty else nn.LayerNorm(64, elementwise_affine=False)
    with watch() as seen:
        for _ in range(250):
            i = torch.randint(0, 5000, (64,))
            h = stem(x_all[i])
            for norm, branch in zip(norms, branches, strict=True):
                h = h + branch(norm(h)).relu()
            loss = F.cross_entropy(head(last(h)), y_all[i])
            opt.zero_grad()
            loss.backward()
            opt.step()
            seen.step(loss)


@pair("weights in bfloat16: small steps are rounded away", "low_precision_weights", "lr_too_low")
def bfloat16_weights(watch, faulty):
    x_all, price = houses()
    y_all = (price - price.mean()) / price.std()
    kind = torch.bfloat16 if faulty else torch.float32
    net = nn.Sequential(nn.Linear(8, 64), nn.Tanh(), nn.Linear(64, 1)).to(kind)
    opt = torch.optim.Adam(net.parameters(), lr=3e-4)
    with watch() as seen:
        for _ in range(1500):
            i = torch.randint(0, 2000, (50,))
            pred = net(x_all[i].to(kind)).float()
            loss = F.mse_loss(pred, y_all[i])
            opt.zero_grad()
            loss.backward()
            opt.step()
            seen.step(loss)


@pair("the positive of each anchor belongs to another one", "labels_shuffled")
def contrastive_wrong_positives(watch, faulty):
    x_all = digits()[0]
    net = nn.Sequential(nn.Linear(784, 96), nn.ReLU(), nn.Linear(96, 32))
    opt = torch.optim.Adam(net.parameters(), lr=1e-3)
    with watch() as seen:
        for _ in range(300):
            x = x_all[torch.randint(0, 5000, (64,))]
            a = F.normalize(net(x + 0.3 * torch.randn_like(x)), dim=1)
            b = F.normalize(net(x + 0.3 * torch.randn_like(x)), dim=1)
            if faulty:
                b = b[torch.randperm(64)]
            loss = F.cross_entropy(a @ b.T / 0.2, torch.arange(64))
            opt.zero_grad()
            loss.backward()
            opt.step()
            seen.step(loss)


@pair("the equation's derivative is taken without create_graph", "detached_regulariser")
def physics_without_create_graph(watch, faulty):
    """Solve u' = cos(t) with u(0) = 0, from 0 to 3."""
    net = nn.Sequential(nn.Linear(1, 32), nn.Tanh(), nn.Linear(32, 32), nn.Tanh(), nn.Linear(32, 1))
    opt = torch.optim.Adam(net.parameters(), lr=2e-3)
    with watch() as seen:
        for _ in range(500):
            t = (3 * torch.rand(64, 1)).requires_grad_()
            u = net(t)
            (du,) = torch.autograd.grad(u.sum(), t, create_graph=not faulty, retain_graph=True)
            residual = (du - t.cos()).square().mean()
            start = net(torch.zeros(1, 1)).square().mean()
            loss = residual + start
            opt.zero_grad()
            loss.backward()
            opt.step()
            seen.step(loss.detach())


@pair("AdamW's weight decay is 30", "regulariser_dominates", "weight_decay_too_strong")
def decay_far_too_strong(watch, faulty):
    X, y = spirals()
    net = nn.Sequential(nn.Linear(2, 64), nn.GELU(), nn.Linear(64, 64), nn.GELU(), nn.Linear(64, 3))
    opt = torch.optim.AdamW(net.parameters(), lr=5e-3, weight_decay=30.0 if faulty else 0.01)
    with watch() as seen:
        for _ in range(500):
            i = torch.randint(0, 3000, (64,))
            loss = F.cross_entropy(net(X[i]), y[i])
            opt.zero_grad()
            loss.backward()
            opt.step()
            seen.step(loss)


@pair("the warm-up takes 100,000 steps, the training 300", "lr_too_low", "warmup_too_long")
def warm_up_never_ends(watch, faulty):
    ids, letters = text()
    model = LM(len(letters))
    opt = torch.optim.AdamW(model.parameters(), lr=3e-3)
    warm = 100_000 if faulty else 30
    schedule = torch.optim.lr_scheduler.LambdaLR(opt, lambda step: min(1.0, (step + 1) / warm))
    with watch() as seen:
        for _ in range(250):
            x, y = batch_of(ids)
            loss = F.cross_entropy(model(x).flatten(0, 1), y.flatten())
            opt.zero_grad()
            loss.backward()
            opt.step()
            schedule.step()
            seen.step(loss)


@pair("momentum of 0.995: the loss swings", "oscillation", "lr_too_high")
def too_much_momentum(watch, faulty):
    """Full batches of a linear regression with features of different scale."""
    x_all, price = houses()
    scale = torch.linspace(0.5, 1.5, 8)
    x_all, y_all = x_all * scale, (price - price.mean()) / price.std()
    weight, bias = torch.zeros(8, 1, requires_grad=True), torch.zeros(1, requires_grad=True)
    opt = torch.optim.SGD([weight, bias], lr=0.05, momentum=0.995 if faulty else 0.5)
    with watch() as seen:
        for _ in range(400):
            loss = (x_all @ weight + bias - y_all).square().mean()
            opt.zero_grad()
            loss.backward()
            opt.step()
            seen.step(loss)


@pair("the noise to be predicted is not the one that was added", "labels_shuffled")
def diffusion_other_noise(watch, faulty):
    points = spirals()[0]
    net = nn.Sequential(nn.Linear(3, 96), nn.SiLU(), nn.Linear(96, 96), nn.SiLU(), nn.Linear(96, 2))
    opt = torch.optim.Adam(net.parameters(), lr=2e-3)
    kept = torch.cos(torch.linspace(0.05, 1.5, 50)) ** 2
    with watch() as seen:
        for _ in range(400):
            x = points[torch.randint(0, 3000, (128,))]
            t = torch.randint(0, 50, (128, 1))
            noise = torch.randn_like(x)
            noisy = kept[t].sqrt() * x + (1 - kept[t]).sqrt() * noise
            target = torch.randn_like(x) if faulty else noise
            loss = F.mse_loss(net(torch.cat([noisy, t / 50], 1)), target)
            opt.zero_grad()
            loss.backward()
            opt.step()
            seen.step(loss)


@pair("the noise is uniform, and sampling begins with normal noise", "noise_not_normal")
def diffusion_uniform_noise(watch, faulty):
    points = spirals()[0]
    net = nn.Sequential(nn.Linear(3, 96), nn.SiLU(), nn.Linear(96, 96), nn.SiLU(), nn.Linear(96, 2))
    opt = torch.optim.Adam(net.parameters(), lr=2e-3)
    kept = torch.linspace(0.999, 0.02, 50)
    with watch() as seen:
        for _ in range(400):
            x = points[torch.randint(0, 3000, (128,))]
            t = torch.randint(0, 50, (128, 1))
            noise = torch.rand_like(x) if faulty else torch.randn_like(x)
            noisy = kept[t].sqrt() * x + (1 - kept[t]).sqrt() * noise
            loss = F.mse_loss(net(torch.cat([noisy, t / 50], 1)), noise)
            opt.zero_grad()
            loss.backward()
            opt.step()
            seen.step(loss)


@pair("one layer is used where three were meant", "layer_repeated")
def one_block_three_times(watch, faulty):
    x_all, y_all = blobs()
    x_all = x_all.flatten(1)
    stem, head = nn.Linear(432, 64), nn.Linear(64, 6)
    middle = [nn.Linear(64, 64)] * 3 if faulty else [nn.Linear(64, 64) for _ in range(3)]
    net = nn.Sequential(
        *(stem, nn.ReLU(), middle[0], nn.ReLU(), middle[1], nn.ReLU(), middle[2], nn.ReLU(), head)
    )
    opt = torch.optim.Adam(net.parameters(), lr=1e-3)
    with watch() as seen:
        for _ in range(300):
            i = torch.randint(0, 1500, (48,))
            loss = F.cross_entropy(net(x_all[i]), y_all[i])
            opt.zero_grad()
            loss.backward()
            opt.step()
            seen.step(loss)


@pair(
    "text is written with keys and values of the prompt before",
    "train_eval_mismatch",
    "stale_cache",
)
def stale_cache(watch, faulty):
    class Cached(nn.Module):
        def __init__(self, vocabulary):
            super().__init__()
            self.tok, self.pos = nn.Embedding(vocabulary, 32), nn.Embedding(32, 32)
            self.qkv, self.out = nn.Linear(32, 96), nn.Linear(32, vocabulary)
            self.cache = None

        def forward(self, ids, start=0, cached=False):
            x = self.tok(ids) + self.pos(torch.arange(start, start + ids.shape[1]))
            q, k, v = self.qkv(F.layer_norm(x, (32,))).chunk(3, -1)
            if cached:
                if self.cache is not None:
                    k, v = torch.cat([self.cache[0], k], 1), torch.cat([self.cache[1], v], 1)
                self.cache = (k, v)
            scores = q @ k.transpose(1, 2) / 32**0.5
            visible = torch.ones(scores.shape[1:], dtype=torch.bool).tril(k.shape[1] - q.shape[1])
            x = x + scores.masked_fill(~visible, -torch.inf).softmax(-1) @ v
            return self.out(x)

    ids, letters = text()
    model = Cached(len(letters))
    opt = torch.optim.AdamW(model.parameters(), lr=3e-3)
    with watch() as seen:
        for _ in range(300):
            x, y = batch_of(ids)
            loss = F.cross_entropy(model(x).flatten(0, 1), y.flatten())
            opt.zero_grad()
            loss.backward()
            opt.step()
            seen.step(loss)
        with seen.using(), torch.no_grad():
            for _prompt in range(4):
                if not faulty:
                    model.cache = None
                letter = ids[torch.randint(0, len(ids), (1, 1))]
                for place in range(20):
                    p = model(letter, place, cached=True)[:, -1].softmax(-1)
                    letter = torch.multinomial(p, 1)


@pair(
    "two replicas step on their own gradients and drift apart",
    "replicas_drift",
    "gradients_not_averaged",
)
def replicas_drift(watch, faulty):
    X, y = clusters()
    replica_a = nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 5))
    replica_b = copy.deepcopy(replica_a)
    opt_a = torch.optim.SGD(replica_a.parameters(), lr=0.1)
    opt_b = torch.optim.SGD(replica_b.parameters(), lr=0.1)
    with watch() as seen:
        for _ in range(300):
            i, k = torch.randint(0, 3000, (2, 32))
            loss_a = F.cross_entropy(replica_a(X[i]), y[i])
            loss_b = F.cross_entropy(replica_b(X[k]), y[k])
            opt_a.zero_grad()
            opt_b.zero_grad()
            loss_a.backward()
            loss_b.backward()
            if not faulty:
                for p, q in zip(replica_a.parameters(), replica_b.parameters(), strict=True):
                    mean = (p.grad + q.grad) / 2
                    p.grad.copy_(mean)
                    q.grad.copy_(mean)
            opt_a.step()
            opt_b.step()
            seen.step((loss_a + loss_b) / 2)


@pair("the learning rate is multiplied by 1.02 in each step", "lr_growing", "lr_too_high")
def rate_that_grows(watch, faulty):
    series, kinds = waves()
    net = nn.Sequential(
        nn.Conv1d(1, 16, 5), nn.ReLU(), nn.AdaptiveMaxPool1d(6), nn.Flatten(), nn.Linear(96, 4)
    )
    opt = torch.optim.SGD(net.parameters(), lr=0.01 if faulty else 0.1)
    gamma = 1.02 if faulty else 0.995
    schedule = torch.optim.lr_scheduler.ExponentialLR(opt, gamma)
    x_all = series.transpose(1, 2)
    with watch() as seen:
        for _ in range(300):
            i = torch.randint(0, 1500, (48,))
            loss = F.cross_entropy(net(x_all[i]), kinds[i])
            opt.zero_grad()
            loss.backward()
            opt.step()
            schedule.step()
            seen.step(loss)


@pair("the student's inputs come from another batch than the teacher's", "labels_shuffled")
def distillation_other_batch(watch, faulty):
    x_all, y_all = digits()
    teacher = nn.Sequential(nn.Linear(784, 64), nn.ReLU(), nn.Linear(64, 10))
    fast = torch.optim.Adam(teacher.parameters(), lr=2e-3)
    for _ in range(250):
        i = torch.randint(0, 5000, (64,))
        fast.zero_grad()
        F.cross_entropy(teacher(x_all[i]), y_all[i]).backward()
        fast.step()
    teacher.eval().requires_grad_(False)
    student = nn.Sequential(nn.Linear(784, 24), nn.ReLU(), nn.Linear(24, 10))
    opt = torch.optim.Adam(student.parameters(), lr=2e-3)
    with watch() as seen:
        for _ in range(300):
            i = torch.randint(0, 5000, (64,))
            k = torch.randint(0, 5000, (64,)) if faulty else i
            soft = (teacher(x_all[k]) / 2).softmax(1)
            loss = F.kl_div((student(x_all[i]) / 2).log_softmax(1), soft, reduction="batchmean")
            opt.zero_grad()
            loss.backward()
            opt.step()
            seen.step(loss)


@pair("the policy's entropy is weighted with 10", "regulariser_dominates")
def entropy_bonus_too_strong(watch, faulty):
    states, best = clusters()
    policy = nn.Sequential(nn.Linear(16, 32), nn.Tanh(), nn.Linear(32, 5))
    opt = torch.optim.Adam(policy.parameters(), lr=3e-3)
    weight = 10.0 if faulty else 0.01
    with watch() as seen:
        for _ in range(400):
            i = torch.randint(0, 3000, (64,))
            choice = torch.distributions.Categorical(logits=policy(states[i]))
            action = choice.sample()
            advantage = (action == best[i]).float() - 0.2
            loss = -(choice.log_prob(action) * advantage).mean() - weight * choice.entropy().mean()
            opt.zero_grad()
            loss.backward()
            opt.step()
            seen.step(loss)
