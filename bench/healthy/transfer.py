"""Healthy programs: contrastive, distillation, fine-tuning, self-supervision, meta-learning."""

import copy

import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

from bench.healthy.programs import Watch, clusters, digits, healthy


@healthy("contrastive (InfoNCE)")
def clip_of_two_views(watch: Watch) -> None:
    hidden = torch.randn(3000, 6)
    a = hidden @ torch.randn(6, 20) + 0.2 * torch.randn(3000, 20)
    b = hidden @ torch.randn(6, 12) + 0.2 * torch.randn(3000, 12)
    left = nn.Sequential(nn.Linear(20, 48), nn.ReLU(), nn.Linear(48, 16))
    right = nn.Sequential(nn.Linear(12, 48), nn.ReLU(), nn.Linear(48, 16))
    scale = nn.Parameter(torch.tensor(2.0))
    opt = torch.optim.AdamW([*left.parameters(), *right.parameters(), scale], lr=1e-3)
    with watch() as seen:
        for _ in range(400):
            i = torch.randint(0, 3000, (64,))
            za, zb = F.normalize(left(a[i]), dim=1), F.normalize(right(b[i]), dim=1)
            logits = scale.exp() * za @ zb.t()
            labels = torch.arange(64)
            loss = (F.cross_entropy(logits, labels) + F.cross_entropy(logits.t(), labels)) / 2
            opt.zero_grad()
            loss.backward()
            opt.step()
            seen.step(loss)


@healthy("contrastive (SimCLR)")
def simclr(watch: Watch) -> None:
    x = digits()[0]
    net = nn.Sequential(nn.Linear(784, 64), nn.BatchNorm1d(64), nn.ReLU(), nn.Linear(64, 16))
    opt = torch.optim.Adam(net.parameters(), lr=1e-3)

    def augment(batch):
        noisy = batch + 0.3 * torch.randn_like(batch)
        return noisy * (torch.rand_like(batch) > 0.2)

    with watch() as seen:
        for _ in range(200):
            batch = x[torch.randint(0, 5000, (48,))]
            z = F.normalize(net(torch.cat([augment(batch), augment(batch)])), dim=1)
            similar = z @ z.t() / 0.2
            similar = similar.masked_fill(torch.eye(96, dtype=torch.bool), -1e9)
            partner = torch.cat([torch.arange(48, 96), torch.arange(48)])
            loss = F.cross_entropy(similar, partner)
            opt.zero_grad()
            loss.backward()
            opt.step()
            seen.step(loss)


@healthy("metric learning (triplets)")
def triplets(watch: Watch) -> None:
    x, y = clusters()
    net = nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 4))
    opt = torch.optim.Adam(net.parameters(), lr=2e-3)
    of_class = [torch.where(y == k)[0] for k in range(5)]
    with watch() as seen:
        for _ in range(350):
            anchor = torch.randint(0, len(x), (48,))
            same = torch.tensor([int(of_class[y[i]][torch.randint(0, 300, ())]) for i in anchor])
            other = torch.tensor(
                [int(of_class[(y[i] + 1) % 5][torch.randint(0, 300, ())]) for i in anchor]
            )
            loss = F.triplet_margin_loss(net(x[anchor]), net(x[same]), net(x[other]))
            opt.zero_grad()
            loss.backward()
            opt.step()
            seen.step(loss)


@healthy("self-supervised (BYOL)")
def byol(watch: Watch) -> None:
    x, _ = clusters()
    online = nn.Sequential(nn.Linear(16, 48), nn.BatchNorm1d(48), nn.ReLU(), nn.Linear(48, 16))
    predictor = nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 16))
    target = copy.deepcopy(online)
    for p in target.parameters():
        p.requires_grad = False
    opt = torch.optim.Adam([*online.parameters(), *predictor.parameters()], lr=1e-3)
    with watch() as seen:
        for _ in range(350):
            batch = x[torch.randint(0, 3000, (64,))]
            one, two = (batch + 0.2 * torch.randn_like(batch) for _ in range(2))
            with torch.no_grad():
                aim = target(two)
            loss = 2 - 2 * F.cosine_similarity(predictor(online(one)), aim, dim=-1).mean()
            opt.zero_grad()
            loss.backward()
            opt.step()
            with torch.no_grad():
                for p, q in zip(online.parameters(), target.parameters(), strict=True):
                    q.lerp_(p, 0.02)
            seen.step(loss)


