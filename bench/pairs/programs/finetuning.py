"""Fine-tuning: what a tutorial on pretrained networks does, in small. Each pretrains its own."""

import copy
import math

import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

from bench.pairs.registry import blobs, digits, names, pair, pictures, spirals, text, waves

BOS = 27
"""Stands before each name; the letters are 1 to 26, padding is 0."""


class Block(nn.Module):
    def __init__(self, n_embd, n_head):
        super().__init__()
        self.n_head = n_head
        self.ln_1, self.ln_2 = nn.LayerNorm(n_embd), nn.LayerNorm(n_embd)
        self.c_attn = nn.Linear(n_embd, 3 * n_embd)
        self.c_proj = nn.Linear(n_embd, n_embd)
        self.mlp = nn.Sequential(
            nn.Linear(n_embd, 4 * n_embd), nn.GELU(), nn.Linear(4 * n_embd, n_embd)
        )

    def forward(self, x, past=None):
        """Return the output, and keys and values; with a past, x is what comes after it."""
        batch, length, width = x.shape
        heads = self.c_attn(self.ln_1(x)).view(batch, length, 3 * self.n_head, -1).transpose(1, 2)
        q, k, v = heads.chunk(3, dim=1)
        if past is not None:
            k, v = torch.cat([past[0], k], dim=2), torch.cat([past[1], v], dim=2)
        y = F.scaled_dot_product_attention(q, k, v, is_causal=past is None)
        x = x + self.c_proj(y.transpose(1, 2).reshape(batch, length, width))
        return x + self.mlp(self.ln_2(x)), (k, v)


class TinyGPT(nn.Module):
    """A decoder with tied embeddings."""

    def __init__(self, vocab_size=28, n_positions=16, n_embd=32, n_layer=2, n_head=4):
        super().__init__()
        self.wte = nn.Embedding(vocab_size, n_embd)
        self.wpe = nn.Embedding(n_positions, n_embd)
        self.h = nn.ModuleList([Block(n_embd, n_head) for _ in range(n_layer)])
        self.ln_f = nn.LayerNorm(n_embd)
        nn.init.normal_(self.wte.weight, std=0.1)
        nn.init.normal_(self.wpe.weight, std=0.1)

    def hidden(self, input_ids, past=None, start=0):
        positions = start + torch.arange(input_ids.shape[1])
        x = self.wte(input_ids) + self.wpe(positions)
        present = []
        for i, block in enumerate(self.h):
            x, kv = block(x, None if past is None else past[i])
            present.append(kv)
        return self.ln_f(x), present

    def forward(self, input_ids):
        return self.hidden(input_ids)[0] @ self.wte.weight.T

    def loss(self, input_ids, labels):
        """Shifts by itself: labels are as long as the ids, -100 does not count."""
        logits = self(input_ids)[:, :-1]
        return F.cross_entropy(logits.flatten(0, 1), labels[:, 1:].flatten(), ignore_index=-100)

    def resize_token_embeddings(self, vocab_size):
        old = self.wte.weight.data
        self.wte = nn.Embedding(vocab_size, old.shape[1])
        nn.init.normal_(self.wte.weight, std=0.1)
        self.wte.weight.data[: len(old)] = old


def tokenized_names():
    """Return names behind a BOS, and their labels: -100 behind the end (0), which counts."""
    letters = names()[torch.randperm(len(names()))]
    rows = F.pad(letters, (1, 0), value=BOS)
    labels = rows.clone()
    labels[:, 1:][(rows[:, 1:] == 0) & (rows[:, :-1] == 0)] = -100
    return rows, labels


def pretrain_on_names(model, rows, labels, steps=150):
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    for _ in range(steps):
        i = torch.randint(0, len(rows), (32,))
        optimizer.zero_grad()
        model.loss(rows[i], labels[i]).backward()
        optimizer.step()


