"""What a watched loop learns from, and what is new to it, by how it takes its batches."""

from types import SimpleNamespace

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, Subset, TensorDataset, random_split

from core import watch
from core.doctor.diagnose import replay_of
from core.doctor.experiments.drawn_shares import drawn_shares
from core.doctor.experiments.seen_data import seen_data
from core.doctor.experiments.sources import rows_of_view
from core.doctor.watch.variables import is_validation

ROWS = 400


def table(count=ROWS):
    """Rows that are told apart by their first number, and their labels."""
    x = torch.randn(count, 6)
    x[:, 0] = torch.arange(count)
    return x, torch.arange(count) % 3


def step(net, x, y):
    """Forward, backward, update; as any loop does it."""
    loss = F.cross_entropy(net(x).flatten(0, -2), y.flatten())
    net.zero_grad()
    loss.backward()
    for p in net.parameters():
        p.data -= 1e-3 * p.grad
    return loss


def found(seen):
    """What is known of the data of a loop that was watched."""
    watcher = seen._loop.watcher
    return seen_data(replay_of(watcher), watcher.variables)


def quiet():
    """A watch that prints, keeps and tries nothing."""
    return watch(quiet=True, record=False, budget=0)


def test_rows_that_are_picked_come_from_the_whole_data_and_validation_data_is_new():
    """By indices drawn in the step; the two validation tensors are found by their names."""
    x_train, y_train = table()
    x_val, y_val = -table(100)[0], table(100)[1]
    net = nn.Linear(6, 3)
    with quiet() as seen:
        for _ in range(6):
            i = torch.randint(0, ROWS, (32,))
            seen.step(step(net, x_train[i], y_train[i]))
    data = found(seen)
    assert data.is_new and data.source == "x_val" and len(data.trained) == ROWS
    assert sorted(data.new.inputs[:, 0].tolist()) == sorted(x_val[:, 0].tolist())
    assert (data.new.targets[:, 0] == -data.new.inputs[:, 0].long() % 3).all() and len(y_val) == 100


@pytest.mark.parametrize(
    "held", ["tensors", "data set", "part of training", "with others", "other labels"]
)
def test_what_the_network_is_evaluated_on_is_new_whatever_it_is_called(held):
    """Unless it is a part of the training data, or it is not known what its labels are."""
    inputs, labels = table()
    b, answers = -table(100)[0], table(100)[1]
    other = answers.flip(0) if held == "with others" else None
    kept = TensorDataset(b, answers) if held == "data set" else None
    if held == "part of training":
        b, answers = inputs[:100].clone(), labels[:100].clone()
    right = answers.tolist()
    if held == "other labels":
        answers = torch.zeros_like(answers)
    torch.manual_seed(0)
    net = nn.Linear(6, 3)
    with torch.no_grad():
        net.weight.zero_()
        net.bias[0] += 3.0  # other labels cost another loss
    with quiet() as seen:
        for _ in range(8):
            i = torch.randint(0, ROWS, (32,))
            loss = step(net, inputs[i], labels[i])
            with torch.no_grad():
                seen.validate(F.cross_entropy(net(b), torch.tensor(right)))
            seen.step(loss)
    if held == "data set":
        del b, answers
    data = found(seen)
    assert data.is_new is (held in ("tensors", "data set"))
    assert data.source == {"tensors": "b", "data set": "kept"}.get(held, data.source)
    if data.is_new:
        assert (data.new.targets[:, 0] == -data.new.inputs[:, 0].long() % 3).all()
    assert kept or other is None or len(other) == 100


def test_columns_that_are_picked_with_the_rows():
    """In one pair of brackets: of the other rows the same columns are taken."""
    x, y = table()
    net = nn.Linear(4, 3)
    with quiet() as seen:
        for _ in range(6):
            i = torch.randint(0, ROWS, (32,))
            seen.step(step(net, x[i, :4], y[i]))
    data = found(seen)
    assert data.new.inputs.shape[1] == 4
    assert (data.new.targets[:, 0] == data.new.inputs[:, 0].long() % 3).all()


def test_rows_that_are_never_drawn_are_new():
    """The loop says how far it draws."""
    x, y = table()
    net = nn.Linear(6, 3)
    with quiet() as seen:
        for _ in range(6):
            i = torch.randint(0, 300, (32,))
            seen.step(step(net, x[i], y[i]))
    data = found(seen)
    assert data.is_new and "never drawn" in data.source
    assert data.new.inputs[:, 0].min() >= 300 > data.trained.inputs[:, 0].max()


