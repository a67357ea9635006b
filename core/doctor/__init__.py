"""The doctor: is it wrong, too small, or not trained enough?

tape.py         one step of any loop, as the list of what torch was asked to do
sight.py        what is on a tape: weights, data and signals, layers, the call that judges
criterion.py, measure.py   and that in numbers, as look.py has them
scan.py         what the variables around a loop hold
watching.py     looks at a loop from outside; watch.py: three lines around anybody's
case.py         all that is known of one training
survey.py, use.py   what the data shows by itself; how the network is used
rules/          one small function for each thing that can be wrong; causes.py: in words
again.py, experiments.py   what is tried on copies of a step, where looking can't tell
verdict.py      from checks and experiments to one diagnosis (diagnosis.py)
consult.py      all of that for a watched loop; record.py keeps it
attend.py       beside a run of a playground; examine.py: from its training to its diagnosis,
                with what patient.py draws from the learner, and copies.py trains again
faults.py       what can be broken on purpose; breaking.py: how
story.py        the case of actual_words
"""
