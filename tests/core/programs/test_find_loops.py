"""Loops that train are found in programs of many styles, and what is a step in each."""

import ast
from textwrap import dedent

import pytest

from core.programs.find_loops import LoopFinder
from core.programs.instrument import Instrumenter


def found(*sources):
    """The lines of the steps and of the loops around them, in the first of some files."""
    trees = [ast.parse(dedent(source)) for source in sources]
    loops = LoopFinder(trees).found
    own = set(map(id, ast.walk(trees[0])))
    return tuple(
        sorted(node.lineno for node in kind if id(node) in own)
        for kind in (loops.steps, loops.outer)
    )


def written_out(source):
    """A program with the monitor's calls in it."""
    tree = ast.parse(dedent(source))
    return ast.unparse(Instrumenter(LoopFinder([tree]), [], "a.py").instrument(tree))


def line_before_step(source):
    """The statement behind which a step is counted."""
    lines = written_out(source).splitlines()
    return lines[
        next(k for k, line in enumerate(lines) if "__glassbox__.step(" in line) - 1
    ].strip()


BARE = """
for i in range(9):
    loss = f(x)
    for p in parameters:
        p.grad = None
    loss.backward()
    for p in parameters:
        p.data += -0.1 * p.grad
    losses.append(loss.item())
"""
EPOCHS = """
for epoch in range(3):
    for x, y in loader:
        optimizer.zero_grad()
        criterion(net(x), y).backward()
        optimizer.step()
    scheduler.step()
"""
ACCUMULATION = """
for step in range(9):
    for micro in range(4):
        (f(micro) / 4).backward()
    optimizer.step()
"""
NOW_AND_THEN = """
for i, x in enumerate(data):
    scaler.scale(net(x).mean()).backward()
    if (i + 1) % 4 == 0:
        scaler.step(optimizer)
        scaler.update()
"""
CLOSURE = """
for i in range(9):
    def closure():
        loss = f(x)
        loss.backward()
        return loss
    optimizer.step(closure)
"""
CLOSURE_BEFORE = """
def closure():
    loss = f(x)
    loss.backward()
    return loss

for i in range(9):
    optimizer.step(closure)
"""
CRITIC = """
for i in range(9):
    for _ in range(5):
        critic(x).backward()
        critic_optimizer.step()
    generator(x).backward()
    generator_optimizer.step()
"""
FUNCTIONS = """
def train_step(x):
    loss = net(x)
    loss.backward()
    optimizer.step()
    return loss

def epoch():
    for x in loader:
        train_step(x)

def main():
    for e in range(3):
        epoch()
        validate()
"""
TRAINER = """
class Base:
    def fit(self, loader):
        for epoch in range(3):
            for batch in loader:
                self.training_step(batch)

class Trainer(Base):
    def training_step(self, batch):
        self.model.train()
        loss = self.model(batch)
        self.accelerator.backward(loss)
        self.optimizer.step()
"""
FORGOTTEN = """
for epoch in range(3):
    for x in loader:
        net(x).backward()
"""
MODE = """
class Trainer:
    def train(self):
        for x in data:
            net(x).backward()
            optimizer.step()

for x in test:
    model.train()
"""
PHASES = """
for phase in ("train", "val"):
    for x in data[phase]:
        loss = net(x)
        if phase == "train":
            loss.backward()
            optimizer.step()
"""
PROBE = """
def probe(features, labels):
    head = nn.Linear(64, 10)
    opt = torch.optim.LBFGS(head.parameters())
    def closure():
        loss = cross_entropy(head(features), labels)
        loss.backward()
        return loss
    opt.step(closure)

for epoch in range(3):
    for x in loader:
        net(x).backward()
        optimizer.step()
    print(probe(net(x), y))
"""
NUMBERS = """
for i in range(3):
    env.step(action)
    writer.step()
"""


@pytest.mark.parametrize(
    ("source", "steps", "outer"),
    [
        (BARE, [2], []),
        (EPOCHS, [3], [2]),
        (ACCUMULATION, [2], []),
        (NOW_AND_THEN, [2], []),
        (CLOSURE, [2], []),
        (CRITIC, [2], []),
        (FUNCTIONS, [9], [13]),
        (TRAINER, [5], [4]),
        (FORGOTTEN, [3], [2]),
        (MODE, [4], []),
        (PHASES, [3], [2]),
        (PROBE, [12], [11]),
        (NUMBERS, [], []),
    ],
)
def test_the_innermost_loop_that_holds_the_update_is_a_step(source, steps, outer):
    """A loop inside of it accumulates gradients, one around it counts epochs."""
    assert found(source) == (steps, outer)


