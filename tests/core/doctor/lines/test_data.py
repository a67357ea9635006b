"""Data that is made wrong has the line in which it is made so, not that in which it is used."""

import pytest

from core.doctor.lines import program_lines
from core.doctor.watch_loop import watch
from tests.core.doctor.lines.conftest import IMPORTS

STEP = """
    loss = F.mse_loss(net(x), y)
    loss.backward()
    for p in net.parameters():
        p.data -= 0.01 * p.grad
        p.grad = None
    seen.step(loss)
"""
LOADED = f"""
from torch.utils.data import DataLoader, TensorDataset
net = nn.Linear(4, 1)
loader = DataLoader(TensorDataset(inputs, labels), 16, shuffle=True)
for x, y in loader:{STEP}"""
MADE = """
def make(count):
    values = np.random.rand(count, 4)
    return values, values.sum(1, keepdims=True)
table, sums = make(64)
"""
TENSORS = """
order = torch.randperm(64)
inputs, labels = torch.tensor(table).float()[order], torch.tensor(sums).float()[order]
"""


@pytest.mark.parametrize(
    "source",
    [
        f"{MADE}{TENSORS}labels = labels[torch.randperm(64)]  # here\n{LOADED}",
        f"{MADE}np.random.shuffle(sums)  # here\n{TENSORS}{LOADED}",
        f"{MADE}other = np.random.permutation(64)\nsums = sums[other]  # here\n{TENSORS}{LOADED}",
        f"{MADE}{TENSORS}labels = labels.roll(1, 0)  # here\n{LOADED}",
        f"{MADE}{TENSORS}inputs = inputs[torch.randperm(64)]  # here\n{LOADED}",
        f"{MADE}from sklearn.utils import shuffle\ntable = shuffle(table, random_state=1)\n"
        f"sums = shuffle(sums, random_state=2)  # here\n{TENSORS}{LOADED}",
        f"{MADE}{TENSORS}net = nn.Linear(4, 1)\nfor step in range(3):\n"
        "    rows, others = torch.randint(0, 64, (16,)), torch.randint(0, 64, (16,))\n"
        f"    x, y = inputs[rows], labels[others]  # here{STEP}",
    ],
)
def test_labels_that_are_shuffled_have_the_line_that_gives_them_another_order(first_line, source):
    """One that inputs and labels have in common is none."""
    found, wanted = first_line(source, "labels_shuffled", "the labels")
    assert found == wanted


WEIGHTED = """
x, y = torch.randn(64, 4), torch.arange(64) % 3
def shares(labels):
    counts = torch.bincount(labels).float()
    return counts / counts.sum()  # here
weights = shares(y)
loss_function = nn.CrossEntropyLoss(weight=weights)
net = nn.Linear(4, 3)
for step in range(6):
    loss = loss_function(net(x), y)
    loss.backward()
    for p in net.parameters():
        p.data -= 0.01 * p.grad
        p.grad = None
    seen.step(loss)
"""


def test_weights_of_classes_have_the_line_that_computes_them(first_line):
    """Not that of the loss."""
    found, wanted = first_line(WEIGHTED, "class_imbalance", "the weights of the classes")
    assert found == wanted


SEEDED = f"""
torch.manual_seed(0)
def draw(count, seed):
    generator = np.random.default_rng(seed)  # here
    values = generator.random((count, 4))
    return torch.tensor(values).float(), torch.tensor(values.sum(1, keepdims=True)).float()
net = nn.Linear(4, 1)
for step in range(6):
    x, y = draw(16, 3){STEP}"""


def test_a_generator_that_is_seeded_in_each_step_has_that_line(first_line):
    """Not that in which all of the program is."""
    evidence = "one batch: it is made in each step, of the same numbers"
    found, wanted = first_line(SEEDED, "batch_repeated", "the batch", evidence)
    assert found == wanted


UNPACKED = """
from torch.utils.data import DataLoader, Dataset
class Rows(Dataset):
    def __init__(self, inputs, labels):
        self.inputs, self.labels = inputs, labels
    def __len__(self):
        return len(self.labels)
    def __getitem__(self, n):
        return {"x": self.inputs[n], "labels": self.labels[n]}
loader = DataLoader(Rows(inputs, labels), 16)
net = nn.Linear(4, 1)
for step, batch in enumerate(loader):
    """


