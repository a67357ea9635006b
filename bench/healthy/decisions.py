"""Healthy programs: reinforcement learning."""

import copy

import torch
from torch import nn
from torch.distributions import Categorical, Normal
from torch.nn import functional as F

from bench.healthy.programs import Watch, healthy

CELLS = 7


def _corridor(state: int, action: int) -> tuple[int, float, bool]:
    """Go left or right in a corridor; at its right end there is a reward."""
    state = max(0, state - 1) if action == 0 else state + 1
    done = state == CELLS - 1
    return state, 1.0 if done else -0.02, done


def _seen(state: int) -> torch.Tensor:
    return F.one_hot(torch.tensor(state), CELLS).float()


@healthy("reinforcement (bandit)")
def bandit_policy_gradient(watch: Watch) -> None:
    worth = torch.tensor([0.1, 0.5, 0.9, 0.3])
    scores = torch.zeros(4, requires_grad=True)
    opt = torch.optim.SGD([scores], lr=0.1)
    baseline = 0.0
    with watch() as seen:
        for _ in range(500):
            policy = Categorical(logits=scores)
            action = policy.sample((16,))
            reward = worth[action] + 0.1 * torch.randn(16)
            loss = -(policy.log_prob(action) * (reward - baseline)).mean()
            baseline += 0.05 * (reward.mean().item() - baseline)
            opt.zero_grad()
            loss.backward()
            opt.step()
            seen.step(loss)


