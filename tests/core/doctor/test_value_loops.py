"""Values that are learned from values: a target uses the flag for the end of an episode."""

# What is never read is what is tested; the names of the targets say what they are.
# ruff: noqa: D103, F841, RUF059

import random
from collections import namedtuple

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from core import watch
from core.doctor.watch.bootstrap import flags_in

GAMMA = 0.9
Transition = namedtuple("Transition", "state action reward after done")


@pytest.fixture(autouse=True)
def seeded():
    """The same numbers each time."""
    torch.manual_seed(0)
    random.seed(0)


@pytest.fixture
def memory():
    """Steps along eight places, of which the last one is the end: lists of numbers."""
    steps = []
    for _ in range(600):
        place, move = random.randrange(7), random.randrange(2)
        after = max(0, place + 2 * move - 1)
        steps.append(Transition(place, move, float(after == 7), after, after == 7))
    return steps


class Learner:
    """Two networks of values, and how a batch becomes numbers of torch."""

    def __init__(self):
        self.values = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 2))
        self.target = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 2))
        self.target.load_state_dict(self.values.state_dict())
        self.gamma = GAMMA

    def places(self, numbers):
        return F.one_hot(torch.as_tensor(numbers), 8).float()

    def best(self, after):
        return self.target(self.places(after)).max(1).values


def tensors(batch):
    """Return the columns of a batch as tensors."""
    state, action, reward, after, done = zip(*batch, strict=True)
    floats = torch.tensor(reward), torch.tensor(done, dtype=torch.float32)
    return torch.tensor(state), torch.tensor(action), floats[0], torch.tensor(after), floats[1]


# Targets; those of the first group ignore the end.


def never_read(learner, batch):
    _, _, reward, after, done = tensors(batch)
    with torch.no_grad():
        return reward + GAMMA * learner.best(after)


def read_in_vain(learner, batch):
    _, _, reward, after, d = tensors(batch)
    d = d.float()
    mask = 1 - d
    return (reward + learner.gamma * learner.best(after)).detach()


def detached(learner, batch):
    _, _, r, after, _ = tensors(batch)
    following = learner.best(after).detach()
    target = following * GAMMA
    target += r
    return target


def of_named_columns(learner, batch):
    batch = Transition(*zip(*batch, strict=True))
    reward = torch.tensor(batch.reward)
    with torch.no_grad():
        return reward.unsqueeze(1) + (GAMMA * learner.best(batch.after)).unsqueeze(1)


def of_a_dictionary(learner, batch):
    batch = dict(zip(("obs", "act", "rew", "obs2", "done"), tensors(batch), strict=True))
    with torch.no_grad():
        after = learner.places(batch["obs2"])
        chosen = learner.values(after).argmax(1, keepdim=True)  # double Q-learning
        return batch["rew"] + learner.gamma * learner.target(after).gather(1, chosen).squeeze(1)


def of_arrays(learner, batch):
    columns = zip(*batch, strict=True)
    state, action, reward, after, finished = (np.array(column) for column in columns)
    with torch.no_grad():
        return torch.from_numpy(reward).float().add(learner.best(after).mul(GAMMA))


def of_two_critics(learner, batch):
    """As TD3 and SAC have it, in columns."""
    _, _, r, after, d = (column[:, None] for column in tensors(batch))
    with torch.no_grad():
        both = torch.min(
            learner.best(after[:, 0]), learner.values(learner.places(after[:, 0]))[:, 0]
        )
        return r + GAMMA * both[:, None]


# These see it.


def factor(learner, batch):
    _, _, reward, after, done = tensors(batch)
    with torch.no_grad():
        return reward + GAMMA * learner.best(after) * (1 - done)


def inner_factor(learner, batch):
    _, _, reward, after, done = tensors(batch)
    with torch.no_grad():
        following = learner.best(after) * (1 - done)
        return reward + GAMMA * following


def written(learner, batch):
    _, _, reward, after, done = tensors(batch)
    with torch.no_grad():
        following = learner.best(after)
        following[done.bool()] = 0.0
        return reward + GAMMA * following


def chosen(learner, batch):
    _, _, reward, after, done = tensors(batch)
    with torch.no_grad():
        return torch.where(done == 1, reward, reward + GAMMA * learner.best(after))


def non_final(learner, batch):
    """As PyTorch's own tutorial has it: states behind the end are None there."""
    batch = Transition(*zip(*batch, strict=True))
    mask = torch.tensor([after != 7 for after in batch.after])
    following = torch.zeros(len(mask))
    with torch.no_grad():
        following[mask] = learner.best([after for after in batch.after if after != 7])
    return following * GAMMA + torch.tensor(batch.reward)


def handed_on(learner, batch):
    columns = tensors(batch)
    _, _, reward, after, done = columns
    with torch.no_grad():
        return reward + GAMMA * masked(learner, columns)


def masked(learner, columns):
    return learner.best(columns[3]) * (columns[4] == 0)


def soft(learner, batch):
    """As SAC has it, with an entropy."""
    _, _, r, after, d = tensors(batch)
    with torch.no_grad():
        entropy = -learner.values(learner.places(after)).log_softmax(1).mean(1)
        return r + GAMMA * (1 - d) * (learner.best(after) + 0.6 * entropy)


