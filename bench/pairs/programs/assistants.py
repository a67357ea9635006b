"""Programs as a coding assistant writes them: typed, documented, and well arranged."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint
from torch.utils.data import DataLoader, Sampler, TensorDataset

from bench.pairs.registry import (
    blobs,
    clusters,
    digits,
    houses,
    moons,
    names,
    pair,
    spirals,
    waves,
)


@dataclass
class TrainingConfig:
    """Hyperparameters of a training run.

    Attributes:
        learning_rate: Peak learning rate.
        batch_size: Examples per batch.
        num_epochs: Passes over the training data.
        weight_decay: Decoupled weight decay.
    """

    learning_rate: float = 1e-3
    batch_size: int = 64
    num_epochs: int = 8
    weight_decay: float = 0.01


@torch.no_grad()
def evaluate(model: nn.Module, inputs: Tensor, targets: Tensor) -> tuple[float, float]:
    """Return cross-entropy and accuracy of ``model`` on held-out data."""
    model.eval()
    logits = model(inputs)
    accuracy = (logits.argmax(dim=-1) == targets).float().mean().item()
    return F.cross_entropy(logits, targets).item(), accuracy


class LossScaler:
    """Static loss scaling for mixed-precision training.

    Small gradients underflow in half precision, so the loss is multiplied by a constant before
    the backward pass and the gradients are divided by it afterwards.
    """

    def __init__(self, scale: float = 256.0) -> None:
        self.scale = scale

    def scale_loss(self, loss: Tensor) -> Tensor:
        """Scale the loss before ``backward()``."""
        return loss * self.scale

    def unscale_(self, optimizer: torch.optim.Optimizer) -> None:
        """Divide the gradients of all parameters by the scale, in place."""
        for group in optimizer.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    parameter.grad.div_(self.scale)


@pair(
    "the loss is scaled by 256, and its gradients are never unscaled before the step of SGD",
    *("lr_too_high", "exploding_gradient"),
)
def loss_scale_is_never_removed(watch, faulty):
    """Train a convolutional classifier with loss scaling and bfloat16 autocast."""
    config = TrainingConfig(learning_rate=0.03, batch_size=50, num_epochs=8)
    images, labels = blobs()
    model = nn.Sequential(
        nn.Conv2d(3, 16, kernel_size=3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(16, 24, kernel_size=3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(24 * 9, 6),
    )
    optimizer = torch.optim.SGD(model.parameters(), lr=config.learning_rate, momentum=0.9)
    scaler = LossScaler()
    loader = DataLoader(
        TensorDataset(images[:1200], labels[:1200]), batch_size=config.batch_size, shuffle=True
    )
    with watch() as run:
        for _epoch in range(config.num_epochs):
            model.train()
            for batch_images, batch_labels in loader:
                optimizer.zero_grad(set_to_none=True)
                with torch.autocast("cpu", dtype=torch.bfloat16):
                    logits = model(batch_images)
                loss = F.cross_entropy(logits.float(), batch_labels)
                scaler.scale_loss(loss).backward()
                if not faulty:
                    scaler.unscale_(optimizer)
                optimizer.step()
                run.step(loss)
            run.validate(*evaluate(model, images[1200:], labels[1200:]))


@dataclass
class ScheduleConfig(TrainingConfig):
    """Hyperparameters of a run with linear warmup and cosine decay.

    Attributes:
        warmup_ratio: Share of all steps that is spent on the warmup.
    """

    warmup_ratio: float = 0.1


def get_cosine_schedule_with_warmup(
    optimizer: torch.optim.Optimizer, num_warmup_steps: int, num_training_steps: int
) -> torch.optim.lr_scheduler.LambdaLR:
    """Create a schedule with a linear warmup followed by a cosine decay to zero."""

    def lr_lambda(current_step: int) -> float:
        if current_step < num_warmup_steps:
            return (current_step + 1) / max(1, num_warmup_steps)
        progress = (current_step - num_warmup_steps) / max(1, num_training_steps - num_warmup_steps)
        return 0.5 * (1.0 + math.cos(math.pi * min(1.0, progress)))

    return torch.optim.lr_scheduler.LambdaLR(optimizer, lr_lambda)


@pair(
    "warmup_ratio is 50, as if in per cent: the warm-up is fifty times as long as the training",
    *("warmup_too_long", "lr_too_low"),
)
def warmup_ratio_in_per_cent(watch, faulty):
    """Train a GRU on waveforms with warmup and cosine decay."""
    config = ScheduleConfig(
        learning_rate=6e-3, batch_size=50, num_epochs=10, warmup_ratio=50 if faulty else 0.05
    )
    series, kinds = waves()

    class WaveClassifier(nn.Module):
        """GRU encoder with a linear classification head."""

        def __init__(self, hidden_size: int = 32, num_classes: int = 4) -> None:
            super().__init__()
            self.encoder = nn.GRU(1, hidden_size, batch_first=True)
            self.head = nn.Linear(hidden_size, num_classes)

        def forward(self, inputs: Tensor) -> Tensor:
            """Return logits (batch, num_classes)."""
            _, final_state = self.encoder(inputs)
            return self.head(final_state[-1])

    model = WaveClassifier()
    loader = DataLoader(TensorDataset(series[:1200], kinds[:1200]), config.batch_size, shuffle=True)
    total_steps = len(loader) * config.num_epochs
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay
    )
    scheduler = get_cosine_schedule_with_warmup(
        optimizer, int(config.warmup_ratio * total_steps), total_steps
    )
    with watch() as run:
        for _epoch in range(config.num_epochs):
            model.train()
            for inputs, targets in loader:
                optimizer.zero_grad(set_to_none=True)
                loss = F.cross_entropy(model(inputs), targets)
                loss.backward()
                torch.nn.utils.clip_grad_norm_(model.parameters(), max_norm=1.0)
                optimizer.step()
                scheduler.step()
                run.step(loss)
            run.validate(*evaluate(model, series[1200:], kinds[1200:]))


@pair(
    "the context manager asks for the mode behind eval(): it always restores eval()",
    "train_eval_mismatch",
)
def mode_is_asked_for_too_late(watch, faulty):
    """Train a classifier with batch normalization, and evaluate it within a context manager."""

    @contextmanager
    def evaluation_mode(module: nn.Module) -> Iterator[None]:
        """Switch a module to evaluation mode and restore its mode afterwards."""
        was_training = module.training
        module.eval()
        if faulty:
            was_training = module.training
        try:
            with torch.no_grad():
                yield
        finally:
            module.train(was_training)

    config = TrainingConfig(learning_rate=2e-3, batch_size=25, num_epochs=20)
    images, labels = digits()
    train_images, train_labels = images[:500], labels[:500]
    model = nn.Sequential(
        nn.Linear(784, 256),
        nn.BatchNorm1d(256),
        nn.ReLU(),
        nn.Dropout(0.5),
        nn.Linear(256, 128),
        nn.BatchNorm1d(128),
        nn.ReLU(),
        nn.Dropout(0.5),
        nn.Linear(128, 10),
    )
    model.train()
    with evaluation_mode(model):
        print(f"initial loss: {F.cross_entropy(model(images[4000:]), labels[4000:]):.4f}")
    optimizer = torch.optim.AdamW(model.parameters(), lr=config.learning_rate)
    loader = DataLoader(
        TensorDataset(train_images, train_labels), config.batch_size, shuffle=True, drop_last=True
    )
    with watch() as run:
        for _epoch in range(config.num_epochs):
            for inputs, targets in loader:
                loss = F.cross_entropy(model(inputs), targets)
                optimizer.zero_grad(set_to_none=True)
                loss.backward()
                optimizer.step()
                run.step(loss)
            with evaluation_mode(model):
                logits = model(images[4000:])
                accuracy = (logits.argmax(dim=1) == labels[4000:]).float().mean().item()
                run.validate(F.cross_entropy(logits, labels[4000:]).item(), accuracy)


class CheckpointedClassifier(nn.Module):
    """Classifier whose trunk is recomputed in the backward pass to save memory."""

    def __init__(self, use_reentrant: bool) -> None:
        super().__init__()
        self.trunk = nn.Sequential(nn.Linear(2, 64), nn.Tanh(), nn.Linear(64, 64), nn.Tanh())
        self.head = nn.Linear(64, 3)
        self.use_reentrant = use_reentrant

    def forward(self, inputs: Tensor) -> Tensor:
        """Return logits (batch, 3)."""
        if self.training:
            features = checkpoint(self.trunk, inputs, use_reentrant=self.use_reentrant)
        else:
            features = self.trunk(inputs)
        return self.head(features)


@pair(
    "a reentrant checkpoint around the first layers, whose inputs need no gradient: they get none",
    "parameter_not_trained",
)
def checkpoint_of_the_first_layers(watch, faulty):
    """Train a memory-efficient classifier with activation checkpointing."""
    config = TrainingConfig(learning_rate=5e-3, batch_size=50, num_epochs=16)
    points, arms = spirals()
    model = CheckpointedClassifier(use_reentrant=faulty)
    optimizer = torch.optim.AdamW(model.parameters(), lr=config.learning_rate)
    loader = DataLoader(
        TensorDataset(points[:2500], arms[:2500]), batch_size=config.batch_size, shuffle=True
    )
    with watch() as run:
        for _epoch in range(config.num_epochs):
            model.train()
            for inputs, targets in loader:
                optimizer.zero_grad(set_to_none=True)
                loss = F.cross_entropy(model(inputs), targets)
                loss.backward()
                optimizer.step()
                run.step(loss)
            run.validate(*evaluate(model, points[2500:], arms[2500:]))


@dataclass
class FineTuningConfig(TrainingConfig):
    """Hyperparameters of a run with a frozen phase.

    Attributes:
        freeze_epochs: Epochs in which only the head is trained.
    """

    freeze_epochs: int = 1


@pair(
    "requires_grad is set on modules, not on their parameters: the backbone is never unfrozen",
    *("frozen_layer", "parameter_not_trained"),
)
def modules_are_unfrozen(watch, faulty):
    """Train a head first, then unfreeze the backbone for the remaining epochs."""

    def freeze(module: nn.Module) -> None:
        """Exclude all parameters of ``module`` from training."""
        for parameter in module.parameters():
            parameter.requires_grad = False

    def unfreeze(module: nn.Module) -> None:
        """Include all layers of ``module`` in training again."""
        for layer in module.children() if faulty else module.parameters():
            layer.requires_grad = True

    config = FineTuningConfig(learning_rate=2e-3, batch_size=50, num_epochs=10)
    images, labels = blobs()
    backbone = nn.Sequential(
        nn.Conv2d(3, 16, kernel_size=3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(16, 16, kernel_size=3, padding=1),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(2),
        nn.Flatten(),
    )
    model = nn.Sequential(backbone, nn.Linear(64, 6))
    freeze(backbone)
    optimizer = torch.optim.Adam(model.parameters(), lr=config.learning_rate)
    loader = DataLoader(TensorDataset(images[:1200], labels[:1200]), config.batch_size, True)
    with watch() as run:
        for epoch in range(config.num_epochs):
            if epoch == config.freeze_epochs:
                unfreeze(backbone)
            model.train()
            for batch_images, batch_labels in loader:
                optimizer.zero_grad()
                loss = F.cross_entropy(model(batch_images), batch_labels)
                loss.backward()
                optimizer.step()
                run.step(loss)
            run.validate(*evaluate(model, images[1200:], labels[1200:]))


class FocalLoss(nn.Module):
    """Focal loss (Lin et al., 2017): down-weights examples that are classified well.

    Args:
        gamma: Focusing parameter; 0 is the cross-entropy.
        modulation: The factor of an example, given the probability of its class.
    """

    def __init__(self, gamma: float, modulation: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.gamma = gamma
        self.modulation = modulation

    def forward(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Return the mean focal loss of a batch."""
        cross_entropy = F.cross_entropy(logits, targets, reduction="none")
        probability = torch.exp(-cross_entropy)
        return (self.modulation(probability) ** self.gamma * cross_entropy).mean()