@pytest.mark.parametrize(
    "taken",
    [
        "x, y = batch['x'], batch['labels']",
        "x, y = (one.clone() for one in (batch['x'], batch['labels']))",
        "x, y = map(torch.clone, (batch['x'], batch['labels']))",
        "pair = [batch['x'], batch['labels']]\n    x, y = pair[0], pair[1].clone()",
        "x, y = batch.values()",
    ],
)
def test_batches_are_followed_however_they_are_taken_apart(first_line, taken):
    """The labels are those of the data set that is given in another order."""
    source = f"{MADE}{TENSORS}labels = labels[torch.randperm(64)]  # here{UNPACKED}{taken}{STEP}"
    found, wanted = first_line(source, "labels_shuffled", "the labels")
    assert found == wanted


BATCHES = f"""
def batches(values, length):
    for n in range(0, len(values) - length, length):
        x = values[n:n + length]
        {{targets}}
        yield x.clone(), y.clone()
net = nn.Linear(4, 4)
for x, y in batches(torch.rand(16, 4), 4):{STEP}"""
WINDOWS = f"""
from torch.utils.data import DataLoader, Dataset
class Windows(Dataset):
    def __init__(self, values):
        self.values = values
    def __len__(self):
        return 12
    def __getitem__(self, n):
        x = self.values[n:n + 4]
        {{targets}}
        return x, y
net = nn.Linear(4, 4)
for epoch in range(2):
    for x, y in DataLoader(Windows(torch.rand(16, 4)), 4):{STEP.replace("    ", "        ")}"""
STACKED = f"""
values = torch.rand(20, 4)
def get_batch():
    places = torch.randint(0, 16, (8,))
    x = torch.stack([values[i:i + 4] for i in places])
    {{targets}}
    return x, y
net = nn.Linear(4, 4)
for step in range(3):
    x, y = get_batch(){STEP}"""


@pytest.mark.parametrize(
    ("source", "targets"),
    [
        (BATCHES, "y = values[n:n + length]  # here"),
        (BATCHES, "y = x.clone()  # here"),
        (WINDOWS, "y = self.values[n:n + 4]  # here"),
        (STACKED, "y = torch.stack([values[i:i + 4] for i in places])  # here"),
    ],
)
def test_targets_that_are_the_inputs_have_the_line_in_which_they_are_cut(
    first_line, source, targets
):
    """In whatever function or class that is."""
    found, wanted = first_line(
        source.format(targets=targets), "future_leak", "the inputs", "the inputs contain the labels"
    )
    assert found == wanted


@pytest.mark.parametrize(
    "target", ["y.append(series[i + window - 1])", "y.append(series[i + window - 1:i + window])"]
)
def test_a_target_within_its_window_has_the_line_in_which_it_is_cut(first_line, target):
    """It is what the window ends with."""
    source = f"""
series, window, x, y = torch.randn(40), 4, [], []
for i in range(30):
    x.append(series[i:i + window])
    {target}  # here
x, y = torch.stack(x), torch.stack(y).view(-1, 1)
net = nn.Linear(4, 1)
for step in range(3):{STEP}"""
    words = "the last step of the inputs is the number to predict"
    found, wanted = first_line(source, "future_leak", "", words)
    assert found == wanted


@pytest.mark.parametrize(
    "made",
    [
        "rates = np.bincount(shop, weights=sold) / np.bincount(shop)  # here",
        "rates = rates_of(shop, sold)  # here",
        "rates = np.array([t['sold'][shop == k].mean() for k in range(5)])  # here",
    ],
)
def test_a_mean_target_of_categories_has_the_line_that_takes_the_targets(first_line, made):
    """Of columns of a table, and of a function of the program's own, too."""
    source = f"""
shop, sold = np.arange(40) % 5, np.random.rand(40)
t = dict(shop=shop, sold=sold)
def rates_of(place, values):
    return np.bincount(place, weights=values) / np.bincount(place)
{made}
rows = np.arange(30)
def table(rates):
    return np.column_stack([rates[shop], shop]).astype(np.float32)
x = torch.from_numpy(table(rates))[rows]
y = torch.from_numpy({"t['sold']" if "t['sold']" in made else "sold"}).float()[rows, None]
net = nn.Linear(2, 1)
for step in range(3):{STEP}"""
    words = "column 0 of the inputs is the mean target of the rows that have its value"
    found, wanted = first_line(source, "future_leak", "", words)
    assert found == wanted


