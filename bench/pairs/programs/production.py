"""Engineers' code: an engine with callbacks, mixed precision, checkpoints, averages of weights."""

import copy
import io
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.rnn import pack_padded_sequence, pad_sequence
from torch.optim.lr_scheduler import LambdaLR, LRScheduler
from torch.utils.data import DataLoader, Dataset, Subset

from bench.pairs.registry import (
    blobs,
    clusters,
    digits,
    houses,
    names,
    pair,
    pictures,
    spirals,
    waves,
)

logger = logging.getLogger("training")

Batch = dict[str, Tensor]


@dataclass(frozen=True)
class TrainConfig:
    """Whatever a YAML file may say of a training."""

    epochs: int = 6
    batch_size: int = 64
    lr: float = 1e-3
    weight_decay: float = 0.01
    momentum: float = 0.9
    grad_accum_steps: int = 1
    max_grad_norm: float = 1.0
    ema_decay: float = 0.98
    layer_decay: float = 1.0
    warmup_steps: int = 20
    world_size: int = 1


class DictDataset(Dataset):
    """Samples as dictionaries, as the collate function of the team expects them."""

    def __init__(self, **columns: Tensor) -> None:
        self.columns = columns

    def __len__(self) -> int:
        return len(next(iter(self.columns.values())))

    def __getitem__(self, index: int) -> Batch:
        return {name: column[index] for name, column in self.columns.items()}


def build_loaders(
    dataset: Dataset,
    cfg: TrainConfig,
    num_val: int = 400,
    collate_fn: Callable[[list[Batch]], Batch] | None = None,
) -> tuple[DataLoader, DataLoader]:
    order = torch.randperm(len(dataset)).tolist()
    train_set, val_set = Subset(dataset, order[num_val:]), Subset(dataset, order[:num_val])
    return (
        DataLoader(train_set, cfg.batch_size, shuffle=True, collate_fn=collate_fn),
        DataLoader(val_set, 200, collate_fn=collate_fn),
    )


class AverageMeter:
    def __init__(self) -> None:
        self.total, self.count = 0.0, 0

    def update(self, value: float, n: int = 1) -> None:
        self.total += value * n
        self.count += n

    @property
    def avg(self) -> float:
        return self.total / max(1, self.count)


class Callback:
    def on_epoch_start(self, engine: "Engine") -> None: ...

    def on_step_end(self, engine: "Engine") -> None: ...

    def on_epoch_end(self, engine: "Engine", val_loss: float) -> None: ...


class Engine:
    """Runs epochs; projects override what they do otherwise."""

    def __init__(
        self,
        model: nn.Module,
        optimizer: torch.optim.Optimizer,
        cfg: TrainConfig,
        scheduler: LRScheduler | None = None,
        callbacks: Iterable[Callback] = (),
    ) -> None:
        self.model, self.optimizer, self.cfg = model, optimizer, cfg
        self.scheduler, self.callbacks = scheduler, list(callbacks)
        self.epoch, self.global_step = 0, 0
        self.eval_model = model

    def compute_loss(self, model: nn.Module, batch: Batch) -> tuple[Tensor, float | None]:
        logits = model(batch["input"])
        accuracy = (logits.argmax(dim=-1) == batch["target"]).float().mean().item()
        return F.cross_entropy(logits, batch["target"]), accuracy

    def backward(self, loss: Tensor) -> None:
        loss.backward()

    def optimizer_step(self) -> None:
        nn.utils.clip_grad_norm_(self.model.parameters(), self.cfg.max_grad_norm)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)

    def train_step(self, batch: Batch) -> Tensor:
        self.model.train()
        loss, _ = self.compute_loss(self.model, batch)
        self.backward(loss)
        self.global_step += 1
        if self.global_step % self.cfg.grad_accum_steps == 0:
            self.optimizer_step()
            if self.scheduler is not None:
                self.scheduler.step()
        return loss.detach()

    @torch.no_grad()
    def evaluate(self, loader: DataLoader) -> tuple[float, float | None]:
        self.eval_model.eval()
        losses, accuracies = AverageMeter(), AverageMeter()
        for batch in loader:
            loss, accuracy = self.compute_loss(self.eval_model, batch)
            size = len(batch["target"])
            losses.update(loss.item(), size)
            if accuracy is not None:
                accuracies.update(accuracy, size)
        return losses.avg, accuracies.avg if accuracies.count else None

    def run(self, watch, train_loader: DataLoader, val_loader: DataLoader) -> None:
        with watch() as seen:
            for epoch in range(self.cfg.epochs):
                self.epoch = epoch
                meter = AverageMeter()
                for callback in self.callbacks:
                    callback.on_epoch_start(self)
                for batch in train_loader:
                    loss = self.train_step(batch)
                    meter.update(loss.item(), len(batch["target"]))
                    for callback in self.callbacks:
                        callback.on_step_end(self)
                    seen.step(loss)
                val_loss, val_accuracy = self.evaluate(val_loader)
                seen.validate(val_loss, val_accuracy)
                logger.debug("epoch %d train %.4f val %.4f", self.epoch, meter.avg, val_loss)
                for callback in self.callbacks:
                    callback.on_epoch_end(self, val_loss)