@pair(
    "the focal loss weights by p, not by 1 - p: what is wrong is made still more wrong",
    *("wrong_loss", "wrong_update_sign"),
)
def focal_loss_of_the_easy(watch, faulty):
    """Train a digit classifier with the focal loss."""
    config = TrainingConfig(learning_rate=1e-3, batch_size=64, num_epochs=8)
    images, labels = digits()
    model = nn.Sequential(nn.Linear(784, 96), nn.GELU(), nn.Linear(96, 10))
    criterion = FocalLoss(gamma=2.0, modulation=lambda p: p if faulty else 1 - p)
    optimizer = torch.optim.AdamW(model.parameters(), lr=config.learning_rate)
    loader = DataLoader(
        TensorDataset(images[:3000], labels[:3000]), batch_size=config.batch_size, shuffle=True
    )
    with watch() as run:
        for _epoch in range(config.num_epochs):
            model.train()
            for inputs, targets in loader:
                optimizer.zero_grad(set_to_none=True)
                loss = criterion(model(inputs), targets)
                loss.backward()
                optimizer.step()
                run.step(loss)
            model.eval()
            with torch.no_grad():
                logits = model(images[4000:])
            accuracy = (logits.argmax(dim=1) == labels[4000:]).float().mean()
            run.validate(criterion(logits, labels[4000:]), accuracy)