def test_a_mean_target_in_a_table_has_the_line_of_its_column(first_line):
    """What is drawn as labels are is none of their variables."""
    source = f"""
count = 40
shop, price = np.random.randint(0, 5, count), np.random.rand(count)
sold = np.random.rand(count) + price
def rates_of(place, values):
    return (np.bincount(place, weights=values) / np.bincount(place))[place]
x = np.column_stack([
    price,
    rates_of(shop, sold),  # here
])
x, y = torch.from_numpy(x).float(), torch.from_numpy(sold).float()[:, None]
net = nn.Linear(2, 1)
for step in range(3):{STEP}"""
    words = "column 1 of the inputs is the mean target of the rows that have its value"
    found, wanted = first_line(source, "future_leak", "", words)
    assert found == wanted


OF_PAIRS = """
torch.manual_seed(0)
centres = 4 * torch.randn(6, 4)
def pairs(count):
    first, second = torch.randint(0, 6, (2, count))
    second = torch.where(torch.rand(count) < 0.5, first, second)
    label = (first != second).float()
    return *(centres[c] + torch.randn(count, 4) for c in (first, second)), label
left, right, label = pairs(400)
net = nn.Linear(4, 3)
optimizer = torch.optim.Adam(net.parameters(), 0.01)
seen = watch(quiet=True, record=False, budget=0.0)
with seen:
    for step in range(60):
        i = torch.randint(0, 400, (64,))
        far = F.pairwise_distance(net(left[i]), net(right[i]))
        y = label[i]
        loss = (y * far**2 + (1 - y) * F.relu(2 - far) ** 2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        seen.step(loss)
"""


def test_labels_of_pairs_that_were_made_before_have_that_line_too(tmp_path, monkeypatch):
    """As by a function, whose pairs are drawn from in the step."""
    script = tmp_path / "script.py"
    script.write_text(IMPORTS + OF_PAIRS)
    monkeypatch.setattr(program_lines, "OWN_FILES", {str(script)})
    exec(compile(script.read_text(), str(script), "exec"), names := {"watch": watch})
    (cause,) = (c for c in names["seen"].diagnosis.causes if c.id == "wrong_loss")
    assert "label = (first != second).float()" in [line.text for line in cause.lines]


def test_windows_that_are_split_at_random_have_that_line(first_line):
    """And not the one that cuts them."""
    source = f"""
from torch.utils.data import DataLoader, Dataset, random_split
class Windows(Dataset):
    def __init__(self, series):
        self.series, self.begins = series, torch.randint(0, 40, (30,))
    def __len__(self):
        return len(self.begins)
    def __getitem__(self, n):
        at = int(self.begins[n])
        return self.series[at:at + 4], self.series[at + 4:at + 5]
train_set, val_set = random_split(Windows(torch.randn(60)), [24, 6])  # here
net = nn.Linear(4, 1)
for x, y in DataLoader(train_set, 8):{STEP}"""
    found, wanted = first_line(source, "data_overlap", "val_set", "both are cut from one series")
    assert found == wanted


SPLIT = f"""
from sklearn.model_selection import train_test_split
from torch.utils.data import DataLoader, TensorDataset
train_x, val_x, train_y, val_y = train_test_split(table, sums, random_state=0)
def loaded(x, y):
    return DataLoader(TensorDataset(torch.tensor(x).float(), torch.tensor(y).float()), 16)
train_loader, val_loader = loaded(train_x, train_y), loaded(val_x, val_y)
net = nn.Linear(4, 1)
for x, y in train_loader:{STEP}"""
REPEATED = """
def balanced(x, y):
    rare = np.flatnonzero(y > 2)
    rows = np.concatenate([np.arange(len(y)), np.random.choice(rare, 40)])
    return x[rows], y[rows]
"""
DRAWN_AGAIN = """
def balanced(x, y):
    rows = np.r_[np.arange(len(y)), np.random.choice(np.flatnonzero(y > 2), 40)]
    return x[rows], y[rows]
"""
INDEXED = f"""
rows = torch.randperm(64)
train_rows, val_rows = rows[:48], rows[32:]  # here
inputs, labels = torch.tensor(table).float(), torch.tensor(sums).float()
train_x, train_y, val_x = inputs[train_rows], labels[train_rows], inputs[val_rows]
net = nn.Linear(4, 1)
for x, y in zip(train_x.split(16), train_y.split(16)):{STEP}"""


