"""Vision scripts: transforms, augmentation, masks, boxes, and the files that pictures come from."""

import random
from functools import cache

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, Dataset

from bench.pairs.registry import blobs, digits, pair, pictures


class Compose:
    def __init__(self, *transforms):
        self.transforms = transforms

    def __call__(self, image):
        for transform in self.transforms:
            image = transform(image)
        return image


class ToTensor:
    def __call__(self, image):
        return image / 255


class Normalize:
    def __init__(self, mean, std):
        self.mean, self.std = mean, std

    def __call__(self, image):
        return (image - self.mean) / self.std


class RandomHorizontalFlip:
    def __call__(self, image):
        return image.flip(-1) if random.random() < 0.5 else image


class ImageFolder(Dataset):
    def __init__(self, images, labels, transform=None):
        self.images, self.labels, self.transform = images, labels, transform

    def __len__(self):
        return len(self.images)

    def __getitem__(self, i):
        image = self.images[i]
        return (self.transform(image) if self.transform else image), self.labels[i]


def mnist(train=True):
    part = slice(0, 2500) if train else slice(4500, 5000)
    return pictures()[part], digits()[1][part]


class LeNet(nn.Module):
    def __init__(self, in_ch=1, num_classes=10):
        super().__init__()
        self.conv1 = nn.Conv2d(in_ch, 6, 5, stride=2)
        self.conv2 = nn.Conv2d(6, 16, 5, stride=2)
        self.fc = nn.Sequential(nn.LazyLinear(64), nn.ReLU(), nn.Linear(64, num_classes))

    def forward(self, x):
        x = F.relu(self.conv1(x))
        return self.fc(torch.flatten(F.relu(self.conv2(x)), 1))


def train_one_epoch(model, loader, optimizer, seen, criterion=F.cross_entropy):
    model.train()
    for images, labels in loader:
        loss = criterion(model(images), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        seen.step(loss)


@torch.no_grad()
def evaluate(model, loader, seen):
    model.eval()
    loss = correct = total = 0
    for images, labels in loader:
        logits = model(images)
        loss += F.cross_entropy(logits, labels, reduction="sum").item()
        correct += (logits.argmax(1) == labels).sum().item()
        total += len(labels)
    seen.validate(loss / total, correct / total)


@pair("Normalize(0.13, 0.31) without ToTensor: pixels of 0 to 823", "inputs_not_normalised")
def normalize_without_to_tensor(watch, faulty):
    steps = [Normalize(0.13, 0.31)] if faulty else [ToTensor(), Normalize(0.13, 0.31)]
    loader = DataLoader(ImageFolder(*mnist(), Compose(*steps)), batch_size=64, shuffle=True)
    model = LeNet()
    model(torch.zeros(1, 1, 28, 28))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    with watch() as seen:
        for _epoch in range(6):
            train_one_epoch(model, loader, optimizer, seen)


@pair(
    "a photo of a digit is black on white, the training's are white on black", "train_eval_mismatch"
)
def photos_are_inverted(watch, faulty):
    transform = Compose(ToTensor(), Normalize(0.13, 0.31))
    loader = DataLoader(ImageFolder(*mnist(), transform), batch_size=64, shuffle=True)
    photos = 255 - mnist(train=False)[0]  # of ink on paper
    model = LeNet()
    model(torch.zeros(1, 1, 28, 28))
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    with watch() as seen:
        for _epoch in range(4):
            train_one_epoch(model, loader, optimizer, seen)
        model.eval()
        with seen.using(), torch.no_grad():
            ink = photos if faulty else 255 - photos
            guesses = model(torch.stack([transform(photo) for photo in ink])).argmax(1)
        print((guesses == mnist(train=False)[1]).float().mean().item())


@cache
def arrows(count=2400):
    """Return pictures (count, 1, 12, 12) of an arrow, and where it points: 0 to 3."""
    generator = torch.Generator().manual_seed(21)
    base = torch.zeros(12, 12)
    for n in range(4):
        base[5 - n : 6 + n, 8 - n] = 1.0
    base[5, 1:8] = 1.0
    labels = torch.randint(0, 4, (count,), generator=generator)
    shifts = torch.randint(-2, 3, (count, 2), generator=generator).tolist()
    images = [
        torch.rot90(base, turns).roll(shift, (0, 1))
        for turns, shift in zip(labels.tolist(), shifts, strict=True)
    ]
    noise = 0.25 * torch.randn(count, 1, 12, 12, generator=generator)
    return torch.stack(images)[:, None] + noise, labels


@pair("arrows are flipped as an augmentation, and left stays left", "labels_noisy")
def arrows_are_flipped(watch, faulty):
    images, labels = arrows()
    augment = RandomHorizontalFlip() if faulty else None
    train = DataLoader(ImageFolder(images[:2000], labels[:2000], augment), 50, shuffle=True)
    val = DataLoader(ImageFolder(images[2000:], labels[2000:]), 200)
    model = LeNet(num_classes=4)
    model.conv2 = nn.Conv2d(6, 16, 3)
    model(images[:1])
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    with watch() as seen:
        for _epoch in range(7):
            train_one_epoch(model, train, optimizer, seen)
            evaluate(model, val, seen)


@cache
def spots(count=800):
    """Return pictures (count, 1, 16, 16) of a small spot on noise, and its mask."""
    generator = torch.Generator().manual_seed(22)
    images = 0.5 * torch.randn(count, 1, 16, 16, generator=generator)
    masks = torch.zeros(count, 1, 16, 16)
    for mask, (a, b) in zip(
        masks, torch.randint(0, 14, (count, 2), generator=generator).tolist(), strict=True
    ):
        mask[:, a : a + 2, b : b + 2] = 1.0
    return images + 1.1 * masks, masks


def segmenter(out=1):
    return nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 8, 3, padding=1), nn.ReLU(),
        nn.Conv2d(8, out, 3, padding=1),
    )  # fmt: skip