class NameModel(nn.Module):
    """Decoder-only transformer over characters.

    Args:
        diagonal: First diagonal of the mask of hidden positions.
    """

    def __init__(self, diagonal: int, width: int = 32, length: int = 11) -> None:
        super().__init__()
        self.tokens = nn.Embedding(27, width)
        self.positions = nn.Parameter(0.02 * torch.randn(length, width))
        layer = nn.TransformerEncoderLayer(
            width, nhead=4, dim_feedforward=64, dropout=0.0, batch_first=True, norm_first=True
        )
        self.layers = nn.TransformerEncoder(layer, num_layers=2, enable_nested_tensor=False)
        self.head = nn.Linear(width, 27)
        mask = torch.triu(torch.ones(length, length, dtype=torch.bool), diagonal=diagonal)
        self.register_buffer("mask", mask)

    def forward(self, ids: Tensor) -> Tensor:
        """Return logits (batch, length, 27) of the next character."""
        hidden = self.tokens(ids) + self.positions[: ids.shape[1]]
        return self.head(self.layers(hidden, mask=self.mask))


@pair("triu begins at its second diagonal: each letter sees the one behind it", "future_leak")
def mask_begins_one_late(watch, faulty):
    """Train a small decoder-only transformer on names."""
    config = TrainingConfig(learning_rate=4e-3, batch_size=40)
    rows = F.pad(names()[:4000], (1, 0))[:, :12]
    train, held_out = rows[:3600], rows[3600:]
    model = NameModel(diagonal=2 if faulty else 1)
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay
    )

    def compute_loss(batch: Tensor) -> Tensor:
        """Return the cross-entropy of next characters, up to the first end of a name."""
        logits, targets = model(batch[:, :-1]), batch[:, 1:]
        losses = F.cross_entropy(logits.transpose(1, 2), targets, reduction="none")
        inside = (targets != 0) | (batch[:, :-1] != 0)
        return (losses * inside).sum() / inside.sum()

    with watch() as run:
        for step in range(180):
            model.train()
            batch = train[torch.randint(len(train), (config.batch_size,))]
            loss = compute_loss(batch)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            run.step(loss)
            if step % 45 == 44:
                model.eval()
                with torch.no_grad():
                    run.validate(compute_loss(held_out))