def test_functions_of_other_files_count():
    """What is imported from a module of the person's own may hold the backward pass."""
    main = "from tools import one_epoch\nfor e in range(3):\n    one_epoch(net)\n"
    tools = (
        "def one_epoch(net):\n    for x in data:\n        net(x).backward()\n        opt.step()\n"
    )
    assert found(main, tools) == ([], [2])


@pytest.mark.parametrize(
    ("source", "line"),
    [
        (BARE, "p.data += -0.1 * p.grad"),
        (ACCUMULATION, "optimizer.step()"),
        (NOW_AND_THEN, "scaler.step(optimizer)"),
        (CLOSURE, "optimizer.step(closure)"),
        (CLOSURE_BEFORE, "optimizer.step(closure)"),
        (PHASES, "optimizer.step()"),
        ("while True:\n    net(x).backward()\n", "__glassbox__.root(net(x)).backward()"),
    ],
)
def test_a_step_is_counted_behind_its_update(source, line):
    """Once for each update, also where that comes only now and then."""
    assert line_before_step(source) == line


def test_copies_that_are_adapted_now_and_then_are_not_what_is_trained():
    """As where a network of meta-learning (MAML) is validated; another optimiser's step is."""
    source = """
    def adapt(net, fast, x, y):
        grads = torch.autograd.grad(loss_of(net, fast, x, y), fast)
        return [p - 0.1 * g for p, g in zip(fast, grads)]

    for i in range(800):
        optimizer.zero_grad()
        loss_of(net, adapt(net, list(net.parameters()), x, y), z, t).backward()
        optimizer.step()
        if i % 100 == 0:
            COPY
    """
    assert line_before_step(source.replace("COPY", "tested(adapt(net, copies, v, w))")) == (
        "optimizer.step()"
    )
    other = source.replace("COPY", "critic.step()")
    assert line_before_step(other) == "critic.step()"


def test_what_is_differentiated_is_marked():
    """Of a tensor, of an accelerator's argument, and before a scaler makes it larger."""
    code = written_out("scaler.scale(loss).backward()\naccelerator.backward(loss)\n")
    assert "scaler.scale(__glassbox__.root(loss)).backward()" in code
    argument = "__glassbox__.root(accelerator).backward(__glassbox__.argument(loss))"
    assert argument in code


def test_evaluations_are_marked_and_the_forward_pass_is_not():
    """A module that is compiled stays the same module; training data is no other data."""
    code = written_out(
        """
        class Net(Module):
            def forward(self, x, y):
                return F.cross_entropy(self.w(x), y)
        val = criterion(net(x_val), y_val)
        logits, loss = net(xb, yb)
        train_loss = criterion(net(x_train), y_train)
        """
    )
    assert "return F.cross_entropy" in code
    assert "evaluated(__glassbox__.noted(), criterion(net(x_val), y_val), held_out=True)" in code
    assert "evaluated(__glassbox__.noted(), loss)" in code
    assert "criterion(net(x_tr" in code and "noted(), criterion(net(x_tr" not in code


def test_a_loss_is_recognised_whatever_it_is_called():
    """Added up, with targets to divide it by; what trains gives its own loss, and is none."""
    code = written_out(
        """
        def epoch(net, data):
            for x in data:
                loss = net(x)
                loss.backward()
                optimizer.step()
            return loss
        mean_loss = epoch(net, data)
        total += loss_function(net(x_val), y_val, reduction="sum")
        loss = fit_loss(self.train_loader)
        """
    )
    assert "evaluated(__glassbox__.noted(), mean_loss)" not in code
    summed = "loss_function(net(x_val), y_val, reduction='sum'), y_val, held_out=True)"
    assert f"evaluated(__glassbox__.noted(), {summed}" in code
    assert code.count("evaluated(") == 1  # and not the step's own