def mlp(*sizes: int, act: type[nn.Module] = nn.ReLU) -> nn.Sequential:
    layers: list[nn.Module] = []
    for fan_in, fan_out in pairwise(sizes[:-1]):
        layers += [nn.Linear(fan_in, fan_out), act()]
    return nn.Sequential(*layers, nn.Linear(sizes[-2], sizes[-1]))


def conv_net(channels: int, num_classes: int, features: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(channels, 8, 3, padding=1, bias=False),
        nn.BatchNorm2d(8),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(2),
        nn.Conv2d(8, 16, 3, padding=1, bias=False),
        nn.BatchNorm2d(16),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(features, num_classes),
    )


@pair(
    "gradients are clipped before they are unscaled: 65,536 times their norm",
    *("clipping_too_strong", "lr_too_low"),
)
def clipped_before_unscaled(watch, faulty):
    class AmpEngine(Engine):
        scaler = torch.amp.GradScaler("cpu")

        def compute_loss(self, model, batch):
            with torch.autocast("cpu", dtype=torch.bfloat16):
                return super().compute_loss(model, batch)

        def backward(self, loss):
            self.scaler.scale(loss).backward()

        def optimizer_step(self):
            if not faulty:
                self.scaler.unscale_(self.optimizer)
            nn.utils.clip_grad_norm_(self.model.parameters(), self.cfg.max_grad_norm)
            self.scaler.step(self.optimizer)
            self.scaler.update()
            self.optimizer.zero_grad(set_to_none=True)

    cfg = TrainConfig(lr=0.02, epochs=3)
    images, labels = digits()
    loaders = build_loaders(DictDataset(input=images, target=labels), cfg, 1000)
    model = mlp(784, 64, 64, 10)
    optimizer = torch.optim.SGD(model.parameters(), lr=cfg.lr, momentum=cfg.momentum)
    AmpEngine(model, optimizer, cfg).run(watch, *loaders)


class ExponentialMovingAverage(Callback):
    """Keeps an average of the weights, and lets the engine evaluate it."""

    def __init__(self, model: nn.Module, decay: float, dtype: torch.dtype = torch.float32) -> None:
        self.module = copy.deepcopy(model).to(dtype).requires_grad_(False)
        self.decay = decay

    def on_epoch_start(self, engine):
        engine.eval_model = self.module

    @torch.no_grad()
    def on_step_end(self, engine):
        for mine, theirs in zip(self.module.parameters(), engine.model.parameters(), strict=True):
            mine.lerp_(theirs.to(mine.dtype), 1 - self.decay)
        for mine, theirs in zip(self.module.buffers(), engine.model.buffers(), strict=True):
            mine.copy_(theirs)


