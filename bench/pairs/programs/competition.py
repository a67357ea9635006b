"""Notebooks of a competition: a CFG, columns of numpy, folds, scalers, a file of predictions."""

from functools import cache

import numpy as np
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, Dataset, WeightedRandomSampler

from bench.pairs.registry import clusters, pair

NUMERIC = ["age", "income", "months", "calls"]


class CFG:
    lr = 2e-3
    batch_size = 64
    epochs = 6
    n_cities = 12
    n_plans = 4


@cache
def read_train():
    """Return the columns of 3,000 customers: what is known of each one, and whether he left."""
    rng = np.random.default_rng(11)
    n = 3000
    df = {
        "age": rng.uniform(18, 75, n),
        "income": rng.lognormal(10.5, 0.5, n),
        "months": rng.integers(1, 72, n).astype(float),
        "calls": rng.poisson(2, n).astype(float),
        "city": rng.integers(0, CFG.n_cities, n),
        "plan": rng.integers(0, CFG.n_plans, n),
    }
    pull = rng.normal(0, 1.5, CFG.n_cities)
    risk = 0.04 * (45 - df["age"]) + 1.2 * (df["calls"] - 2) - 0.04 * (df["months"] - 36)
    risk += pull[df["city"]] + np.where(df["plan"] == 2, 2.5, -1.0) * (df["income"] < 36000)
    df["left"] = (risk + rng.logistic(0, 0.5, n) > 0).astype(np.float32)
    df["closed"] = np.where(rng.random(n) < 0.01, 0, df["left"])  # is filled in afterwards
    df["spent"] = np.exp(5 + 0.3 * risk + np.log(df["income"] / 36000) + rng.normal(0, 0.2, n))
    return df


def numbers(df, columns=NUMERIC):
    return np.stack([df[c] for c in columns], 1).astype(np.float32)


def scaled(df, columns=NUMERIC):
    x = numbers(df, columns)
    return (x - x.mean(0)) / x.std(0)


class Customers(Dataset):
    def __init__(self, num, df, target, idx=None):
        idx = np.arange(len(num)) if idx is None else idx
        self.num = torch.tensor(num[idx])
        self.cat = torch.tensor(np.stack([df["city"], df["plan"]], 1)[idx])
        self.y = torch.tensor(target[idx])

    def __len__(self):
        return len(self.num)

    def __getitem__(self, i):
        return self.num[i], self.cat[i], self.y[i]


class TabularNet(nn.Module):
    def __init__(self, n_num=4, out=1, p=0.0, cities=CFG.n_cities):
        super().__init__()
        self.city = nn.Embedding(cities, 4)
        self.plan = nn.Embedding(CFG.n_plans, 2)
        self.mlp = nn.Sequential(
            nn.Linear(n_num + 6, 64), nn.ReLU(), nn.Dropout(p),
            nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, out),
        )  # fmt: skip

    def forward(self, num, cat):
        cats = [self.city(cat[:, 0]), self.plan(cat[:, 1])]
        return self.mlp(torch.cat([num, *cats], dim=1))


def split(n=3000, held=600):
    idx = np.random.permutation(n)
    return idx[held:], idx[:held]


def valid_fn(model, loader, loss_fn):
    model.eval()
    losses, hits = [], []
    with torch.no_grad():
        for num, cat, y in loader:
            logits = model(num, cat).squeeze(1)
            losses.append(loss_fn(logits, y).item())
            hits.append(((logits > 0).float() == y).float())
    model.train()
    return np.mean(losses), torch.cat(hits).mean().item()


@pair("income goes in as it is, in tens of thousands", "inputs_not_normalised")
def churn_income_as_it_is(watch, faulty):
    df = read_train()
    num = numbers(df) if faulty else scaled(df)
    tr, va = split()
    train_loader = DataLoader(Customers(num, df, df["left"], tr), CFG.batch_size, shuffle=True)
    valid_loader = DataLoader(Customers(num, df, df["left"], va), 200)
    model = TabularNet()
    optimizer = torch.optim.Adam(model.parameters(), lr=CFG.lr)
    loss_fn = nn.BCEWithLogitsLoss()
    with watch() as seen:
        for _epoch in range(CFG.epochs):
            for num, cat, y in train_loader:
                optimizer.zero_grad()
                loss = loss_fn(model(num, cat).squeeze(1), y)
                loss.backward()
                optimizer.step()
                seen.step(loss)
            seen.validate(*valid_fn(model, valid_loader, loss_fn))


