"""What the map of a network is made of: blocks, groups of them, and their shapes."""

from dataclasses import dataclass
from typing import Literal

Shape = tuple[int | str, ...]
"""The sizes of a tensor; a letter where it may be any number: B a batch, T the tokens of one."""
Kind = Literal[
    "input",
    "layer",
    "norm",
    "attention",
    "sum",
    "residual",
    "gates",
    "mix",
    "dropout",
    "reshape",
    "counts",
    "output",
]


@dataclass(frozen=True)
class MapBlock:
    """One thing that a network does with what comes in.

    Attributes:
        key: a layer's name; of a norm the module's; else a name of the map's own, such as
            ``sum.0``. Within a group it is relative to that: ``attend``.
        kind: what it is. A residual is the sum at the end of a branch of a transformer's block;
            gates are sigmoids of a sum; a mix is of an old and a new state; a reshape lays the
            same numbers out otherwise.
        inputs, outputs: the shapes of what comes in, and of what goes on.
        product: of a layer, ``linear``, ``conv``, ``embedding`` or ``tied``.
        matrix: of a layer, the rows and columns of its product's matrix: in, out.
        kernel: the side of a convolution's filter; 0 for none.
        acts: what follows a layer's product, in its order: ``batch norm``, ``relu``.
        parameters: how many numbers it has learned.
        branch: of a sum, the key of the block, in its group or the map, whose output is added past
            those in between; "" for what came into the group. None where it adds something else.
    """

    key: str
    kind: Kind
    inputs: Shape
    outputs: Shape
    product: str = ""
    matrix: tuple[int, int] = (0, 0)
    kernel: int = 0
    acts: tuple[str, ...] = ()
    parameters: int = 0
    branch: str | None = None


@dataclass(frozen=True)
class MapGroup:
    """Blocks that belong together: those of a transformer's block, or of a loop.

    Attributes:
        keys: of the identical groups that stand behind one another, a name for each.
        blocks: of one of them.
        inputs, outputs: the shapes of what comes into one and goes out.
        steps: of a loop, how often it is done; 0 for what is no loop.
    """

    keys: tuple[str, ...]
    blocks: tuple[MapBlock, ...]
    inputs: Shape
    outputs: Shape
    steps: int | str = 0

    @property
    def parameters(self) -> int:
        """Of one of the identical groups."""
        return sum(block.parameters for block in self.blocks)

    def key_of(self, block: MapBlock, copy: int = 0) -> str:
        """Return the whole key of a block, in one of the identical groups."""
        return block.key if self.steps else f"{self.keys[copy]}.{block.key}"


Part = MapBlock | MapGroup
Place = tuple[int, int, int]
"""Where a block is: its part, which of identical groups, and its index in that.

The last two are 0 for a block that stands in no group.
"""


@dataclass(frozen=True)
class NetworkMap:
    """A network, from its input to its output."""

    parts: tuple[Part, ...]
    parameters: int

    def places(self) -> dict[str, Place]:
        """Return where each block is, by its key, from input to output."""
        found: dict[str, Place] = {}
        for number, part in enumerate(self.parts):
            if isinstance(part, MapBlock):
                found[part.key] = number, 0, 0
                continue
            for copy in range(len(part.keys)):
                for index, block in enumerate(part.blocks):
                    found[part.key_of(block, copy)] = number, copy, index
        return found

    def block_at(self, place: Place) -> MapBlock:
        """Return the block that is there."""
        part = self.parts[place[0]]
        return part.blocks[place[2]] if isinstance(part, MapGroup) else part


def written(shape: Shape) -> str:
    """Return a shape as a comment has it: ``B × 784``."""
    return " × ".join(f"{size:,}" if isinstance(size, int) else size for size in shape)
