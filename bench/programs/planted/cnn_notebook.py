"""A notebook with batch norm, evaluated in a later cell."""

# %%
import numpy as np
import torch
import torch.nn as nn
import torch.optim as optim

device = "cuda" if torch.cuda.is_available() else "cpu"
torch.manual_seed(0)

# %%
data = np.load("digits.npz")
x = torch.tensor(data["images"]).float().view(-1, 1, 28, 28) / 255
y = torch.tensor(data["labels"]).long()
perm = torch.randperm(len(x))
x_train, y_train = x[perm[:4200]], y[perm[:4200]]
x_val, y_val = x[perm[4200:]], y[perm[4200:]]

# %%
model = nn.Sequential(
    nn.Conv2d(1, 12, 3, stride=2, padding=1),
    nn.BatchNorm2d(12),
    nn.ReLU(),
    nn.Conv2d(12, 24, 3, stride=2, padding=1),
    nn.BatchNorm2d(24),
    nn.ReLU(),
    nn.Flatten(),
    nn.Dropout(0.3),
    # fault labels_out_of_range, crash: nn.Linear(24 * 49, 9),
    nn.Linear(24 * 49, 10),
).to(device)
criterion = nn.CrossEntropyLoss()
optimizer = optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
# fault lr_vanished: scheduler = optim.lr_scheduler.StepLR(optimizer, step_size=5, gamma=0.3)
scheduler = optim.lr_scheduler.StepLR(optimizer, step_size=200, gamma=0.5)

# %%
history = []
for step in range(500):
    model.train()
    idx = torch.randint(0, len(x_train), (48,))
    optimizer.zero_grad()
    outputs = model(x_train[idx].to(device))
    # right labels_out_of_range, crash
    loss = criterion(outputs, y_train[idx].to(device))
    loss.backward()
    optimizer.step()
    scheduler.step()
    history.append(loss.item())

# %%
# fault train_eval_mismatch: pass
model.eval()
with torch.no_grad():
    # right train_eval_mismatch
    val_out = model(x_val)
    val_loss = criterion(val_out, y_val)
    accuracy = (val_out.argmax(1) == y_val).float().mean()
val_loss.item(), accuracy.item()