@pytest.mark.parametrize(("end", "is_new"), [(280, True), (ROWS, False)])
def test_validation_data_is_a_slice_of_what_batches_are_drawn_from(end, is_new):
    """As of one table for both, of which training draws the first rows, or all of them."""
    x, y = table()
    x_val = x[280:]
    net = nn.Linear(6, 3)
    with quiet() as seen:
        for _ in range(6):
            i = torch.randperm(end)[:64]
            seen.step(step(net, x[i], y[i]))
    data = found(seen)
    assert len(x_val) and data.is_new is is_new and (data.source == "x_val") is is_new
    if is_new:
        assert data.new.inputs[:, 0].min() >= 280 > data.trained.inputs[:, 0].max()


@pytest.mark.parametrize("second", ["beside", "of the first", ""])
def test_a_subset_beside_the_one_that_batches_are_drawn_from_is_new(second):
    """Whatever the two are called; one that lies within the other is not."""
    a, b = random_split(TensorDataset(*table()), [300, ROWS - 300])
    if second != "beside":
        b = Subset(a, range(100)) if second else None
    net = nn.Linear(6, 3)
    with quiet() as seen:
        for _ in range(2):
            for x, y in DataLoader(a, 50, shuffle=True):
                seen.step(step(net, x, y))
    data = found(seen)
    assert data.is_new is (second == "beside") and (b is None or len(b) > 0)
    assert not data.is_new or data.source == "b"


def test_validation_data_lies_beside_the_training_data_in_one_tensor():
    """Both are views of it: it is no part of what batches are drawn from."""
    x, y = table()
    x_train, y_train, x_val, y_val = x[:280], y[:280], x[280:], y[280:]
    net = nn.Linear(6, 3)
    with quiet() as seen:
        for _ in range(6):
            i = torch.randperm(280)[:64]
            seen.step(step(net, x_train[i], y_train[i]))
    data = found(seen)
    assert len(y_val) and data.is_new and data.source == "x_val"
    assert data.new.inputs[:, 0].min() >= 280 > data.trained.inputs[:, 0].max()
    assert rows_of_view(x_val, x_train) == rows_of_view(x_val, x) == range(280, ROWS)


def test_a_part_is_held_out_where_nothing_new_is_found():
    """And it is said that the network may have learned from it."""
    x, y = table()
    net = nn.Linear(6, 3)
    with quiet() as seen:
        for _ in range(6):
            seen.step(step(net, x, y))
    data = found(seen)
    assert not data.is_new and len(data.new) == 0.2 * ROWS
    assert not set(data.new.inputs[:, 0].tolist()) & set(data.trained.inputs[:, 0].tolist())
    assert (data.new.targets[:, 0] == data.new.inputs[:, 0].long() % 3).all()


@pytest.mark.parametrize("way", ["weighted", "validated", "by chance", "one after another"])
def test_classes_come_as_often_as_they_are_drawn(way):
    """A sampler draws the rare class often; new examples have it as often, and each once."""
    torch.manual_seed(0)
    x = torch.randn(4000, 6)
    y = (torch.arange(4000) % 20 == 0).long()
    x_val, y_val = (torch.randn(1000, 6), y[:1000]) if way == "validated" else (None, None)
    odds = torch.where(y == 1, 4.0, 1.0) if way != "by chance" else torch.ones(4000)
    net = nn.Linear(6, 2)
    with quiet() as seen:
        for number in range(24):
            i = torch.multinomial(odds, 64)
            if way == "one after another":
                i = torch.where(y == number % 2)[0]
                i = i[torch.randint(len(i), (64,))]
            seen.step(step(net, x[i], y[i]))
    data = found(seen)
    shares = [float(part.targets.float().mean()) for part in (data.trained, data.new)]
    often = way in ("weighted", "validated")
    assert shares == pytest.approx([0.17, 0.17] if often else [0.05, 0.05], abs=0.03)
    assert len(torch.unique(data.new.inputs, dim=0)) == len(data.new)
    assert data.is_new == (x_val is not None and y_val is not None)


@pytest.mark.parametrize(("classes", "batch"), [(10, 50), (10, 100), (2, 60)])
def test_shares_of_classes_need_not_add_up_to_one_exactly(classes, batch):
    """As means of single precision do not."""
    labels = (torch.arange(4000) % (10 * classes)).clamp(max=classes - 1)[:, None]
    odds = torch.where(labels[:, 0] == 0, 9.0 * classes, 1.0)
    drawn = [labels[torch.multinomial(odds, batch), 0] for _ in range(24)]
    found = drawn_shares(SimpleNamespace(batches=[((), one) for one in drawn]), labels)
    assert len(found) == classes and found[0] > 0.3


