"""A person who presses Stop, at a step and not after a time: some machines are done by then."""

from dataclasses import replace

from core.training.control import Control
from core.training.run_observer import RunObserver
from core.training.trainer import train


class _Stopper(RunObserver):
    """Stops a run as soon as its network has done so many steps."""

    def __init__(self, control, step):
        self.control, self.step = control, step

    def on_start(self, learner, planned):
        """It is the learner who counts the steps: those before a resume, too."""
        self.learner = learner

    def after_step(self, loss):
        """Press Stop."""
        if self.learner.step >= self.step:
            self.control.stop()

    def poll(self, progress):
        """Nothing is to be reported."""
        return iter(())

    on_end = poll


def stop_at(run, step):
    """Train until a step; return the last event."""
    control = Control()
    watched = replace(run, observers=(*run.observers, _Stopper(control, step)))
    return list(train(watched, control))[-1]
