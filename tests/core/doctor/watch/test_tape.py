"""The tape: one step of any loop is recorded, and can be repeated with other numbers."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from core.doctor.watch.build_graph import build_graph
from core.doctor.watch.recorder import MAX_OPS, TapeRecorder
from core.doctor.watch.tape import ops_behind
from core.doctor.watch.tape_replay import isolated, replay

ROWS, WIDE, CLASSES = 24, 6, 5


def numbers(*shape, seed=0, grad=True):
    """Random numbers, the same each time."""
    drawn = torch.randn(*shape, generator=torch.Generator().manual_seed(seed))
    return drawn.requires_grad_(grad)


def batch(seed):
    """Inputs and labels."""
    labels = torch.randint(0, CLASSES, (ROWS,), generator=torch.Generator().manual_seed(seed + 50))
    return numbers(ROWS, WIDE, seed=seed, grad=False), labels


def recorded(loss_of, *given, backward=True):
    """Do a step under a recorder; return its tape and its loss."""
    with TapeRecorder() as recorder:
        loss = loss_of(*given)
        if backward:
            loss.backward()
    tape = recorder.tape
    if not backward:
        tape.root = loss
    return tape, loss.detach().clone()


def plain(w1, b1, w2):
    """The lectures' own way."""
    return lambda x, y: F.cross_entropy((x @ w1 + b1).tanh() @ w2, y)


def operators(w1, b1, w2):
    """Numbers on the left, transposed matrices, powers, and a log-softmax by hand."""

    def loss(x, y):
        h = 2.0 * (w1.T @ x.T).T - 1.0 + b1
        h = 1.0 / (1.0 + (-h).exp()) + 0.1 * (h**2).mean(1, keepdim=True)
        scores = h.matmul(w2)
        logs = scores - scores.exp().sum(1, keepdim=True).log()
        return -logs[torch.arange(len(y)), y].mean()

    return loss


def in_place(w1, b1, w2):
    """What is written into, by methods, operators and keyword out-of-line names."""

    def loss(x, y):
        h = x @ w1
        h += b1
        h.mul_(0.5).sub_(0.1)
        h.masked_fill_(h > 2.0, 2.0)
        h = h.relu_()
        scores = torch.zeros(len(x), CLASSES)
        scores += h @ w2
        return F.cross_entropy(scores, y)

    return loss


def set_items(w1, b1, w2):
    """Results are put into their places one after another."""

    def loss(x, y):
        h = torch.zeros(len(x), w1.shape[1])
        h[:, :3] = x @ w1[:, :3]
        h[:, 3:] = (x @ w1[:, 3:]).tanh()
        h[0] = h[0] * 2
        mask = torch.ones(len(x), dtype=torch.bool)
        mask[::3] = False
        return F.cross_entropy((h + b1)[mask] @ w2, y[mask])

    return loss


