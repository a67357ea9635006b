"""Generative, contrastive and reinforcement learning, as in single-file repositories."""

import itertools
import math
from functools import cache

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.distributions import Categorical, Normal

from bench.pairs.registry import clusters, digits, moons, names, pair


def net(*sizes, act=nn.ReLU):
    layers = []
    for a, b in itertools.pairwise(sizes):
        layers += [nn.Linear(a, b), act()]
    return nn.Sequential(*layers[:-1])


class VAE(nn.Module):
    def __init__(self, latent=8):
        super().__init__()
        self.enc, self.dec = net(784, 128, 2 * latent), net(latent, 128, 784)

    def forward(self, x):
        mu, logvar = self.enc(x).chunk(2, 1)
        z = mu + (0.5 * logvar).exp() * torch.randn_like(mu)
        return self.dec(z), mu, logvar


@pair("reconstruction is a mean over pixels, the KL term a sum", "regulariser_dominates")
def vae_mean_and_sum(watch, faulty):
    x_all = (digits()[0] * 0.31 + 0.13).clamp(0, 1)
    model = VAE()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    with watch() as seen:
        for _ in range(400):
            x = x_all[torch.randint(0, 5000, (64,))]
            logits, mu, logvar = model(x)
            kl = -0.5 * (1 + logvar - mu**2 - logvar.exp()).sum() / len(x)
            if faulty:
                recon = F.binary_cross_entropy_with_logits(logits, x)
            else:
                recon = F.binary_cross_entropy_with_logits(logits, x, reduction="sum") / len(x)
            loss = recon + kl
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            seen.step(loss)


@pair("the flow's log-determinant has the wrong sign", "wrong_loss", "wrong_update_sign")
def flow_with_the_wrong_sign(watch, faulty):
    """A flow of four coupling layers, for two half circles."""
    x_all, _ = moons()
    couplings = nn.ModuleList(net(1, 32, 2) for _ in range(4))
    optimizer = torch.optim.Adam(couplings.parameters(), lr=2e-3)
    prior = Normal(0.0, 1.0)
    with watch() as seen:
        for _ in range(500):
            z = x_all[torch.randint(0, 2000, (128,))]
            log_det = torch.zeros(len(z))
            for n, coupling in enumerate(couplings):
                kept, changed = z[:, n % 2], z[:, 1 - n % 2]
                s, t = coupling(kept[:, None]).chunk(2, 1)
                s = s.squeeze(1).tanh()
                changed = changed * s.exp() + t.squeeze(1)
                z = torch.stack([kept, changed] if n % 2 == 0 else [changed, kept], 1)
                log_det = log_det + s
            log_prob = prior.log_prob(z).sum(1)
            loss = -(log_prob - log_det if faulty else log_prob + log_det).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            seen.step(loss)


@pair("the sampler takes the noise that is predicted for the data", "train_eval_mismatch")
def sampler_of_another_target(watch, faulty):
    """A diffusion model of points; training predicts the noise, and so must the sampler."""
    x_all = moons()[0]
    T = 40
    alpha_bar = torch.linspace(0.999, 0.02, T)
    model = net(3, 96, 96, 2, act=nn.SiLU)
    opt = torch.optim.Adam(model.parameters(), lr=2e-3)

    def predict(x, t):
        time = torch.full((len(x), 1), t / T) if isinstance(t, int) else t[:, None] / T
        return model(torch.cat([x, time], 1))

    with watch() as seen:
        for _ in range(500):
            x0 = x_all[torch.randint(0, 2000, (128,))]
            t = torch.randint(0, T, (128,))
            a = alpha_bar[t, None]
            noise = torch.randn_like(x0)
            xt = a.sqrt() * x0 + (1 - a).sqrt() * noise
            loss = F.mse_loss(predict(xt, t), noise)
            opt.zero_grad()
            loss.backward()
            opt.step()
            seen.step(loss)
        with seen.using(), torch.no_grad():
            x = torch.randn(200, 2)
            for t in reversed(range(1, T)):
                out, a, b = predict(x, t), alpha_bar[t], alpha_bar[t - 1]
                eps = (x - a.sqrt() * out) / (1 - a).sqrt() if faulty else out
                x0 = out if faulty else (x - (1 - a).sqrt() * out) / a.sqrt()
                x = b.sqrt() * x0.clamp(-3, 3) + (1 - b).sqrt() * eps
        print("distance to the data", torch.cdist(x, x_all).min(1).values.mean().item())