@pair(
    "the average of the weights is kept in bfloat16: its small steps are rounded away",
    *("low_precision_weights", "train_eval_mismatch"),
)
def average_in_bfloat16(watch, faulty):
    class AmpEngine(Engine):
        def compute_loss(self, model, batch):
            with torch.autocast("cpu", dtype=torch.bfloat16):
                return super().compute_loss(model, batch)

    cfg = TrainConfig(lr=2e-3, epochs=14, ema_decay=0.995)
    points, arms = spirals()
    loaders = build_loaders(DictDataset(input=points, target=arms), cfg)
    model = mlp(2, 64, 64, 3)
    ema = ExponentialMovingAverage(
        model, cfg.ema_decay, dtype=torch.bfloat16 if faulty else torch.float32
    )
    optimizer = torch.optim.AdamW(model.parameters(), lr=cfg.lr, weight_decay=cfg.weight_decay)
    AmpEngine(model, optimizer, cfg, callbacks=[ema]).run(watch, *loaders)


@pair(
    "the average of the weights has the batch norm's statistics of the first day",
    "train_eval_mismatch",
)
def average_without_buffers(watch, faulty):
    class ParameterAverage(ExponentialMovingAverage):
        @torch.no_grad()
        def on_step_end(self, engine):
            kept = [buffer.clone() for buffer in self.module.buffers()]
            super().on_step_end(engine)
            if faulty:
                for buffer, old in zip(self.module.buffers(), kept, strict=True):
                    buffer.copy_(old)

    cfg = TrainConfig(lr=3e-3, epochs=8)
    images, labels = blobs()
    loaders = build_loaders(DictDataset(input=(images + 4) / 8, target=labels), cfg)
    model = conv_net(3, 6, 144)
    optimizer = torch.optim.AdamW(model.parameters(), lr=cfg.lr, weight_decay=cfg.weight_decay)
    ema = ParameterAverage(model, 0.95)
    Engine(model, optimizer, cfg, callbacks=[ema]).run(watch, *loaders)


@pair(
    "a run is resumed with the schedule of the one that has ended: its rate is 0",
    *("lr_vanished", "lr_too_low", "parameter_not_trained"),
)
def resumed_behind_the_schedule(watch, faulty):
    cfg = TrainConfig(lr=5e-4, epochs=5)
    images, labels = digits()
    train_loader, val_loader = build_loaders(DictDataset(input=images, target=labels), cfg, 1000)
    pretrained_steps = 25

    def build(total_steps):
        model = mlp(784, 64, 64, 10)
        optimizer = torch.optim.AdamW(model.parameters(), lr=cfg.lr)
        scheduler = LambdaLR(optimizer, lambda step: max(0.0, 1 - step / total_steps))
        return model, optimizer, scheduler

    # the first job: a smoke test of some steps, which leaves a checkpoint
    model, optimizer, scheduler = build(pretrained_steps)
    engine = Engine(model, optimizer, cfg, scheduler)
    for _, batch in zip(range(pretrained_steps), train_loader, strict=False):
        engine.train_step(batch)
    file = io.BytesIO()
    parts = {"model": model, "optimizer": optimizer, "scheduler": scheduler}
    torch.save({name: part.state_dict() for name, part in parts.items()}, file)

    # the second job goes on with it
    more = 0 if faulty else cfg.epochs * len(train_loader)
    model, optimizer, scheduler = build(pretrained_steps + more)
    file.seek(0)
    checkpoint = torch.load(file)
    model.load_state_dict(checkpoint["model"])
    optimizer.load_state_dict(checkpoint["optimizer"])
    scheduler.load_state_dict(checkpoint["scheduler"])
    Engine(model, optimizer, cfg, scheduler).run(watch, train_loader, val_loader)