def views(w1, b1, w2):
    """Shapes come and go."""

    def loss(x, y):
        pairs = x.view(len(x), 2, -1).transpose(1, 2).contiguous().flatten(1)
        one, two = torch.split(pairs @ w1, w1.shape[1] // 2, dim=1)
        both = torch.stack([one, two.squeeze().unsqueeze(0)[0]], dim=1).reshape(len(x), -1)
        left, right = both.chunk(2, dim=1)
        both = torch.cat((left, right.expand_as(right)), dim=-1)
        return F.cross_entropy((both + b1[None]).permute(1, 0).t() @ w2, y)

    return loss


def keywords(w1, b1, w2):
    """Everything is given by its name."""

    def loss(x, y):
        h = F.linear(input=x, weight=w1.t(), bias=b1)
        h = torch.where(condition=h > 0, input=h, other=0.1 * h)
        scores = torch.einsum("bi,ij->bj", F.layer_norm(input=h, normalized_shape=(8,)), w2)
        each = F.cross_entropy(input=scores, target=y, reduction="none", label_smoothing=0.1)
        return torch.mean(input=each)

    return loss


def batch_norm_by_hand(w1, b1, w2):
    """The notebook's: by the batch's own statistics."""

    def loss(x, y):
        h = x @ w1
        mean, spread = h.mean(dim=0, keepdim=True), h.std(0, keepdim=True)
        h = b1 * (h - mean) / (spread + 1e-5)
        return F.nll_loss(F.log_softmax(torch.tanh(h) @ w2, dim=1), y)

    return loss


def squared(w1, b1, w2):
    """Squared error against one-hot rows, with a penalty."""

    def loss(x, y):
        aims = F.one_hot(y, CLASSES).float()
        error = ((torch.sigmoid(x @ w1 + b1) @ w2 - aims) ** 2).sum(1).mean()
        return error + 0.01 * sum((p**2).sum() for p in (w1, w2)) + 0.1 * w1.detach().mean()

    return loss


WAYS = (
    plain,
    operators,
    in_place,
    set_items,
    views,
    keywords,
    batch_norm_by_hand,
    squared,
)


def weights():
    """Fresh parameters."""
    return numbers(WIDE, 8, seed=1), numbers(8, seed=2), numbers(8, CLASSES, seed=3)


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_a_step_done_again_has_the_same_loss(way):
    """However a loss is made of bare tensors, the tape makes it again, to the last bit."""
    tape, loss = recorded(way(*weights()), *batch(0))
    assert len(tape.passes) == 1 and tape.root is not None
    for _ in range(2):
        assert torch.equal(replay(tape, (tape.root,))[0].detach(), loss)


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_with_another_batch_it_is_the_loss_of_that(way):
    """Inputs, labels and weights that stand in others' places give what the loop would give."""
    made = weights()
    (x, y), (x2, y2) = batch(0), batch(7)
    tape, loss = recorded(way(*made), x, y)
    (again,) = replay(tape, (tape.root,), {id(x): x2, id(y): y2})
    assert torch.equal(again.detach(), way(*made)(x2, y2).detach()) and not torch.equal(again, loss)

    others = tuple(numbers(*w.shape, seed=9 + n) for n, w in enumerate(made))
    instead = {id(old): new for old, new in zip(made, others, strict=True)}
    (again,) = replay(tape, (tape.root,), instead)
    theirs = way(*others)(x, y)
    assert torch.equal(again.detach(), theirs.detach())
    found = torch.autograd.grad(again, others)
    for mine, right in zip(found, torch.autograd.grad(theirs, others), strict=True):
        torch.testing.assert_close(mine, right)


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_to_do_it_again_touches_nothing(way):
    """Batch, weights and gradients are what they were, whatever the step writes into."""
    made = weights()
    x, y = batch(0)
    tape, _ = recorded(way(*made), x, y)
    before = [t.detach().clone() for t in (*made, x, y, *(w.grad for w in made))]
    with torch.no_grad():
        replay(tape, (tape.root,), {id(y): batch(7)[1]})
    replay(tape, (tape.root,))
    for old, now in zip(before, (*made, x, y, *(w.grad for w in made)), strict=True):
        assert torch.equal(old, now)


class Net(nn.Module):
    """Many kinds of layers, one after another."""

    def __init__(self, dropout=0.0):
        super().__init__()
        self.table = nn.Embedding(9, 6)
        self.along = nn.Conv1d(6, 8, 3, padding=1)
        self.normal = nn.BatchNorm1d(8)
        self.memory = nn.GRU(8, 8, batch_first=True)
        self.attention = nn.MultiheadAttention(8, 2, batch_first=True)
        self.calm = nn.LayerNorm(8)
        self.drop = nn.Dropout(dropout)
        self.last = nn.Linear(in_features=8, out_features=CLASSES)

    def forward(self, tokens):
        """Answer for rows of tokens."""
        h = self.normal(self.along(self.table(tokens).transpose(1, 2))).relu().transpose(1, 2)
        h, _ = self.memory(h)
        h = h + self.attention(h, h, h, need_weights=False)[0]
        return self.last(self.drop(F.gelu(self.calm(h[:, -1]))))


def tokens(seed):
    """Rows of tokens, and labels."""
    drawn = torch.Generator().manual_seed(seed)
    given = torch.randint(0, 9, (ROWS, 4), generator=drawn)
    return given, torch.randint(0, CLASSES, (ROWS,), generator=drawn)


def net(dropout=0.0):
    """A fresh network, in training mode."""
    torch.manual_seed(3)
    return Net(dropout).train()


def test_modules_are_recorded_like_bare_tensors():
    """A network of modules is done again with its own batch, and with another one."""
    model = net()
    (x, y), (x2, y2) = tokens(0), tokens(1)
    tape, loss = recorded(lambda x, y: F.cross_entropy(model(x), y), x, y)
    assert torch.equal(replay(tape, (tape.root,))[0].detach(), loss)
    (other,) = replay(tape, (tape.root,), {id(x): x2, id(y): y2})
    torch.testing.assert_close(other.detach(), F.cross_entropy(net()(x2), y2).detach())


def test_running_statistics_stay_what_they_are():
    """To do a step of batch norm again moves no buffer of the person's network."""
    model = net()
    tape, _ = recorded(lambda x, y: F.cross_entropy(model(x), y), *tokens(0))
    before = {name: t.clone() for name, t in model.named_buffers()}
    assert before["normal.num_batches_tracked"] == 1
    replay(tape, (tape.root,))
    replay(tape, (tape.root,), {id(tape.ops[0].inputs[0]): tokens(1)[0]})
    for name, tensor in model.named_buffers():
        assert torch.equal(tensor, before[name]), name


def test_the_generators_of_the_person_are_not_advanced():
    """A step that draws its batch draws another one each time, from a copy of the generator."""
    data, made = numbers(300, WIDE, seed=5, grad=False), weights()
    labels = torch.randint(0, CLASSES, (300,), generator=torch.Generator().manual_seed(6))
    mine = torch.Generator().manual_seed(11)

    def loss(x, y):
        ix = torch.randint(0, len(x), (ROWS,), generator=mine)
        noise = torch.randn(ROWS, WIDE, generator=mine)
        return plain(*made)(x[ix] + 0.1 * noise, y[ix])

    tape, first = recorded(loss, data, labels)
    here, everywhere = mine.get_state(), torch.get_rng_state()
    drawn = {replay(tape, (tape.root,))[0].item() for _ in range(4)}
    assert len(drawn) == 4 and first.item() not in drawn
    assert torch.equal(mine.get_state(), here) and torch.equal(torch.get_rng_state(), everywhere)


def test_aside_leaves_the_global_random_numbers_alone():
    """Dropout done again draws anew, and the loop draws next what it would have drawn."""
    model = net(dropout=0.5)
    tape, loss = recorded(lambda x, y: F.cross_entropy(model(x), y), *tokens(0))
    before = torch.get_rng_state()
    with isolated():
        (again,) = replay(tape, (tape.root,))
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.isfinite(again) and not torch.equal(again.detach(), loss)


def test_recording_changes_nothing():
    """Loss, gradients and random numbers under a recorder are those without one."""

    def step(on):
        model, (x, y) = net(dropout=0.3), tokens(0)
        torch.manual_seed(4)
        if on:
            recorded(lambda x, y: F.cross_entropy(model(x), y), x, y)
        else:
            F.cross_entropy(model(x), y).backward()
        return [p.grad for p in model.parameters()], torch.get_rng_state()

    (recording, random), (alone, same) = step(True), step(False)
    assert torch.equal(random, same)
    assert all(torch.equal(a, b) for a, b in zip(recording, alone, strict=True))


def test_only_what_is_needed_is_done_again():
    """What a step computes beside its loss is left out; what is given is not made anew."""
    w1, b1, w2 = weights()

    def loss(x, y):
        h = (x @ w1 + b1).tanh()
        for _ in range(30):
            (h @ w2).softmax(1).argmax(1)  # for a line of the log
        return F.cross_entropy(h @ w2, y)

    tape, value = recorded(loss, *batch(0))
    assert len(tape.ops) > 90
    assert [op.name for op in ops_behind(tape, [tape.root])] == [
        "matmul",
        "add",
        "tanh",
        "matmul",
        "cross_entropy",
    ]
    h = next(op.outputs[0] for op in tape.ops if op.name == "tanh")
    names = [op.name for op in ops_behind(tape, [tape.root], [id(h)])]
    assert names == ["matmul", "cross_entropy"]
    assert torch.equal(replay(tape, (tape.root,), {id(h): h.detach()})[0].detach(), value)


def test_gradients_are_kept_where_they_arise():
    """The first backward pass is the step's; its gradients are kept, leftovers are marked."""
    w1, b1, w2 = weights()
    w2.grad = torch.ones_like(w2)
    tape, _ = recorded(plain(w1, b1, w2), *batch(0))
    assert tape.stale_gradients == {id(w2)} and {id(t) for t in tape.parameters} == {
        id(w1),
        id(b1),
        id(w2),
    }
    assert torch.equal(tape.parameter_gradients[id(w1)], w1.grad)
    products = [op for op in tape.ops if op.name == "matmul"]
    assert all(
        tape.activation_gradients[id(op.outputs[0])].shape == op.outputs[0].shape for op in products
    )


def test_what_is_done_without_gradients_is_no_part_of_the_step():
    """Judging in the middle of a step is not held, but batch norm in training mode is noticed."""
    model, (x, y) = net(), tokens(0)

    def loss(x, y):
        with torch.no_grad():
            model(x)
        return F.cross_entropy(model(x), y)

    tape, _ = recorded(loss, x, y)
    assert tape.training_mode_in_eval == {"batch norm"}
    assert sum(op.name == "embedding" for op in tape.ops) == 1
    model.eval()
    assert recorded(loss, x, y)[0].training_mode_in_eval == set()


def test_a_step_without_end_is_not_kept_whole():
    """After some thousand calls it is no step any more, and memory is spared."""
    with TapeRecorder() as recorder:
        one = torch.zeros(())
        for _ in range(MAX_OPS + 100):
            one = one + 1
    assert len(recorder.tape.ops) == MAX_OPS and float(one) == MAX_OPS + 100


def test_a_form_that_does_not_fit_is_refused_by_torch():
    """A batch of another width raises, so that an experiment can say that it can't be done."""
    x, y = batch(0)
    tape, _ = recorded(plain(*weights()), x, y)
    with pytest.raises(RuntimeError):
        replay(tape, (tape.root,), {id(x): numbers(ROWS, WIDE + 1, grad=False)})


@pytest.mark.parametrize("way", [w for w in WAYS if w is not keywords], ids=lambda w: w.__name__)
def test_a_step_is_understood(way):
    """Inputs, labels, layers and the loss are found on the tape."""
    w1, b1, w2 = weights()
    x, y = batch(0)
    tape, _ = recorded(way(w1, b1, w2), x, y)
    graph = build_graph(tape)
    assert graph.outputs is not None and graph.outputs.shape[-1] == CLASSES
    assert list(graph.layers) == [id(w1), id(w2)]
    assert len(graph.inputs) == 1 and graph.inputs[0].numel() == x.numel() and graph.loss.sign == 1


def adversaries():
    """A generator and a discriminator of one matrix each, and an optimiser for each."""
    g, d = numbers(WIDE, WIDE, seed=1), numbers(WIDE, 1, seed=2)
    return g, d, torch.optim.SGD([g], lr=0.1), torch.optim.SGD([d], lr=0.1)


def adversarial_step(g, d, opt_g, opt_d, zero=True):
    """One step of both, in the usual order; return both losses."""
    x, z = numbers(ROWS, WIDE, grad=False), numbers(ROWS, WIDE, seed=3, grad=False)
    fake = z @ g
    on_real, on_fake = F.softplus(-(x @ d)).mean(), F.softplus(fake.detach() @ d).mean()
    d_loss = on_real + on_fake
    if zero:
        opt_d.zero_grad()
    d_loss.backward()
    opt_d.step()
    g_loss = F.softplus(-(fake @ d)).mean()
    opt_g.zero_grad()
    g_loss.backward()
    opt_g.step()
    return d_loss, g_loss


def test_several_losses_are_told_apart_by_what_each_updates():
    """Gradients end at detach(); each pass knows what it reaches and what is moved after it."""
    g, d, opt_g, opt_d = adversaries()
    adversarial_step(g, d, opt_g, opt_d)
    with TapeRecorder() as recorder:
        _, g_loss = adversarial_step(g, d, opt_g, opt_d)
    tape = recorder.tape
    first, second = tape.passes
    assert [id(p) for p in first.parameters] == [id(d)] and first.updated == {id(d)}
    assert {id(p) for p in second.parameters} == {id(g), id(d)} and second.updated == {id(g)}
    assert not tape.stale_gradients  # the generator's pass leaves a gradient that nobody uses
    tape.choose_pass(g_loss)
    assert tape.root is g_loss


def test_a_gradient_that_nobody_zeroes_is_stale_in_a_step_of_two_losses():
    """The discriminator's update has the generator's pass of the last step in it."""
    g, d, opt_g, opt_d = adversaries()
    adversarial_step(g, d, opt_g, opt_d, zero=False)
    with TapeRecorder() as recorder:
        adversarial_step(g, d, opt_g, opt_d, zero=False)
    assert recorder.tape.stale_gradients == {id(d)}


def test_gradients_that_are_returned_are_added_to_none():
    """``autograd.grad`` leaves ``.grad`` as it is, whatever stands there."""
    w = numbers(WIDE, 1, seed=1).requires_grad_()
    w.grad = torch.ones_like(w)
    with TapeRecorder() as recorder:
        loss = (numbers(4, WIDE, seed=2) @ w).square().mean()
        (w.grad,) = torch.autograd.grad(loss, [w])
    assert not recorder.tape.stale_gradients


def test_a_derivative_in_the_loss_is_no_backward_pass():
    """``autograd.grad`` with a graph belongs to the forward pass; what it is by, is data."""
    w = numbers(WIDE, 1, seed=1)
    t = numbers(ROWS, WIDE)
    with TapeRecorder() as recorder:
        u = (t @ w).tanh()
        (slope,) = torch.autograd.grad(u.sum(), t, create_graph=True)
        loss = (slope - 1).square().mean()
        loss.backward()
    tape = recorder.tape
    assert len(tape.passes) == 1 and tape.root is loss
    graph = build_graph(tape, [w])
    assert id(t) not in graph.weights and graph.kind(t) == "data"


def test_gradients_that_are_zeroed_before_the_step_are_seen():
    """Then nothing moves."""
    w = numbers(WIDE, 1, seed=1)
    optimizer = torch.optim.SGD([w], lr=0.1)
    for zero in (False, True):
        with TapeRecorder() as recorder:
            (numbers(ROWS, WIDE, grad=False) @ w).square().mean().backward()
            if zero:
                optimizer.zero_grad()
            optimizer.step()
        assert recorder.tape.zeroed_before_step is zero


def test_data_that_is_drawn_by_index_is_no_embedding():
    """What asks for no gradient and is held by nothing is data."""
    x, w, i = numbers(90, WIDE, grad=False), numbers(WIDE, 3, seed=1), torch.arange(ROWS)
    y = torch.arange(90) % 3
    tape, _ = recorded(lambda: F.cross_entropy(x[i] @ w, y[i]))
    graph = build_graph(tape, [w])
    assert graph.kind(x) == "data" and list(graph.layers) == [id(w)]
    tape, _ = recorded(lambda: F.cross_entropy(x[i] @ w, y[i]))
    assert id(x) in build_graph(tape, [w, x]).weights  # a list holds it beside the others


def test_a_step_is_repeated_in_eval_mode():
    """Dropout lets all through, batch norm uses its running statistics, and those stay."""
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Dropout(0.5), nn.GRU(8, 3))
    x = torch.randn(16, 4)
    with TapeRecorder() as recorder:
        outputs, _ = net(x)
        outputs.sum().backward()
    (repeated,) = replay(recorder.tape, (outputs,), evaluation=True)
    with torch.no_grad():
        wanted, _ = net.eval()(x)
    assert torch.equal(repeated, wanted) and not torch.equal(repeated, outputs)


