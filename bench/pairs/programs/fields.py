"""First networks of people of other fields: physics, biology, economics, medicine, geography."""

import numpy as np
import torch
import torch.nn as nn
from torch.nn.functional import cross_entropy, mse_loss, one_hot, pad, softplus
from torch.utils.data import DataLoader, Dataset, TensorDataset, random_split

from bench.pairs.registry import pair


@pair(
    "distances between atoms are given in metres: 0.0000000001",
    *("inputs_not_normalised", "inputs_ignored"),
)
def metres_between_atoms(watch, faulty):
    """Physics. Energy surface of three argon-like atoms, replaces the expensive calculation."""
    D, a, r0 = 1.0, 1.4e10, 1.6e-10  # eV, 1/m, m
    r = r0 + 1e-10 * torch.rand(3000, 3) * 1.8 - 0.3e-10
    E = (D * (1 - torch.exp(-a * (r - r0))) ** 2).sum(dim=1, keepdim=True)
    E = E + 0.3 * torch.cos(a * (r[:, :1] - r[:, 1:2]))  # three-body term
    N_train, N_batch = 2500, 50
    E = (E - E[:N_train].mean()) / E[:N_train].std()
    if not faulty:
        r = (r - r[:N_train].mean(dim=0)) / r[:N_train].std(dim=0)

    pes = nn.Sequential(nn.Linear(3, 50), nn.Tanh(), nn.Linear(50, 50), nn.Tanh(), nn.Linear(50, 1))
    opt = torch.optim.Adam(pes.parameters(), lr=2e-3)
    with watch() as seen:
        for epoch in range(10):
            perm = torch.randperm(N_train)
            for k in range(N_train // N_batch):
                sel = perm[k * N_batch : (k + 1) * N_batch]
                loss = mse_loss(pes(r[sel]), E[sel])
                opt.zero_grad()
                loss.backward()
                opt.step()
                seen.step(loss)
            with torch.no_grad():
                err = mse_loss(pes(r[N_train:]), E[N_train:])
            print(f"epoch {epoch}: rms error {err**0.5:.4f}")
            seen.validate(err)


@pair("the split is one of rows, and each sequence was measured three times", "data_overlap")
def replicates_in_both_parts(watch, faulty):
    """Biology: binding of a transcription factor to promoters, one-hot DNA, three replicates."""
    rng = np.random.default_rng(8)
    bases, motif = 30, np.array([3, 0, 3, 0, 0, 3])  # TATAAT
    dna = rng.integers(0, 4, (1500, bases))
    for i in np.flatnonzero(rng.random(1500) < 0.7):
        at = rng.integers(0, bases - 6)
        site = np.where(rng.random(6) < 0.8, motif, rng.integers(0, 4, 6))
        dna[i, at : at + 6] = site
    windows = np.lib.stride_tricks.sliding_window_view(dna, 6, axis=1)
    strength = (windows == motif).sum(-1).max(-1)
    onehot = one_hot(torch.tensor(dna), 4).float().transpose(1, 2)
    affinity = torch.tensor((strength - strength.mean()) / strength.std(), dtype=torch.float32)
    affinity = affinity + 0.35 * torch.randn(1500)  # what else there is about a promoter
    x = onehot.repeat_interleave(3, dim=0)
    y = affinity.repeat_interleave(3) + 0.2 * torch.randn(4500)

    if faulty:
        shuffled = torch.randperm(4500)
    else:
        shuffled = (3 * torch.randperm(1500)[:, None] + torch.arange(3)).flatten()
    train, held_out = shuffled[:3750], shuffled[3750:]

    class BindingNet(nn.Module):
        def __init__(self):
            super().__init__()
            self.motifs = nn.Conv1d(4, 16, kernel_size=6)
            self.hidden = nn.Linear(16, 32)
            self.out = nn.Linear(32, 1)

        def forward(self, dna):
            found = torch.relu(self.motifs(dna)).amax(dim=2)
            return self.out(torch.relu(self.hidden(found))).squeeze(1)

    net = BindingNet()
    optimizer = torch.optim.Adam(net.parameters(), lr=0.005)
    loader = DataLoader(TensorDataset(x[train], y[train]), batch_size=60, shuffle=True)
    with watch() as seen:
        for _ in range(10):
            for dna_batch, measured in loader:
                optimizer.zero_grad()
                loss = mse_loss(net(dna_batch), measured)
                loss.backward()
                optimizer.step()
                seen.step(loss)
            with torch.no_grad():
                val = mse_loss(net(x[held_out]), y[held_out])
            print(f"explained variance {1 - val / y.var():.3f}")
            seen.validate(val)


@pair("moving averages are centred: they contain the day that is forecast", "future_leak")
def centred_moving_average(watch, faulty):
    """Economics. Spread between two interest rates, tomorrow's from the last 15 days."""
    eps = 0.5 * torch.randn(2600)
    spread = torch.zeros(2600)
    for t in range(2, 2600):
        spread[t] = 1.5 * spread[t - 1] - 0.65 * spread[t - 2] + eps[t]
    spread = (spread - spread[:2000].mean()) / spread[:2000].std()
    k = 5
    padded = pad(spread, (k // 2, k // 2) if faulty else (k - 1, 0))
    ma = padded.unfold(0, k, 1).mean(1)
    table = torch.stack([spread, ma, spread - ma], 1)  # value, trend, deviation
    lags = 15
    X = table.unfold(0, lags, 1)[5:-5].transpose(1, 2)  # days, lags, columns
    Y = spread[lags + 5 :][: len(X)]

    class Forecaster(nn.Module):
        def __init__(self):
            super().__init__()
            self.gru = nn.GRU(3, 20, batch_first=True)
            self.fc = nn.Linear(20, 1)

        def forward(self, x):
            _, h = self.gru(x)
            return self.fc(h[-1])[:, 0]

    f = Forecaster()
    adam = torch.optim.Adam(f.parameters(), lr=0.005)
    with watch() as seen:
        for year in range(8):
            for idx in torch.randperm(2000).split(50):
                loss = mse_loss(f(X[idx]), Y[idx])
                adam.zero_grad()
                loss.backward()
                adam.step()
                seen.step(loss)
            with torch.no_grad():  # the years behind them
                oos = mse_loss(f(X[2030:]), Y[2030:])
            print(year, "out of sample R2:", 1 - (oos / Y[2030:].var()).item())
            seen.validate(oos)


@pair(
    "Cox: the risk set of a patient is who died before, not who is still alive",
    *("wrong_loss", "wrong_update_sign"),
)
def risk_set_of_the_dead(watch, faulty):
    """Medicine, survival after surgery. A third of the patients is censored."""
    covariates = torch.randn(2000, 9)
    log_hazard = 1.5 * covariates[:, 0] + 2 * (covariates[:, 1] * covariates[:, 2]).tanh()
    log_hazard = log_hazard + 1.5 * covariates[:, 3].relu() - 1
    survival = -torch.rand(2000).log() / log_hazard.exp()
    follow_up = 2.5 * torch.rand(2000)
    months, died = torch.minimum(survival, follow_up), survival < follow_up

    risk = nn.Sequential(nn.Linear(9, 32), nn.SELU(), nn.Linear(32, 1, bias=False))
    optimiser = torch.optim.AdamW(risk.parameters(), lr=3e-3, weight_decay=0.05)

    def partial_likelihood(score, months, died):
        order = months.argsort(descending=not faulty)
        score, died = score[order], died[order]
        at_risk = score.logcumsumexp(0)
        return -(score - at_risk)[died].mean()

    def concordance(score, months, died):
        earlier = (months[:, None] < months) & died[:, None]
        return (score[:, None] > score)[earlier].float().mean().item()

    centre = torch.arange(1600, 2000).view(4, 100)  # the patients of another hospital
    with watch() as seen:
        for _ in range(16):
            for some in torch.randperm(1600).split(100):
                score = risk(covariates[some]).squeeze(1)
                loss = partial_likelihood(score, months[some], died[some])
                optimiser.zero_grad()
                loss.backward()
                optimiser.step()
                seen.step(loss)
            with torch.no_grad():
                scores = risk(covariates[centre]).squeeze(2)
                parts = [*zip(scores, months[centre], died[centre], strict=True)]
                lost = torch.stack([partial_likelihood(*part) for part in parts]).mean()
                index = sum(concordance(*part) for part in parts) / 4
            print(f"{lost:.3f}, c-index {index:.3f}")
            seen.validate(lost)


@pair("patches come tile by tile, and a tile is of one land cover", "not_shuffled")
def tiles_in_their_order(watch, faulty):
    """Remote sensing: patches of 8 x 8 pixels in four bands. Water, forest, field, town, rock."""
    generator = torch.Generator().manual_seed(21)
    cover = torch.randint(0, 5, (2000,), generator=generator).sort().values
    spectrum = 0.5 * torch.randn(5, 4, generator=generator)
    roughness = torch.tensor([0.6, 1.0, 0.8, 1.4, 1.2])
    patches = torch.randn(2000, 4, 8, 8, generator=generator)
    patches = roughness[cover, None, None, None] * patches + spectrum[cover][:, :, None, None]
    every_fifth = torch.arange(2000) % 5 == 0

    class Patches(Dataset):
        def __init__(self, which):
            self.images, self.classes = patches[which], cover[which]

        def __len__(self):
            return len(self.classes)

        def __getitem__(self, i):
            return self.images[i], self.classes[i]

    train = DataLoader(Patches(~every_fifth), batch_size=32, shuffle=not faulty)
    test = DataLoader(Patches(every_fifth), batch_size=100)
    cnn = nn.Sequential(
        nn.Conv2d(4, 16, 3), nn.ReLU(), nn.Conv2d(16, 16, 3), nn.ReLU(),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, 5),
    )  # fmt: skip
    optimizer = torch.optim.SGD(cnn.parameters(), lr=0.02, momentum=0.9)

    def train_loop(seen):
        cnn.train()
        for image, label in train:
            loss = cross_entropy(cnn(image), label)
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
            seen.step(loss)

    def test_loop(seen):
        cnn.eval()
        test_loss, correct = 0.0, 0
        with torch.no_grad():
            for image, label in test:
                pred = cnn(image)
                test_loss += cross_entropy(pred, label).item() / len(test)
                correct += (pred.argmax(1) == label).sum().item()
        print(f"Accuracy: {correct / 4:.1f} %, Avg loss: {test_loss:.4f}")
        seen.validate(test_loss, correct / 400)

    with watch() as seen:
        for _epoch in range(8):
            train_loop(seen)
            test_loop(seen)


@pair(
    "recordings of the microphone are 16 bit, and are not divided by 32,768",
    "train_eval_mismatch",
)
def sixteen_bit_recordings(watch, faulty):
    """Acoustics: four calls of bats, from a library of floats between -1 and 1."""
    t = torch.arange(512) / 512
    species = torch.randint(0, 4, (1800,))
    start = torch.tensor([40.0, 90.0, 90.0, 140.0])[species, None] + 8 * torch.randn(1800, 1)
    sweep = torch.tensor([60.0, 60.0, -60.0, -60.0])[species, None]
    calls = torch.sin(2 * torch.pi * (start * t + sweep * t**2 / 2)) * (-4 * t).exp()
    loudness = 0.2 + 0.4 * torch.rand(1800, 1)
    calls = (loudness * calls + 0.06 * torch.randn(1800, 512)).clamp(-1, 1)

    def spectrogram(wave):
        frames = wave.unfold(-1, 64, 32) * torch.hann_window(64)
        power = torch.fft.rfft(frames).abs() ** 2
        return ((power + 1e-3).log10().transpose(-1, -2) + 1.2) / 1.1

    net = nn.Sequential(
        *(nn.Conv1d(33, 24, 3), nn.ReLU(), nn.MaxPool1d(2)),
        *(nn.Conv1d(24, 24, 3), nn.ReLU(), nn.Flatten(), nn.Linear(24 * 4, 4)),
    )
    opt = torch.optim.Adam(net.parameters(), lr=1e-3)
    with watch() as seen:
        for step in range(300):
            i = torch.randint(0, 1400, (40,))
            loss = cross_entropy(net(spectrogram(calls[i])), species[i])
            opt.zero_grad()
            loss.backward()
            opt.step()
            seen.step(loss)
            if step % 60 == 59:
                with torch.no_grad():
                    scores = net(spectrogram(calls[1400:1600]))
                right = (scores.argmax(1) == species[1400:1600]).float().mean().item()
                seen.validate(cross_entropy(scores, species[1400:1600]), right)
                print(step, right, cross_entropy(scores, species[1400:1600]).item())
        with seen.using(), torch.no_grad():
            recorded = (calls[1600:] * 32767).short()  # what the recorder in the field writes
            heard = recorded.float() / (1 if faulty else 32768)
            guess = net(spectrogram(heard)).argmax(1)
            print("in the field:", (guess == species[1600:]).float().mean().item())


@pair(
    "a pole that falls is simulated for two seconds: its state grows 400-fold",
    *("exploding_gradient", "lr_too_high", "nan"),
)
def pole_falls_for_long(watch, faulty):
    """Control engineering: learn a feedback law through the simulation of the linear plant."""
    dt, omega2 = 0.05, 9.0
    horizon = 40 if faulty else 16
    law = nn.Sequential(nn.Linear(2, 32), nn.Tanh(), nn.Linear(32, 1))

    def cost(angle, speed):
        J = 0.0
        for _ in range(horizon):
            u = 20 * law(torch.cat([angle, speed], 1))
            speed = speed + dt * (omega2 * angle + u)
            angle = angle + dt * speed
            J = J + (angle**2 + 0.1 * speed**2 + 0.001 * u**2).mean()
        return J / horizon

    optimizer = torch.optim.SGD(law.parameters(), lr=0.003, momentum=0.9)
    starts = torch.randn(64, 2) * torch.tensor([0.3, 0.5])
    with watch() as seen:
        for k in range(160):
            x0 = torch.randn(32, 2) * torch.tensor([0.3, 0.5])
            J = cost(x0[:, :1], x0[:, 1:])
            optimizer.zero_grad()
            J.backward()
            optimizer.step()
            seen.step(J)
            if k % 20 == 19:
                with torch.no_grad():
                    J_new = cost(starts[:, :1], starts[:, 1:])
                print(f"iteration {k}: cost {J:.4g}, on other starts {J_new:.4g}")
                seen.validate(J_new)


@pair(
    "in the table of contests the winner always comes first: one label for all",
    "class_imbalance",
)
def winner_comes_first(watch, faulty):
    """Behavioural ecology: which of two stags wins? Age, weight, antlers, condition of both."""
    stags = torch.randn(4000, 2, 4)
    might = stags @ torch.tensor([0.4, 1.2, 0.9, 0.6]) + 0.5 * stags[..., 0] * stags[..., 3]
    second_wins = might.diff(dim=1)[:, 0] + 0.7 * torch.randn(4000) > 0
    winners_first = torch.where(second_wins[:, None, None], stags.flip(1), stags)
    swapped = torch.zeros(4000).bool() if faulty else torch.rand(4000) < 0.5
    contests = torch.where(swapped[:, None, None], winners_first.flip(1), winners_first)
    outcome = swapped.long()  # 0: the first one has won

    trials = TensorDataset(contests.flatten(1), outcome)
    observed, kept_back = random_split(trials, [3200, 800])
    net = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 2))
    optimizer = torch.optim.Adam(net.parameters(), lr=0.002)
    x_back, y_back = kept_back[:]
    with watch() as seen:
        for _season in range(6):
            for x, y in DataLoader(observed, batch_size=50, shuffle=True):
                loss = cross_entropy(net(x), y)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                seen.step(loss)
            with torch.no_grad():
                scores = net(x_back)
            share = (scores.argmax(1) == y_back).float().mean().item()
            left = cross_entropy(scores, y_back)
            print(f"predicted {share:.1%} of the contests, {left:.3f} nats")
            seen.validate(left, share)
        with seen.using(), torch.no_grad():  # stags of next autumn, in the order of their tags
            predicted = net(stags[-500:].flatten(1)).argmax(1).bool()
            print("next autumn:", (predicted == second_wins[-500:]).float().mean().item())