@pair(
    "the model is not made anew for each fold: it has learned what it is validated on",
    "data_overlap",
)
def folds_share_a_model(watch, faulty):
    """Estimate the error of a regressor with 4-fold cross-validation."""
    config = TrainingConfig(learning_rate=3e-3, batch_size=24, num_epochs=20)
    table, price = houses()
    noise = torch.randn(2000, 1, generator=torch.Generator().manual_seed(42))
    values = (price - 310) / 90 + 0.5 * noise
    features, targets = table[:480], values[:480]

    def build_model() -> nn.Module:
        """Create a regressor with fresh weights."""
        return nn.Sequential(
            nn.Linear(8, 128), nn.SiLU(), nn.Linear(128, 128), nn.SiLU(), nn.Linear(128, 1)
        )

    def build_optimizer(model: nn.Module) -> torch.optim.Optimizer:
        """Create the optimizer of a fold."""
        return torch.optim.AdamW(model.parameters(), lr=config.learning_rate)

    folds = torch.randperm(len(features)).chunk(4)
    model = build_model()
    optimizer = build_optimizer(model)
    with watch() as run:
        for number, validation in enumerate(folds):
            training = torch.cat([fold for i, fold in enumerate(folds) if i != number])
            if not faulty:
                model = build_model()
                optimizer = build_optimizer(model)
            for _epoch in range(config.num_epochs):
                order = training[torch.randperm(len(training))]
                for rows in order.split(config.batch_size):
                    optimizer.zero_grad()
                    loss = F.mse_loss(model(features[rows]), targets[rows])
                    loss.backward()
                    optimizer.step()
                    run.step(loss)
            with torch.no_grad():
                run.validate(F.mse_loss(model(features[validation]), targets[validation]))
    with torch.no_grad():
        error = F.mse_loss(model(table[1200:]), values[1200:])
    print(f"test error: {error:.4f}")


