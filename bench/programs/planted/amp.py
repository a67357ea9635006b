"""Mixed precision with a scaler, gradients that are accumulated, and clipping."""

import numpy as np
import torch
from torch import nn

torch.manual_seed(5)
data = np.load("digits.npz")
images = torch.tensor(data["images"]).float().view(-1, 784) / 255
images = (images - images.mean()) / images.std()
labels = torch.tensor(data["labels"]).long()

net = nn.Sequential(
    nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 128), nn.ReLU(), nn.Linear(128, 10)
)
# fault lr_too_high: opt = torch.optim.SGD(net.parameters(), lr=20.0)
opt = torch.optim.SGD(net.parameters(), lr=0.1)
scaler = torch.amp.GradScaler("cpu", enabled=False)
accumulation = 4

net.train()
for step in range(1600):
    batch = torch.randint(0, len(images), (32,))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        out = net(images[batch])
        loss = nn.functional.cross_entropy(out, labels[batch]) / accumulation
    # right gradients_not_zeroed
    scaler.scale(loss).backward()
    if (step + 1) % accumulation == 0:
        scaler.unscale_(opt)
        nn.utils.clip_grad_norm_(net.parameters(), 5.0)
        scaler.step(opt)
        scaler.update()
        # fault gradients_not_zeroed: pass
        opt.zero_grad(set_to_none=True)
    if step % 200 == 0:
        print(step, loss.item() * accumulation)
