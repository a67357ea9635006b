"""Softmax regression from scratch: own softmax, own loss, own update."""

# %%
import numpy as np
import torch

data = np.load("digits.npz")
# fault inputs_not_normalised: X = torch.tensor(data["images"]).float().reshape(-1, 784)
X = torch.tensor(data["images"]).float().reshape(-1, 784) / 255
y = torch.tensor(data["labels"]).long()

# %%
torch.manual_seed(0)
# fault bad_init_scale: W = torch.normal(0, 5.0, size=(784, 10), requires_grad=True)
W = torch.normal(0, 0.01, size=(784, 10), requires_grad=True)
b = torch.zeros(10, requires_grad=True)


def softmax(X):
    X_exp = torch.exp(X - X.max(1, keepdim=True).values)
    return X_exp / X_exp.sum(1, keepdim=True)


def net(X):
    return softmax(torch.matmul(X, W) + b)


def cross_entropy(y_hat, y):
    return -torch.log(y_hat[range(len(y_hat)), y] + 1e-9)


def sgd(params, lr):
    with torch.no_grad():
        for param in params:
            # fault wrong_update_sign: param += lr * param.grad
            param -= lr * param.grad
            param.grad.zero_()


# %%
lr, num_epochs, batch_size = 0.3, 6, 64
for epoch in range(num_epochs):
    order = torch.randperm(4500)
    for i in range(0, 4500, batch_size):
        # right inputs_not_normalised
        Xb, yb = X[order[i : i + batch_size]], y[order[i : i + batch_size]]
        loss = cross_entropy(net(Xb), yb).mean()
        loss.backward()
        # right wrong_update_sign
        sgd([W, b], lr)
    with torch.no_grad():
        print(epoch, loss.item(), cross_entropy(net(X[4500:]), y[4500:]).mean().item())

# %%
(net(X[4500:]).argmax(1) == y[4500:]).float().mean()
