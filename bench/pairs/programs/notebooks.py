"""Beginner notebooks: one cell of data, one of a model, one with the loop."""

import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

from bench.pairs.registry import clusters, digits, houses, moons, pair, pictures, spirals


@pair("zero_grad is never called", "gradients_not_zeroed")
def digits_without_zero_grad(watch, faulty):
    X, y = digits()
    model = nn.Sequential(nn.Linear(784, 100), nn.ReLU(), nn.Linear(100, 10))
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    losses = []
    with watch() as seen:
        for _epoch in range(4):
            for start in range(0, 4800, 64):
                xb, yb = X[start : start + 64], y[start : start + 64]
                if not faulty:
                    optimizer.zero_grad()
                loss = criterion(model(xb), yb)
                loss.backward()
                optimizer.step()
                losses.append(loss.item())
                seen.step(loss)


@pair("pixels go in from 0 to 255", "inputs_not_normalised")
def digits_raw_pixels(watch, faulty):
    images, labels = pictures().flatten(1), digits()[1]
    if not faulty:
        images = images / 255
    net = nn.Sequential(nn.Linear(784, 64), nn.Tanh(), nn.Linear(64, 10))
    opt = torch.optim.SGD(net.parameters(), lr=0.1)
    with watch() as seen:
        for _ in range(600):
            pick = torch.randint(0, 5000, (64,))
            loss = F.cross_entropy(net(images[pick]), labels[pick])
            opt.zero_grad()
            loss.backward()
            opt.step()
            seen.step(loss)


@pair("the model ends in softmax, and CrossEntropyLoss has one of its own", "double_softmax")
def clusters_softmax_model(watch, faulty):
    X, y = clusters()
    layers = [nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 5)]
    if faulty:
        layers.append(nn.Softmax(dim=1))
    model = nn.Sequential(*layers)
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.005)
    loader = DataLoader(TensorDataset(X, y), batch_size=50, shuffle=True)
    with watch() as seen:
        for _epoch in range(6):
            for inputs, targets in loader:
                optimizer.zero_grad()
                loss = criterion(model(inputs), targets)
                loss.backward()
                optimizer.step()
                seen.step(loss)


@pair("the learning rate is 3, with momentum", "lr_too_high")
def spirals_huge_rate(watch, faulty):
    X, y = spirals()
    model = nn.Sequential(
        nn.Linear(2, 48), nn.ReLU(), nn.Linear(48, 48), nn.ReLU(), nn.Linear(48, 3)
    )
    optimizer = torch.optim.SGD(model.parameters(), lr=3.0 if faulty else 0.05, momentum=0.9)
    with watch() as seen:
        for _ in range(500):
            i = torch.randint(0, 3000, (64,))
            loss = F.cross_entropy(model(X[i]), y[i])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            seen.step(loss)


@pair("the learning rate is 0.0000003", "lr_too_low")
def houses_tiny_rate(watch, faulty):
    X, price = houses()
    y = (price - price.mean()) / price.std()
    model = nn.Sequential(nn.Linear(8, 64), nn.ReLU(), nn.Linear(64, 1))
    opt = torch.optim.Adam(model.parameters(), lr=3e-7 if faulty else 3e-3)
    loss_fn = nn.MSELoss()
    with watch() as seen:
        for _epoch in range(10):
            for i in torch.randperm(2000).split(50):
                loss = loss_fn(model(X[i]), y[i])
                opt.zero_grad()
                loss.backward()
                opt.step()
                seen.step(loss)


@pair("squared error on the number of the class", "wrong_loss")
def clusters_regressed_classes(watch, faulty):
    X, y = clusters()
    y = (y * 3) % 5
    model = nn.Sequential(nn.Linear(16, 48), nn.ReLU(), nn.Linear(48, 1 if faulty else 5))
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    with watch() as seen:
        for _ in range(400):
            i = torch.randint(0, 3000, (50,))
            out = model(X[i])
            if faulty:
                loss = F.mse_loss(out.squeeze(1), y[i].float())
            else:
                loss = F.cross_entropy(out, y[i])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            seen.step(loss)