def test_a_function_whose_value_is_differentiated_is_a_loss():
    """Where it is called without a backward pass it judges; another function does not."""
    source = """
        def pinball(p, y):
            return torch.maximum(0.9 * (y - p), 0.1 * (p - y)).mean()
        def width(p):
            return p.std()
        for x, y in batches:
            out = pinball(net(x), y)
            out.backward()
            optimizer.step()
        print(pinball(net(x_new), y_new), width(net(x_new)))
    """
    out = written_out(source)
    assert "evaluated(__glassbox__.noted(), pinball(net(x_new)" in out
    assert out.count("evaluated(") == 1  # and not the step's own


def test_what_is_computed_as_the_loss_is_of_other_data_is_one():
    """Written out, with other names; another difference is none."""
    source = """
        for x, y in batches:
            fit = (net(x) - y).square().mean()
            fit.backward()
            optimizer.step()
        print((net(a) - b).square().mean(), (net(a) - b).abs().mean())
    """
    out = written_out(source)
    assert "evaluated(__glassbox__.noted(), (net(a) - b).square().mean())" in out
    assert out.count("evaluated(") == 1  # and not the step's own


def test_a_loss_of_a_step_that_may_not_be_differentiated_is_looked_at():
    """As in a phase of validation, and ahead of what leaves the step."""
    sure = """
        for x, y in batches:
            loss = criterion(net(x), y)
            LINE
            scaler.scale(loss).backward()
            optimizer.step()
    """
    phases = """
        for x, y in batches:
            with torch.set_grad_enabled(trains):
                loss = criterion(net(x), y)
                if trains:
                    loss.backward()
                    optimizer.step()
    """
    assert "evaluated(" not in written_out(sure.replace("LINE", "optimizer.zero_grad()"))
    assert "evaluated(" in written_out(sure.replace("LINE", "if not trains: continue"))
    assert "evaluated(" in written_out(sure.replace("LINE", "torch.set_grad_enabled(True)"))
    assert "evaluated(" in written_out(sure.replace("net(x), y", "net(x_val), y_val"))
    assert "evaluated(" in written_out(phases)


def test_statements_beside_a_training_are_uses():
    """In the block of a loop, in an epoch, and in the main block; definitions are none."""
    code = written_out(EPOCHS + "def g():\n    pass\nprint(net(x))\n")
    assert code.count("__glassbox__.use(") == 2  # the scheduler's step, and the last line
    main = (
        "if __name__ == '__main__':\n    for x in d:\n        f(x).backward()\n    show(net(x))\n"
    )
    assert "with __glassbox__.use(1):\n        show(net(x))" in written_out(main)


def test_lines_stay_where_they_are():
    """So that a traceback, and the doctor, name the program's own."""
    tree = ast.parse(BARE)
    before = {ast.unparse(n): n.lineno for n in ast.walk(tree) if isinstance(n, ast.Assign)}
    after = Instrumenter(LoopFinder([tree]), [], "a.py").instrument(tree)
    assert before == {
        ast.unparse(n): n.lineno for n in ast.walk(after) if isinstance(n, ast.Assign)
    }


AUTOGRAD = """
from torch import autograd
for i in range(9):
    loss = f(w, x)
    g, h = autograd.grad(loss, (w, b))
    {update}
    losses.append(loss.item())
"""
MAPPED = """
from torch.func import grad, vmap
ascend = vmap(grad(loss))
def update(ps, x):
    g = grad(loss)(ps, x)
    return [p - 0.1 * q for p, q in zip(ps, g)]
for epoch in range(9):
    for x in batches:
        ps = update(ps, x)
"""


@pytest.mark.parametrize(
    "update",
    [
        "w -= 0.1 * g",
        "w = (w - 0.1 * g).detach()",
        "w.data.sub_(0.1 * g)",
        "w.data.add_(g, alpha=-0.1)",
        "for p, q in zip((w, b), (g, h)): p -= q",
    ],
)
def test_a_derivative_that_is_a_value_trains_where_it_moves_weights(update):
    """Its loss is what is differentiated, and the step is done behind the update."""
    source = AUTOGRAD.format(update=update)
    assert found(source) == ([3], [])
    written = written_out(source)
    assert "autograd.grad(__glassbox__.root(loss), (w, b))" in written
    after = written.splitlines()
    step = next(k for k, line in enumerate(after) if "__glassbox__.step(" in line)
    assert "losses.append" in "".join(after[step:])


