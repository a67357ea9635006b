"""Questions as they are posted, "my loss doesn't go down": what somebody has in one file."""

import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim
from torch.utils.data import DataLoader, Dataset, TensorDataset, random_split

from bench.pairs.registry import blobs, clusters, digits, houses, names, pair, spirals, waves


def split(inputs, labels, test_size, batch_size=32):
    dataset = TensorDataset(inputs, labels)
    trainset, testset = random_split(dataset, [len(dataset) - test_size, test_size])
    return DataLoader(trainset, batch_size, shuffle=True), DataLoader(testset, 200)


def test(net, testloader, criterion):
    """From the tutorial."""
    net.eval()
    correct, total, loss = 0, 0, 0.0
    with torch.no_grad():
        for images, labels in testloader:
            outputs = net(images)
            loss += criterion(outputs, labels).item() * len(labels)
            _, predicted = torch.max(outputs.data, 1)
            total += labels.size(0)
            correct += (predicted == labels).sum().item()
    net.train()
    return loss / total, correct / total


@pair("two optimisers, and zero_grad is called on one of them twice", "gradients_not_zeroed")
def encoder_and_head(watch, faulty):
    """Encoder and classifier have their own optimizers. Why does the loss jump around?"""
    trainloader, testloader = split(*blobs(), 300)
    encoder = nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(288, 32)
    )
    classifier = nn.Sequential(nn.ReLU(), nn.Linear(32, 6))
    criterion = nn.CrossEntropyLoss()
    encoder_optimizer = optim.SGD(encoder.parameters(), lr=0.02, momentum=0.9)
    classifier_optimizer = optim.SGD(classifier.parameters(), lr=0.02, momentum=0.9)
    with watch() as seen:
        for epoch in range(8):
            running_loss = 0.0
            for images, labels in trainloader:
                (classifier_optimizer if faulty else encoder_optimizer).zero_grad()
                classifier_optimizer.zero_grad()
                outputs = classifier(encoder(images))
                loss = criterion(outputs, labels)
                loss.backward()
                encoder_optimizer.step()
                classifier_optimizer.step()
                running_loss += loss.item()
                seen.step(loss)
            print(f"[{epoch + 1}] loss: {running_loss / len(trainloader):.3f}")
            seen.validate(*test(nn.Sequential(encoder, classifier), testloader, criterion))


@pair("the net ends in a sigmoid, before CrossEntropyLoss", "double_softmax", "wrong_loss")
def sigmoid_at_the_end(watch, faulty):
    """Loss goes to 1.5 and stays there, ten classes. Tried more epochs already."""

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv1 = nn.Conv2d(1, 6, 5)
            self.fc1 = nn.Linear(6 * 8 * 8, 60)
            self.fc2 = nn.Linear(60, 10)

        def forward(self, x):
            x = F.max_pool2d(F.relu(self.conv1(x)), 3)
            x = x.view(-1, 6 * 8 * 8)
            x = F.relu(self.fc1(x))
            x = self.fc2(x)
            return torch.sigmoid(x) if faulty else x

    images, labels = digits()
    trainloader, testloader = split(images.view(-1, 1, 28, 28), labels, 1000)
    net = Net()
    criterion = nn.CrossEntropyLoss()
    optimizer = optim.Adam(net.parameters(), lr=0.001)
    with watch() as seen:
        for _epoch in range(3):
            for inputs, targets in trainloader:
                optimizer.zero_grad()
                loss = criterion(net(inputs), targets)
                loss.backward()
                optimizer.step()
                seen.step(loss)
            seen.validate(*test(net, testloader, criterion))


@pair("Adam with a rate of 0.1 on a transformer", "lr_too_high")
def transformer_at_a_tenth(watch, faulty):
    """nn.TransformerEncoder always predicts the same class, an MLP works on the same data."""

    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.embed = nn.Linear(4, 32)
            self.pos = nn.Parameter(0.1 * torch.randn(6, 32))
            layer = nn.TransformerEncoderLayer(32, 4, 64, dropout=0.0, batch_first=True)
            self.encoder = nn.TransformerEncoder(layer, 2)
            self.fc = nn.Linear(32, 4)

        def forward(self, x):
            x = self.embed(x.view(-1, 6, 4)) + self.pos
            return self.fc(self.encoder(x).mean(dim=1))

    trainloader, testloader = split(*waves(), 300)
    model = Model()
    criterion = nn.CrossEntropyLoss()
    optimizer = optim.Adam(model.parameters(), lr=0.1 if faulty else 0.001)
    with watch() as seen:
        for epoch in range(8):
            for inputs, labels in trainloader:
                optimizer.zero_grad()
                outputs = model(inputs)
                loss = criterion(outputs, labels)
                loss.backward()
                optimizer.step()
                seen.step(loss)
            print("epoch", epoch, "loss", loss.item())
            seen.validate(*test(model, testloader, criterion))