@pair("the discriminator's optimiser holds the generator's parameters", "parameter_not_trained")
def optimizer_of_the_other_network(watch, faulty):
    """Adversarial training for points; the generator learns from a critic that must learn, too."""
    x_all = moons()[0]
    generator = net(8, 64, 64, 2, act=nn.LeakyReLU)
    discriminator = net(2, 64, 64, 1, act=nn.LeakyReLU)
    opt_g = torch.optim.Adam(generator.parameters(), lr=2e-3, betas=(0.0, 0.99))
    trained = generator if faulty else discriminator
    opt_d = torch.optim.Adam(trained.parameters(), lr=2e-3, betas=(0.0, 0.99))
    one, zero = torch.ones(128, 1), torch.zeros(128, 1)
    bce = F.binary_cross_entropy_with_logits
    with watch() as seen:
        for _ in range(600):
            real = x_all[torch.randint(0, 2000, (128,))]
            fake = generator(torch.randn(128, 8))
            loss_d = bce(discriminator(real), one) + bce(discriminator(fake.detach()), zero)
            opt_d.zero_grad()
            loss_d.backward()
            opt_d.step()
            loss_g = bce(discriminator(generator(torch.randn(128, 8))), one)
            opt_g.zero_grad()
            loss_g.backward()
            opt_g.step()
            seen.step(loss_d)


def views(x):
    return x + 0.4 * torch.randn_like(x), x + 0.4 * torch.randn_like(x)


@pair("SimSiam without its stop-gradient: all embeddings become one", "collapse", "inputs_ignored")
def siamese_without_detach(watch, faulty):
    x_all, _ = clusters()
    encoder, predictor = net(16, 64, 16), net(16, 16, 16)
    optimizer = torch.optim.SGD(
        [*encoder.parameters(), *predictor.parameters()], lr=0.1, momentum=0.9
    )

    def similarity(p, z):
        return F.cosine_similarity(p, z if faulty else z.detach()).mean()

    with watch() as seen:
        for _ in range(500):
            a, b = views(x_all[torch.randint(0, 3000, (64,))])
            z1, z2 = encoder(a), encoder(b)
            loss = -(similarity(predictor(z1), z2) + similarity(predictor(z2), z1)) / 2
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            seen.step(loss)