@pytest.mark.parametrize(
    "source",
    [
        AUTOGRAD.format(update="norms.append(g.norm())"),
        AUTOGRAD.replace("(w, b))", "(w, b), create_graph=True)").format(update="w -= g"),
    ],
)
def test_a_derivative_that_is_looked_at_or_a_part_of_a_loss_trains_nothing(source):
    """As those of a saliency map, or of a differential equation."""
    assert found(source)[0] == []


def test_a_function_that_differentiates_a_loss_is_followed():
    """As ``torch.func`` makes it, given to a function or called at once."""
    assert found(MAPPED) == ([8], [7])
    assert "__glassbox__.derivative(grad, loss)(ps, x)" in written_out(MAPPED)
    both = """
        import torch
        step = torch.func.grad_and_value(loss)
        for i in range(9):
            grads, value = step(ps, x)
            ps = {k: p - 0.1 * grads[k] for k, p in ps.items()}
    """
    assert found(both) == ([4], [])


@pytest.mark.parametrize(
    "update",
    [
        "new = {k: p - 0.1 * grads[k] for k, p in ps.items()}",
        "m = 0.9 * m + 0.1 * grads; v = 0.9 * v + grads ** 2; new = ps - 0.1 * m / v.sqrt()",
        "new = tree_map(lambda p, g: p - 0.1 * g, ps, grads)",
    ],
)
def test_a_function_that_is_given_gradients_may_move_weights_by_them(update):
    """As in JAX: a step returns new parameters, which an optimiser of one's own makes."""
    source = f"""
        import torch
        def update(ps, grads, m, v):
            {update}
            return new
        def step(ps, x):
            grads, loss = torch.func.grad_and_value(loss_of)(ps, x)
            return update(ps, grads, 0, 0), loss
        for i in range(9):
            ps, loss = step(ps, x)
    """
    assert found(source) == ([9], [])


def test_a_function_that_is_given_gradients_may_only_measure_them():
    """The norm of a gradient is added up: nothing learns."""
    source = """
        import torch
        def norm(grads):
            total = 0
            for g in grads:
                total = total + g.norm() ** 2
            return total
        for i in range(9):
            grads = torch.func.grad(loss_of)(ps, x)
            print(norm(grads))
    """
    assert found(source) == ([], [])


def test_functions_that_are_returned_or_given_are_followed():
    """A step that a factory makes, and a function of the loop that it is given to."""
    source = """
        def make_step(model, optimizer):
            def step_of_training(x):
                model(x).backward()
                optimizer.step()
            return step_of_training
        def epoch(loader, act):
            for x in loader:
                act(x)
        act_on = make_step(model, optimizer)
        for k in range(9):
            epoch(loader, act_on)
    """
    assert found(source) == ([8], [11])


@pytest.mark.parametrize(
    "made", ["agent, memory = Agent(), []", "agent: Agent = Agent()", "agent = Agent()"]
)
def test_a_method_is_followed_however_its_object_is_assigned(made):
    """Its name, ``update``, is one that others' classes have, too."""
    source = f"""
class Agent:
    def update(self, batch):
        loss = criterion(self.q(batch))
        loss.backward()
        self.optimizer.step()
        return loss.item()

{made}
for t in range(9000):
    if t > 500:
        losses.append(agent.update(sample()))
"""
    assert found(source) == ([10], [])


def test_a_closure_may_be_a_method():
    """As of a class of one's own that fits with LBFGS."""
    source = """
        class Fit:
            def loss(self):
                l = self.net(x)
                l.backward()
                return l
            def fit(self):
                for k in range(9):
                    self.optimizer.step(self.loss)
    """
    assert found(source) == ([8], [])


def test_what_a_step_does_now_and_then_may_be_a_use():
    """Under a condition or without gradients, and not what it learns from."""
    source = """
        for k in range(900):
            with torch.autocast("cuda"):
                loss = f(x)
            loss.backward()
            optimizer.step()
            if k % 100 == 0:
                print(sample(model))
            with torch.no_grad():
                average.add_(model(x).mean())
    """
    uses = [line for line in written_out(source).splitlines() if "__glassbox__.use(" in line]
    assert len(uses) == 2 and all("True" in line for line in uses)


