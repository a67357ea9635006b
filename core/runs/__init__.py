"""Runs: the record that every training leaves, and what can be done with it.

    folder.py      where a record's files lie, and how each is called
    about.py       run.json: what it is, and where it stands
    curves.py      curves.npz: a history, packed
    moments.py     moments/: the network as it was at some steps, further and further apart
    memory.py      when moments are kept, and what a copy of the network writes at them
    recorder.py    writes all of that beside a run
    going_on.py    a run that was interrupted, as a run again
    library.py     the list of them: names, notes, stars, deletion with undo
    comparing.py   what differs between two to six of them
    bundle.py      one zip, out and in
    export.py      CSV, TensorBoard

A record is only ever written whole, file by file, and the curves before the checkpoint: whenever
the process is killed, what lies there opens and goes on.
"""