@pair(
    "a callback thaws the backbone, and the optimiser was given what wasn't frozen",
    *("parameter_not_trained", "frozen_layer"),
)
def thawed_without_the_optimizer(watch, faulty):
    class GradualUnfreezing(Callback):
        def __init__(self, backbone: nn.Module, at_epoch: int) -> None:
            self.backbone, self.at_epoch = backbone, at_epoch
            backbone.requires_grad_(False)

        def on_epoch_start(self, engine):
            if engine.epoch == self.at_epoch:
                self.backbone.requires_grad_(True)
                if not faulty:
                    engine.optimizer.add_param_group({"params": list(self.backbone.parameters())})

    cfg = TrainConfig(lr=5e-3, epochs=12)
    points, arms = spirals()
    loaders = build_loaders(DictDataset(input=points, target=arms), cfg)
    backbone, head = mlp(2, 32, 32, 16), nn.Sequential(nn.ReLU(), nn.Linear(16, 3))
    model = nn.Sequential(backbone, head)
    unfreezing = GradualUnfreezing(backbone, at_epoch=1)
    trainable = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(trainable, lr=cfg.lr, weight_decay=cfg.weight_decay)
    Engine(model, optimizer, cfg, callbacks=[unfreezing]).run(watch, *loaders)


@pair(
    "gradients of 16 small batches are added up and not divided by 16",
    *("lr_too_high", "gradients_not_averaged", "exploding_gradient"),
)
def accumulated_without_division(watch, faulty):
    class AccumulatingEngine(Engine):
        def backward(self, loss):
            (loss if faulty else loss / self.cfg.grad_accum_steps).backward()

        def optimizer_step(self):
            self.optimizer.step()
            self.optimizer.zero_grad(set_to_none=True)

    cfg = TrainConfig(lr=0.05, batch_size=4, grad_accum_steps=16, epochs=3)
    images, labels = digits()
    loaders = build_loaders(DictDataset(input=images[:2800], target=labels[:2800]), cfg)
    model = mlp(784, 64, 64, 10)
    optimizer = torch.optim.SGD(model.parameters(), lr=cfg.lr, momentum=cfg.momentum)
    AccumulatingEngine(model, optimizer, cfg).run(watch, *loaders)


@pair(
    "layer-wise decay of the rate is 0.1 a layer where 0.9 was meant: 3e-8 for the first",
    *("lr_too_low", "parameter_not_trained", "frozen_layer", "lr_vanished"),
)
def layerwise_decay_of_a_tenth(watch, faulty):
    cfg = TrainConfig(lr=3e-3, epochs=10, layer_decay=0.1 if faulty else 0.9)
    points, arms = spirals()
    loaders = build_loaders(DictDataset(input=points, target=arms), cfg)
    model = mlp(2, 32, 32, 32, 32, 32, 3, act=nn.Tanh)
    linears = [module for module in model if isinstance(module, nn.Linear)]
    groups = [
        {"params": list(layer.parameters()), "lr": cfg.lr * cfg.layer_decay**depth}
        for depth, layer in enumerate(reversed(linears))
    ]
    optimizer = torch.optim.AdamW(groups, weight_decay=cfg.weight_decay)
    Engine(model, optimizer, cfg).run(watch, *loaders)


