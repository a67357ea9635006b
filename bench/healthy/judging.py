"""Healthy programs that were kept back while rules were tuned: none was examined before the end."""

import copy

import torch
from torch import nn
from torch.distributions import Normal
from torch.nn import functional as F
from torch.nn.utils.rnn import pack_padded_sequence, pad_sequence
from torch.optim.swa_utils import SWALR, AveragedModel
from torch.utils.data import DataLoader, Dataset, TensorDataset

from bench.healthy.programs import Watch, clusters, digits, healthy, names


@healthy("label smoothing, moving average of the weights")
def smoothed_with_ema(watch: Watch) -> None:
    x, y = digits()
    model = nn.Sequential(
        nn.Conv2d(1, 8, 3, 2), nn.BatchNorm2d(8), nn.ReLU(), nn.Flatten(), nn.Linear(8 * 169, 10)
    )
    ema = copy.deepcopy(model).requires_grad_(False)
    opt = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9, weight_decay=5e-4)
    with watch() as seen:
        for _ in range(200):
            i = torch.randint(0, 4500, (64,))
            loss = F.cross_entropy(model(x[i].view(-1, 1, 28, 28)), y[i], label_smoothing=0.1)
            opt.zero_grad()
            loss.backward()
            opt.step()
            with torch.no_grad():
                for slow, fast in zip(ema.parameters(), model.parameters(), strict=True):
                    slow.lerp_(fast, 0.02)
            seen.step(loss)


@healthy("multi-task, weights learned")
def uncertainty_of_tasks(watch: Watch) -> None:
    x, y = clusters()
    size = x.norm(dim=1, keepdim=True) / 4
    body = nn.Sequential(nn.Linear(16, 64), nn.ReLU())
    kind, amount = nn.Linear(64, 5), nn.Linear(64, 1)
    logs = nn.Parameter(torch.zeros(2))
    modules = nn.ModuleList([body, kind, amount])
    opt = torch.optim.Adam([*modules.parameters(), logs], lr=2e-3)
    with watch() as seen:
        for _ in range(300):
            i = torch.randint(0, 3000, (64,))
            h = body(x[i])
            parts = torch.stack([F.cross_entropy(kind(h), y[i]), F.mse_loss(amount(h), size[i])])
            loss = (parts * (-logs).exp() + logs).sum()
            opt.zero_grad()
            loss.backward()
            opt.step()
            seen.step(loss)


@healthy("few-shot (prototypes)")
def prototypes(watch: Watch) -> None:
    x, y = digits()
    by_class = [x[y == k] for k in range(10)]
    embed = nn.Sequential(nn.Linear(784, 64), nn.ReLU(), nn.Linear(64, 16))
    opt = torch.optim.Adam(embed.parameters(), lr=1e-3)
    with watch() as seen:
        for _ in range(150):
            ways = torch.randperm(10)[:5].tolist()
            shots = torch.stack([by_class[k][torch.randperm(len(by_class[k]))[:8]] for k in ways])
            z = embed(shots.view(40, 784)).view(5, 8, 16)
            centres, queries = z[:, :3].mean(1), z[:, 3:].reshape(25, 16)
            loss = F.cross_entropy(
                -torch.cdist(queries, centres), torch.arange(5).repeat_interleave(5)
            )
            opt.zero_grad()
            loss.backward()
            opt.step()
            seen.step(loss)