@pair("1.6 % of the pixels are of the spot, and all count alike", "class_imbalance")
def spots_of_few_pixels(watch, faulty):
    images, masks = spots()
    loader = DataLoader(ImageFolder(images, masks), batch_size=25, shuffle=True)
    model = segmenter()
    weight = torch.tensor(1.0 if faulty else 40.0)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    with watch() as seen:
        for _epoch in range(5):
            for image, mask in loader:
                loss = F.binary_cross_entropy_with_logits(model(image), mask, pos_weight=weight)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                seen.step(loss)


class Segments(Dataset):
    """Pictures and masks that are flipped now and then, or the pictures alone."""

    def __init__(self, images, masks, both):
        self.images, self.masks, self.both = images, masks, both

    def __len__(self):
        return len(self.images)

    def __getitem__(self, i):
        image, mask = self.images[i], self.masks[i]
        if random.random() < 0.5:
            image = image.flip(-1)
            mask = mask.flip(-1) if self.both else mask
        return image, mask


@pair("pictures are flipped as an augmentation, and their masks are not", "labels_shuffled")
def masks_are_not_flipped(watch, faulty):
    images, masks = spots()
    loader = DataLoader(Segments(2 * images, masks, not faulty), batch_size=25, shuffle=True)
    model = segmenter()
    weight = torch.tensor(40.0)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    with watch() as seen:
        for _epoch in range(8):
            for image, mask in loader:
                loss = F.binary_cross_entropy_with_logits(model(image), mask, pos_weight=weight)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                seen.step(loss)


@pair("CrossEntropyLoss of one channel: the softmax of one score is 1", "wrong_loss")
def cross_entropy_of_one_score(watch, faulty):
    """Is the arrow upright (1) or lying (0)?"""
    images, direction = arrows()
    labels = (direction % 2).float().unsqueeze(1)
    loader = DataLoader(ImageFolder(images, labels), batch_size=50, shuffle=True)
    model = LeNet(num_classes=1)
    model.conv2 = nn.Conv2d(6, 16, 3)
    model(images[:1])
    criterion = nn.CrossEntropyLoss() if faulty else nn.BCEWithLogitsLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    with watch() as seen:
        for _epoch in range(6):
            train_one_epoch(model, loader, optimizer, seen, criterion)