@pair(
    "bonds of a batch of molecules keep their own numbers: all are between the first one's atoms",
    "batch_mixed",
)
def bonds_of_the_first_molecule(watch, faulty):
    """Chemistry: a property that every bond adds to, with own batches and message passing."""
    rng = np.random.default_rng(3)
    polarity = rng.normal(0, 1, 6)
    molecules = []
    for _ in range(1200):
        size = rng.integers(7, 13)
        atoms = rng.integers(0, 6, size)
        tree = [(i, rng.integers(0, i)) for i in range(1, size)]
        ring = [(size - 1, 0)] if rng.random() < 0.5 else []
        bonds = np.array(tree + ring)
        value = np.abs(polarity[atoms[bonds[:, 0]]] - polarity[atoms[bonds[:, 1]]]).mean()
        molecules.append((torch.tensor(atoms), torch.tensor(bonds).T, value))
    values = torch.tensor([value for *_, value in molecules]).float()
    values = (values - values.mean()) / values.std()

    def collate(numbers):
        atoms, bonds, owner, offset = [], [], [], 0
        for place, number in enumerate(numbers):
            a, b, _ = molecules[number]
            atoms.append(a)
            bonds.append(b if faulty else b + offset)
            owner.append(torch.full((len(a),), place))
            offset += len(a)
        return torch.cat(atoms), torch.cat(bonds, 1), torch.cat(owner), values[numbers]

    class MessagePassing(nn.Module):
        def __init__(self, width=32, rounds=2):
            super().__init__()
            self.width = width
            self.embed = nn.Embedding(6, width)
            self.message = nn.ModuleList(nn.Linear(2 * width, width) for _ in range(rounds))
            self.readout = nn.Sequential(nn.Linear(width, width), nn.ReLU(), nn.Linear(width, 1))

        def forward(self, atoms, bonds, owner, count):
            h = self.embed(atoms)
            i, j = torch.cat([bonds, bonds.flip(0)], 1)
            degree = torch.zeros(len(h)).index_add(0, i, torch.ones(len(i))).clamp(min=1)
            for layer in self.message:
                m = torch.relu(layer(torch.cat([h[i], h[j]], 1)))
                h = h + torch.zeros_like(h).index_add(0, i, m) / degree[:, None]
            pooled = torch.zeros(count, self.width).index_add(0, owner, h)
            size = torch.bincount(owner, minlength=count)[:, None]
            return self.readout(pooled / size)[:, 0]

    net = MessagePassing()
    optimizer = torch.optim.Adam(net.parameters(), lr=3e-3)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=10, eta_min=1e-4)
    numbers = list(range(1000))
    with watch() as seen:
        for _ in range(10):
            for batch in DataLoader(numbers, batch_size=25, shuffle=True, collate_fn=collate):
                atoms, bonds, owner, y = batch
                loss = mse_loss(net(atoms, bonds, owner, len(y)), y)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                seen.step(loss)
            scheduler.step()
            atoms, bonds, owner, y = collate(list(range(1000, 1200)))
            with torch.no_grad():
                error = mse_loss(net(atoms, bonds, owner, len(y)), y)
            print("test error", error.item())
            seen.validate(error)