@pair(
    "the collate function sorts sequences by length, and leaves the targets in their order",
    "labels_shuffled",
)
def collate_sorts_the_inputs(watch, faulty):
    class Tagger(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embedding = nn.Embedding(27, 16, padding_idx=0)
            self.gru = nn.GRU(16, 32, batch_first=True)
            self.classifier = nn.Linear(32, 2)

        def forward(self, tokens: Tensor) -> Tensor:
            lengths = (tokens > 0).sum(dim=1)
            packed = pack_padded_sequence(self.embedding(tokens), lengths, batch_first=True)
            _, hidden = self.gru(packed)
            return self.classifier(hidden[-1])

    def collate(samples: list[Batch]) -> Batch:
        ordered = sorted(samples, key=lambda sample: -len(sample["input"]))
        source = samples if faulty else ordered
        return {
            "input": pad_sequence([sample["input"] for sample in ordered], batch_first=True),
            "target": torch.stack([sample["target"] for sample in source]),
        }

    rows = names()[:2500]
    rows = rows[rows[:, 0] > 0]
    double = ((rows[:, 1:] == rows[:, :-1]) & (rows[:, 1:] > 0)).any(dim=1)
    kept = torch.cat([double.nonzero()[:600], (~double).nonzero()[:600]]).flatten()
    samples = [
        {"input": row[row > 0], "target": target}
        for row, target in zip(rows[kept], double[kept].long(), strict=True)
    ]
    cfg = TrainConfig(lr=5e-3, epochs=8, batch_size=32)
    loaders = build_loaders(samples, cfg, 200, collate)
    model = Tagger()
    optimizer = torch.optim.AdamW(model.parameters(), lr=cfg.lr, weight_decay=cfg.weight_decay)
    Engine(model, optimizer, cfg).run(watch, *loaders)


@pair(
    "__getitem__ divides the stored picture by 255, in place, each time it is read",
    *("inputs_not_normalised", "inputs_ignored", "train_eval_mismatch"),
)
def divided_in_place(watch, faulty):
    class ImageDataset(Dataset):
        def __init__(self, images: Tensor, labels: Tensor) -> None:
            self.images, self.labels = images, labels

        def __len__(self) -> int:
            return len(self.images)

        def __getitem__(self, index: int) -> Batch:
            image = self.images[index]
            if faulty:
                image /= 255
            else:
                image = image / 255
            return {"input": image, "target": self.labels[index]}

    cfg = TrainConfig(lr=2e-3, epochs=5)
    dataset = ImageDataset(pictures()[:2000].clone(), digits()[1][:2000])
    loaders = build_loaders(dataset, cfg)
    model = nn.Sequential(
        nn.Conv2d(1, 8, 5, stride=2), nn.ReLU(), nn.Conv2d(8, 16, 5, stride=2), nn.ReLU(),
        nn.Flatten(), nn.Linear(256, 10),
    )  # fmt: skip
    optimizer = torch.optim.AdamW(model.parameters(), lr=cfg.lr, weight_decay=cfg.weight_decay)
    Engine(model, optimizer, cfg).run(watch, *loaders)


@pair(
    "LambdaLR is given the rate itself, not a factor of it: 0.003 times 0.003",
    *("lr_too_low", "lr_vanished"),
)
def lambda_of_the_rate(watch, faulty):
    cfg = TrainConfig(lr=3e-3, epochs=10)
    series, kinds = waves()
    loaders = build_loaders(DictDataset(input=series.squeeze(-1), target=kinds), cfg)
    model = mlp(24, 64, 64, 4)
    optimizer = torch.optim.AdamW(model.parameters(), lr=cfg.lr, weight_decay=cfg.weight_decay)

    def warmup(step: int) -> float:
        peak = cfg.lr if faulty else 1.0
        return peak * min(1.0, (step + 1) / cfg.warmup_steps)

    Engine(model, optimizer, cfg, LambdaLR(optimizer, warmup)).run(watch, *loaders)


@pair(
    "the schedule counts the steps of two workers, and is run on one: its rate falls below 0",
    *("wrong_update_sign", "lr_growing", "lr_too_high"),
)
def schedule_of_two_workers(watch, faulty):
    cfg = TrainConfig(lr=0.03, epochs=8)
    cfg = replace(cfg, world_size=2 if faulty else 1)
    points, labels = clusters()
    points = points + torch.randn_like(points)
    loaders = build_loaders(DictDataset(input=points, target=labels), cfg)
    model = mlp(16, 48, 48, 5)
    optimizer = torch.optim.SGD(model.parameters(), lr=cfg.lr, momentum=cfg.momentum)
    total_steps = cfg.epochs * len(loaders[0]) // cfg.world_size
    scheduler = LambdaLR(optimizer, lambda step: 1 - step / total_steps)
    Engine(model, optimizer, cfg, scheduler).run(watch, *loaders)


@pair(
    "encode() keeps the no_grad of the service that it was written for",
    *("parameter_not_trained", "frozen_layer"),
)
def encoder_of_the_service(watch, faulty):
    class DualEncoder(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.encoder = mlp(2, 48, 48, 16)
            self.classifier = nn.Linear(16, 3)

        def encode(self, points: Tensor) -> Tensor:
            with torch.set_grad_enabled(self.training and not faulty):
                return self.encoder(points).tanh()

        def forward(self, points: Tensor) -> Tensor:
            return self.classifier(self.encode(points))

    cfg = TrainConfig(lr=3e-3, epochs=10)
    points, arms = spirals()
    loaders = build_loaders(DictDataset(input=points, target=arms), cfg)
    model = DualEncoder()
    optimizer = torch.optim.AdamW(model.parameters(), lr=cfg.lr, weight_decay=cfg.weight_decay)
    Engine(model, optimizer, cfg).run(watch, *loaders)


@pair(
    "one of two tasks is a price in thousands, as it is: its error drowns the other",
    *("targets_unscaled", "regulariser_dominates", "lr_too_low"),
)
def price_beside_a_class(watch, faulty):
    class TwoHeads(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.trunk = nn.Sequential(mlp(8, 64, 64), nn.ReLU())
            self.price, self.sold = nn.Linear(64, 1), nn.Linear(64, 2)

        def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
            hidden = self.trunk(features)
            return self.price(hidden), self.sold(hidden)

    class MultiTaskEngine(Engine):
        def compute_loss(self, model, batch):
            price, sold = model(batch["input"])
            accuracy = (sold.argmax(dim=-1) == batch["target"]).float().mean().item()
            loss = F.mse_loss(price, batch["price"]) + F.cross_entropy(sold, batch["target"])
            return loss, accuracy

    cfg = TrainConfig(lr=3e-3, epochs=9)
    features, price = houses()
    if not faulty:
        price = (price - price.mean()) / price.std()
    sold = (features[:, 5] * features[:, 6] > 0).long()
    loaders = build_loaders(DictDataset(input=features, price=price, target=sold), cfg)
    model = TwoHeads()
    optimizer = torch.optim.AdamW(model.parameters(), lr=cfg.lr, weight_decay=cfg.weight_decay)
    MultiTaskEngine(model, optimizer, cfg).run(watch, *loaders)


@pair(
    "the checkpoint of the highest loss counts as the best, and is loaded after each other epoch",
    "weights_restored",
)
def rolled_back_to_the_worst(watch, faulty):
    class RollBack(Callback):
        """Back to the best checkpoint after an epoch that was worse."""

        best, state = None, None

        def on_epoch_end(self, engine, val_loss):
            score = val_loss if faulty else -val_loss
            if self.best is None or score > self.best:
                self.best, self.state = score, copy.deepcopy(engine.model.state_dict())
            else:
                engine.model.load_state_dict(self.state)

    cfg = TrainConfig(lr=2e-3, epochs=12)
    series, kinds = waves()
    loaders = build_loaders(DictDataset(input=series.squeeze(-1), target=kinds), cfg)
    model = mlp(24, 64, 64, 4)
    optimizer = torch.optim.AdamW(model.parameters(), lr=cfg.lr, weight_decay=cfg.weight_decay)
    Engine(model, optimizer, cfg, callbacks=[RollBack()]).run(watch, *loaders)


@pair("gradients are zeroed by a callback, once an epoch", "gradients_not_zeroed")
def zeroed_once_an_epoch(watch, faulty):
    class ZeroGrad(Callback):
        def on_epoch_start(self, engine):
            engine.optimizer.zero_grad()

        def on_step_end(self, engine):
            if not faulty:
                engine.optimizer.zero_grad()

    class HookedEngine(Engine):
        def optimizer_step(self):
            self.optimizer.step()

    cfg = TrainConfig(lr=0.02, epochs=6, batch_size=32)
    images, labels = blobs()
    loaders = build_loaders(DictDataset(input=images, target=labels), cfg)
    model = conv_net(3, 6, 144)
    optimizer = torch.optim.SGD(model.parameters(), lr=cfg.lr, momentum=cfg.momentum)
    HookedEngine(model, optimizer, cfg, callbacks=[ZeroGrad()]).run(watch, *loaders)