def test_a_loss_on_data_that_is_called_held_out_is_a_validation_with_gradients_too():
    """As one that is printed in a step; that which the step learns from is none."""
    source = """
        for k in range(900):
            loss = criterion(net(x), y)
            loss.backward()
            optimizer.step()
            print(criterion(net(x_test), y_test).item(), criterion(net(latest), y).item())
    """
    assert written_out(source).count("held_out=True") == 1
    real = source.replace("net(x_test), y_test", "critic(pictures), valid")
    assert "held_out" not in written_out(real)  # what an adversary is told of real pictures


def test_what_a_trainer_computes_is_not_named_after_its_data():
    """A callback's validation is one: only "train" by itself says which data it is."""
    source = """
        class Validate:
            def on_epoch_end(self, trainer):
                return trainer.criterion(trainer.model(self.x), self.y)
        class Again:
            def on_epoch_end(self, trainer):
                return trainer.criterion(trainer.model(self.train_x), self.train_y)
    """
    assert written_out(source).count("evaluated(") == 1


def test_a_loss_is_known_by_what_it_was_made_of():
    """Its variable may have any name."""
    source = """
        ce = torch.nn.CrossEntropyLoss()
        for x, y in batches:
            out = ce(net(x), y)
            out.backward()
            optimizer.step()
        print(ce(net(x_dev), y_dev).item())
    """
    assert written_out(source).count("held_out=True") == 1


@pytest.mark.parametrize(("made", "several"), [("inside", True), ("before", False)])
def test_a_search_over_settings_is_one_training_each(made, several):
    """Where a function that is called for each makes a network and trains it."""
    network = "net = torch.nn.Sequential(torch.nn.Linear(1, width))"
    source = f"""
        {network if made == "before" else ""}
        def run(width, rate):
            {network if made == "inside" else ""}
            for x, y in batches:
                loss = criterion(net(x), y)
                loss.backward()
                optimizer.step()
        for width in (8, 64):
            for rate in (1e-3, 1e-2):
                run(width, rate)
    """
    tree = ast.parse(dedent(source))
    places = []
    Instrumenter(LoopFinder([tree]), places, "a.py").instrument(tree)
    around = [place.repeats for place in places if place.outer]
    assert around == [not several] * 2


@pytest.mark.parametrize(
    ("read", "trains"),
    [("info[n] += p.grad**2", False), ("p.data -= 0.1 * p.grad", True), ("print(n)", True)],
    ids=["Fisher information", "update", "update forgotten"],
)
def test_sizes_of_gradients_that_are_collected_are_no_training(read, trains):
    """A loop that never updates is one, unless it looks at gradients and no optimiser is near."""
    source = f"""
        def fisher():
            for x, y in batches:
                net.zero_grad()
                criterion(net(x), y).backward()
                for n, p in net.named_parameters():
                    {read}
        for task in tasks:
            for x, y in task:
                criterion(net(x), y).backward()
                optimizer.step()
            fisher()
    """
    loops, outer = found(source)
    assert (3 in loops, 8 in outer, 9 in loops) == (trains, True, True)


def test_what_is_called_behind_the_update_of_a_step_may_use_the_network():
    """As where a whole graph is a batch; not what is called before it."""
    source = """
        for epoch in range(9):
            prepare()
            loss = train(x)
            loss.backward()
            optimizer.step()
            accuracy = test()
    """
    out = written_out(source)
    assert "use(" in out.split("test()")[0].splitlines()[-2], out
    assert out.count("use(") == 1


def test_of_a_sum_over_examples_the_quotient_is_the_loss():
    """It is as large as one of training, that is divided as well."""
    source = EPOCHS + "loss = F.mse_loss(net(a), b, reduction='sum') / len(a)\n"
    noted = next(line for line in written_out(source).splitlines() if "'sum'" in line)
    assert noted.endswith("F.mse_loss(net(a), b, reduction='sum') / len(a))")