class LoRALinear(nn.Module):
    """A frozen layer, and a change of low rank."""

    def __init__(self, base, r=8, alpha=16, zero_a=False):
        super().__init__()
        self.base = base.requires_grad_(False)
        self.scaling = alpha / r
        self.lora_A = nn.Parameter(torch.empty(r, base.in_features))
        self.lora_B = nn.Parameter(torch.zeros(base.out_features, r))
        if zero_a:
            nn.init.zeros_(self.lora_A)
        else:
            nn.init.kaiming_uniform_(self.lora_A, a=math.sqrt(5))

    def forward(self, x):
        return self.base(x) + self.scaling * (x @ self.lora_A.T @ self.lora_B.T)


@pair(
    "A and B of LoRA both begin as zeros: neither has a gradient",
    *("symmetric_init", "parameter_not_trained"),
)
def lora_of_zeros(watch, faulty):
    """The digits of a network that was trained upright now lie on their side."""
    images, labels = digits()
    network = nn.Sequential(
        nn.Linear(784, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10)
    )
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-3)
    for xb, yb in DataLoader(TensorDataset(images[:4000], labels[:4000]), 50, shuffle=True):
        optimizer.zero_grad()
        F.cross_entropy(network(xb), yb).backward()
        optimizer.step()

    lying = images.view(-1, 28, 28).mT.reshape(-1, 784)
    for i in (0, 2, 4):
        network[i] = LoRALinear(network[i], zero_a=faulty)
    trainable = [p for p in network.parameters() if p.requires_grad]
    print(f"trainable: {sum(p.numel() for p in trainable)}")
    optimizer = torch.optim.AdamW(trainable, lr=3e-3, weight_decay=0.0)
    loader = DataLoader(TensorDataset(lying[:4000], labels[:4000]), 50, shuffle=True)
    with watch() as seen:
        for _ in range(4):
            for xb, yb in loader:
                loss = F.cross_entropy(network(xb), yb)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                seen.step(loss)
            with torch.no_grad():
                logits = network(lying[4000:])
            accuracy = (logits.argmax(1) == labels[4000:]).float().mean()
            seen.validate(F.cross_entropy(logits, labels[4000:]), accuracy)


class ReviewEncoder(nn.Module):
    """A small BERT: token 1 is [CLS], 2 is [MASK], 0 is padding."""

    def __init__(self, vocab_size=43, max_len=15, hidden=24):
        super().__init__()
        self.tokens = nn.Embedding(vocab_size, hidden, padding_idx=0)
        self.positions = nn.Embedding(max_len, hidden)
        layer = nn.TransformerEncoderLayer(hidden, 4, 48, dropout=0.0, batch_first=True)
        self.layers = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)

    def forward(self, input_ids, attention_mask):
        x = self.tokens(input_ids) + self.positions.weight[: input_ids.shape[1]]
        return self.layers(x, src_key_padding_mask=attention_mask)


def reviews(count):
    """Return padded reviews: words 3 to 12 are good ones, 13 to 22 bad ones, the rest says nothing.

    Good words follow good ones more often than not, so that a masked one can be guessed.
    """
    good = torch.rand(count) < 0.5
    lengths = torch.randint(5, 14, (count,))
    words = torch.randint(23, 43, (count, 14))
    opinion = torch.randint(3, 13, (count, 14)) + 10 * (
        good[:, None] != (torch.rand(count, 14) < 0.85)
    )
    words = torch.where(torch.rand(count, 14) < 0.4, opinion, words)
    ids = torch.cat([torch.ones(count, 1, dtype=torch.long), words], dim=1)
    ids[torch.arange(15) > lengths[:, None]] = 0
    return ids, good.long()