@healthy("detection (boxes and classes)")
def one_box_in_a_picture(watch: Watch) -> None:
    def draw(count):
        pictures, boxes, kinds = torch.zeros(count, 1, 16, 16), [], torch.randint(0, 2, (count,))
        for k in range(count):
            left, top = torch.randint(0, 9, (2,)).tolist()
            pictures[k, 0, top : top + 6, left : left + 6] = 1.0
            if kinds[k]:
                pictures[k, 0, top + 1 : top + 5, left + 1 : left + 5] = 0.0
            boxes.append([left / 16, top / 16, (left + 6) / 16, (top + 6) / 16])
        return pictures + 0.1 * torch.randn_like(pictures), torch.tensor(boxes), kinds

    images, boxes, kinds = draw(600)
    net = nn.Sequential(nn.Conv2d(1, 8, 3, 2, 1), nn.ReLU(), nn.Flatten(), nn.Linear(512, 64))
    net.append(nn.ReLU())
    head = nn.Linear(64, 6)
    opt = torch.optim.Adam([*net.parameters(), *head.parameters()], lr=2e-3)
    with watch() as seen:
        for _ in range(200):
            i = torch.randint(0, 600, (32,))
            out = head(net(images[i]))
            loss = F.smooth_l1_loss(out[:, :4], boxes[i], beta=0.1) * 4
            loss = loss + F.cross_entropy(out[:, 4:], kinds[i])
            opt.zero_grad()
            loss.backward()
            opt.step()
            seen.step(loss)


@healthy("normalising flow (planar)")
def planar_flow(watch: Watch) -> None:
    data = torch.randn(3000, 2)
    data[:, 1] = 0.3 * data[:, 1] + data[:, 0] ** 2 / 3
    u = nn.Parameter(0.1 * torch.randn(6, 2))
    w = nn.Parameter(0.5 * torch.randn(6, 2))
    b = nn.Parameter(torch.zeros(6))
    opt = torch.optim.Adam([u, w, b], lr=1e-2)
    with watch() as seen:
        for _ in range(250):
            z, log_det = data[torch.randint(0, 3000, (128,))], torch.zeros(128)
            for k in range(6):
                act = (z @ w[k] + b[k]).tanh()
                log_det = log_det + (1 + (1 - act**2) * (u[k] @ w[k])).abs().add(1e-6).log()
                z = z + act[:, None] * u[k]
            loss = (0.5 * (z**2).sum(1) - log_det).mean()
            opt.zero_grad()
            loss.backward()
            opt.step()
            seen.step(loss)


@healthy("score matching")
def noise_at_many_levels(watch: Watch) -> None:
    data = torch.randn(2000, 2) * 0.2 + F.one_hot(torch.randint(0, 2, (2000,)), 2) * 2
    net = nn.Sequential(nn.Linear(3, 64), nn.SiLU(), nn.Linear(64, 64), nn.SiLU(), nn.Linear(64, 2))
    opt = torch.optim.Adam(net.parameters(), lr=2e-3)
    sigmas = torch.logspace(-1.5, 0.3, 10)
    with watch() as seen:
        for _ in range(300):
            x = data[torch.randint(0, 2000, (128,))]
            sigma = sigmas[torch.randint(0, 10, (128, 1))]
            eps = torch.randn_like(x)
            score = net(torch.cat([x + sigma * eps, sigma.log()], 1)) / sigma
            loss = ((sigma * score + eps) ** 2).sum(1).mean()
            opt.zero_grad()
            loss.backward()
            opt.step()
            seen.step(loss)


@healthy("adversarial (WGAN, clipped)")
def clipped_critic(watch: Watch) -> None:
    real_data = torch.randn(4000, 2) * torch.tensor([1.0, 0.2]) + 1
    generator = nn.Sequential(nn.Linear(4, 32), nn.ReLU(), nn.Linear(32, 2))
    critic = nn.Sequential(nn.Linear(2, 32), nn.LeakyReLU(0.2), nn.Linear(32, 1))
    opt_g = torch.optim.RMSprop(generator.parameters(), lr=5e-4)
    opt_c = torch.optim.RMSprop(critic.parameters(), lr=5e-4)
    with watch() as seen:
        for _ in range(120):
            for _ in range(4):
                opt_c.zero_grad()
                real = real_data[torch.randint(0, 4000, (64,))]
                fake = generator(torch.randn(64, 4)).detach()
                loss_c = critic(fake).mean() - critic(real).mean()
                loss_c.backward()
                opt_c.step()
                for p in critic.parameters():
                    p.data.clamp_(-0.1, 0.1)
            opt_g.zero_grad()
            loss_g = -critic(generator(torch.randn(64, 4))).mean()
            loss_g.backward()
            opt_g.step()
            seen.step(loss_c)