@pytest.mark.parametrize("zeroed", [True, False])
def test_a_sparse_gradient_is_followed_as_a_dense_one(zeroed):
    """That of a large table, with an optimiser for it."""
    table = nn.Embedding(20, 3, sparse=True)
    optimizer = torch.optim.SparseAdam(list(table.parameters()))
    with TapeRecorder() as recorder:
        for _ in range(2):
            if zeroed:
                optimizer.zero_grad()
            table(torch.tensor([1, 2])).square().mean().backward()
            optimizer.step()
    assert not recorder.tape.zeroed_before_step and table.weight.grad.is_sparse


def test_what_an_optimiser_computes_is_no_part_of_a_step():
    """Its calls are passed over; a closure that does the step in it is recorded."""
    weight = torch.ones(3, requires_grad=True)
    lbfgs = torch.optim.LBFGS([weight], max_iter=2)

    def closure():
        lbfgs.zero_grad()
        loss = (weight**2).sum()
        loss.backward()
        return loss

    with TapeRecorder() as recorder:
        lbfgs.step(closure)
    assert recorder.tape.root is not None and recorder.tape.passes

    adam = torch.optim.Adam([weight])
    seen = []
    with TapeRecorder() as recorder:
        recorder._notes.take = lambda *call: seen.append(call)
        (weight**2).sum().backward()
        adam.step()
        with torch.no_grad():
            weight.sum()
    assert len(seen) == 1 and recorder.tape.update_line is not None