@pair(
    "attention_mask is 1 for words, and torch's key_padding_mask True for padding",
    *("inputs_ignored", "padding_read"),
)
def mask_means_the_opposite(watch, faulty):
    """A sentiment head on [CLS] of a masked language model."""
    ids, sentiment = reviews(8000)
    encoder, unmask = ReviewEncoder(), nn.Linear(24, 43)
    optimizer = torch.optim.AdamW([*encoder.parameters(), *unmask.parameters()], lr=2e-3)
    for _ in range(100):
        batch = ids[torch.randint(0, 7400, (48,))]
        chosen = (torch.rand(batch.shape) < 0.2) & (batch > 2)
        hidden = encoder(batch.masked_fill(chosen, 2), batch == 0)
        optimizer.zero_grad()
        F.cross_entropy(unmask(hidden[chosen]), batch[chosen]).backward()
        optimizer.step()

    def collate(rows):
        input_ids, labels = (torch.stack(column) for column in zip(*rows, strict=True))
        kept = input_ids[:, : int((input_ids > 0).sum(1).max()) + 1]
        return {"input_ids": kept, "attention_mask": (kept > 0).long(), "labels": labels}

    classifier = nn.Linear(24, 2)
    optimizer = torch.optim.AdamW(
        [{"params": encoder.parameters(), "lr": 5e-4}, {"params": classifier.parameters()}], lr=3e-3
    )

    def classify(batch):
        mask = batch["attention_mask"].bool()
        states = encoder(batch["input_ids"], mask if faulty else ~mask)
        return classifier(states[:, 0])

    dataset = TensorDataset(ids, sentiment)
    train, test = (
        torch.utils.data.Subset(dataset, part) for part in (range(7400), range(7400, 8000))
    )
    loader = DataLoader(train, 32, shuffle=True, collate_fn=collate)
    with watch() as seen:
        for number, batch in enumerate(loader, start=1):
            loss = F.cross_entropy(classify(batch), batch["labels"])
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
            seen.step(loss)
            if number % 50 == 0:
                with torch.no_grad():
                    batch = collate([test[i] for i in range(600)])
                    logits = classify(batch)
                accuracy = (logits.argmax(-1) == batch["labels"]).float().mean().item()
                seen.validate(F.cross_entropy(logits, batch["labels"]).item(), accuracy)


@pair(
    "a decoder is read at its first token, which sees nothing, as if it were [CLS]",
    "inputs_ignored",
)
def decoder_read_at_the_first_token(watch, faulty):
    """Does a name end with a vowel? GPTForSequenceClassification."""
    rows, labels = tokenized_names()
    gpt = TinyGPT()
    pretrain_on_names(gpt, rows[1000:], labels[1000:])
    ends = (rows > 0).sum(dim=1) - 1
    vowel = torch.isin(rows.gather(1, ends[:, None])[:, 0], torch.tensor([1, 5, 9, 15, 21])).long()
    score = nn.Linear(32, 2, bias=False)

    def classify(ids, end):
        states, _ = gpt.hidden(ids)
        pooled = states[:, 0] if faulty else states[torch.arange(len(ids)), end]
        return score(pooled)

    optimizer = torch.optim.AdamW([*gpt.parameters(), *score.parameters()], lr=5e-4)
    with watch() as seen:
        for step in range(200):
            i = torch.randint(1000, len(rows), (32,))
            loss = F.cross_entropy(classify(rows[i], ends[i]), vowel[i])
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            seen.step(loss)
            if step % 40 == 39:
                with torch.no_grad():
                    logits = classify(rows[:1000], ends[:1000])
                hits = (logits.argmax(-1) == vowel[:1000]).float().mean()
                seen.validate(F.cross_entropy(logits, vowel[:1000]), hits)