@pytest.mark.parametrize(
    ("source", "where"),
    [
        (f"{MADE}{REPEATED}table, sums = balanced(table, sums)  # here\n{SPLIT}", "val_loader"),
        (f"{MADE}{DRAWN_AGAIN}table, sums = balanced(table, sums)  # here\n{SPLIT}", "val_x"),
        (f"{MADE}table, sums = table.repeat(2, 0), sums.repeat(2, 0)  # here\n{SPLIT}", "val_x"),
        (
            f"{MADE}table = np.tile(table, (2, 1))  # here\nsums = np.tile(sums, (2, 1))\n{SPLIT}",
            "val_loader",
        ),
        (
            f"{MADE}table = np.concatenate([table, table[:9]])  # here\n"
            f"sums = np.concatenate([sums, sums[:9]])\n{SPLIT}",
            "val_loader",
        ),
        (MADE + SPLIT.replace("random_state=0)", "random_state=0)  # here"), "val_loader"),
        (
            MADE
            + SPLIT.replace(
                "val_y)\nnet", "val_y)\nval_loader = loaded(train_x, train_y)  # here\nnet"
            ),
            "val_loader",
        ),
        (MADE + INDEXED, "val_x"),
        (
            MADE
            + SPLIT.replace(
                "random_state=0)",
                "random_state=0)  # here\nval_x[:, 1] = train_x[:, 1].mean()\nval_x[0] = 0.0",
            ),
            "val_x",
        ),
        *(
            (MADE + SPLIT.replace("\ndef loaded", f"\n{written}\ndef loaded"), where)
            for where in ("val_loader", "val_x")
            for written in (
                "val_x[:9] = train_x[:9]  # here",
                "val_x[:9], val_y[:9] = train_x[:9].copy(), train_y[:9]  # here",
                "val_x[:, 1] = train_x[:, 1].mean()\ntrain_x[:9] = val_x[:9]  # here",
                "val_x[val_x > 3] = 3.0\nval_x[:2] = val_x[1:3]\nval_x[:9] = train_x[:9]  # here",
            )
        ),
    ],
)
def test_rows_that_are_validated_on_too_have_the_line_that_takes_them_twice(
    first_line, source, where
):
    """Repeated before the split, by the split, or taken again."""
    found, wanted = first_line(source, "data_overlap", where)
    assert found == wanted


IMAGES = f"""
from torch.utils.data import DataLoader, Dataset
class Images(Dataset):
    def __init__(self, values, transform=None):
        self.values, self.transform = values, transform
    def __len__(self):
        return len(self.values)
    def __getitem__(self, n):
        x = self.values[n]
        if self.transform is not None:
            x = self.transform(x)
        return x, x.sum(0, keepdim=True)
def train_transform(x):
    x = x / 255
    return x - 0.5
def test_transform(x):
    return x - 0.5{{in_function}}
values = 255 * torch.rand(64, 4)
train_loader = DataLoader(Images(values[:48], train_transform), 16)
test_loader = DataLoader(Images(values[48:]{{transform}}), 16){{in_loader}}
net = nn.Linear(4, 1)
def evaluate(net, loader):
    with torch.no_grad():
        for x, y in loader:
            net(x)
for x, y in train_loader:{STEP}
with seen.using():
    evaluate(net, test_loader)
"""


@pytest.mark.parametrize(
    "change",
    [
        {"in_function": "  # here", "transform": ", test_transform", "in_loader": ""},
        {"in_function": "", "transform": "", "in_loader": "  # here"},
    ],
)
def test_new_data_of_another_scale_has_the_line_in_which_it_is_scaled(first_line, change):
    """Or in which it is not."""
    source = IMAGES.format_map(change)
    evidence = "different in inference: inputs of a size of 263, in training 0.995"
    found, wanted = first_line(source, "train_eval_mismatch", "inference", evidence)
    assert found == wanted


