"""Policies: the rewards that weigh an action are those behind it."""

import linecache

import pytest

from core import watch

PROGRAM = """
import torch
from torch import nn
from torch.distributions import Categorical

torch.manual_seed(0)

def weights(rewards, chosen):
    sums, total = [], 0.0
    {sums}
    return torch.tensor(sums)

policy = nn.Sequential(nn.Linear(6, 16), nn.Tanh(), nn.Linear(16, 2))
optimizer = torch.optim.Adam(policy.parameters(), lr=5e-3)
with seen:
    for _ in range(30):
        place, chosen, rewards = 1, [], []
        while 0 < place < 5 and len(rewards) < 20:
            dist = Categorical(logits=policy(torch.eye(6)[place]))
            action = dist.sample()
            chosen.append(dist.log_prob(action))
            place += 2 * int(action) - 1
            rewards.append(1.0 if place == 5 else -0.05)
        gains = weights(rewards, chosen)
        loss = -(torch.stack(chosen) * gains).sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        seen.step(loss)
"""
FORWARD = """for r in rewards:
        total = r + 0.9 * total
        sums.append(total)"""
BACKWARD = FORWARD.replace("in rewards", "in reversed(rewards)")
BY_NUMBER = """for t in range(len(rewards) - 1, -1, -1):
        total = rewards[t] + 0.9 * total
        sums.append(total)"""
ADVANTAGES = """last = 0.0
    for t in reversed(range(len(rewards))):
        total = rewards[t] - last + 0.9 * 0.95 * total
        sums.append(total + last)
        last = 0.1 * t"""
IN_TWO = """for r in rewards[::-1]:
        total *= 0.9
        total += r
        sums.append(float(total))"""
AT_ITS_NUMBER = """sums = [0.0] * len(rewards)
    for t, r in enumerate(reversed(rewards)):
        total = r + 0.9 * total
        sums[t] = total"""
BESIDE = BACKWARD.replace("(total)", "({kept})") + "\n    sums = [kept[0] for kept in sums]"
"""With what a sum weighs, such as a state and an action, its place means nothing."""
REVERSED = FORWARD.replace("in rewards", "in reversed(rewards)").replace(
    "append(total)", "insert(0, total)"
)


@pytest.mark.parametrize(
    ("sums", "faulty"),
    [
        (FORWARD, True),
        (FORWARD.replace("r + 0.9 * total", "total * 0.9 + r"), True),
        (REVERSED, False),
        (f"{FORWARD}\n    sums = sums[::-1]", False),
        (f"rewards = rewards[::-1]\n    {FORWARD}\n    sums.reverse()", False),
        (f"rewards.insert(0, rewards.pop())\n    {FORWARD}", False),
        (BACKWARD, True),
        (BY_NUMBER, True),
        (ADVANTAGES, True),
        (IN_TWO, True),
        (AT_ITS_NUMBER, True),
        (
            f"{BACKWARD}\n    mean = sum(sums) / len(sums)\n    sums = [s - mean for s in sums]",
            True,
        ),
        (BESIDE.format(kept="[total]"), True),
        (BESIDE.format(kept="(total, r)"), False),
        (BESIDE.format(kept="[total, r]"), False),
        (f"{BACKWARD}\n    sums.reverse()", False),
        (f"{BY_NUMBER}\n    sums = sums[::-1]", False),
        (f"{ADVANTAGES}\n    return torch.tensor(sums).flip(0)", False),
        (f"{IN_TWO}\n    sums = list(reversed(sums))", False),
        (f"{BACKWARD}\n    sums = [sums.pop() for _ in rewards]", False),
        (f"{BACKWARD}\n    sums = [sums[len(sums) - 1 - t] for t in range(len(sums))]", False),
        (AT_ITS_NUMBER.replace("sums[t]", "sums[len(rewards) - 1 - t]"), False),
        (AT_ITS_NUMBER.replace("sums[t]", "sums[-1 - t]"), False),
        (f"{BACKWARD}\n    chosen.reverse()", False),
        ("sums = [sum(rewards)] * len(rewards)", False),
        ("sums = [sum(rewards[n:]) for n in range(len(rewards))]", False),
    ],
)
def test_rewards_are_added_up_from_the_last_one(sums, faulty, tmp_path):
    """Of what was before it, an action is not the cause."""
    script = tmp_path / "policy.py"
    script.write_text(PROGRAM.format(sums=sums))
    linecache.checkcache()
    seen = watch(quiet=True, record=False, budget=0.0)
    exec(compile(script.read_text(), str(script), "exec"), {"seen": seen})
    found = {cause.id: cause for cause in seen.diagnosis.causes}
    assert seen.diagnosis.training_kind == "reinforcement learning"
    assert ("returns_of_the_past" in found) is faulty, seen.diagnosis.text()
    if faulty:
        line = found["returns_of_the_past"].lines[0].text
        assert line.startswith("for r in rewards:" if "for r in rewards:" in sums else "sums")