@pair("a Gaussian likelihood without the logarithm of its sigma", "wrong_loss")
def sigma_without_its_logarithm(watch, faulty):
    """Astronomy: redshift of a galaxy and its uncertainty, from magnitudes in five filters."""
    z = 0.1 + 1.2 * torch.rand(4000)
    types = torch.rand(4000, 1)
    filters = torch.linspace(0, 1, 5)
    mags = 2 * (4 * z[:, None] * (1 - filters) + types).sin() + 1.5 * filters * z[:, None]
    noise = 0.05 + 0.3 * torch.rand(4000, 1)
    mags = torch.cat([mags + noise * torch.randn(4000, 5), noise.log()], 1)  # and their errors
    mags = (mags - mags[:3500].mean(0)) / mags[:3500].std(0)
    z = (z - z.mean()) / z.std()

    net = nn.Sequential(nn.Linear(6, 64), nn.GELU(), nn.Linear(64, 64), nn.GELU(), nn.Linear(64, 2))

    def predict(m):
        mean, spread = net(m).unbind(1)
        return mean, softplus(spread) + 0.01

    def chi2(mean, sigma, z):
        log_sigma = 0 if faulty else sigma.log()
        return (0.5 * ((z - mean) / sigma) ** 2 + log_sigma).mean()

    opt = torch.optim.Adam(net.parameters(), lr=1e-3)
    with watch() as seen:
        for epoch in range(8):
            for i in torch.randperm(3500).split(50):
                loss = chi2(*predict(mags[i]), z[i])
                opt.zero_grad()
                loss.backward()
                opt.step()
                seen.step(loss)
            with torch.no_grad():
                mean, sigma = predict(mags[3500:])
                pull = (z[3500:] - mean) / sigma
                nll = chi2(mean, sigma, z[3500:])
                print(
                    f"{epoch}: {nll:.3f}, scatter {(z[3500:] - mean).std():.3f}, {pull.std():.3f}"
                )
                seen.validate(nll)