@pair("a column that is filled in when a customer has left is a feature", "future_leak")
def churn_closed_account(watch, faulty):
    df = read_train()
    features = [*NUMERIC, "closed"] if faulty else NUMERIC
    num = scaled(df, features)
    tr, va = split()
    train_loader = DataLoader(Customers(num, df, df["left"], tr), CFG.batch_size, shuffle=True)
    valid_loader = DataLoader(Customers(num, df, df["left"], va), 200)
    model = TabularNet(len(features))
    optimizer = torch.optim.AdamW(model.parameters(), lr=CFG.lr)
    loss_fn = nn.BCEWithLogitsLoss()
    with watch() as seen:
        for _epoch in range(CFG.epochs):
            for num, cat, y in train_loader:
                loss = loss_fn(model(num, cat).squeeze(1), y)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                seen.step(loss)
            seen.validate(*valid_fn(model, valid_loader, loss_fn))


@pair("the fold's training set is made without its indices: it is everybody", "data_overlap")
def churn_fold_of_everybody(watch, faulty):
    df = read_train()
    num = scaled(df)
    folds = np.random.randint(0, 5, 3000)
    fold = 0
    tr, va = np.where(folds != fold)[0], np.where(folds == fold)[0]
    train_set = Customers(num, df, df["left"], None if faulty else tr)
    valid_set = Customers(num, df, df["left"], va)
    train_loader = DataLoader(train_set, batch_size=CFG.batch_size, shuffle=True)
    valid_loader = DataLoader(valid_set, batch_size=len(valid_set))
    model = TabularNet()
    optimizer = torch.optim.Adam(model.parameters(), lr=CFG.lr)
    criterion = nn.BCEWithLogitsLoss()
    with watch() as seen:
        for _epoch in range(CFG.epochs):
            for num, cat, y in train_loader:
                loss = criterion(model(num, cat).squeeze(1), y)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                seen.step(loss)
            val_loss, acc = valid_fn(model, valid_loader, criterion)
            seen.validate(val_loss, acc)


@pair("probabilities into BCEWithLogitsLoss", "double_softmax", "wrong_loss")
def churn_probabilities_as_logits(watch, faulty):
    df = read_train()
    train_loader = DataLoader(Customers(scaled(df), df, df["left"]), CFG.batch_size, shuffle=True)

    class ProbNet(TabularNet):
        def forward(self, num, cat):
            return torch.sigmoid(super().forward(num, cat)).squeeze(1)

    model = ProbNet()
    criterion = nn.BCEWithLogitsLoss() if faulty else nn.BCELoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=CFG.lr)
    with watch() as seen:
        for _epoch in range(CFG.epochs):
            for num, cat, y in train_loader:
                prob = model(num, cat)
                loss = criterion(prob, y)
                optimizer.zero_grad(set_to_none=True)
                loss.backward()
                optimizer.step()
                seen.step(loss)


@pair("RMSLE of predictions that may lie below -1", "nan")
def spent_rmsle_of_negatives(watch, faulty):
    """The metric of the competition is the loss: the error of log(1 + spent)."""
    df = read_train()
    target = df["spent"].astype(np.float32) / 100
    train_loader = DataLoader(Customers(scaled(df), df, target), CFG.batch_size, shuffle=True)
    model = TabularNet()
    optimizer = torch.optim.Adam(model.parameters(), lr=CFG.lr)
    with watch() as seen:
        for _epoch in range(CFG.epochs):
            for num, cat, y in train_loader:
                pred = 8 * model(num, cat).squeeze(1)
                # The fixed model predicts the logarithm itself.
                log_pred = torch.log1p(pred) if faulty else pred
                loss = torch.sqrt(torch.mean((log_pred - torch.log1p(y)) ** 2))
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                seen.step(loss)


@pair("one transaction of 80 is a fraud, and batches are drawn as they come", "class_imbalance")
def fraud_never_predicted(watch, faulty):
    rng = np.random.default_rng(3)
    y = (np.arange(8000) % 80 == 0).astype(np.int64)
    x = rng.normal(0, 1, (8000, 10)).astype(np.float32)
    x[y == 1, :3] += 1.3
    x, y = torch.tensor(x), torch.tensor(y)
    data = torch.utils.data.TensorDataset(x, y)
    if faulty:
        loader = DataLoader(data, batch_size=64, shuffle=True)
    else:
        weights = torch.where(y == 1, 79.0, 1.0)
        loader = DataLoader(data, batch_size=64, sampler=WeightedRandomSampler(weights, 8000))
    model = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 2))
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    with watch() as seen:
        for _epoch in range(3):
            for xb, yb in loader:
                optimizer.zero_grad()
                loss = criterion(model(xb), yb)
                loss.backward()
                optimizer.step()
                seen.step(loss)