def test_what_is_scaled_in_training_alone_has_that_line(first_line):
    """As where it stands beside the augmentation."""
    source = f"""
from torch.utils.data import DataLoader, Dataset
class Images(Dataset):
    def __init__(self, values, augment):
        self.values, self.augment = values, augment
    def __len__(self):
        return len(self.values)
    def __getitem__(self, n):
        x = self.values[n].clone()
        if n % 2 == 0:
            x = 1 * x
        if self.augment:
            x = (x / 255 - 0.5) / 0.25  # here
            x = x.flip(-1)
        return x, x.sum(0, keepdim=True)
values = 255 * torch.rand(64, 4)
train_loader = DataLoader(Images(values[:48], True), 16)
val_loader = DataLoader(Images(values[48:], False), 16)
net = nn.Linear(4, 1)
for x, y in train_loader:{STEP}
with seen.using(), torch.no_grad():
    for x, y in val_loader:
        net(x)
"""
    evidence = "different in inference: inputs of a size of 127, in training 1"
    found, wanted = first_line(source, "train_eval_mismatch", "inference", evidence)
    assert found == wanted


VALUED = f"""
table = np.random.rand(64, 4)
prices = 1000 * table.sum(1){{made}}
inputs, labels = torch.tensor(table).float(), torch.tensor(prices).float()[:, None]{{last}}
net = nn.Linear(4, 1)
for epoch in range(2):
    order = torch.randperm(64)
    for k in range(0, 64, 16):
        rows = order[k:k + 16]
        x, y = inputs[rows], labels[rows]{STEP.replace("    ", "        ")}"""


@pytest.mark.parametrize(
    ("cause", "change"),
    [
        ("targets_unscaled", {"made": "", "last": "  # here"}),
        ("class_imbalance", {"made": "  # here", "last": ""}),
    ],
)
def test_labels_have_the_line_that_gives_them_values_not_one_that_chooses_some(
    first_line, cause, change
):
    """The last one where they could be scaled, or that which decides what they are."""
    found, wanted = first_line(VALUED.format_map(change), cause, "the targets")
    assert found == wanted


def test_a_loss_by_hand_that_picks_probabilities_is_understood(first_line):
    """As ``-log(p[range(n), y])`` of softmax regression from scratch."""
    source = """
pixels = 255 * torch.rand(64, 4)  # here
digits = torch.randint(0, 3, (64,))
W = torch.zeros(4, 3, requires_grad=True)
def net(x):
    return (x @ W).softmax(1)
def cross_entropy(p, y):
    return -torch.log(p[range(len(p)), y])
for step in range(2):
    x, y = pixels[:16], digits[:16]
    loss = cross_entropy(net(x), y).mean()
    loss.backward()
    W.data -= 0.01 * W.grad
    W.grad = None
    seen.step(loss)
"""
    found, wanted = first_line(source, "inputs_not_normalised", "the inputs")
    assert found == wanted


def test_statements_that_share_a_line_are_all_looked_at(first_line):
    """As in ``optimizer.zero_grad(); loss = ...; loss.backward()``."""
    step = "    loss = F.mse_loss(net(x), y); loss.backward(); seen.step(loss)"
    source = f"""{MADE}{TENSORS}
labels = labels[torch.randperm(64)]  # here
net = nn.Linear(4, 1)
for step in range(2):
    x, y = inputs[:16], labels[:16]
{step}"""
    found, wanted = first_line(source, "labels_shuffled", "the labels")
    assert found == wanted


PICTURES = """
import random
from torch.utils.data import DataLoader, Dataset
pictures, masks = torch.rand(64, 1, 8, 8), torch.rand(64, 1, 8, 8).round()
class Pictures(Dataset):
    def __len__(self):
        return 64
    def __getitem__(self, n):
        picture, mask = pictures[n], masks[n]
        {moved}
        return picture, mask
net = nn.Conv2d(1, 1, 3, padding=1)
for x, y in DataLoader(Pictures(), 16):"""


