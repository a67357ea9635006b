"""The button beside the words of a job that waits for others: let it go on at once."""

from PySide6.QtWidgets import QPushButton

from gui.background_job import BackgroundJob
from gui.widgets.buttons import push_button

HELP = (
    "Let this run go on at once. The one that has its turn keeps its place, and goes on after it."
)


def run_now_button(name: str) -> QPushButton:
    """Return the button, hidden until a job that it is given to waits."""
    button = push_button(name, "Run now", HELP, "link")
    button.hide()
    return button


def offer_run_now(button: QPushButton, *jobs: BackgroundJob) -> None:
    """Show the button while one of these jobs waits for others, and let that one go first."""

    def run_now() -> None:
        for job in jobs:
            if job.waits_for:
                job.run_now()

    for job in jobs:
        job.waiting_changed.connect(
            lambda sentence: button.setVisible(any(each.waits_for for each in jobs))
        )
    button.clicked.connect(run_now)
