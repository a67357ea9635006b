"""The doctor: is it wrong, too small (underfitting), or not trained enough (undertrained)?

watch/          observes any training loop: a step as a tape and a graph, in numbers
evidence.py     all that is known of one training, which the rules judge
rules/          one small function for each thing that can be wrong
experiments/    what is tried on copies of a network where observation can't tell
verdict/        from checks and experiments to one diagnosis; its causes, in words
diagnosis.py    what the doctor says: one frozen object for script, command line and screen
diagnose.py     all of that for a watched loop
run_doctor.py   beside a run of a playground; examine.py: from its training to its diagnosis
faults/         what can be injected, and how
"""