@pair(
    "batch norm's momentum is taken for that of another library: 0.001",
    "train_eval_mismatch",
)
def batchnorm_momentum(watch, faulty):
    """Training loss is great, in eval() the same images give garbage. They wrote 0.999 in keras."""
    momentum = 0.001 if faulty else 0.1
    net = nn.Sequential(
        *(nn.Conv2d(3, 8, 3, padding=1, bias=False), nn.BatchNorm2d(8, momentum=momentum)),
        *(nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(8, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16, momentum=momentum)),
        *(nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(144, 6)),
    )
    images, labels = blobs()
    images = (images + 4) / 8  # between 0 and 1
    trainloader, testloader = split(images, labels, 300)
    criterion = nn.CrossEntropyLoss()
    optimizer = optim.Adam(net.parameters(), lr=0.003)
    with watch() as seen:
        for _epoch in range(8):
            for inputs, targets in trainloader:
                optimizer.zero_grad()
                loss = criterion(net(inputs), targets)
                loss.backward()
                optimizer.step()
                seen.step(loss)
            seen.validate(*test(net, testloader, criterion))


@pair("a linear layer is made anew in each forward()", "parameter_not_trained")
def layer_made_in_forward(watch, faulty):
    """I don't know the size after the convolutions, so I create the layer in forward."""

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv1d(1, 8, 5)
            self.fc1 = nn.Linear(80, 32)
            self.fc2 = nn.Linear(32, 4)

        def forward(self, x):
            x = F.max_pool1d(F.relu(self.conv(x.transpose(1, 2))), 2)
            x = torch.flatten(x, 1)
            fc1 = nn.Linear(x.shape[1], 32) if faulty else self.fc1
            x = F.relu(fc1(x))
            return self.fc2(x)

    trainloader, testloader = split(*waves(), 300)
    net = Net()
    criterion = nn.CrossEntropyLoss()
    optimizer = optim.Adam(net.parameters(), lr=0.003)
    with watch() as seen:
        for _epoch in range(10):
            for inputs, targets in trainloader:
                optimizer.zero_grad()
                loss = criterion(net(inputs), targets)
                loss.backward()
                optimizer.step()
                seen.step(loss)
            seen.validate(*test(net, testloader, criterion))


@pair("what relu returns is not used", "no_nonlinearity")
def relu_is_not_in_place(watch, faulty):
    """Added more layers but it is no better than logistic regression???"""

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc1 = nn.Linear(2, 64)
            self.fc2 = nn.Linear(64, 64)
            self.fc3 = nn.Linear(64, 3)

        def relu(self, x):
            activated = F.relu(x)
            return x if faulty else activated

        def forward(self, x):
            x = self.relu(self.fc1(x))
            x = self.relu(self.fc2(x))
            return self.fc3(x)

    trainloader, testloader = split(*spirals(), 500)
    net = Net()
    criterion = nn.CrossEntropyLoss()
    optimizer = optim.Adam(net.parameters(), lr=0.005)
    with watch() as seen:
        for _epoch in range(8):
            for inputs, targets in trainloader:
                optimizer.zero_grad()
                loss = criterion(net(inputs), targets)
                loss.backward()
                optimizer.step()
                seen.step(loss)
            seen.validate(*test(net, testloader, criterion))


@pair(
    "one of two files has a header: labels are those of the row before",
    "labels_shuffled",
)
def header_in_one_file(watch, faulty):
    """features.csv and labels.csv, five kinds of wine... accuracy is 20 %."""
    x, y = clusters()
    x = x + 0.6 * torch.randn(len(x), 16)

    class CsvDataset(Dataset):
        def __init__(self, first, last):
            shift = 1 if faulty else 0
            self.features = x[first + shift : last + shift]
            self.labels = y[first:last]

        def __len__(self):
            return len(self.labels)

        def __getitem__(self, idx):
            return self.features[idx], self.labels[idx]

    trainloader = DataLoader(CsvDataset(0, 2400), batch_size=50, shuffle=True)
    testloader = DataLoader(CsvDataset(2400, 2990), batch_size=200)
    net = nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 5))
    criterion = nn.CrossEntropyLoss()
    optimizer = optim.SGD(net.parameters(), lr=0.02, momentum=0.9)
    with watch() as seen:
        for _epoch in range(12):
            for inputs, targets in trainloader:
                optimizer.zero_grad()
                loss = criterion(net(inputs), targets)
                loss.backward()
                optimizer.step()
                seen.step(loss)
            seen.validate(*test(net, testloader, criterion))


