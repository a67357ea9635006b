"""The code behind a network of lesson 3, as a plain PyTorch script."""

from pathlib import Path

from ...code.script import rendered
from ...playgrounds.names import code as names_code
from ..pair_settings import NetworkSettings


def write_network(settings: NetworkSettings, source: Path | None = None) -> str:
    """Return the training of one of the two networks as a script that needs no Glassbox.

    Args:
        settings: of the network, trained as the first of its pair is.
        source: a folder of full data, or a file; None for the bundled data.

    Raises:
        UserError: the source is not there.
    """
    folders = (Path(__file__).parent, Path(names_code.__file__).parent)
    values = {"recipe": settings, **names_code.values(settings, source)}
    return rendered(folders, values, "deep.py.jinja").text
