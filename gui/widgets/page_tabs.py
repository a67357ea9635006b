"""The tabs of a page: titles so short that all fit beside one another, each explained."""

from PySide6.QtWidgets import QTabWidget, QWidget

from gui.rich_text import rich

HELP = {
    "PCA": "Representations: examples as points where a layer puts them, by PCA or t-SNE.",
    "Models": "Model comparison: what several models reach on the same data.",
    "LR test": "Learning-rate range test: the loss at growing learning rates, to choose one.",
}
"""What a title stands for, where it is shorter than the term."""


def add_tab(tabs: QTabWidget, content: QWidget, title: str) -> None:
    """Put a tab behind the others, with a tooltip where its title needs one."""
    index = tabs.addTab(content, title)
    if help := HELP.get(title):
        tabs.setTabToolTip(index, rich(help))