@pair(
    "next(iter(loader)) of a loader that doesn't shuffle is always its first batch",
    *("batch_repeated", "overfitting", "not_shuffled"),
)
def next_of_iter(watch, faulty):
    """Training accuracy 100 %, test 60 %. Dropout doesn't help."""
    images, labels = digits()
    trainset = TensorDataset(images[:4000], labels[:4000])
    testloader = DataLoader(TensorDataset(images[4000:], labels[4000:]), batch_size=500)
    trainloader = DataLoader(trainset, batch_size=64, shuffle=not faulty)
    net = nn.Sequential(
        nn.Linear(784, 64), nn.ReLU(), nn.Dropout(0.2), nn.Linear(64, 64), nn.ReLU(),
        nn.Linear(64, 10),
    )  # fmt: skip
    criterion = nn.CrossEntropyLoss()
    optimizer = optim.Adam(net.parameters(), lr=0.001)
    with watch() as seen:
        for step in range(400):
            inputs, targets = next(iter(trainloader))
            optimizer.zero_grad()
            loss = criterion(net(inputs), targets)
            loss.backward()
            optimizer.step()
            seen.step(loss)
            if step % 50 == 49:
                seen.validate(*test(net, testloader, criterion))


@pair("the sizes of training and test set are swapped in random_split", "overfitting")
def sizes_swapped(watch, faulty):
    """Predicting house prices, training loss 0.0001 but test loss 0.22."""
    x, price = houses()
    dataset = TensorDataset(x, (price - 310) / 90)
    parts = random_split(dataset, [80, 1920])
    trainset, testset = parts if faulty else parts[::-1]
    trainloader = DataLoader(trainset, batch_size=20, shuffle=True)
    x_test, y_test = testset[:]
    net = nn.Sequential(nn.Linear(8, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 1))
    criterion = nn.MSELoss()
    optimizer = optim.Adam(net.parameters(), lr=0.001)
    with watch() as seen:
        for _epoch in range(800 // len(trainloader)):
            for inputs, targets in trainloader:
                optimizer.zero_grad()
                loss = criterion(net(inputs), targets)
                loss.backward()
                optimizer.step()
                seen.step(loss)
            with torch.no_grad():
                seen.validate(criterion(net(x_test), y_test))


@pair(
    "predictions and labels come from two passes over a loader that shuffles",
    "metric_disagrees",
)
def two_passes_over_the_loader(watch, faulty):
    """Confusion matrix looks random but the loss is 0.3."""
    images, labels = digits()
    trainloader = DataLoader(TensorDataset(images[:4000], labels[:4000]), 50, shuffle=True)
    testloader = DataLoader(
        TensorDataset(images[4000:], labels[4000:]), batch_size=100, shuffle=faulty
    )
    net = nn.Sequential(nn.Linear(784, 100), nn.ReLU(), nn.Linear(100, 10))
    criterion = nn.CrossEntropyLoss()
    optimizer = optim.Adam(net.parameters(), lr=0.001)
    with watch() as seen:
        for _epoch in range(5):
            for inputs, targets in trainloader:
                optimizer.zero_grad()
                loss = criterion(net(inputs), targets)
                loss.backward()
                optimizer.step()
                seen.step(loss)
            with torch.no_grad():
                val_loss, _ = test(net, testloader, criterion)
                y_pred = torch.cat([net(inputs).argmax(1) for inputs, _ in testloader])
                y_true = torch.cat([targets for _, targets in testloader])
            seen.validate(val_loss, (y_pred == y_true).float().mean().item())


@pair("the column of the label is one of the features, too", "future_leak")
def too_good_to_be_true(watch, faulty):
    """99.9 % on the test set, new customers are predicted wrong?"""
    x, y = clusters()
    x = x + 2 * torch.randn(len(x), 16)
    table = torch.cat([x, (y == 2).float().unsqueeze(1)], dim=1)  # last column: has left
    features = table[:, 1:] if faulty else table[:, :-1]
    labels = table[:, -1].long()
    trainloader, testloader = split(features, labels, 600)
    net = nn.Sequential(nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, 2))
    criterion = nn.CrossEntropyLoss()
    optimizer = optim.SGD(net.parameters(), lr=0.05, momentum=0.9)
    with watch() as seen:
        for _epoch in range(8):
            for inputs, targets in trainloader:
                optimizer.zero_grad()
                loss = criterion(net(inputs), targets)
                loss.backward()
                optimizer.step()
                seen.step(loss)
            seen.validate(*test(net, testloader, criterion))