@pair("no activation between the linear layers", "no_nonlinearity")
def spirals_linear_stack(watch, faulty):
    X, y = spirals()
    act = nn.Identity() if faulty else nn.ReLU()
    model = nn.Sequential(nn.Linear(2, 64), act, nn.Linear(64, 64), act, nn.Linear(64, 3))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    criterion = nn.CrossEntropyLoss()
    with watch() as seen:
        for _ in range(500):
            i = torch.randint(0, 3000, (64,))
            optimizer.zero_grad()
            loss = criterion(model(X[i]), y[i])
            loss.backward()
            optimizer.step()
            seen.step(loss)


@pair("all weights begin as zeros", "symmetric_init", "parameter_not_trained")
def digits_zero_weights(watch, faulty):
    X, y = digits()
    model = nn.Sequential(nn.Linear(784, 50), nn.Tanh(), nn.Linear(50, 10))
    if faulty:
        for layer in model:
            if isinstance(layer, nn.Linear):
                nn.init.zeros_(layer.weight)
                nn.init.zeros_(layer.bias)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with watch() as seen:
        for _ in range(400):
            i = torch.randint(0, 5000, (64,))
            optimizer.zero_grad()
            loss = F.cross_entropy(model(X[i]), y[i])
            loss.backward()
            optimizer.step()
            seen.step(loss)


@pair("labels run from 1 to 10, and there are ten outputs", "labels_out_of_range", "crash")
def digits_labels_from_one(watch, faulty):
    X, y = digits()
    labels = y + 1 if faulty else y
    model = nn.Sequential(nn.Linear(784, 40), nn.ReLU(), nn.Linear(40, 10))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    with watch() as seen:
        for _ in range(300):
            i = torch.randint(0, 5000, (64,))
            loss = F.cross_entropy(model(X[i]), labels[i])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            seen.step(loss)


@pair("accuracy compares the largest score, not its index, with the label", "metric_disagrees")
def digits_accuracy_of_values(watch, faulty):
    X, y = digits()
    X_train, y_train, X_test, y_test = X[:4000], y[:4000], X[4000:], y[4000:]
    model = nn.Sequential(nn.Linear(784, 64), nn.ReLU(), nn.Linear(64, 10))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    with watch() as seen:
        for step in range(400):
            i = torch.randint(0, 4000, (64,))
            loss = F.cross_entropy(model(X_train[i]), y_train[i])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            seen.step(loss)
            if step % 50 == 49:
                with torch.no_grad():
                    scores = model(X_test)
                    best = scores.max(1)
                    predicted = best.values if faulty else best.indices
                    accuracy = (predicted == y_test).float().mean()
                    seen.validate(F.cross_entropy(scores, y_test), accuracy)


@pair("the test rows are some of the training rows", "data_overlap")
def moons_tested_on_training(watch, faulty):
    X, y = moons()
    X_train, y_train = (X, y) if faulty else (X[:1600], y[:1600])
    X_test, y_test = X[1600:], y[1600:]
    model = nn.Sequential(nn.Linear(2, 32), nn.ReLU(), nn.Linear(32, 2))
    opt = torch.optim.Adam(model.parameters(), lr=5e-3)
    with watch() as seen:
        for step in range(600):
            i = torch.randint(0, len(X_train), (64,))
            loss = F.cross_entropy(model(X_train[i]), y_train[i])
            opt.zero_grad()
            loss.backward()
            opt.step()
            seen.step(loss)
            if step % 60 == 59:
                with torch.no_grad():
                    seen.validate(F.cross_entropy(model(X_test), y_test))


@pair("prices of about 310 are regressed as they are", "targets_unscaled", "lr_too_low")
def houses_raw_prices(watch, faulty):
    X, price = houses()
    y = price if faulty else (price - price.mean()) / price.std()
    model = nn.Sequential(nn.Linear(8, 64), nn.ReLU(), nn.Linear(64, 1))
    opt = torch.optim.Adam(model.parameters(), lr=1e-3)
    with watch() as seen:
        for _epoch in range(10):
            for i in torch.randperm(2000).split(40):
                loss = F.mse_loss(model(X[i]), y[i])
                opt.zero_grad()
                loss.backward()
                opt.step()
                seen.step(loss)