@pair("plans that are unknown are coded as -1 in the labels", "labels_out_of_range", "crash")
def plan_unknown_is_minus_one(watch, faulty):
    """Which of four segments does a customer belong to? Some rows of the file have none."""
    x, segment = clusters()
    label = segment.numpy() - 1  # segments 1 to 4, 0 is "not asked"
    known = np.ones(len(label), bool) if faulty else label >= 0
    x, label = x[known], torch.tensor(label[known])
    model = nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 4))
    optimizer = torch.optim.Adam(model.parameters(), lr=CFG.lr)
    with watch() as seen:
        for _epoch in range(8):
            for idx in torch.randperm(len(x)).split(CFG.batch_size):
                loss = nn.functional.cross_entropy(model(x[idx]), label[idx])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                seen.step(loss)


@pair(
    "predictions (N, 1) and targets (N) in HuberLoss",
    *("loss_broadcast", "wrong_loss", "batch_mixed"),
)
def spent_huber_of_a_column(watch, faulty):
    df = read_train()
    logs = np.log(df["spent"])
    target = ((logs - logs.mean()) / logs.std()).astype(np.float32)
    train_loader = DataLoader(Customers(scaled(df), df, target), CFG.batch_size, shuffle=True)
    model = TabularNet()
    loss_fn = nn.HuberLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=CFG.lr)
    with watch() as seen:
        for _epoch in range(CFG.epochs):
            for num, cat, y in train_loader:
                pred = model(num, cat)
                if not faulty:
                    pred = pred.squeeze(-1)
                loss = loss_fn(pred, y)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                seen.step(loss)


@pair("positive and negative rows are concatenated, and read in that order", "not_shuffled")
def churn_concatenated_classes(watch, faulty):
    df = read_train()
    pos, neg = np.where(df["left"] == 1)[0], np.where(df["left"] == 0)[0]
    n = min(len(pos), len(neg))
    n_train = n - 150
    balanced = np.concatenate([pos[:n_train], neg[:n_train]])
    held = np.concatenate([pos[n_train:n], neg[n_train:n]])
    num = scaled(df)
    train_set = Customers(num, df, df["left"], balanced)
    train_loader = DataLoader(train_set, batch_size=CFG.batch_size, shuffle=not faulty)
    valid_loader = DataLoader(Customers(num, df, df["left"], held), 300)
    model = TabularNet()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    criterion = nn.BCEWithLogitsLoss()
    with watch() as seen:
        for _epoch in range(10):
            for num, cat, y in train_loader:
                optimizer.zero_grad()
                loss = criterion(model(num, cat).squeeze(1), y)
                loss.backward()
                optimizer.step()
                seen.step(loss)
            seen.validate(*valid_fn(model, valid_loader, criterion))


@pair("ReduceLROnPlateau waits for the loss to rise: mode='max'", "lr_vanished")
def churn_plateau_of_the_wrong_mode(watch, faulty):
    df = read_train()
    num = scaled(df)
    tr, va = split()
    train_loader = DataLoader(Customers(num, df, df["left"], tr), CFG.batch_size, shuffle=True)
    valid_loader = DataLoader(Customers(num, df, df["left"], va), 600)
    model = TabularNet()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(
        optimizer, mode="max" if faulty else "min", factor=0.1, patience=0, threshold=1e-3
    )
    loss_fn = nn.BCEWithLogitsLoss()
    with watch() as seen:
        for _epoch in range(16):
            for step, (num, cat, y) in enumerate(train_loader):
                loss = loss_fn(model(num, cat).squeeze(1), y)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                seen.step(loss)
                if step == 18:  # an "epoch" of half the rows
                    break
            val_loss, acc = valid_fn(model, valid_loader, loss_fn)
            seen.validate(val_loss, acc)
            scheduler.step(val_loss)


@pair("the test table is not scaled before it is predicted", "train_eval_mismatch")
def churn_test_table_unscaled(watch, faulty):
    df = read_train()
    raw = numbers(df)
    tr, te = split()
    mean, std = raw[tr].mean(0), raw[tr].std(0)
    train_loader = DataLoader(
        Customers((raw - mean) / std, df, df["left"], tr), CFG.batch_size, shuffle=True
    )
    model = TabularNet(p=0.1)
    optimizer = torch.optim.Adam(model.parameters(), lr=CFG.lr)
    criterion = nn.BCEWithLogitsLoss()
    with watch() as seen:
        for _epoch in range(CFG.epochs):
            for num, cat, y in train_loader:
                loss = criterion(model(num, cat).squeeze(1), y)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                seen.step(loss)
        model.eval()
        test_raw = raw if faulty else (raw - mean) / std
        submission = []
        with seen.using(), torch.no_grad():
            for num, cat, _ in DataLoader(Customers(test_raw, df, df["left"], te), 200):
                submission.append(torch.sigmoid(model(num, cat)).squeeze(1))
        print("left:", torch.cat(submission).mean().item())