@pair(
    "the collator shifts the labels, and the model shifts them once more",
    *("labels_shuffled", "train_eval_mismatch"),
)
def shifted_twice(watch, faulty):
    """From plays to names: letters a to z are 1 to 26, all else is a blank."""
    codes, alphabet = text()
    as_name = torch.tensor(
        [ord(c.lower()) - 96 if c.isascii() and c.isalpha() else 0 for c in alphabet]
    )
    play = as_name[codes]
    model = TinyGPT()
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    for _ in range(100):
        start = torch.randint(0, len(play) - 16, (32, 1))
        window = play[start + torch.arange(16)]
        optimizer.zero_grad()
        model.loss(window, window).backward()
        optimizer.step()

    input_ids, labels = tokenized_names()
    if faulty:
        labels = F.pad(labels[:, 1:], (0, 1), value=-100)
    train = DataLoader(TensorDataset(input_ids[:7000], labels[:7000]), 64, shuffle=True)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    with watch() as seen:
        for _ in range(2):
            for ids, targets in train:
                loss = model.loss(ids, targets)
                loss.backward()
                nn.utils.clip_grad_norm_(model.parameters(), 1.0)
                optimizer.step()
                optimizer.zero_grad()
                seen.step(loss)
            with torch.no_grad():
                seen.validate(model.loss(input_ids[7000:], labels[7000:]))
        with seen.using(), torch.no_grad():
            drawn = torch.full((20, 1), BOS)
            for _ in range(10):
                probabilities = model(drawn)[:, -1].softmax(-1)
                drawn = torch.cat([drawn, torch.multinomial(probabilities, 1)], dim=1)
    for row in drawn[:, 1:].tolist():
        print("".join(chr(96 + i) for i in row if 0 < i < 27))


@pair(
    "special tokens were added to the vocabulary, and the embeddings not resized",
    *("crash", "labels_out_of_range"),
)
def special_tokens_without_a_row(watch, faulty):
    """<short> and <long> steer what is written."""
    rows, labels = tokenized_names()
    model = TinyGPT(vocab_size=28)
    pretrain_on_names(model, rows[:7000], labels[:7000])

    vocabulary = {"<pad>": 0, **{chr(96 + i): i for i in range(1, 27)}, "<s>": 27}
    for token in ("<short>", "<long>"):
        vocabulary[token] = len(vocabulary)
    if not faulty:
        model.resize_token_embeddings(len(vocabulary))
    is_long = (rows > 0).sum(1) > 7
    control = torch.where(is_long, vocabulary["<long>"], vocabulary["<short>"])
    prompts = torch.cat([control[:, None], rows], dim=1)
    answers = F.pad(labels, (1, 0), value=-100)
    answers[:, 1] = -100  # <s> is given
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    with watch() as seen:
        for step in range(200):
            pick = torch.randint(0, 7000, (32,))
            optimizer.zero_grad()
            loss = model.loss(prompts[pick], answers[pick])
            loss.backward()
            optimizer.step()
            seen.step(loss)
            if step % 50 == 49:
                with torch.no_grad():
                    seen.validate(model.loss(prompts[7000:], answers[7000:]))


@pair(
    "the checkpoint's keys begin with 'module.': nothing is loaded into what is frozen",
    *("frozen_layer", "parameter_not_trained"),
)
def nothing_was_loaded(watch, faulty):
    """Linear probing: a new head on a backbone that knows the arms of the spirals."""

    def make_backbone():
        return nn.Sequential(
            nn.Linear(2, 24), nn.Tanh(), nn.Linear(24, 24), nn.Tanh(), nn.Linear(24, 8), nn.Tanh()
        )

    points, arms = spirals()
    teacher = nn.DataParallel(make_backbone(), device_ids=[])
    old_head = nn.Linear(8, 3)
    optimizer = torch.optim.Adam([*teacher.parameters(), *old_head.parameters()], lr=1e-2)
    for _ in range(500):
        i = torch.randint(0, 2500, (64,))
        optimizer.zero_grad()
        F.cross_entropy(old_head(teacher(points[i])), arms[i]).backward()
        optimizer.step()
    checkpoint = teacher.state_dict()
    if not faulty:
        checkpoint = {key.removeprefix("module."): value for key, value in checkpoint.items()}

    backbone = make_backbone()
    backbone.load_state_dict(checkpoint, strict=False)
    backbone.requires_grad_(False).eval()
    head = nn.Linear(8, 2)  # is it the first arm?
    model = nn.Sequential(backbone, head)
    target = (arms == 0).long()
    optimizer = torch.optim.Adam(head.parameters(), lr=1e-2)
    train = DataLoader(TensorDataset(points[:2500], target[:2500]), 50, shuffle=True)
    with watch() as seen:
        for _ in range(6):
            for x, y in train:
                loss = F.cross_entropy(model(x), y)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                seen.step(loss)
            with torch.no_grad():
                out = model(points[2500:])
            correct = (out.argmax(1) == target[2500:]).float().mean()
            seen.validate(F.cross_entropy(out, target[2500:]), correct)