@healthy("distillation")
def teacher_and_student(watch: Watch) -> None:
    x, y = digits()
    teacher = nn.Sequential(nn.Linear(784, 96), nn.ReLU(), nn.Dropout(0.1), nn.Linear(96, 10))
    opt = torch.optim.Adam(teacher.parameters(), lr=1e-3)
    for i in torch.randperm(4000).repeat(2).split(100):
        opt.zero_grad()
        F.cross_entropy(teacher(x[i]), y[i]).backward()
        opt.step()
    teacher.eval()
    student = nn.Sequential(nn.Linear(784, 24), nn.ReLU(), nn.Linear(24, 10))
    optimizer = torch.optim.Adam(student.parameters(), lr=2e-3)
    temperature = 3.0
    with watch() as seen:
        for _ in range(5):
            for i in torch.randperm(4000).split(64):
                with torch.no_grad():
                    soft = F.softmax(teacher(x[i]) / temperature, 1)
                scores = student(x[i])
                logs = F.log_softmax(scores / temperature, 1)
                kd = F.kl_div(logs, soft, reduction="batchmean") * temperature**2
                loss = 0.7 * kd + 0.3 * F.cross_entropy(scores, y[i])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                seen.step(loss)


@healthy("distillation")
def match_a_frozen_teacher(watch: Watch) -> None:
    """The teacher's features are the targets; nobody set no_grad, its weights are frozen."""
    teacher = nn.Sequential(nn.Linear(16, 64), nn.Tanh(), nn.Linear(64, 8)).eval()
    teacher.requires_grad_(False)
    student = nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 8))
    opt = torch.optim.Adam(student.parameters(), lr=2e-3)
    x, _ = clusters()
    with watch() as seen:
        for _ in range(500):
            batch = x[torch.randint(0, 3000, (64,))]
            loss = F.mse_loss(student(batch), teacher(batch))
            opt.zero_grad()
            loss.backward()
            opt.step()
            seen.step(loss)


def _trained_backbone() -> nn.Sequential:
    x, y = digits()
    small = y < 5
    x, y = x[small], y[small]
    body = nn.Sequential(nn.Linear(784, 64), nn.BatchNorm1d(64), nn.ReLU(), nn.Linear(64, 32))
    body.append(nn.ReLU())
    head = nn.Linear(32, 5)
    opt = torch.optim.Adam([*body.parameters(), *head.parameters()], lr=2e-3)
    for _ in range(3):
        for i in torch.randperm(len(x)).split(64):
            opt.zero_grad()
            F.cross_entropy(head(body(x[i])), y[i]).backward()
            opt.step()
    return body


@healthy("fine-tuning with a frozen backbone")
def frozen_backbone(watch: Watch) -> None:
    x, y = digits()
    x, y = x[y >= 5], y[y >= 5] - 5
    model = _trained_backbone()
    for param in model.parameters():
        param.requires_grad = False
    model.eval()
    model.append(nn.Linear(32, 5))
    optimizer = torch.optim.SGD(model[-1].parameters(), lr=0.05, momentum=0.9)
    with watch() as seen:
        for _ in range(6):
            for xb, yb in DataLoader(TensorDataset(x, y), batch_size=50, shuffle=True):
                optimizer.zero_grad()
                loss = F.cross_entropy(model(xb), yb)
                loss.backward()
                optimizer.step()
                seen.step(loss)


@healthy("fine-tuning with discriminative rates")
def gradual_unfreezing(watch: Watch) -> None:
    x, y = digits()
    x, y = x[y >= 5], y[y >= 5] - 5
    body, head = _trained_backbone(), nn.Linear(32, 5)
    optimizer = torch.optim.Adam(
        [{"params": body.parameters(), "lr": 1e-4}, {"params": head.parameters(), "lr": 2e-3}]
    )
    with watch() as seen:
        for epoch in range(6):
            body.requires_grad_(epoch >= 2)
            for i in torch.randperm(len(x)).split(50):
                loss = F.cross_entropy(head(body(x[i])), y[i])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                seen.step(loss)