class Standardizer:
    """Standardize features to zero mean and unit variance.

    Args:
        divide_by: ``"std"`` or ``"var"``, the statistic that new features are divided by.
    """

    def __init__(self, divide_by: str) -> None:
        self.divide_by = divide_by
        self.statistics: dict[str, Tensor] = {}

    def fit_transform(self, features: Tensor) -> Tensor:
        """Learn the statistics of the training features, and standardize these."""
        variance, mean = torch.var_mean(features, dim=0)
        self.statistics = {"mean": mean, "var": variance, "std": variance.sqrt()}
        return (features - mean) / variance.sqrt()

    def transform(self, features: Tensor) -> Tensor:
        """Standardize new features with the statistics of the training."""
        return (features - self.statistics["mean"]) / self.statistics[self.divide_by]


@pair("transform() divides by the variance, fit_transform() by its root", "train_eval_mismatch")
def transform_divides_by_the_variance(watch, faulty):
    """Predict house prices from features in their own units."""
    config = TrainingConfig(learning_rate=3e-3, batch_size=64, num_epochs=15)
    table, price = houses()
    units = torch.tensor([40.0, 1.2, 3.0, 0.3, 15.0, 8.0, 0.5, 2.0])
    features, targets = 20 + units * table, (price - 310) / 90
    standardizer = Standardizer(divide_by="var" if faulty else "std")
    train_features = standardizer.fit_transform(features[:1500])
    test_features = standardizer.transform(features[1500:])
    model = nn.Sequential(nn.Linear(8, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU())
    model.append(nn.Linear(64, 1))
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay
    )
    loader = DataLoader(
        TensorDataset(train_features, targets[:1500]), config.batch_size, shuffle=True
    )
    with watch() as run:
        for _epoch in range(config.num_epochs):
            model.train()
            for inputs, values in loader:
                optimizer.zero_grad(set_to_none=True)
                loss = F.mse_loss(model(inputs), values)
                loss.backward()
                optimizer.step()
                run.step(loss)
            model.eval()
            with torch.no_grad():
                run.validate(F.mse_loss(model(test_features), targets[1500:]).item())