@pair(
    "the backbone was pretrained on standardised pictures, and is given pixels of 0 to 255",
    "inputs_not_normalised",
)
def pixels_for_a_pretrained_backbone(watch, faulty):
    """Which digits have a hole? The whole network is tuned, its head faster."""
    raw, digit = pictures(), digits()[1]
    normalised = (raw / 255 - 0.13) / 0.31
    backbone = nn.Sequential(
        *(nn.Conv2d(1, 8, 5, stride=2), nn.ReLU(), nn.Conv2d(8, 16, 3, stride=2), nn.ReLU()),
        *(nn.Flatten(), nn.Linear(400, 48), nn.ReLU()),
    )
    pretext = nn.Linear(48, 10)
    optimizer = torch.optim.Adam([*backbone.parameters(), *pretext.parameters()], lr=2e-3)
    for i in torch.randperm(2500).split(50):
        optimizer.zero_grad()
        F.cross_entropy(pretext(backbone(normalised[i])), digit[i]).backward()
        optimizer.step()

    images = raw if faulty else normalised
    hole = torch.isin(digit, torch.tensor([0, 4, 6, 8, 9])).float()
    head = nn.Sequential(nn.Dropout(0.1), nn.Linear(48, 1), nn.Flatten(0))
    nn.init.normal_(head[1].weight, std=0.01)
    groups = [
        {"params": backbone.parameters(), "lr": 0.002},
        {"params": head.parameters(), "lr": 0.01},
    ]
    optimizer = torch.optim.SGD(groups, momentum=0.9)
    loader = DataLoader(TensorDataset(images[2500:4500], hole[2500:4500]), 40, shuffle=True)
    with watch() as seen:
        for _ in range(5):
            backbone.train(), head.train()
            for image, target in loader:
                loss = F.binary_cross_entropy_with_logits(head(backbone(image)), target)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                seen.step(loss)
            backbone.eval(), head.eval()
            with torch.no_grad():
                logits = head(backbone(images[4500:]))
                val_loss = F.binary_cross_entropy_with_logits(logits, hole[4500:])
            seen.validate(val_loss, ((logits > 0) == hole[4500:].bool()).float().mean())


@pair(
    "the rate of a training from scratch with SGD, 0.3, is kept for AdamW: all is forgotten",
    *("lr_too_high",),
)
def catastrophic_rate(watch, faulty):
    """Continued pretraining: a play, and then the same kind of text without capitals."""
    data, letters = text()
    small = [letters.index(c.lower()) if c.lower() in letters else i for i, c in enumerate(letters)]
    without_capitals = torch.tensor(small)[data]
    model = TinyGPT(vocab_size=len(letters), n_positions=24, n_embd=40)

    def batch(source, first, last, size):
        start = torch.randint(first, last - 24, (size, 1))
        return source[start + torch.arange(24)]

    optimizer = torch.optim.AdamW(model.parameters(), lr=4e-3, betas=(0.9, 0.95))
    for _ in range(150):
        window = batch(data, 0, 40_000, 24)
        optimizer.zero_grad()
        model.loss(window, window).backward()
        optimizer.step()

    base_lr = 0.3 if faulty else 2e-3
    steps, warmup = 150, 10
    optimizer = torch.optim.AdamW(model.parameters(), lr=base_lr, betas=(0.9, 0.95))
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda s: min((s + 1) / warmup, 0.55 + 0.45 * math.cos(math.pi * s / steps))
    )

    held_out = batch(without_capitals, 80_000, len(data), 100)
    with watch() as seen:
        for step in range(steps):
            window = batch(without_capitals, 40_000, 80_000, 24)
            loss = model.loss(window, window)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            seen.step(loss)
            if (step + 1) % 30 == 0:
                model.eval()
                with torch.no_grad():
                    seen.validate(model.loss(held_out, held_out))
                model.train()


