"""A student learns what a teacher says, after the teacher learned."""

# %%
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

data = np.load("digits.npz")
x = torch.tensor(data["images"]).float().view(-1, 784) / 255
y = torch.tensor(data["labels"]).long()
torch.manual_seed(0)

# %%
teacher = nn.Sequential(nn.Linear(784, 200), nn.ReLU(), nn.Linear(200, 10))
student = nn.Sequential(nn.Linear(784, 32), nn.ReLU(), nn.Linear(32, 10))

# %%
opt = torch.optim.Adam(teacher.parameters(), lr=1e-3)
for i in range(400):
    ix = torch.randint(0, 4500, (64,))
    loss = F.cross_entropy(teacher(x[ix]), y[ix])
    opt.zero_grad()
    loss.backward()
    opt.step()

# %%
teacher.eval()
# fault parameter_not_trained: opt = torch.optim.Adam(teacher.parameters(), lr=1e-3)
opt = torch.optim.Adam(student.parameters(), lr=1e-3)
for i in range(600):
    ix = torch.randint(0, 4500, (64,))
    with torch.no_grad():
        wanted = F.softmax(teacher(x[ix]) / 2, dim=1)
    loss = F.kl_div(F.log_softmax(student(x[ix]) / 2, dim=1), wanted, reduction="batchmean") * 4
    opt.zero_grad()
    loss.backward()
    opt.step()

# %%
print((student(x[4500:]).argmax(1) == y[4500:]).float().mean())