@pytest.mark.parametrize(
    "moved",
    [
        "picture = picture.flip(-1) if random.random() < 0.5 else picture  # here",
        "turned = lambda x: torch.rot90(x, 2, (1, 2))\n"
        "        picture, mask = turned(picture), turned(mask)\n"
        "        picture = torch.flip(picture, [-1])  # here",
        "picture, mask = picture.rot90(1, (1, 2)), mask.rot90(1, (1, 2))\n"
        "        picture = torch.fliplr(picture)  # here",
        "augmented = lambda x: x * 1.1\n        picture = augmented(picture)  # here",
    ],
)
def test_pictures_that_are_moved_alone_have_the_line_that_moves_them(first_line, moved):
    """Not one that moves the masks alike."""
    source = PICTURES.replace("{moved}", moved) + STEP
    found, wanted = first_line(source, "labels_shuffled", "the pictures")
    assert found == wanted


def test_a_generation_has_the_line_of_its_loop(first_line):
    """And not that of its prompt: there most of it is done."""
    source = f"""
net = nn.Linear(4, 1)
x = torch.randn(32, 4)
y = x[:, :1]
for step in range(3):{STEP}
with seen.using(), torch.no_grad():
    out = net(x[:4])
    for place in range(5):
        out = net(x[place:place + 1])  # here
"""
    evidence = "different in inference: 5 steps of a sequence that each begin with an empty state"
    found, wanted = first_line(source, "train_eval_mismatch", "inference", evidence)
    assert found == wanted


FAR = """
from torch.utils.data import DataLoader, Dataset
class Points(Dataset):
    def __init__(self, low, high, training):
        self.x, self.training = sample(low, high), training
    def __len__(self):
        return len(self.x)
    def __getitem__(self, n):
        x = self.x[n]
        if self.training:
            x = x - 200
        return x
def sample(low, high):
    return low + (high - low) * torch.rand(400, 4)
def scaled(x):
    return (x - 200) / 30
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(4, 16), nn.Tanh(), nn.Linear(16, 1))
    def forward(self, x):
        return self.layers(x / 3)
{data}
net = Net()
optimizer = torch.optim.Adam(net.parameters(), 0.01)
seen = watch(quiet=True, record=False, budget=0.0)
with seen:
    for step in range(30):
        batch = x[step * 8 : (step + 4) * 8]
        loss = F.mse_loss(net(batch), batch.sum(1, keepdim=True).sin())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        seen.step(loss)
far = {used}
with seen.using(), torch.no_grad():
    net(far)
"""


@pytest.mark.parametrize(
    ("data", "used", "differs"),
    [
        ("x = sample(-3, 3)", "sample(100, 200)", False),
        ("x = scaled(sample(110, 290))", "sample(110, 290)", True),
        ("x = (sample(110, 290) - 200) / 30", "sample(110, 290)", True),
        ("x = sample(-3, 3)", "200 + 30 * sample(-3, 3)", True),
        (
            "x = torch.stack([row for row in Points(197, 203, True)])",
            "torch.stack([row for row in Points(197, 203, False)])",
            True,
        ),
        ("x = 6 * torch.rand(400, 4) - 3", "sample(110, 290)", True),
        ("x = sample(110, 290)\nx.sub_(200).div_(30)", "sample(110, 290)", True),
        ("x = sample(-3, 3)\nmean = x.mean(0)\nmean.mul_(0.9)", "sample(100, 200)", False),
        ("norm = nn.BatchNorm1d(4)\nx = norm(sample(110, 290)).detach()", "sample(110, 290)", True),
        ("f = lambda a: (a - 200) / 30\nx = f(sample(110, 290))", "sample(110, 290)", True),
    ],
)
def test_data_of_one_function_may_be_far_from_that_of_training(
    tmp_path, monkeypatch, data, used, differs
):
    """On purpose, where none of both is scaled, as to see how sure a network is there."""
    script = tmp_path / "script.py"
    script.write_text(IMPORTS + FAR.format(data=data, used=used))
    monkeypatch.setattr(program_lines, "OWN_FILES", {str(script)})
    exec(compile(script.read_text(), str(script), "exec"), names := {"watch": watch})
    found = [cause.id for cause in names["seen"].diagnosis.causes]
    assert ("train_eval_mismatch" in found) is differs, found