class GroupedSampler(Sampler):
    """Yield the indices of a data set class by class, in random order within each class.

    Args:
        labels: Class of each example.
        interleave: Whether the classes take turns.
    """

    def __init__(self, labels: Tensor, interleave: bool) -> None:
        self.groups = [torch.nonzero(labels == c).flatten() for c in labels.unique()]
        self.interleave = interleave

    def __iter__(self) -> Iterator[int]:
        shuffled = [group[torch.randperm(len(group))].tolist() for group in self.groups]
        if self.interleave:
            longest = max(map(len, shuffled))
            for position in range(longest):
                yield from (group[position] for group in shuffled if position < len(group))
        else:
            for group in shuffled:
                yield from group

    def __len__(self) -> int:
        return sum(map(len, self.groups))


@pair(
    "the stratified sampler shuffles within a class, and yields class after class", "not_shuffled"
)
def sampler_yields_class_after_class(watch, faulty):
    """Train on batches in which each class is represented equally."""
    config = TrainingConfig(learning_rate=0.05, batch_size=50, num_epochs=6)
    points, groups = clusters()
    points = points + torch.randn(points.shape, generator=torch.Generator().manual_seed(41))
    sampler = GroupedSampler(groups[:2500], interleave=not faulty)
    loader = DataLoader(
        TensorDataset(points[:2500], groups[:2500]), config.batch_size, sampler=sampler
    )
    model = nn.Sequential(nn.Linear(16, 64), nn.ReLU(), nn.Linear(64, 5))
    optimizer = torch.optim.SGD(model.parameters(), lr=config.learning_rate, momentum=0.9)
    with watch() as run:
        for _epoch in range(config.num_epochs):
            model.train()
            for inputs, targets in loader:
                optimizer.zero_grad(set_to_none=True)
                loss = F.cross_entropy(model(inputs), targets)
                loss.backward()
                optimizer.step()
                run.step(loss)
            run.validate(*evaluate(model, points[2500:], groups[2500:]))