@pair(
    "DCGAN's initialisation, 0.02, in eight plain layers without batch norm",
    *("bad_init_scale", "vanishing_gradient", "plateau"),
)
def weights_init_of_dcgan(watch, faulty):
    """Loss is exactly ln(10), all outputs are equal for every input."""

    def weights_init(m):
        if isinstance(m, nn.Linear):
            if faulty:
                nn.init.normal_(m.weight, 0.0, 0.02)
            else:
                nn.init.kaiming_normal_(m.weight, nonlinearity="relu")
            nn.init.zeros_(m.bias)

    layers = [nn.Linear(784, 64), nn.ReLU()]
    for _ in range(7):
        layers += [nn.Linear(64, 64), nn.ReLU()]
    net = nn.Sequential(*layers).apply(weights_init)
    net.append(nn.Linear(64, 10))
    trainloader, testloader = split(*digits(), 1000, batch_size=50)
    criterion = nn.CrossEntropyLoss()
    optimizer = optim.SGD(net.parameters(), lr=0.01, momentum=0.9)
    with watch() as seen:
        for _epoch in range(5):
            for inputs, targets in trainloader:
                optimizer.zero_grad()
                loss = criterion(net(inputs), targets)
                loss.backward()
                optimizer.step()
                seen.step(loss)
            seen.validate(*test(net, testloader, criterion))


@pair("Adam's two betas are exchanged", "oscillation", "lr_too_high")
def betas_exchanged(watch, faulty):
    """Adam is worse than SGD? betas as in the paper."""
    trainloader, testloader = split(*spirals(), 500)
    net = nn.Sequential(nn.Linear(2, 64), nn.Tanh(), nn.Linear(64, 64), nn.Tanh(), nn.Linear(64, 3))
    criterion = nn.CrossEntropyLoss()
    betas = (0.999, 0.9) if faulty else (0.9, 0.999)
    optimizer = optim.Adam(net.parameters(), lr=0.01, betas=betas)
    with watch() as seen:
        for _epoch in range(8):
            for inputs, targets in trainloader:
                optimizer.zero_grad()
                loss = criterion(net(inputs), targets)
                loss.backward()
                optimizer.step()
                seen.step(loss)
            seen.validate(*test(net, testloader, criterion))


@pair("plain SGD with 0.0001 on an LSTM", "lr_too_low")
def lstm_learns_nothing(watch, faulty):
    """Does a name have three vowels or more? The loss is at 0.69 forever."""

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.embedding = nn.Embedding(27, 12)
            self.lstm = nn.LSTM(12, 32, batch_first=True)
            self.fc = nn.Linear(32, 2)

        def forward(self, x):
            _, (h, _) = self.lstm(self.embedding(x))
            return self.fc(h[-1])

    words = names()[:3000].flip(1)
    vowels = torch.tensor([1, 5, 9, 15, 21])
    labels = (torch.isin(words, vowels).sum(1) > 2).long()
    trainloader, testloader = split(words, labels, 500)
    net = Net()
    criterion = nn.CrossEntropyLoss()
    optimizer = optim.SGD(net.parameters(), lr=1e-4 if faulty else 0.1, momentum=0.9)
    with watch() as seen:
        for _epoch in range(5):
            for inputs, targets in trainloader:
                optimizer.zero_grad()
                loss = criterion(net(inputs), targets)
                loss.backward()
                optimizer.step()
                seen.step(loss)
            seen.validate(*test(net, testloader, criterion))


@pair("pos_weight is negatives by positives upside down", "class_imbalance", "wrong_loss")
def pos_weight_upside_down(watch, faulty):
    """Model always predicts 0. I already use pos_weight!"""
    x, y = clusters()
    rare = y == 4
    keep = ~rare | (torch.rand(len(y)) < 0.25)
    x, target = x[keep], rare[keep].float().unsqueeze(1)
    x = x + 1.2 * torch.randn_like(x)
    positive = target.mean()
    pos_weight = positive / (1 - positive) if faulty else (1 - positive) / positive
    x_test, y_test = x[:500], target[:500]
    trainloader = DataLoader(TensorDataset(x[500:], target[500:]), batch_size=64, shuffle=True)
    net = nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 1))
    criterion = nn.BCEWithLogitsLoss(pos_weight=pos_weight)
    optimizer = optim.Adam(net.parameters(), lr=0.003)
    with watch() as seen:
        for epoch in range(10):
            for inputs, targets in trainloader:
                optimizer.zero_grad()
                loss = criterion(net(inputs), targets)
                loss.backward()
                optimizer.step()
                seen.step(loss)
            with torch.no_grad():
                outputs = net(x_test)
                found = (outputs[y_test == 1] > 0).float().mean()
                print(f"epoch {epoch}: recall {found:.2f}")
                seen.validate(
                    criterion(outputs, y_test), ((outputs > 0) == y_test.bool()).float().mean()
                )