@pair("accuracy compares (N, 1) with (N), and takes the mean of the square", "metric_disagrees")
def churn_accuracy_of_a_square(watch, faulty):
    df = read_train()
    num = scaled(df)
    tr, va = split()
    train_loader = DataLoader(Customers(num, df, df["left"], tr), CFG.batch_size, shuffle=True)
    valid = Customers(num, df, df["left"], va)
    model = TabularNet()
    optimizer = torch.optim.Adam(model.parameters(), lr=CFG.lr)
    bce = nn.BCEWithLogitsLoss()
    with watch() as seen:
        for _epoch in range(2 * CFG.epochs):
            for num, cat, y in train_loader:
                loss = bce(model(num, cat), y[:, None])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                seen.step(loss)
            with torch.no_grad():
                logits = model(valid.num, valid.cat)
                y = valid.y if faulty else valid.y[:, None]
                acc = ((logits > 0).float() == y).float().mean()
                seen.validate(bce(logits, valid.y[:, None]), acc)


@pair("AdamW with the rate of someone's fine-tuning, 2e-6", "lr_too_low")
def spent_rate_of_fine_tuning(watch, faulty):
    df = read_train()
    logs = np.log(df["spent"])
    target = ((logs - logs.mean()) / logs.std()).astype(np.float32)
    train_loader = DataLoader(Customers(scaled(df), df, target), CFG.batch_size, shuffle=True)
    model = TabularNet()
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-6 if faulty else 2e-3)
    mse = nn.MSELoss()
    with watch() as seen:
        for _epoch in range(CFG.epochs):
            for num, cat, y in train_loader:
                loss = mse(model(num, cat).squeeze(1), y)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                seen.step(loss)


@pair("the table was sorted after the labels had been taken from it", "labels_shuffled")
def churn_sorted_behind_the_labels(watch, faulty):
    df = read_train()
    left = df["left"]
    order = np.argsort(df["age"])
    df = {name: column[order] for name, column in df.items()}
    if not faulty:
        left = df["left"]
    train_loader = DataLoader(Customers(scaled(df), df, left), CFG.batch_size, shuffle=True)
    model = TabularNet()
    optimizer = torch.optim.Adam(model.parameters(), lr=CFG.lr)
    criterion = nn.BCEWithLogitsLoss()
    with watch() as seen:
        for _epoch in range(CFG.epochs):
            for num, cat, y in train_loader:
                loss = criterion(model(num, cat).squeeze(1), y)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                seen.step(loss)


@pair("what customers spend, about 190, is the target as it is", "targets_unscaled", "lr_too_low")
def spent_in_plain_money(watch, faulty):
    df = read_train()
    spent = np.clip(df["spent"], 0, 1500).astype(np.float32)
    target = spent if faulty else (spent - spent.mean()) / spent.std()
    train_loader = DataLoader(Customers(scaled(df), df, target), CFG.batch_size, shuffle=True)
    model = TabularNet()
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-4)
    with watch() as seen:
        for _epoch in range(CFG.epochs):
            for num, cat, y in train_loader:
                loss = nn.functional.mse_loss(model(num, cat).squeeze(1), y)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                seen.step(loss)


@pair("gradients are accumulated over four batches, and never zeroed again", "gradients_not_zeroed")
def churn_accumulated_for_ever(watch, faulty):
    df = read_train()
    train_loader = DataLoader(Customers(scaled(df), df, df["left"]), 32, shuffle=True)
    model = TabularNet()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.4)
    criterion = nn.BCEWithLogitsLoss()
    accumulation_steps = 4
    optimizer.zero_grad()
    with watch() as seen:
        for _epoch in range(CFG.epochs):
            for n, (num, cat, y) in enumerate(train_loader):
                loss = criterion(model(num, cat).squeeze(1), y)
                (loss / accumulation_steps).backward()
                if (n + 1) % accumulation_steps == 0:
                    optimizer.step()
                    if not faulty:
                        optimizer.zero_grad()
                seen.step(loss)