@pair("predictions are made with dropout on: eval() is never called", "train_eval_mismatch")
def digits_predict_with_dropout(watch, faulty):
    X, y = digits()
    model = nn.Sequential(nn.Linear(784, 128), nn.ReLU(), nn.Dropout(0.6), nn.Linear(128, 10))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    with watch() as seen:
        for _ in range(300):
            i = torch.randint(0, 4500, (64,))
            loss = F.cross_entropy(model(X[i]), y[i])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            seen.step(loss)
        if not faulty:
            model.eval()
        with seen.using(), torch.no_grad():
            predictions = model(X[4500:]).argmax(1)
        print("accuracy", (predictions == y[4500:]).float().mean().item())


@pair("after the first epoch the network stays in eval()", "train_eval_mismatch")
def digits_never_back_to_train(watch, faulty):
    X, y = digits()
    model = nn.Sequential(nn.Linear(784, 64), nn.BatchNorm1d(64), nn.ReLU(), nn.Linear(64, 10))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    model.train()
    with watch() as seen:
        for _epoch in range(6):
            if not faulty:
                model.train()
            for i in torch.randperm(4500).split(64):
                loss = F.cross_entropy(model(X[i]), y[i])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                seen.step(loss)
            model.eval()
            with torch.no_grad():
                seen.validate(F.cross_entropy(model(X[4500:]), y[4500:]))


@pair("the features are shuffled and the labels are not", "labels_shuffled")
def clusters_shuffled_apart(watch, faulty):
    X, y = clusters()
    order = torch.randperm(len(X))
    X_shuffled = X[order]
    y_shuffled = y if faulty else y[order]
    model = nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 5))
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    loader = DataLoader(TensorDataset(X_shuffled, y_shuffled), batch_size=64, shuffle=True)
    with watch() as seen:
        for _epoch in range(8):
            for xb, yb in loader:
                loss = F.cross_entropy(model(xb), yb)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                seen.step(loss)


@pair("the data is sorted by class and read in order", "not_shuffled")
def digits_sorted(watch, faulty):
    X, y = digits()
    order = y.argsort()
    dataset = TensorDataset(X[order], y[order])
    loader = DataLoader(dataset, batch_size=50, shuffle=not faulty)
    model = nn.Sequential(nn.Linear(784, 64), nn.ReLU(), nn.Linear(64, 10))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    with watch() as seen:
        for _epoch in range(5):
            for xb, yb in loader:
                optimizer.zero_grad()
                loss = F.cross_entropy(model(xb), yb)
                loss.backward()
                optimizer.step()
                seen.step(loss)


@pair("the loss is wrapped into a new tensor", "parameter_not_trained")
def clusters_rewrapped_loss(watch, faulty):
    X, y = clusters()
    model = nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 5))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    criterion = nn.CrossEntropyLoss()
    with watch() as seen:
        for _ in range(300):
            i = torch.randint(0, 3000, (64,))
            loss = criterion(model(X[i]), y[i])
            if faulty:
                loss = torch.tensor(loss.item(), requires_grad=True)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            seen.step(loss)


@pair("argmax stands between the outputs and the loss", "parameter_not_trained")
def moons_argmax_in_loss(watch, faulty):
    X, y = moons()
    model = nn.Sequential(nn.Linear(2, 32), nn.ReLU(), nn.Linear(32, 2))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    with watch() as seen:
        for _ in range(300):
            i = torch.randint(0, 2000, (64,))
            outputs = model(X[i])
            if faulty:
                predicted = outputs.argmax(1).float()
                loss = F.mse_loss(predicted, y[i].float()).requires_grad_()
            else:
                loss = F.cross_entropy(outputs, y[i])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            seen.step(loss)


@pair("a wide network and 80 examples", "overfitting")
def digits_eighty_examples(watch, faulty):
    X, y = digits()
    n = 80 if faulty else 4000
    X_train, y_train, X_val, y_val = X[:n], y[:n], X[4000:], y[4000:]
    model = nn.Sequential(nn.Linear(784, 256), nn.ReLU(), nn.Linear(256, 10))
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-4)
    with watch() as seen:
        for step in range(400):
            i = torch.randint(0, n, (64,))
            loss = F.cross_entropy(model(X_train[i]), y_train[i])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            seen.step(loss)
            if step % 20 == 19:
                with torch.no_grad():
                    seen.validate(F.cross_entropy(model(X_val), y_val))