@healthy("reinforcement (SAC)")
def soft_actor_critic(watch: Watch) -> None:
    """One-step problems: the best action is the product of two parts of the state."""
    actor = nn.Sequential(nn.Linear(3, 32), nn.ReLU(), nn.Linear(32, 2))
    q1, q2 = (nn.Sequential(nn.Linear(4, 32), nn.ReLU(), nn.Linear(32, 1)) for _ in range(2))
    opt_a = torch.optim.Adam(actor.parameters(), lr=1e-3)
    opt_q = torch.optim.Adam([*q1.parameters(), *q2.parameters()], lr=2e-3)

    def act(state):
        mean, log_std = actor(state).chunk(2, 1)
        dist = Normal(mean, log_std.clamp(-4, 1).exp())
        raw = dist.rsample()
        action = raw.tanh()
        return action, (dist.log_prob(raw) - (1 - action**2 + 1e-6).log()).sum(1)

    with watch() as seen:
        for _ in range(200):
            state = torch.randn(64, 3)
            with torch.no_grad():
                action, _ = act(state)
            reward = -((action - (state[:, :1] * state[:, 1:2]).tanh()) ** 2).squeeze(1)
            pair = torch.cat([state, action], 1)
            loss_q = F.mse_loss(q1(pair).squeeze(1), reward) + F.mse_loss(
                q2(pair).squeeze(1), reward
            )
            opt_q.zero_grad()
            loss_q.backward()
            opt_q.step()
            action, log_p = act(state)
            pair = torch.cat([state, action], 1)
            loss_a = (0.05 * log_p - torch.min(q1(pair), q2(pair)).squeeze(1)).mean()
            opt_a.zero_grad()
            loss_a.backward()
            opt_a.step()
            seen.step(loss_q)


@healthy("translation (nn.Transformer)")
def transformer_of_the_tutorial(watch: Watch) -> None:
    """Digits are written behind one another, each one more than in the question."""
    source = torch.randint(2, 10, (3000, 6))
    answer = torch.cat([torch.ones(3000, 1, dtype=torch.long), source + 1], 1)
    emb, pos = nn.Embedding(12, 32), nn.Parameter(0.1 * torch.randn(8, 32))
    model = nn.Transformer(32, 2, 1, 1, 64, dropout=0.0, batch_first=True)
    out = nn.Linear(32, 12)
    parameters = [*emb.parameters(), pos, *model.parameters(), *out.parameters()]
    opt = torch.optim.Adam(parameters, lr=1e-3, betas=(0.9, 0.98), eps=1e-9)
    mask = nn.Transformer.generate_square_subsequent_mask(6)
    with watch() as seen:
        for _ in range(200):
            i = torch.randint(0, 3000, (64,))
            src, tgt, goal = source[i], answer[i, :-1], answer[i, 1:]
            decoded = model(emb(src) + pos[:6], emb(tgt) + pos[:6], tgt_mask=mask)
            loss = F.cross_entropy(out(decoded).reshape(-1, 12), goal.reshape(-1))
            opt.zero_grad()
            loss.backward()
            opt.step()
            seen.step(loss)


@healthy("speech-like (CTC, recurrent)")
def recurrent_ctc(watch: Watch) -> None:
    codes = torch.randn(6, 8)
    labels = torch.randint(1, 6, (500, 4))
    frames = codes[labels].repeat_interleave(4, 1) + 0.2 * torch.randn(500, 16, 8)
    rnn, out = nn.GRU(8, 24, bidirectional=True), nn.Linear(48, 6)
    opt = torch.optim.Adam([*rnn.parameters(), *out.parameters()], lr=5e-3)
    ctc = nn.CTCLoss(zero_infinity=True)
    with watch() as seen:
        for _ in range(150):
            i = torch.randint(0, 500, (32,))
            logs = out(rnn(frames[i].transpose(0, 1))[0]).log_softmax(2)
            loss = ctc(logs, labels[i], torch.full((32,), 16), torch.full((32,), 4))
            opt.zero_grad()
            loss.backward()
            opt.step()
            seen.step(loss)