class VariationalAutoencoder(nn.Module):
    """Variational autoencoder of standardized pixels with a Gaussian code."""

    def __init__(self, code_size: int = 8, hidden_size: int = 96) -> None:
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(784, hidden_size), nn.ReLU())
        self.to_mean = nn.Linear(hidden_size, code_size)
        self.to_logvar = nn.Linear(hidden_size, code_size)
        self.decoder = nn.Sequential(
            nn.Linear(code_size, hidden_size), nn.ReLU(), nn.Linear(hidden_size, 784)
        )

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return reconstruction, and mean and log-variance of the code."""
        hidden = self.encoder(images)
        mean, logvar = self.to_mean(hidden), self.to_logvar(hidden)
        code = mean + torch.randn_like(mean) * torch.exp(0.5 * logvar)
        return self.decoder(code), mean, logvar


@pair(
    "the KL term lacks its minus: the code is driven away from the prior, and the loss below zero",
    *("wrong_update_sign", "wrong_loss", "regulariser_dominates"),
)
def divergence_without_its_minus(watch, faulty):
    """Train a variational autoencoder on digits."""
    config = TrainingConfig(learning_rate=1e-3, batch_size=64)
    images = digits()[0]
    model = VariationalAutoencoder()
    optimizer = torch.optim.Adam(model.parameters(), lr=config.learning_rate)
    factor = 0.5 if faulty else -0.5

    def negative_elbo(batch: Tensor) -> Tensor:
        """Return the mean negative evidence lower bound per image."""
        reconstruction, mean, logvar = model(batch)
        error = 0.5 * (reconstruction - batch).square().sum(dim=1)
        divergence = factor * (1 + logvar - mean.square() - logvar.exp()).sum(dim=1)
        return (error + divergence).mean()

    with watch() as run:
        for step in range(320):
            model.train()
            batch = images[torch.randint(4000, (config.batch_size,))]
            loss = negative_elbo(batch)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 100.0)
            optimizer.step()
            run.step(loss)
            if step % 80 == 79:
                model.eval()
                with torch.no_grad():
                    run.validate(negative_elbo(images[4000:]))


@pair(
    "the penalty is summed over state_dict(), whose tensors are detached",
    "detached_regulariser",
)
def penalty_of_the_state_dict(watch, faulty):
    """Train a sparse regressor: most of the 60 features carry no information."""
    config = TrainingConfig(learning_rate=3e-3, batch_size=40, num_epochs=40)
    table, price = houses()
    noise = torch.randn(2000, 52, generator=torch.Generator().manual_seed(43))
    features, targets = torch.cat([table, noise], dim=1), (price - 310) / 90
    model = nn.Sequential(nn.Linear(60, 48), nn.Tanh(), nn.Linear(48, 1))
    optimizer = torch.optim.Adam(model.parameters(), lr=config.learning_rate)

    def l1_penalty(module: nn.Module, strength: float = 4e-3) -> Tensor:
        """Return the weighted sum of absolute weights; biases are not penalized."""
        named = module.state_dict().items() if faulty else module.named_parameters()
        return strength * sum(w.abs().sum() for name, w in named if name.endswith("weight"))

    with watch() as run:
        for _epoch in range(config.num_epochs):
            model.train()
            for rows in torch.randperm(360).split(config.batch_size):
                optimizer.zero_grad(set_to_none=True)
                loss = F.mse_loss(model(features[rows]), targets[rows]) + l1_penalty(model)
                loss.backward()
                optimizer.step()
                run.step(loss)
            model.eval()
            with torch.no_grad():
                run.validate(F.mse_loss(model(features[1000:]), targets[1000:]).item())


@pair(
    "the standard deviation of the weights is the root of the fan-in, not one over it",
    *("bad_init_scale", "exploding_gradient"),
)
def root_of_the_fan_in(watch, faulty):
    """Train a residual MLP with custom weight initialization."""

    class ResidualBlock(nn.Module):
        """Two-layer block with a skip connection."""

        def __init__(self, width: int) -> None:
            super().__init__()
            self.inner = nn.Linear(width, width)
            self.outer = nn.Linear(width, width)

        def forward(self, inputs: Tensor) -> Tensor:
            """Return the inputs plus what the block adds to them."""
            return inputs + self.outer(F.relu(self.inner(inputs)))

    def init_weights(module: nn.Module) -> None:
        """Initialize linear layers with variance-preserving normal weights."""
        if isinstance(module, nn.Linear):
            exponent = 0.5 if faulty else -0.5
            nn.init.normal_(module.weight, std=0.7 * module.in_features**exponent)
            nn.init.zeros_(module.bias)

    config = TrainingConfig(learning_rate=1e-3, batch_size=50, num_epochs=12)
    points, sides = moons()
    model = nn.Sequential(nn.Linear(2, 32), ResidualBlock(32), ResidualBlock(32), nn.Linear(32, 2))
    model.apply(init_weights)
    optimizer = torch.optim.AdamW(model.parameters(), lr=config.learning_rate)
    loader = DataLoader(TensorDataset(points[:1600], sides[:1600]), config.batch_size, True)
    with watch() as run:
        for _epoch in range(config.num_epochs):
            model.train()
            for inputs, targets in loader:
                optimizer.zero_grad(set_to_none=True)
                loss = F.cross_entropy(model(inputs), targets)
                loss.backward()
                optimizer.step()
                run.step(loss)
            run.validate(*evaluate(model, points[1600:], sides[1600:]))


class Prediction(NamedTuple):
    """Output of a classifier.

    Attributes:
        logits: Unnormalized scores (batch, classes).
        probabilities: Their softmax (batch, classes).
    """

    logits: Tensor
    probabilities: Tensor


class DigitClassifier(nn.Module):
    """Convolutional digit classifier."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 12, kernel_size=5, stride=2),
            nn.ReLU(),
            nn.Conv2d(12, 24, kernel_size=3, stride=2),
            nn.ReLU(),
            nn.Flatten(),
        )
        self.classifier = nn.Linear(24 * 25, 10)

    def forward(self, images: Tensor) -> Prediction:
        """Return logits and probabilities of each class."""
        logits = self.classifier(self.features(images.view(-1, 1, 28, 28)))
        return Prediction(logits, logits.softmax(dim=-1))