@pair("a sigmoid before BCEWithLogitsLoss", "double_softmax", "wrong_loss")
def moons_sigmoid_twice(watch, faulty):
    X, y = moons()
    y = y.float().unsqueeze(1)
    model = nn.Sequential(nn.Linear(2, 32), nn.ReLU(), nn.Linear(32, 1))
    if faulty:
        model.append(nn.Sigmoid())
    loss_fn = nn.BCEWithLogitsLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    with watch() as seen:
        for _epoch in range(12):
            for i in torch.randperm(2000).split(50):
                loss = loss_fn(model(X[i]), y[i])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                seen.step(loss)


@pair("entropy by p * log(p), where a masked class has p = 0", "nan")
def clusters_entropy_of_zero(watch, faulty):
    X, y = clusters()
    allowed = torch.ones(5, dtype=torch.bool)
    allowed[4] = False  # a class that is no longer in use
    X, y = X[y < 4], y[y < 4]
    model = nn.Sequential(nn.Linear(16, 64), nn.ReLU(), nn.Linear(64, 5))
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    with watch() as seen:
        for _ in range(400):
            i = torch.randint(0, len(X), (64,))
            scores = model(X[i]).masked_fill(~allowed, -torch.inf if faulty else -1e9)
            p = scores.softmax(1)
            log_p = p.log() if faulty else scores.log_softmax(1)
            entropy = -(p * log_p).sum(1).mean()
            loss = F.cross_entropy(scores, y[i]) - 0.01 * entropy
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            seen.step(loss)


@pair("a schedule that is meant in epochs is stepped for each batch", "lr_vanished")
def houses_scheduler_in_batches(watch, faulty):
    X, price = houses()
    y = (price - price.mean()) / price.std()
    model = nn.Sequential(nn.Linear(8, 64), nn.Tanh(), nn.Linear(64, 1))
    opt = torch.optim.SGD(model.parameters(), lr=0.1)
    scheduler = torch.optim.lr_scheduler.StepLR(opt, step_size=5, gamma=0.5)
    with watch() as seen:
        for _epoch in range(15):
            for i in torch.randperm(2000).split(50):
                loss = F.mse_loss(model(X[i]), y[i])
                opt.zero_grad()
                loss.backward()
                opt.step()
                if faulty:
                    scheduler.step()
                seen.step(loss)
            if not faulty:
                scheduler.step()


@pair("97 of 100 examples have one label", "class_imbalance")
def digits_nearly_all_not_seven(watch, faulty):
    X, y = digits()
    is_seven = (y == 7).long()
    sevens, others = X[is_seven == 1], X[is_seven == 0]
    if faulty:
        sevens, others = sevens[:60], others[:2940]
    else:
        sevens, others = sevens[:450], others[:550]
    data = torch.cat([sevens, others])
    labels = torch.cat([torch.ones(len(sevens)), torch.zeros(len(others))]).long()
    model = nn.Sequential(nn.Linear(784, 32), nn.ReLU(), nn.Linear(32, 2))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.02)
    with watch() as seen:
        for _ in range(300):
            i = torch.randint(0, len(data), (64,))
            loss = F.cross_entropy(model(data[i]), labels[i])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            seen.step(loss)


@pair("the batch is drawn once, before the loop", "overfitting", "not_shuffled", "batch_repeated")
def clusters_one_batch(watch, faulty):
    X, y = clusters()
    loader = DataLoader(TensorDataset(X[:2500], y[:2500]), batch_size=40, shuffle=True)
    model = nn.Sequential(nn.Linear(16, 64), nn.ReLU(), nn.Linear(64, 5))
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    batch = next(iter(loader))
    with watch() as seen:
        for step in range(500):
            if not faulty:
                batch = next(iter(loader))
            xb, yb = batch
            loss = F.cross_entropy(model(xb), yb)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            seen.step(loss)
            if step % 50 == 49:
                with torch.no_grad():
                    seen.validate(F.cross_entropy(model(X[2500:]), y[2500:]))