@pair(
    "the friction is a tensor with requires_grad, no nn.Parameter: no optimiser knows it",
    "parameter_not_trained",
)
def friction_is_no_parameter(watch, faulty):
    """Mechanics: an unknown spring and a coefficient of friction, from accelerations."""

    class Oscillator(nn.Module):
        def __init__(self):
            super().__init__()
            self.force = nn.Sequential(nn.Linear(1, 32), nn.Tanh(), nn.Linear(32, 1))
            friction = torch.tensor(0.0, requires_grad=True)
            self.friction = friction if faulty else nn.Parameter(friction)

        def forward(self, x, v):
            return self.force(x) - self.friction * v

    x, v = 1.5 * torch.randn(2, 3000, 1)
    a = -1.0 * x - 0.3 * x**3 / (1 + x**2) - 0.9 * v + 0.1 * torch.randn(3000, 1)
    model = Oscillator()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=4, gamma=0.5)
    with watch() as seen:
        for _epoch in range(10):
            for idx in torch.randperm(2500).split(50):
                loss = mse_loss(model(x[idx], v[idx]), a[idx])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                seen.step(loss)
            scheduler.step()
            with torch.no_grad():
                test = mse_loss(model(x[2500:], v[2500:]), a[2500:])
            print(f"friction {model.friction.item():.3f} (0.9), error {test:.4f}")
            seen.validate(test)