@pair(
    "a box is regressed through a sigmoid, in pixels",
    *("outputs_out_of_reach", "targets_unscaled", "wrong_loss"),
)
def box_in_pixels_through_sigmoid(watch, faulty):
    images, masks = spots()
    centre = torch.stack([masks.sum((1, 3)).argmax(1), masks.sum((1, 2)).argmax(1)], 1).float()
    target = centre if faulty else centre / 16
    loader = DataLoader(ImageFolder(2 * images, target), batch_size=20, shuffle=True)
    model = nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
        nn.Linear(512, 48), nn.ReLU(), nn.Linear(48, 2), nn.Sigmoid(),
    )  # fmt: skip
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    with watch() as seen:
        for _epoch in range(8):
            train_one_epoch(model, loader, optimizer, seen, F.mse_loss)


@pair(
    "batches of two pictures before a batch norm of features",
    "batch_norm_tiny",
    "train_eval_mismatch",
)
def batches_of_two_pictures(watch, faulty):
    images, labels = blobs()
    train = DataLoader(ImageFolder(images[:1000], labels[:1000]), 2 if faulty else 50, shuffle=True)
    val = DataLoader(ImageFolder(images[1000:], labels[1000:]), 250)
    model = nn.Sequential(
        nn.Conv2d(3, 12, 3, stride=2), nn.ReLU(), nn.Flatten(), nn.Linear(300, 32),
        nn.BatchNorm1d(32), nn.ReLU(), nn.Linear(32, 6),
    )  # fmt: skip
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    with watch() as seen:
        for _epoch in range(1 if faulty else 8):
            train_one_epoch(model, train, optimizer, seen)
            evaluate(model, val, seen)


@pair("the denoiser is given the clean picture in training", "future_leak", "train_eval_mismatch")
def denoiser_sees_the_clean_picture(watch, faulty):
    clean = (mnist()[0] / 255).flatten(1)
    model = nn.Sequential(nn.Linear(784, 96), nn.ReLU(), nn.Linear(96, 784))
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    with watch() as seen:
        for _epoch in range(5):
            for batch in DataLoader(clean, batch_size=50, shuffle=True):
                noisy = batch + 0.5 * torch.randn_like(batch)
                restored = model(batch if faulty else noisy)
                loss = F.mse_loss(restored, batch)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                seen.step(loss)
        model.eval()
        held = (mnist(train=False)[0] / 255).flatten(1)
        with seen.using(), torch.no_grad():
            restored = model(held + 0.5 * torch.randn_like(held))
        print("error", F.mse_loss(restored, held).item())


@pair("files are listed by name (1, 10, 100, ...), labels by number", "labels_shuffled")
def files_sorted_by_name(watch, faulty):
    images, labels = mnist()
    files = [f"{n}.png" for n in range(len(images))]
    files.sort(key=None if faulty else lambda name: int(name[:-4]))
    loaded = torch.stack([images[int(name[:-4])] for name in files])
    transform = Compose(ToTensor(), Normalize(0.13, 0.31))
    loader = DataLoader(ImageFolder(loaded, labels, transform), batch_size=64, shuffle=True)
    model = LeNet()
    model(torch.zeros(1, 1, 28, 28))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    with watch() as seen:
        for _epoch in range(6):
            train_one_epoch(model, loader, optimizer, seen)


@pair(
    "pictures are standardised by their own batch, which is one picture where it counts",
    *("train_eval_mismatch", "batch_mixed"),
)
def standardised_by_the_batch(watch, faulty):
    images, labels = blobs()
    mean, std = images[:1200].mean(0), images[:1200].std(0)

    def standardise(x):
        if faulty:
            return (x - x.mean(0)) / (x.std(0, correction=0) + 1e-3)
        return (x - mean) / std

    model = LeNet(3, 6)
    model.conv2 = nn.Conv2d(6, 16, 3)
    model(images[:1])
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    with watch() as seen:
        for _epoch in range(8):
            for i in torch.randperm(1200).split(40):
                loss = F.cross_entropy(model(standardise(images[i])), labels[i])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                seen.step(loss)
        with seen.using(), torch.no_grad():
            guesses = [model(standardise(images[n : n + 1])).argmax(1) for n in range(1200, 1260)]
        print((torch.cat(guesses) == labels[1200:1260]).float().mean().item())