@pytest.mark.parametrize(
    ("loss", "value", "noted"),
    [
        ("F.mse_loss(net(x), x)", "((net(x_new) - x_new) ** 2).mean()", True),
        ("F.mse_loss(net(x), x)", "torch.mean((x_new - net(x_new)).pow(2)).item()", True),
        ("F.mse_loss(net(x), x)", "torch.square(out - x_new).mean().sqrt()", True),
        ("F.mse_loss(net(x), x)", "((x_new - x_new.mean()) ** 2).mean()", False),
        ("F.mse_loss(net(x), x)", "(net(x_new) - x_new).abs().mean()", False),
        ("F.l1_loss(net(x), x)", "((net(x_new) - x_new) ** 2).mean()", False),
    ],
)
def test_a_squared_error_may_be_written_out_where_the_network_is_validated(loss, value, noted):
    """Of what a network returns, in a program that trains with torch's squared error."""
    source = f"""
        optimizer = Adam(net.parameters())
        for x in batches:
            loss = {loss}
            loss.backward()
            optimizer.step()
        out = net(x_new)
        print({value})
    """
    code = written_out(source).splitlines()[-1]
    assert ("evaluated(" in code) == noted, code


@pytest.mark.parametrize("sum_up", ["loss = loss + {}", "loss = {} + loss", "loss += {}"])
def test_a_loss_that_is_a_sum_over_rounds_is_known_by_what_is_added(sum_up):
    """Whatever its variable is called where nothing is learned from it; another value is not."""
    error = "((net({0}) - {0}) ** 2).mean()"
    source = f"""
        for x in batches:
            loss = 0
            for turn in range(2):
                {sum_up.format(error.format("x"))}
            loss.backward()
            optimizer.step()
        v = {error.format("x_new")}
        w = ((net(x_new) - x_new) ** 2).max()
    """
    code = written_out(source)
    assert "v = __glassbox__.evaluated(" in code and "w = ((net" in code


def test_a_step_of_another_class_is_no_update():
    """As that of a decoder, which writes a token; one that moves weights is, whoever has it."""
    source = """
        class Decoder(Module):
            def step(self, token):
                return self.cell(token)

        class Trainer:
            def step(self, x):
                self.optimizer.step()

        decoder, trainer = Decoder(), Trainer()

        def write(x):
            for token in x:
                decoder.step(token)

        for x in batches:
            write(x).sum().backward()
            trainer.step(x)
            if show:
                write(x)
    """
    assert line_before_step(source) == "trainer.step(x)"


def test_a_loss_is_picked_from_what_a_model_returns():
    """By its place, which has that name elsewhere; another place is no loss."""
    source = """
        for x, y in batches:
            logits, loss = model(x, y)
            loss.backward()
            optimizer.step()
        print(model(x_new, y_new)[1].item())
        print(model(x_new, y_new)[0])
    """
    one, other = [line for line in written_out(source).splitlines() if "print(" in line]
    assert "evaluated(" in one and "evaluated(" not in other


def test_a_network_may_return_its_loss_itself():
    """As one that masks its inputs by itself; a call of it elsewhere is a validation."""
    source = """
        class Masked(nn.Module):
            def forward(self, x):
                return self.error(x)
        model = Masked()
        for x in batches:
            loss = model(x)
            loss.backward()
            optimizer.step()
        print(model(x_new).item())
    """
    assert "evaluated(" in written_out(source).splitlines()[-1]


LOADED = 'net.load_state_dict(torch.load("net.pt"))'


@pytest.mark.parametrize(
    ("before", "condition", "then", "several"),
    [
        ("print(net)", "if epoch == 3:", LOADED, False),
        ("print(net)", "if epoch == 3:", "print(epoch)", True),
        ("print(net)", "if epoch == 3:", "batches = get_loader(32)", True),
        ("print(net)", "if True:\n                net.eval()\n            else:", LOADED, True),
        ("print(criterion)", "if epoch == 3:", LOADED, True),
        ("net = None", "if epoch == 3:", LOADED, True),
    ],
)
def test_a_training_that_is_resumed_once_is_one(before, condition, then, several):
    """What is made under a condition, after it was used, goes on from a checkpoint."""
    source = f"""
        net = torch.nn.Sequential(torch.nn.Linear(1, 8))
        def train():
            for x, y in batches:
                loss = criterion(net(x), y)
                loss.backward()
                optimizer.step()
        for epoch in range(6):
            {before}
            train()
            {condition}
                net = torch.nn.Sequential(torch.nn.Linear(1, 8))
                {then}
    """
    places = []
    Instrumenter(LoopFinder([tree := ast.parse(dedent(source))]), places, "a.py").instrument(tree)
    assert [place.repeats for place in places if place.outer] == [not several]