@healthy("graph attention")
def graph_attention(watch: Watch) -> None:
    count = 300
    group = torch.randint(0, 3, (count,))
    x = F.one_hot(group, 3) + 1.5 * torch.randn(count, 3)
    near = (torch.rand(count, count) < torch.where(group[:, None] == group, 0.1, 0.01)).float()
    near = ((near + near.t() + torch.eye(count)) > 0).float()
    w, a = nn.Linear(3, 16, bias=False), nn.Parameter(0.1 * torch.randn(2, 16))
    out = nn.Linear(16, 3)
    train = torch.rand(count) < 0.5
    opt = torch.optim.Adam([*w.parameters(), a, *out.parameters()], lr=5e-3)
    with watch() as seen:
        for _ in range(200):
            h = w(x)
            scores = F.leaky_relu((h @ a[0])[:, None] + (h @ a[1])[None], 0.2)
            shares = scores.masked_fill(near == 0, -1e9).softmax(1)
            logits = out(F.elu(shares @ h))
            loss = F.cross_entropy(logits[train], group[train])
            opt.zero_grad()
            loss.backward()
            opt.step()
            seen.step(loss)


@healthy("recommendation (two towers, BPR)")
def two_towers(watch: Watch) -> None:
    taste, style = torch.randn(150, 4), torch.randn(120, 4)
    liked = (taste @ style.t()).topk(10, dim=1).indices
    users, items = nn.Embedding(150, 12), nn.Embedding(120, 12)
    opt = torch.optim.Adam([*users.parameters(), *items.parameters()], lr=5e-3, weight_decay=1e-5)
    with watch() as seen:
        for _ in range(300):
            u = torch.randint(0, 150, (128,))
            good, other = liked[u, torch.randint(0, 10, (128,))], torch.randint(0, 120, (128,))
            better = (users(u) * items(good)).sum(1) - (users(u) * items(other)).sum(1)
            loss = -F.logsigmoid(better).mean()
            opt.zero_grad()
            loss.backward()
            opt.step()
            seen.step(loss)


@healthy("contrastive (pictures and labels, sigmoid)")
def pictures_and_words(watch: Watch) -> None:
    x, y = digits()
    picture = nn.Sequential(nn.Linear(784, 64), nn.ReLU(), nn.Linear(64, 16))
    word = nn.Embedding(10, 16)
    scale, bias = nn.Parameter(torch.tensor(2.0)), nn.Parameter(torch.tensor(-4.0))
    opt = torch.optim.AdamW([*picture.parameters(), *word.parameters(), scale, bias], lr=2e-3)
    with watch() as seen:
        for _ in range(200):
            i = torch.randint(0, 5000, (40,))
            a, b = F.normalize(picture(x[i]), dim=1), F.normalize(word(y[i]), dim=1)
            logits = scale.exp() * a @ b.t() + bias
            same = 2 * (y[i][:, None] == y[i]).float() - 1
            loss = -F.logsigmoid(same * logits).sum() / 40
            opt.zero_grad()
            loss.backward()
            opt.step()
            seen.step(loss)