def discounts_handed_out(learner, batch):
    """The memory holds a discount for each transition: zero at the end."""
    _, _, reward, after, done = tensors(batch)
    return with_discounts(learner, reward, after, GAMMA * (1 - done), done)


def with_discounts(learner, reward, after, discount, done):
    with torch.no_grad():
        return reward + discount * learner.best(after)


def without_flags(learner, batch):
    """A task that goes on for ever has no ends."""
    _, _, reward, after = tensors(batch)[:4]
    with torch.no_grad():
        return reward + GAMMA * learner.best(after)


def of_a_time_limit(learner, batch):
    _, _, reward, after, truncated = tensors(batch)
    with torch.no_grad():
        return reward + GAMMA * learner.best(after)


def of_random_actions(learner, batch):
    """A flag of something else, and a task without an end."""
    _, _, reward, after, explored = tensors(batch)
    with torch.no_grad():
        return reward + GAMMA * learner.best(after)


def of_places(learner, batch):
    """Actions that are zeros and ones come second, and values of states don't ask for them."""
    state, action, reward, after, done = tensors(batch)
    return of_a_whole(learner, (state, action.float(), reward, after))


def of_a_whole(learner, batch):
    with torch.no_grad():
        return batch[2] + GAMMA * learner.best(batch[3])


def cut_off_beside_the_end(learner, batch):
    """What was cut off is left out deliberately, the end is not."""
    _, _, reward, after, done = tensors(batch)
    cut = (torch.rand(len(done)) < 0.2).float()
    return with_both(learner, reward, after, done, cut)


def with_both(learner, reward, after, terminated, cut):
    with torch.no_grad():
        target = reward + GAMMA * learner.best(after)
        target[terminated == 1] = reward[terminated == 1]
        return target


def never_one(learner, batch):
    """A flag that is never set says of nothing that it ends."""
    _, _, reward, after, done = tensors(batch)
    return flagged_never(learner, reward, after, torch.zeros_like(done))


def flagged_never(learner, reward, after, done):
    with torch.no_grad():
        return reward + GAMMA * learner.best(after)


def train(target, memory):
    """Train, and return what the doctor says."""
    learner = Learner()
    optimizer = torch.optim.Adam(learner.values.parameters(), lr=5e-3)
    networks = learner.values, learner.target
    with watch(*networks, quiet=True, record=False, budget=0.0) as seen:
        for _ in range(12):
            batch = random.sample(memory, 48)
            wanted = target(learner, batch)
            columns = tensors(batch)
            value = learner.values(learner.places(columns[0]))
            value = value.gather(1, columns[1][:, None]).reshape(wanted.shape)
            loss = F.smooth_l1_loss(value, wanted)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            seen.step(loss)
    return {cause.id: cause for cause in seen.diagnosis.causes}


@pytest.mark.parametrize(
    "target",
    [
        *(never_read, read_in_vain, detached, of_named_columns, of_a_dictionary, of_arrays),
        of_two_critics,
    ],
)
def test_a_target_that_ignores_the_end_is_named_with_its_line(target, memory):
    """Whatever the flag is called and holds, and however the target is written."""
    causes = train(target, memory)
    assert "terminal_ignored" in causes
    text = causes["terminal_ignored"].lines[0].text
    assert "rew" in text or "+= r" in text or "return r" in text


@pytest.mark.parametrize(
    "target",
    [
        *(factor, inner_factor, written, chosen, non_final, handed_on, soft),
        *(discounts_handed_out, without_flags, of_a_time_limit, of_random_actions, of_places),
        *(cut_off_beside_the_end, never_one),
    ],
)
def test_a_target_that_sees_the_end_or_knows_none_is_in_order(target, memory):
    """Masks, factors, discounts of the memory's own; a task without an end; a time limit."""
    assert "terminal_ignored" not in train(target, memory)


def test_variables_of_any_kind_may_stand_beside_a_flag():
    """A list without a length, records, objects."""

    class Endless(list):
        def __len__(self):
            raise TypeError("it has no end")

    odd = {
        "endless": Endless([1.0, 0.0]),
        "records": np.zeros(2, dtype=[("a", float), ("b", int)]),
        "objects": np.array([None, 1], dtype=object),
        "done": torch.tensor([0.0, 1.0]),
    }
    assert flags_in(odd, 2) == (("done", None),)


def test_an_average_of_labels_and_outputs_is_no_target_of_values():
    """Labels that are softened by a network's own outputs, beside a column that is not used."""
    x = torch.randn(400, 8)
    y, side = x.sum(1), (x[:, 0] > 1).float()
    net = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 1), nn.Flatten(0))
    optimizer = torch.optim.Adam(net.parameters(), lr=5e-3)
    with watch(net, quiet=True, record=False, budget=0.0) as seen:
        for _ in range(12):
            rows = torch.randint(0, 400, (32,))
            inputs, labels, _unused = x[rows], y[rows], side[rows]
            base, effect = labels / 2, labels
            loss = F.mse_loss(net(inputs), base + 0.5 * effect)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            seen.step(loss)
    assert "terminal_ignored" not in {cause.id for cause in seen.diagnosis.causes}