def test_new_examples_of_a_rare_class_come_several_times_where_there_are_few():
    """Else networks would be compared on as many as the rarest class allows."""
    x, y = torch.randn(3000, 6), (torch.arange(3000) % 50 == 0).long()
    net = nn.Linear(6, 2)
    with quiet() as seen:
        for _ in range(24):
            i = torch.multinomial(torch.where(y == 1, 49.0, 1.0), 64)
            seen.step(step(net, x[i], y[i]))
    data = found(seen)
    assert len(data.new) > 300 and 0.4 < data.new.targets.float().mean() < 0.6


def test_what_a_loader_stacks_is_followed_to_its_data_set():
    """Through a subset, too: what the other subset has is new."""
    both = TensorDataset(*table())
    train_set, val_set = Subset(both, range(0, ROWS, 2)), Subset(both, range(1, ROWS, 2))
    loader, val_loader = DataLoader(train_set, 16, shuffle=True), DataLoader(val_set, 16)
    net = nn.Linear(6, 3)
    with quiet() as seen:
        for x, y in loader:
            seen.step(step(net, x, y))
    data = found(seen)
    assert data.is_new and data.source.startswith("val_") and len(val_loader)
    assert (data.new.inputs[:, 0] % 2 == 1).all() and (data.trained.inputs[:, 0] % 2 == 0).all()


@pytest.mark.parametrize("by", ["chance", "class", "size"])
def test_a_subset_that_is_another_task_or_stage_is_not_new_data(by):
    """As of tasks one after another, or of a curriculum: only what is drawn alike tells."""
    x, y = torch.randn(ROWS, 6), torch.arange(ROWS) % 6
    order = {"chance": torch.randperm(ROWS), "class": y.argsort(), "size": x.norm(dim=1).argsort()}
    both, half = TensorDataset(x, y), ROWS // 2
    first, second = (Subset(both, part.tolist()) for part in order[by].split(half))
    net = nn.Linear(6, 6)
    with quiet() as seen:
        for given, told in DataLoader(first, 16, shuffle=True):
            seen.step(step(net, given, told))
    data = found(seen)
    assert (data.source == "second") is (by == "chance"), data.source
    assert len(second) == half


@pytest.mark.parametrize("named", [True, False])
def test_windows_are_cut_from_the_row_of_tokens(named):
    """The targets are one place further on, in validation data or in a part that is left out."""
    train_data = torch.arange(3000) % 50
    held = {"val_data": (torch.arange(2000) * 7) % 50} if named else {}
    net = nn.Sequential(nn.Embedding(50, 4), nn.Linear(4, 50))
    with quiet() as seen:
        for _ in range(6):
            starts = torch.randint(len(train_data) - 9, (4,))
            x = torch.stack([train_data[i : i + 8] for i in starts])
            y = torch.stack([train_data[i + 1 : i + 9] for i in starts])
            seen.step(step(net, x, y))
    data = found(seen)
    assert data.is_new is named and data.trained.inputs.shape[1] == 8
    by = 7 if named else 1
    assert (data.new.targets == (data.new.inputs + by) % 50).all()
    assert (data.trained.targets == (data.trained.inputs + 1) % 50).all() and (held or not named)


def test_without_any_source_the_kept_batches_have_to_do_or_it_says_why():
    """Of a loop whose batches come from elsewhere."""
    rows = [table(64) for _ in range(8)]
    net = nn.Linear(6, 3)
    with quiet() as seen:
        for number in range(8):
            seen.step(step(net, *(t + 0 for t in rows[number])))
    assert "batches" in found(seen).source
    with quiet() as seen:
        for number in range(8):
            seen.step(step(net, *(t[:4] + 0 for t in rows[number])))
    with pytest.raises(ValueError, match="examples were seen"):
        found(seen)


class Ratings(nn.Module):
    """What users think of films."""

    def __init__(self):
        super().__init__()
        self.user, self.film = nn.Embedding(50, 4), nn.Embedding(90, 4)

    def forward(self, user, film):
        return (self.user(user) * self.film(film)).sum(-1)


def rated(count=ROWS):
    """Films, ratings that tell which film and user they belong to, and users."""
    films, users = torch.randint(0, 90, (count,)), torch.randint(0, 50, (count,))
    return films, users + films / 100, users