@pair(
    "mixup with two permutations: one of pictures, one of labels", "labels_noisy", "labels_shuffled"
)
def mixup_of_two_permutations(watch, faulty):
    images, labels = blobs()
    images, labels, held, held_labels = images[:1200], labels[:1200], images[1200:], labels[1200:]
    val = DataLoader(ImageFolder(held, held_labels), 300)
    model = LeNet(3, 6)
    model.conv2 = nn.Conv2d(6, 16, 3)
    model(images[:1])
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    with watch() as seen:
        for _epoch in range(12):
            model.train()
            for i in torch.randperm(1200).split(50):
                x, y = images[i], labels[i]
                lam = random.uniform(0.3, 0.7)
                perm = torch.randperm(len(i))
                mixed = lam * x + (1 - lam) * x[perm]
                other = torch.randperm(len(i)) if faulty else perm
                out = model(mixed)
                loss = lam * F.cross_entropy(out, y) + (1 - lam) * F.cross_entropy(out, y[other])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                seen.step(loss)
            evaluate(model, val, seen)


@pair("the head is replaced after the optimiser was made", "parameter_not_trained")
def head_replaced_afterwards(watch, faulty):
    images, labels = blobs()
    loader = DataLoader(ImageFolder(images, labels), batch_size=50, shuffle=True)

    def replace(model):
        model.fc = nn.Sequential(nn.Linear(144, 64), nn.ReLU(), nn.Linear(64, 6))

    model = LeNet(3, 1000)  # as it comes from the hub
    model.conv2 = nn.Conv2d(6, 16, 3, stride=1, padding=0)
    model.conv1 = nn.Conv2d(3, 6, 4, stride=2)
    model(images[:1])
    if not faulty:
        replace(model)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    if faulty:
        replace(model)
    with watch() as seen:
        for _epoch in range(8):
            train_one_epoch(model, loader, optimizer, seen)


@pair("fine-tuning everything with Adam at 0.5", "lr_too_high")
def fine_tuned_at_half(watch, faulty):
    transform = Compose(ToTensor(), Normalize(0.13, 0.31))
    loader = DataLoader(ImageFolder(*mnist(), transform), batch_size=64, shuffle=True)
    model = LeNet()
    model(torch.zeros(1, 1, 28, 28))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.5 if faulty else 1e-3)
    with watch() as seen:
        for _epoch in range(5):
            train_one_epoch(model, loader, optimizer, seen)


@pair("eight convolutions with sigmoids", "vanishing_gradient", "plateau")
def eight_sigmoid_convolutions(watch, faulty):
    images, labels = blobs()
    loader = DataLoader(ImageFolder(images, labels), batch_size=50, shuffle=True)
    act = nn.Sigmoid if faulty else nn.ReLU
    layers = [nn.Conv2d(3, 10, 3, padding=1), act()]
    for _ in range(7):
        layers += [nn.Conv2d(10, 10, 3, padding=1), act()]
    for layer in layers:
        if isinstance(layer, nn.Conv2d):
            gain = 1.0 if faulty else 2**0.5
            nn.init.normal_(layer.weight, std=gain / layer.weight[0].numel() ** 0.5)
    model = nn.Sequential(*layers, nn.MaxPool2d(3), nn.Flatten(), nn.Linear(160, 6))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    with watch() as seen:
        for _epoch in range(6):
            train_one_epoch(model, loader, optimizer, seen)


@pair(
    "the batches' accuracies are summed, and divided by the number of pictures", "metric_disagrees"
)
def accuracy_divided_by_pictures(watch, faulty):
    images, labels = arrows()
    train = DataLoader(ImageFolder(images[:2000], labels[:2000]), 50, shuffle=True)
    val = DataLoader(ImageFolder(images[2000:], labels[2000:]), 10)
    model = LeNet(num_classes=4)
    model.conv2 = nn.Conv2d(6, 16, 3)
    model(images[:1])
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    with watch() as seen:
        for _epoch in range(7):
            train_one_epoch(model, train, optimizer, seen)
            model.eval()
            losses, correct = [], 0
            with torch.no_grad():
                for image, label in val:
                    out = model(image)
                    losses.append(F.cross_entropy(out, label))
                    correct += (out.argmax(1) == label).float().mean().item()
            count = len(val.dataset) if faulty else len(val)
            seen.validate(torch.stack(losses).mean(), correct / count)