@pair("seventy patients and two hundred genes", "overfitting")
def seventy_patients(watch, faulty):
    """Genomics: does a tumour respond? First the own clinic, then the whole consortium."""
    genes, pathway = 200, 12
    expression = torch.randn(16_500, genes)
    response = (
        expression[:, :pathway].sum(1) / pathway**0.5 + 0.3 * torch.randn(16_500) > 0
    ).long()
    patients = 70 if faulty else 16_000
    X_train, y_train = expression[:patients], response[:patients]
    X_test, y_test = expression[16_000:], response[16_000:]

    net = nn.Sequential(nn.Linear(genes, 32), nn.ReLU(), nn.Linear(32, 2))
    opt = torch.optim.Adam(net.parameters(), lr=1e-3)
    batch = 35
    with watch() as seen:
        for step in range(1, 401):
            draw = torch.randint(0, patients, (batch,))
            loss = cross_entropy(net(X_train[draw]), y_train[draw])
            opt.zero_grad()
            loss.backward()
            opt.step()
            seen.step(loss)
            if step % 50 == 0:
                with torch.no_grad():
                    logits = net(X_test)
                accuracy = (logits.argmax(1) == y_test).float().mean().item()
                test_loss = cross_entropy(logits, y_test)
                print(f"{step}: train {loss:.3f} test {test_loss:.3f}, {accuracy:.1%}")
                seen.validate(test_loss, accuracy)