@healthy("adapters (LoRA in a transformer)")
def lora_in_attention(watch: Watch) -> None:
    class Lora(nn.Module):
        def __init__(self, base: nn.Linear) -> None:
            super().__init__()
            self.base = base.requires_grad_(False)
            self.a = nn.Parameter(torch.randn(4, base.in_features) / 4)
            self.b = nn.Parameter(torch.zeros(base.out_features, 4))

        def forward(self, x):
            return self.base(x) + x @ self.a.t() @ self.b.t()

    rows = names()
    emb, mix, out = nn.Embedding(27, 32), nn.Linear(32 * 3, 64), nn.Linear(64, 27)

    def contexts(rows):
        padded = F.pad(rows, (3, 0))
        places = torch.randint(0, 8, (len(rows),))
        index = places[:, None] + torch.arange(4)
        window = padded.gather(1, index)
        return window[:, :3], window[:, 3]

    base = nn.ModuleList([emb, mix, out])
    opt = torch.optim.Adam(base.parameters(), lr=5e-3)
    for _ in range(200):
        x, y = contexts(rows[torch.randint(0, 4000, (64,))])
        opt.zero_grad()
        F.cross_entropy(out(mix(emb(x).flatten(1)).tanh()), y).backward()
        opt.step()
    base.requires_grad_(False)
    mix, out = Lora(mix), Lora(out)
    tuned = [p for m in (mix, out) for p in m.parameters() if p.requires_grad]
    opt = torch.optim.AdamW(tuned, lr=2e-3)
    vowels = rows[torch.isin(rows[:, 0], torch.tensor([1, 5, 9, 15, 21]))]
    with watch() as seen:
        for _ in range(250):
            x, y = contexts(vowels[torch.randint(0, len(vowels), (64,))])
            loss = F.cross_entropy(out(mix(emb(x).flatten(1)).tanh()), y)
            opt.zero_grad()
            loss.backward()
            opt.step()
            seen.step(loss)


@healthy("deep equilibrium")
def fixed_point(watch: Watch) -> None:
    x, y = clusters()
    w, u, out = nn.Linear(32, 32), nn.Linear(16, 32), nn.Linear(32, 5)
    with torch.no_grad():
        w.weight.mul_(0.5)
    opt = torch.optim.Adam(nn.ModuleList([w, u, out]).parameters(), lr=2e-3)
    with watch() as seen:
        for _ in range(200):
            i = torch.randint(0, 3000, (64,))
            given = u(x[i])
            with torch.no_grad():
                z = torch.zeros(64, 32)
                for _ in range(10):
                    z = (w(z) + given).tanh()
            z = (w(z) + given).tanh()
            loss = F.cross_entropy(out(z), y[i])
            opt.zero_grad()
            loss.backward()
            opt.step()
            seen.step(loss)


@healthy("physics-informed (inverse problem)")
def unknown_damping(watch: Watch) -> None:
    t_data = torch.linspace(0, 4, 40)[:, None]
    u_data = (-0.3 * t_data).exp() * (2 * t_data).cos()
    net = nn.Sequential(nn.Linear(1, 32), nn.Tanh(), nn.Linear(32, 32), nn.Tanh(), nn.Linear(32, 1))
    damping = nn.Parameter(torch.tensor(0.0))
    optimizer = torch.optim.Adam([*net.parameters(), damping], lr=3e-3)
    with watch() as seen:
        for _ in range(250):
            optimizer.zero_grad()
            t = (4 * torch.rand(64, 1)).requires_grad_(True)
            u = net(t)
            du = torch.autograd.grad(u, t, torch.ones_like(u), create_graph=True)[0]
            ddu = torch.autograd.grad(du, t, torch.ones_like(du), create_graph=True)[0]
            physics = (ddu + 2 * damping * du + 4.09 * u).pow(2).mean()
            loss = F.mse_loss(net(t_data), u_data) + 0.02 * physics
            loss.backward()
            optimizer.step()
            seen.step(loss)


@healthy("forecast (quantiles, recurrent)")
def quantile_forecast(watch: Watch) -> None:
    t = torch.arange(4000) / 12
    series = t.sin() + 0.5 * (0.37 * t).cos() + 0.2 * torch.randn(4000)
    gru, out = nn.GRU(1, 24, batch_first=True), nn.Linear(24, 3)
    levels = torch.tensor([0.1, 0.5, 0.9])
    opt = torch.optim.Adam([*gru.parameters(), *out.parameters()], lr=4e-3)
    with watch() as seen:
        for _ in range(200):
            start = torch.randint(0, 3970, (48,))
            window = series[start[:, None] + torch.arange(25)]
            guess = out(gru(window[:, :24, None])[0][:, -1])
            error = window[:, 24:] - guess
            loss = torch.max(levels * error, (levels - 1) * error).mean()
            opt.zero_grad()
            loss.backward()
            opt.step()
            seen.step(loss)