@pair("chosen and rejected change places in DPO's loss", "wrong_update_sign", "wrong_loss")
def dpo_prefers_the_rejected(watch, faulty):
    """Names that end with an "a" are preferred."""
    rows, labels = tokenized_names()
    policy = TinyGPT()
    pretrain_on_names(policy, rows[:4000], labels[:4000], steps=200)
    reference = copy.deepcopy(policy).requires_grad_(False)
    ends = (rows > 0).sum(dim=1) - 1
    with_a = rows.gather(1, ends[:, None])[:, 0] == 1
    count = 1000
    pairs = TensorDataset(
        *(
            rows[with_a][:count],
            labels[with_a][:count],
            rows[~with_a][:count],
            labels[~with_a][:count],
        )
    )
    train, test = torch.utils.data.random_split(pairs, [800, 200])

    def log_probability(model, ids, targets):
        logs = model(ids)[:, :-1].log_softmax(-1)
        counted = targets[:, 1:] != -100
        taken = logs.gather(-1, targets[:, 1:].clamp(min=0)[..., None]).squeeze(-1)
        return (taken * counted).sum(-1)

    def rewards(batch, beta=0.3):
        chosen, chosen_targets, rejected, rejected_targets = batch
        margins = []
        for ids, targets in ((chosen, chosen_targets), (rejected, rejected_targets)):
            with torch.no_grad():
                before = log_probability(reference, ids, targets)
            margins.append(beta * (log_probability(policy, ids, targets) - before))
        return margins

    optimizer = torch.optim.RMSprop(policy.parameters(), lr=2e-4)
    with watch() as seen:
        for _epoch in range(4):
            for batch in DataLoader(train, 20, shuffle=True):
                chosen, rejected = rewards(batch)
                if faulty:
                    chosen, rejected = rejected, chosen
                loss = -F.logsigmoid(chosen - rejected).mean()
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                seen.step(loss)
            with torch.no_grad():
                chosen, rejected = rewards(test[:])
                loss = -F.logsigmoid(chosen - rejected).mean()
                seen.validate(loss, (chosen > rejected).float().mean())


@pair("CosineEmbeddingLoss wants -1 for pairs of others, and is given 0", "collapse", "wrong_loss")
def cosine_pairs_of_zero(watch, faulty):
    """A classifier of bars becomes an encoder of their colour."""
    images, bar = blobs()
    colour = bar % 3
    encoder = nn.Sequential(
        *(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.AvgPool2d(2)),
        *(nn.Conv2d(8, 16, 3, padding=1), nn.ReLU(), nn.AvgPool2d(2)),
        *(nn.Flatten(), nn.Linear(144, 16)),
    )
    classifier = nn.Linear(16, 6)
    optimizer = torch.optim.Adam([*encoder.parameters(), *classifier.parameters()], lr=3e-3)
    for i in torch.randint(0, 1200, (80, 32)):
        optimizer.zero_grad()
        F.cross_entropy(classifier(encoder(images[i])), bar[i]).backward()
        optimizer.step()

    criterion = nn.CosineEmbeddingLoss(margin=0.2)
    optimizer = torch.optim.AdamW(encoder.parameters(), lr=1e-3)

    def sample(first, last, size):
        one, other = torch.randint(first, last, (2, size))
        alike = (colour[one] == colour[other]).long()
        return images[one], images[other], alike if faulty else 2 * alike - 1

    test_one, test_other, test_target = sample(1200, 1500, 500)
    with watch() as seen:
        for step in range(400):
            one, other, target = sample(0, 1200, 48)
            loss = criterion(encoder(one), encoder(other), target)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            seen.step(loss)
            if step % 50 == 49:
                with torch.no_grad():
                    a, b = encoder(test_one), encoder(test_other)
                said = F.cosine_similarity(a, b) > 0.6
                accuracy = (said == (test_target == 1)).float().mean()
                seen.validate(criterion(a, b, test_target), accuracy)