@pytest.mark.parametrize("way", ["picked", "loader", "batches"])
def test_rows_of_several_inputs_stay_together(way):
    """Of training and of validation data, in whatever order they are held."""
    films, ratings, users = rated()
    train_set, net = TensorDataset(films, ratings, users), Ratings()
    if way == "picked":
        val_films, val_ratings, val_users = rated(120)
        assert len(val_films) == len(val_ratings) == len(val_users)
    elif way == "loader":
        val_set = TensorDataset(*rated(120))
        assert len(val_set) == 120
    optimizer = torch.optim.SGD(net.parameters(), 0.01)
    with quiet() as seen:
        for f, r, u in DataLoader(train_set, 20, shuffle=True):
            if way == "picked":
                i = torch.randint(0, ROWS, (20,))
                f, r, u = films[i], ratings[i], users[i]
            elif way == "batches":
                f, r, u = (torch.tensor(t.tolist()) for t in (f, r, u))
            loss = F.mse_loss(net(u, f), r)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            seen.step(loss)
    data = found(seen)
    assert data.source.startswith({"picked": "val_", "loader": "val_set"}.get(way, "a part of"))
    assert data.is_new is (way != "batches") and len(data.new) >= 20
    for examples in (data.trained, data.new):
        user, film = examples.given
        assert torch.equal(examples.targets[:, 0], user + film / 100)


def test_windows_of_a_series_of_several_numbers_are_taken_as_they_were():
    """They are no rows of it."""
    series = torch.randn(ROWS, 3).cumsum(0)
    gru, out = nn.GRU(3, 8, batch_first=True), nn.Linear(8, 3)
    optimizer = torch.optim.SGD([*gru.parameters(), *out.parameters()], 1e-3)
    with quiet() as seen:
        for _ in range(8):
            places = torch.randint(0, ROWS - 6, (32, 1)) + torch.arange(6)
            windows = series[places]
            loss = F.mse_loss(out(gru(windows[:, :-1])[0][:, -1]), windows[:, -1])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            seen.step(loss)
    data = found(seen)
    assert data.new.inputs.shape[1:] == (5, 3) and "batches" in data.source


def test_inputs_that_are_picked_by_other_rows_are_taken_as_they_were():
    """As in pairs: which rows make a pair is not known, and only the batches are."""
    x, y = table()
    net = nn.Bilinear(6, 6, 1)
    optimizer = torch.optim.SGD(net.parameters(), 1e-6)
    with quiet() as seen:
        for _ in range(8):
            i, j = torch.randint(0, ROWS, (2, 32))
            loss = F.binary_cross_entropy_with_logits(net(x[i], x[j])[:, 0], (y[i] == y[j]).float())
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            seen.step(loss)
    data = found(seen)
    assert "batches" in data.source and not data.is_new
    same = data.new.inputs[:, 0] % 3 == data.new.further[0][:, 0] % 3
    assert torch.equal(data.new.targets[:, 0], same.float())


@pytest.mark.parametrize("ahead", [0, 1], ids=["examples", "time"])
def test_rows_whose_order_matters_are_no_examples(ahead):
    """As where time runs along the first dimension: mixed rows are another text."""
    text = torch.randint(0, 9, (900, 20))
    told = text.roll(ahead, 0)  # each row by itself, or by the one before it
    weight = (5 * torch.eye(9)).requires_grad_()
    with quiet() as seen:
        for k in range(0, 800, 100):
            logits = F.embedding(text[k : k + 90], weight).roll(ahead, 0)
            loss = F.cross_entropy(logits.flatten(0, 1), told[k : k + 90].flatten())
            weight.grad = None
            loss.backward()
            weight.data -= 1e-3 * weight.grad
            seen.step(loss)
    if ahead:
        with pytest.raises(ValueError, match="order"):
            found(seen)
    else:
        assert len(found(seen).trained)


NAMES = (
    "x_val Xv yte X_holdout unseen_images test_y te te_loader te2 xs_te tedata va_x xtest valX "
    "x_vali testing_set validate_x hold_out valbatches"
)
OTHERS = (
    "x Xt vx vy v y_train holder x_tr values valves device text_embeddings temperatures team "
    "items sites latest interval trainval developed grid_vals eval_train_set"
)


@pytest.mark.parametrize("name", NAMES.split())
def test_names_of_validation_data(name):
    """As people write them, in upper case or lower."""
    assert is_validation(name)


@pytest.mark.parametrize("name", OTHERS.split())
def test_names_of_other_data(name):
    """A velocity is none, nor are training data and words that begin alike."""
    assert not is_validation(name)