@healthy("reinforcement (REINFORCE)")
def reinforce_official(watch: Watch) -> None:
    class Policy(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.affine1, self.affine2 = nn.Linear(CELLS, 32), nn.Linear(32, 2)
            self.dropout = nn.Dropout(p=0.1)
            self.saved_log_probs, self.rewards = [], []

        def forward(self, x):
            return F.softmax(self.affine2(F.relu(self.dropout(self.affine1(x)))), dim=1)

    policy = Policy()
    optimizer = torch.optim.Adam(policy.parameters(), lr=1e-2)

    def finish_episode():
        R, policy_loss, returns = 0, [], []  # noqa: N806
        for r in policy.rewards[::-1]:
            R = r + 0.97 * R  # noqa: N806
            returns.insert(0, R)
        returns = torch.tensor(returns)
        returns = (returns - returns.mean()) / (returns.std() + 1e-7)
        for log_prob, R in zip(policy.saved_log_probs, returns, strict=True):  # noqa: N806
            policy_loss.append(-log_prob * R)
        optimizer.zero_grad()
        policy_loss = torch.cat(policy_loss).sum()
        policy_loss.backward()
        optimizer.step()
        del policy.rewards[:], policy.saved_log_probs[:]
        return policy_loss

    with watch() as seen:
        for _ in range(250):
            state = 0
            for _ in range(20):
                m = Categorical(policy(_seen(state).unsqueeze(0)))
                action = m.sample()
                policy.saved_log_probs.append(m.log_prob(action))
                state, reward, done = _corridor(state, int(action))
                policy.rewards.append(reward)
                if done:
                    break
            seen.step(finish_episode())


@healthy("reinforcement (actor-critic)")
def actor_critic(watch: Watch) -> None:
    body = nn.Sequential(nn.Linear(CELLS, 32), nn.Tanh())
    actor, critic = nn.Linear(32, 2), nn.Linear(32, 1)
    opt = torch.optim.Adam(nn.ModuleList([body, actor, critic]).parameters(), lr=4e-3)
    with watch() as seen:
        for _ in range(250):
            state, logs, values, rewards, entropy = 0, [], [], [], []
            for _ in range(16):
                h = body(_seen(state))
                policy = Categorical(logits=actor(h))
                action = policy.sample()
                logs.append(policy.log_prob(action))
                entropy.append(policy.entropy())
                values.append(critic(h).squeeze())
                state, reward, done = _corridor(state, int(action))
                rewards.append(reward)
                if done:
                    break
            after, returns = 0.0, []
            for r in reversed(rewards):
                after = r + 0.97 * after
                returns.insert(0, after)
            returns, values = torch.tensor(returns), torch.stack(values)
            advantage = returns - values.detach()
            actor_loss = -(torch.stack(logs) * advantage).mean()
            critic_loss = F.smooth_l1_loss(values, returns)
            loss = actor_loss + 0.5 * critic_loss - 0.01 * torch.stack(entropy).mean()
            opt.zero_grad()
            loss.backward()
            opt.step()
            seen.step(loss)


@healthy("reinforcement (Q-learning)")
def dqn(watch: Watch) -> None:
    policy_net = nn.Sequential(nn.Linear(CELLS, 32), nn.ReLU(), nn.Linear(32, 2))
    target_net = copy.deepcopy(policy_net)
    optimizer = torch.optim.AdamW(policy_net.parameters(), lr=2e-3, amsgrad=True)
    memory = []
    state = 0
    with watch() as seen:
        for step in range(900):
            with torch.no_grad():
                best = int(policy_net(_seen(state)).argmax())
            explore = float(torch.rand(())) < max(0.1, 1 - step / 400)
            action = int(torch.randint(0, 2, ())) if explore else best
            after, reward, done = _corridor(state, action)
            memory.append((_seen(state), action, reward, _seen(after), float(done)))
            state = 0 if done else after
            if len(memory) < 64:
                continue
            picked = [memory[i] for i in torch.randint(0, len(memory), (32,))]
            states = torch.stack([m[0] for m in picked])
            actions = torch.tensor([m[1] for m in picked]).unsqueeze(1)
            rewards = torch.tensor([m[2] for m in picked])
            nexts = torch.stack([m[3] for m in picked])
            ends = torch.tensor([m[4] for m in picked])
            q = policy_net(states).gather(1, actions)
            with torch.no_grad():
                expected = rewards + 0.95 * (1 - ends) * target_net(nexts).max(1).values
            loss = nn.SmoothL1Loss()(q, expected.unsqueeze(1))
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_value_(policy_net.parameters(), 100)
            optimizer.step()
            for key, value in policy_net.state_dict().items():
                target_net.state_dict()[key].mul_(0.99).add_(0.01 * value)
            seen.step(loss)


@healthy("reinforcement (PPO)")
def ppo(watch: Watch) -> None:
    net = nn.Sequential(nn.Linear(CELLS, 32), nn.Tanh(), nn.Linear(32, 3))
    opt = torch.optim.Adam(net.parameters(), lr=3e-3)
    with watch() as seen:
        for _ in range(50):
            states, actions, old, returns = [], [], [], []
            for _ in range(6):
                state, rewards = 0, []
                for _ in range(15):
                    with torch.no_grad():
                        policy = Categorical(logits=net(_seen(state))[:2])
                        action = policy.sample()
                        old.append(policy.log_prob(action))
                    states.append(_seen(state))
                    actions.append(action)
                    state, reward, done = _corridor(state, int(action))
                    rewards.append(reward)
                    if done:
                        break
                later = 0.0
                episode = []
                for r in reversed(rewards):
                    later = r + 0.97 * later
                    episode.insert(0, later)
                returns += episode
            s, a, before = torch.stack(states), torch.stack(actions), torch.stack(old)
            r = torch.tensor(returns)
            for _ in range(4):
                out = net(s)
                policy = Categorical(logits=out[:, :2])
                advantage = r - out[:, 2].detach()
                advantage = (advantage - advantage.mean()) / (advantage.std() + 1e-6)
                ratio = (policy.log_prob(a) - before).exp()
                surrogate = torch.min(ratio * advantage, ratio.clamp(0.8, 1.2) * advantage)
                value_loss = (out[:, 2] - r).pow(2).mean()
                loss = -surrogate.mean() + 0.5 * value_loss - 0.01 * policy.entropy().mean()
                opt.zero_grad()
                loss.backward()
                nn.utils.clip_grad_norm_(net.parameters(), 0.5)
                opt.step()
                seen.step(loss.item())


@healthy("reinforcement (deterministic policy)")
def ddpg(watch: Watch) -> None:
    """The actor's loss goes through the critic, whose weights it does not move."""
    actor = nn.Sequential(nn.Linear(2, 32), nn.ReLU(), nn.Linear(32, 1), nn.Tanh())
    critic = nn.Sequential(nn.Linear(3, 32), nn.ReLU(), nn.Linear(32, 1))
    actor_opt = torch.optim.Adam(actor.parameters(), lr=1e-3)
    critic_opt = torch.optim.Adam(critic.parameters(), lr=2e-3)
    with watch() as seen:
        for _ in range(400):
            state = torch.rand(64, 2) * 2 - 1
            action = (actor(state).detach() + 0.3 * torch.randn(64, 1)).clamp(-1, 1)
            reward = -(action - 0.5 * state.sum(1, keepdim=True)).square()
            critic_loss = F.mse_loss(critic(torch.cat([state, action], 1)), reward)
            critic_opt.zero_grad()
            critic_loss.backward()
            critic_opt.step()
            actor_loss = -critic(torch.cat([state, actor(state)], 1)).mean()
            actor_opt.zero_grad()
            actor_loss.backward()
            actor_opt.step()
            seen.step(actor_loss)


@healthy("imitation and evolution of a policy")
def gaussian_policy(watch: Watch) -> None:
    net = nn.Sequential(nn.Linear(3, 32), nn.Tanh(), nn.Linear(32, 1))
    log_std = nn.Parameter(torch.zeros(1))
    opt = torch.optim.Adam([*net.parameters(), log_std], lr=3e-3)
    with watch() as seen:
        for _ in range(500):
            state = torch.randn(64, 3)
            policy = Normal(net(state), log_std.exp())
            action = policy.sample()
            reward = -(action - state[:, :1] * state[:, 1:2]).abs()
            advantage = (reward - reward.mean()) / reward.std()
            loss = -(policy.log_prob(action) * advantage).mean()
            opt.zero_grad()
            loss.backward()
            opt.step()
            seen.step(loss)