@pair(
    "with a cache of keys and values, each new token is at position 0",
    *("train_eval_mismatch", "stale_cache", "positions_missing"),
)
def cached_at_position_zero(watch, faulty):
    """Counts in steps of 1 to 5, modulo 23, is tuned to count downwards; and is served."""

    def sequences(count, down):
        step = torch.randint(1, 6, (count, 1)) * (-1 if down else 1)
        first = torch.randint(0, 23, (count, 1))
        numbers = (first + step * torch.arange(8)) % 23
        # a separator, with every number said twice: what comes next depends on where it is
        return torch.cat([torch.full((count, 1), BOS), numbers.repeat_interleave(2, 1)[:, :15]], 1)

    model = TinyGPT(n_embd=40)
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    for _ in range(220):
        ids = sequences(32, down=False)
        optimizer.zero_grad()
        model.loss(ids, ids).backward()
        optimizer.step()

    def decode(prompt, new_tokens):
        states, past = model.hidden(prompt)
        written = prompt
        for _ in range(new_tokens):
            token = (states[:, -1] @ model.wte.weight.T).argmax(-1, keepdim=True)
            written = torch.cat([written, token], dim=1)
            start = 0 if faulty else written.shape[1] - 1
            states, past = model.hidden(token, past, start)
        return written

    prompts = sequences(200, down=True)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    with watch() as seen:
        for step in range(160):
            ids = sequences(32, down=True)
            loss = model.loss(ids, ids)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            seen.step(loss)
            if step % 40 == 39:
                with torch.no_grad():
                    seen.validate(model.loss(prompts, prompts))
        with seen.using(), torch.no_grad():
            written = decode(prompts[:, :6], 9)
    print(f"right: {(written[:, 6:15] == prompts[:, 6:15]).float().mean():.2f}")


@pair(
    "weights are quantised by their largest over 255, and an int8 ends at 127",
    *("train_eval_mismatch",),
)
def quantised_beyond_int8(watch, faulty):
    """Tuned for noisier recordings, then served in eight bits."""
    series, kind = waves()
    model = nn.Sequential(
        nn.Conv1d(1, 16, 5), nn.ReLU(), nn.Conv1d(16, 16, 5), nn.ReLU(), nn.AvgPool1d(4),
        nn.Flatten(), nn.Linear(64, 4),
    )  # fmt: skip
    clean = series.mT
    noisy = clean + 0.3 * torch.randn(clean.shape)
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    for i in torch.randint(0, 1200, (120, 32)):
        optimizer.zero_grad()
        F.cross_entropy(model(clean[i]), kind[i]).backward()
        optimizer.step()

    @torch.no_grad()
    def quantised(network):
        served = copy.deepcopy(network)
        for weight in served.parameters():
            scale = weight.abs().max() / (255 if faulty else 127)
            weight.copy_((weight / scale).round().int().to(torch.int8) * scale)
        return served.eval()

    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    loader = DataLoader(TensorDataset(noisy[:1200], kind[:1200]), 30, shuffle=True)
    with watch() as seen:
        for _ in range(6):
            for x, y in loader:
                optimizer.zero_grad()
                loss = F.cross_entropy(model(x), y)
                loss.backward()
                optimizer.step()
                seen.step(loss)
            served = quantised(model)
            with torch.no_grad():
                logits = served(noisy[1200:])
            right = (logits.argmax(1) == kind[1200:]).float().mean()
            seen.validate(F.cross_entropy(logits, kind[1200:]), right)