def test_operands_that_are_given_by_name_are_those_by_position():
    """As a step is understood, and as it is done again."""
    x, labels = batch(0)
    w, rows = numbers(WIDE, CLASSES, seed=1), torch.arange(ROWS).flip(0)

    def by_name(x, y):
        some = torch.index_select(input=x, dim=0, index=rows)
        scores = torch.matmul(input=some, other=w)
        kept = torch.where(condition=scores > 0, input=scores, other=0.1 * scores)
        return -torch.gather(input=kept.log_softmax(1), dim=1, index=y[:, None]).mean()

    def by_position(x, y):
        scores = torch.index_select(x, 0, rows) @ w
        kept = torch.where(scores > 0, scores, 0.1 * scores)
        return -torch.gather(kept.log_softmax(1), 1, y[:, None]).mean()

    tapes = [recorded(way, x, labels)[0] for way in (by_name, by_position)]
    calls = [[(op.name, len(op.args)) for op in t.ops if op.name != "where"] for t in tapes]
    assert calls[0] == calls[1]
    again = [replay(tape, (tape.root,), {})[0] for tape in tapes]
    assert torch.equal(again[0], again[1])


def test_a_view_of_what_is_changed_with_a_gradient_may_be_multiplied():
    """Whether it is a leaf, torch refuses to say."""
    kept, weight = torch.zeros(4, 8), torch.ones(8, requires_grad=True)
    with torch.no_grad():
        view = kept[:2]
    kept.add_(weight)
    with TapeRecorder(training=False) as recorder, torch.no_grad():
        view @ torch.ones(8, 1)
    assert "matmul" in {op.name for op in recorder.tape.ops}
