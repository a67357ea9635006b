"""The gradients of makemore, part 4, typed by hand: the network, its steps, and what is checked.

network.py    the MLP with batch norm: its parameters, a batch, and the lecture's forward pass
steps.py      each gradient in the lecture's order: hints and answer; no torch yet
checker.py    a typed gradient against autograd's: right, of another shape, or wrong where
dojo.py       what a learner has solved or seen, and what is kept of it
training.py   the network trained by the typed gradients, and by autograd's beside it
"""