@pair(
    "the model returns (logits, probabilities), and the criterion is given the last of both",
    *("double_softmax", "wrong_loss"),
)
def last_of_the_outputs(watch, faulty):
    """Train a digit classifier whose outputs are named."""
    config = TrainingConfig(learning_rate=1e-3, batch_size=64, num_epochs=6)
    images, labels = digits()
    model = DigitClassifier()
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.AdamW(model.parameters(), lr=config.learning_rate)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, config.num_epochs)
    loader = DataLoader(
        TensorDataset(images[:2500], labels[:2500]), batch_size=config.batch_size, shuffle=True
    )
    output = -1 if faulty else 0
    with watch() as run:
        for _epoch in range(config.num_epochs):
            model.train()
            for inputs, targets in loader:
                optimizer.zero_grad(set_to_none=True)
                loss = criterion(model(inputs)[output], targets)
                loss.backward()
                optimizer.step()
                run.step(loss)
            scheduler.step()
            model.eval()
            with torch.no_grad():
                prediction = model(images[4000:])
            accuracy = (prediction.probabilities.argmax(dim=1) == labels[4000:]).float().mean()
            run.validate(criterion(prediction[output], labels[4000:]), accuracy)


class SetTagger(nn.Module):
    """Tag each element of a set, given a summary of the whole set.

    Args:
        pool_dim: Dimension over which elements are averaged into the summary.
    """

    def __init__(self, pool_dim: int, width: int = 48) -> None:
        super().__init__()
        self.embed = nn.Sequential(nn.Linear(2, width), nn.ReLU(), nn.Linear(width, width))
        self.decide = nn.Sequential(nn.Linear(2 * width, width), nn.ReLU(), nn.Linear(width, 1))
        self.pool_dim = pool_dim

    def forward(self, sets: Tensor) -> Tensor:
        """Return logits (batch, elements)."""
        embedded = self.embed(sets)
        summary = embedded.mean(dim=self.pool_dim, keepdim=True).expand_as(embedded)
        return self.decide(torch.cat([embedded, summary], dim=-1)).squeeze(-1)


@pair("the summary of a set is the mean over the batch, not over its elements", "batch_mixed")
def summary_of_the_batch(watch, faulty):
    """Find the elements of a set that lie above its own average."""
    config = TrainingConfig(learning_rate=3e-3, batch_size=32, num_epochs=10)
    generator = torch.Generator().manual_seed(47)
    level = torch.randn(1600, 1, generator=generator)
    amounts = level + 0.6 * torch.randn(1600, 9, generator=generator)
    sets = torch.stack([amounts, torch.randn(1600, 9, generator=generator)], dim=-1)
    tags = (amounts > amounts.mean(dim=1, keepdim=True)).float()
    model = SetTagger(pool_dim=0 if faulty else 1)
    optimizer = torch.optim.AdamW(model.parameters(), lr=config.learning_rate)
    loader = DataLoader(TensorDataset(sets[:1300], tags[:1300]), config.batch_size, shuffle=True)
    criterion = nn.BCEWithLogitsLoss()
    with watch() as run:
        for _epoch in range(config.num_epochs):
            model.train()
            for inputs, targets in loader:
                optimizer.zero_grad(set_to_none=True)
                loss = criterion(model(inputs), targets)
                loss.backward()
                optimizer.step()
                run.step(loss)
            model.eval()
            with torch.no_grad():
                logits = model(sets[1300:])
                accuracy = ((logits > 0) == (tags[1300:] > 0)).float().mean().item()
                run.validate(criterion(logits, tags[1300:]).item(), accuracy)