@healthy("trainer with callbacks")
def trainer_with_callbacks(watch: Watch) -> None:
    class Callback:
        def on_epoch_end(self, trainer):
            trainer.history.append(trainer.running / trainer.count)

    class Trainer:
        def __init__(self, model, optimizer, loss_fn, callbacks):
            self.model, self.optimizer, self.loss_fn = model, optimizer, loss_fn
            self.callbacks, self.history = callbacks, []

        def _step(self, batch):
            inputs, labels = batch
            self.optimizer.zero_grad(set_to_none=True)
            loss = self.loss_fn(self.model(inputs), labels)
            loss.backward()
            self.optimizer.step()
            return loss.detach()

        def fit(self, loader, held, epochs, seen):
            for _ in range(epochs):
                self.model.train()
                self.running, self.count = 0.0, 0
                for batch in loader:
                    loss = self._step(batch)
                    self.running, self.count = self.running + loss.item(), self.count + 1
                    seen.step(loss)
                self.model.eval()
                with torch.inference_mode():
                    inputs, labels = held
                    seen.validate(self.loss_fn(self.model(inputs), labels))
                for callback in self.callbacks:
                    callback.on_epoch_end(self)

    x, y = clusters()
    loader = DataLoader(TensorDataset(x[:2500], y[:2500]), batch_size=50, shuffle=True)
    model = nn.Sequential(nn.Linear(16, 48), nn.ReLU(), nn.Dropout(0.1), nn.Linear(48, 5))
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
    trainer = Trainer(model, optimizer, nn.CrossEntropyLoss(), [Callback()])
    with watch() as seen:
        trainer.fit(loader, (x[2500:], y[2500:]), 5, seen)


@healthy("averaged weights (SWALR)")
def averaged_with_swalr(watch: Watch) -> None:
    x, y = digits()
    model = nn.Sequential(nn.Linear(784, 64), nn.ReLU(), nn.Linear(64, 10))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    swa_model = AveragedModel(model)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=6)
    swa_scheduler = SWALR(optimizer, swa_lr=0.02, anneal_epochs=2)
    with watch() as seen:
        for epoch in range(8):
            for i in torch.randperm(4000).split(80):
                optimizer.zero_grad()
                loss = F.cross_entropy(model(x[i]), y[i])
                loss.backward()
                optimizer.step()
                seen.step(loss)
            if epoch >= 4:
                swa_model.update_parameters(model)
                swa_scheduler.step()
            else:
                scheduler.step()


@healthy("classification of sequences (packed)")
def packed_names(watch: Watch) -> None:
    """Whether a name ends with a vowel, by a GRU that sees no padding."""

    class Words(Dataset):
        def __init__(self) -> None:
            rows = names()[:3000]
            self.words = [row[: max(1, int((row > 0).sum()))] for row in rows]

        def __len__(self) -> int:
            return len(self.words)

        def __getitem__(self, place):
            word = self.words[place]
            return word, int(word[-1] in (1, 5, 9, 15, 21, 25))

    def collate(batch):
        words, labels = zip(*batch, strict=True)
        lengths = torch.tensor([len(word) for word in words])
        return pad_sequence(words, batch_first=True), lengths, torch.tensor(labels)

    loader = DataLoader(Words(), batch_size=50, shuffle=True, num_workers=0, collate_fn=collate)
    emb, gru, out = (
        nn.Embedding(27, 12, padding_idx=0),
        nn.GRU(12, 24, batch_first=True),
        nn.Linear(24, 2),
    )
    model = nn.ModuleList([emb, gru, out])
    optimizer = torch.optim.Adam(model.parameters(), lr=4e-3)
    with watch() as seen:
        for _ in range(4):
            for words, lengths, labels in loader:
                packed = pack_padded_sequence(
                    emb(words), lengths, batch_first=True, enforce_sorted=False
                )
                _, last = gru(packed)
                loss = F.cross_entropy(out(last[0]), labels)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                seen.step(loss)