@healthy("fine-tuning by LoRA")
def low_rank_adapters(watch: Watch) -> None:
    class Lora(nn.Module):
        def __init__(self, base: nn.Linear, rank: int = 4) -> None:
            super().__init__()
            self.base = base.requires_grad_(False)
            self.a = nn.Parameter(torch.randn(rank, base.in_features) / base.in_features**0.5)
            self.b = nn.Parameter(torch.zeros(base.out_features, rank))

        def forward(self, x):
            return self.base(x) + x @ self.a.t() @ self.b.t()

    x, y = digits()
    x, y = x[y >= 5], y[y >= 5] - 5
    model = nn.Sequential(Lora(nn.Linear(784, 64)), nn.ReLU(), Lora(nn.Linear(64, 5)))
    trained = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=3e-3)
    with watch() as seen:
        for _ in range(300):
            i = torch.randint(0, len(x), (64,))
            loss = F.cross_entropy(model(x[i]), y[i])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            seen.step(loss)


@healthy("domain adaptation")
def gradient_reversal(watch: Watch) -> None:
    class Reverse(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x.view_as(x)

        @staticmethod
        def backward(ctx, grad):
            return -0.3 * grad

    x, y = clusters()
    shifted = x + 0.5
    body = nn.Sequential(nn.Linear(16, 48), nn.ReLU())
    label_head, domain_head = nn.Linear(48, 5), nn.Linear(48, 1)
    opt = torch.optim.Adam(nn.ModuleList([body, label_head, domain_head]).parameters(), lr=1e-3)
    with watch() as seen:
        for _ in range(400):
            i, j = torch.randint(0, 3000, (2, 48))
            both = torch.cat([x[i], shifted[j]])
            h = body(both)
            domain = torch.cat([torch.zeros(48), torch.ones(48)])
            of_label = F.cross_entropy(label_head(h[:48]), y[i])
            guess = domain_head(Reverse.apply(h)).squeeze(1)
            loss = of_label + F.binary_cross_entropy_with_logits(guess, domain)
            opt.zero_grad()
            loss.backward()
            opt.step()
            seen.step(loss)


@healthy("semi-supervised")
def pseudo_labels(watch: Watch) -> None:
    x, y = clusters()
    labelled = 300
    model = nn.Sequential(nn.Linear(16, 48), nn.ReLU(), nn.Dropout(0.2), nn.Linear(48, 5))
    opt = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    with watch() as seen:
        for _ in range(400):
            i, j = torch.randint(0, labelled, (32,)), torch.randint(labelled, 3000, (64,))
            weak = x[j] + 0.05 * torch.randn(64, 16)
            with torch.no_grad():
                sure, guess = F.softmax(model(weak), 1).max(1)
            strong = x[j] + 0.3 * torch.randn(64, 16)
            extra = F.cross_entropy(model(strong), guess, reduction="none")
            loss = F.cross_entropy(model(x[i]), y[i]) + (extra * (sure > 0.9)).mean()
            opt.zero_grad()
            loss.backward()
            opt.step()
            seen.step(loss)


@healthy("meta-learning")
def maml_of_sines(watch: Watch) -> None:
    w1, b1 = (0.8 * torch.randn(32, 1)).requires_grad_(), torch.zeros(32, requires_grad=True)
    w2, b2 = (0.2 * torch.randn(1, 32)).requires_grad_(), torch.zeros(1, requires_grad=True)
    params = [w1, b1, w2, b2]
    opt = torch.optim.Adam(params, lr=2e-3)

    def net(x, p):
        return F.linear(torch.tanh(F.linear(x, p[0], p[1])), p[2], p[3])

    with watch() as seen:
        for _ in range(250):
            total = 0.0
            for _ in range(4):
                high, phase = 0.5 + float(torch.rand(())), 3 * float(torch.rand(()))
                x = torch.rand(20, 1) * 6 - 3
                y = high * (x + phase).sin()
                inner = F.mse_loss(net(x[:10], params), y[:10])
                grads = torch.autograd.grad(inner, params, create_graph=True)
                quick = [p - 0.05 * g for p, g in zip(params, grads, strict=True)]
                total = total + F.mse_loss(net(x[10:], quick), y[10:])
            loss = total / 4
            opt.zero_grad()
            loss.backward()
            opt.step()
            seen.step(loss)