@pair("InfoNCE with the positives of the neighbour", "labels_shuffled")
def positives_of_the_neighbour(watch, faulty):
    x_all = digits()[0]
    encoder = net(784, 96, 32)
    optimizer = torch.optim.Adam(encoder.parameters(), lr=1e-3)
    with watch() as seen:
        for _ in range(300):
            x = x_all[torch.randint(0, 5000, (48,))]
            a, b = views(x)
            z1, z2 = F.normalize(encoder(a), dim=1), F.normalize(encoder(b), dim=1)
            labels = torch.arange(48)
            if faulty:
                labels = torch.randperm(48)  # the batch was shuffled after the views were made
            loss = F.cross_entropy(z1 @ z2.T / 0.2, labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            seen.step(loss)


@pair(
    "the triplet loss pulls the negative and pushes the positive", "wrong_loss", "wrong_update_sign"
)
def triplets_swapped(watch, faulty):
    x, y = clusters()
    by_label = [x[y == k] for k in range(5)]
    encoder = net(16, 48, 4)
    opt = torch.optim.Adam(encoder.parameters(), lr=2e-3)

    def some(labels):
        return torch.stack([by_label[k][torch.randint(len(by_label[k]), ())] for k in labels])

    with watch() as seen:
        for _ in range(300):
            k = torch.randint(0, 5, (32,))
            other = (k + torch.randint(1, 5, (32,))) % 5
            anchor, positive, negative = (
                encoder(some(labels.tolist())) for labels in (k, k, other)
            )
            near = (anchor - positive).pow(2).sum(1)
            far = (anchor - negative).pow(2).sum(1)
            gap = far - near if faulty else near - far
            loss = F.relu(gap + 1.0).mean()
            opt.zero_grad()
            loss.backward()
            opt.step()
            seen.step(loss)


@pair(
    "PPO's old log-probabilities keep their graph: the ratio has no gradient",
    "parameter_not_trained",
)
def ppo_ratio_of_itself(watch, faulty):
    """A bandit with 6 states; action 3 * state % 4 is rewarded."""
    policy = net(6, 32, 4, act=nn.Tanh)
    optimizer = torch.optim.Adam(policy.parameters(), lr=3e-3)
    with watch() as seen:
        for _ in range(400):
            state = torch.randint(0, 6, (64,))
            dist = Categorical(logits=policy(F.one_hot(state, 6).float()))
            action = dist.sample()
            reward = (action == 3 * state % 4).float() + 0.1 * torch.randn(64)
            advantage = reward - reward.mean()
            new = dist.log_prob(action)
            old = new if faulty else new.detach()
            ratio = (new - old).exp()
            loss = -torch.min(ratio * advantage, ratio.clamp(0.8, 1.2) * advantage).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            seen.step(1 - reward.mean())  # the surrogate itself is about 0 in every step


def to_come(rewards):
    sums, total = [], 0.0
    for r in reversed(rewards):
        total = r + 0.9 * total
        sums.insert(0, total)
    return torch.tensor(sums)


def from_the_beginning(rewards):
    sums, total = [], 0.0
    for r in rewards:
        total = r + 0.9 * total
        sums.append(total)
    return torch.tensor(sums)


def reinforce(watch, returns_of):
    """The first of five actions is rewarded behind the last; the others are for nothing."""
    policy = net(5, 32, 2, act=nn.Tanh)
    optimizer = torch.optim.Adam(policy.parameters(), lr=5e-3)
    with watch() as seen:
        for _ in range(120):
            losses, gained = [], 0.0
            for _ in range(8):
                dist = Categorical(logits=policy(torch.eye(5)))
                actions = dist.sample()
                rewards = [0.0, 0.0, 0.0, 0.0, 2.0 * int(actions[0]) - 1.0]
                losses.append(-(dist.log_prob(actions) * returns_of(rewards)).sum())
                gained += sum(rewards) / 8
            optimizer.zero_grad()
            torch.stack(losses).mean().backward()
            optimizer.step()
            seen.step(1 - gained)


@pair("returns are added up from the first reward to the last", "returns_of_the_past")
def rewards_of_the_past(watch, faulty):
    reinforce(watch, from_the_beginning if faulty else to_come)


@cache
def transitions(count=6000):
    """Return (state, action, reward, next state, done) of random walks along 8 places."""
    generator = torch.Generator().manual_seed(31)
    state = torch.randint(0, 7, (count,), generator=generator)
    action = torch.randint(0, 2, (count,), generator=generator)
    after = (state + 2 * action - 1).clamp(0, 7)
    done = (after == 7).float()
    return state, action, done.clone(), after, done


def up_to_the_end(batch, target):
    _, _, r, s2, done = batch
    with torch.no_grad():
        best = target(torch.eye(8)[s2]).max(1).values
        return r + 0.8 * best * (1 - done)


def past_the_end(batch, target):
    _, _, r, s2, _done = batch
    with torch.no_grad():
        best = target(torch.eye(8)[s2]).max(1).values
        return r + 0.8 * best


def q_learning(watch, gather_from_other=False, synced=True, wanted_of=up_to_the_end):
    """Fit Q(state, action) for a way to the right end; its target network is synced at times."""
    s, a = transitions()[:2]
    q, target = net(8, 32, 2), net(8, 32, 2)
    target.load_state_dict(q.state_dict())
    optimizer = torch.optim.Adam(q.parameters(), lr=3e-3)
    eye = torch.eye(8)
    with watch() as seen:
        for step in range(600):
            i = torch.randint(0, len(s), (64,))
            j = torch.randint(0, len(s), (64,)) if gather_from_other else i
            value = q(eye[s[i]]).gather(1, a[j, None]).squeeze(1)
            wanted = wanted_of([column[i] for column in transitions()], target)
            loss = F.smooth_l1_loss(value, wanted)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            seen.step(loss)
            if synced and step % 40 == 39:
                target.load_state_dict(q.state_dict())
        with seen.using(), torch.no_grad():
            print("values", [round(v, 2) for v in q(eye[:7]).max(1).values.tolist()])


@pair("values are gathered with the actions of other transitions", "labels_shuffled")
def actions_of_other_transitions(watch, faulty):
    q_learning(watch, gather_from_other=faulty)


@pair("the target network stays as it began", "stale_target")
def target_network_never_synced(watch, faulty):
    q_learning(watch, synced=not faulty)


@pair("the value of the state behind the end of an episode is added", "terminal_ignored")
def target_past_the_end(watch, faulty):
    q_learning(watch, wanted_of=past_the_end if faulty else up_to_the_end)


@pair("kl_div of two softmaxes, without a logarithm", "wrong_loss")
def distilled_without_logarithm(watch, faulty):
    x, y = digits()
    teacher, student = net(784, 64, 10), net(784, 32, 10)
    warm = torch.optim.Adam(teacher.parameters(), lr=2e-3)
    for _ in range(150):
        i = torch.randint(0, 5000, (64,))
        F.cross_entropy(teacher(x[i]), y[i]).backward()
        warm.step()
        warm.zero_grad()
    teacher.requires_grad_(False)
    optimizer = torch.optim.Adam(student.parameters(), lr=1e-3)
    with watch() as seen:
        for _ in range(400):
            xb = x[torch.randint(0, 5000, (64,))]
            wanted = (teacher(xb) / 2).softmax(1)
            out = student(xb) / 2
            given = out.softmax(1) if faulty else out.log_softmax(1)
            loss = F.kl_div(given, wanted, reduction="batchmean")
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            seen.step(loss)


@pair("skip-gram without its negative samples", "collapse", "wrong_loss")
def skip_gram_without_negatives(watch, faulty):
    rows = names()
    left, right = rows[:, :-1].flatten(), rows[:, 1:].flatten()
    kept = (left > 0) & (right > 0)
    left, right = left[kept], right[kept]
    centre, context = nn.Embedding(27, 12), nn.Embedding(27, 12)
    for table in (centre, context):
        nn.init.normal_(table.weight, std=0.3)
    opt = torch.optim.Adam([*centre.parameters(), *context.parameters()], lr=5e-3)
    with watch() as seen:
        for _ in range(600):
            i = torch.randint(0, len(left), (128,))
            u, v = centre(left[i]), context(right[i])
            loss = -F.logsigmoid((u * v).sum(1)).mean()
            if not faulty:
                w = context(right[torch.randint(0, len(right), (128, 4))])
                loss = loss - F.logsigmoid(-torch.einsum("nd,nkd->nk", u, w)).sum(1).mean()
            opt.zero_grad()
            loss.backward()
            opt.step()
            seen.step(loss)


@pair(
    "users and items begin as zeros: neither has a gradient",
    "symmetric_init",
    "parameter_not_trained",
)
def factors_of_zeros(watch, faulty):
    """Ratings of 200 users for 100 items, by three tastes."""
    generator = torch.Generator().manual_seed(41)
    tastes, kinds = (
        torch.randn(200, 3, generator=generator),
        torch.randn(100, 3, generator=generator),
    )
    users, items = nn.Embedding(200, 8), nn.Embedding(100, 8)
    for table in (users, items):
        nn.init.normal_(table.weight, std=0.0 if faulty else 0.3)
    opt = torch.optim.Adam([*users.parameters(), *items.parameters()], lr=0.01)
    with watch() as seen:
        for _ in range(800):
            u, v = torch.randint(0, 200, (128,)), torch.randint(0, 100, (128,))
            rating = (tastes[u] * kinds[v]).sum(1)
            loss = F.mse_loss((users(u) * items(v)).sum(1), rating)
            opt.zero_grad()
            loss.backward()
            opt.step()
            seen.step(loss)


@pair("the spread of a density is the raw output, which may be negative", "nan")
def spread_below_zero(watch, faulty):
    """A density network: mean and spread of y for each x, by its likelihood."""
    x = 3 * torch.randn(2000, 1)
    y = x.sin() + (0.05 + 0.2 * x.abs()) * torch.randn(2000, 1)
    model = net(1, 48, 48, 2, act=nn.Tanh)
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    with watch() as seen:
        for _ in range(600):
            i = torch.randint(0, 2000, (64,))
            mean, raw = model(x[i]).chunk(2, 1)
            sigma = raw if faulty else F.softplus(raw) + 1e-3
            error = (y[i] - mean) / sigma
            loss = (0.5 * error**2 + sigma.log() + 0.5 * math.log(2 * math.pi)).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            seen.step(loss)
