"""The doctor: is it wrong, too small, or not trained enough?

tape.py         one step of any loop, as the list of what torch was asked to do
watch.py        looks at a loop from outside: losses, weights, and now and then a tape
sight.py        what is to be seen on a tape: layers, signals, the loss and what it is made of
case.py         all that is known of one training
rules/          one small function for each thing that can be wrong
experiments.py  what is tried on copies, where looking can't tell
verdict.py      from checks and experiments to one diagnosis
examine.py      a recipe or a checkpoint of a playground, from training to diagnosis
faults.py       what can be broken on purpose
"""
