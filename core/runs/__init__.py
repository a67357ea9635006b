"""Runs: the record that every training leaves, and what can be done with it.

    folder.py             where a record's files lie, and how each is called
    run_info.py           run.json: what it is, and where it stands
    record_lock.py        who writes it
    curves.py             curves.npz: a history, packed
    keyframes.py          moments/: the network as it was at some steps, further and further apart
    keyframe_schedule.py  when they are kept, and what a copy of the network writes at them
    recorder.py           writes all of that beside a run
    resume.py             a run that was interrupted, as a run again
    loop_record.py        the one file of a watched loop
    library.py            the list of them: names, notes, stars, deletion with undo
    comparison.py         what differs between two to six of them
    bundle.py             one zip, out and in
    export.py             CSV, TensorBoard

A record is only ever written whole, file by file, and the curves before the checkpoint: whenever
the process is killed, what lies there opens and goes on.
"""
