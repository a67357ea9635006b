"""Where the blocks of a network's map are drawn: below one another, in the width that there is."""

from dataclasses import dataclass, field

from PySide6.QtCore import QRect

from core.network_map.parts import MapBlock, MapGroup, NetworkMap, Shape, written

TALL, LOW = 44, 28  # pixels of a block with two lines of words, and with one
HEAD = 26  # pixels over the blocks of a group, for its title
NEXT, LABELLED = 12, 24  # pixels between two blocks, and where a shape is written between them
INSET = 14  # pixels between a group's frame and its blocks
GUTTER = 26  # pixels at the left of blocks, for what is added past them
FLOW = 30  # pixels from a block's left side to the line that goes from block to block
AFTER = 3  # pixels below a block, where what is added later leaves the line
WIDEST = 560


@dataclass(frozen=True)
class MapNode:
    """A block.

    Attributes:
        part: the index of its part in the map.
        index: of the block in its group; 0 for one in no group.
        above: where the line to it begins, a height; None where none comes from above.
        label: the shape on that line; "" where it is the one before.
        source: the height where what is added to it leaves the line; None for no such.
    """

    part: int
    index: int
    block: MapBlock
    rect: QRect
    above: int | None
    label: str
    source: int | None


@dataclass(frozen=True)
class MapFrame:
    """A group: of identical ones, one.

    Attributes:
        part: the index of its part in the map.
        above, label: as for a node.
        inner: where its first block begins and its last one ends, heights.
    """

    part: int
    group: MapGroup
    rect: QRect
    above: int
    label: str
    inner: tuple[int, int]


@dataclass
class MapLayout:
    """All of it.

    Attributes:
        flow: how far from the left the line is that goes through all blocks.
    """

    nodes: list[MapNode] = field(default_factory=list)
    frames: list[MapFrame] = field(default_factory=list)
    flow: int = 0
    height: int = 0


def lay_out(network: NetworkMap | None, width: int) -> MapLayout:
    """Find places for all blocks of a network; for none there is nothing to place."""
    return _Layouter(network, min(width - 2, WIDEST)).made if network is not None else MapLayout()


class _Layouter:
    def __init__(self, network: NetworkMap, width: int) -> None:
        parts = network.parts
        branches = any(part.branch for part in parts if isinstance(part, MapBlock))
        self.made = MapLayout()
        self._width = width
        self._edge = GUTTER if branches else 2
        self._inner = self._edge + INSET + GUTTER
        """How far from the left blocks are that stand in no group, and those that do."""
        groups = any(isinstance(part, MapGroup) for part in parts)
        self.made.flow = FLOW + (self._inner if groups else self._edge)
        self._y = 2
        self._line = 2
        """Where the line to the next block begins."""
        self._told: Shape = parts[0].outputs
        """The shape that was written last, or stands in the input."""
        self._ends: dict[str, int] = {}
        """Where the output of a block goes on, by its key."""
        before: Shape = parts[0].outputs
        for number, part in enumerate(parts):
            if isinstance(part, MapGroup):
                self._place_group(number, part, before)
            else:
                self._place(number, 0, part, before if number else (), self._edge)
            before = part.outputs
        self.made.height = self._y + 2

    def _label(self, shape: Shape) -> str:
        """Return a shape where it is another one than before, and make room for it."""
        new = bool(self.made.nodes) and shape != self._told
        if self.made.nodes:
            self._told = shape
            self._y += LABELLED if new else NEXT
        return written(shape) if new else ""

    def _place(self, part: int, index: int, block: MapBlock, before: Shape, left: int) -> None:
        nodes, above = self.made.nodes, self._line if self.made.nodes else None
        if block.product == "embedding" and len(nodes) > 1:  # of places, beside that of tokens
            self._y += LABELLED
            above, label = None, f"{written(block.inputs)}, the positions"
        else:
            label = self._label(before)
        right = self._width - (INSET if left > self._edge else 0)
        rect = QRect(left, self._y, right - left, TALL if block.kind == "layer" else LOW)
        source = self._ends.get(block.branch) if block.branch is not None else None
        nodes.append(MapNode(part, index, block, rect, above, label, source))
        self._y = self._line = rect.bottom() + 1
        self._ends[block.key] = self._y + AFTER

    def _place_group(self, number: int, group: MapGroup, before: Shape) -> None:
        above, around = self._line, self._ends
        label = self._label(before)
        top, first = self._y, len(self.made.nodes)
        self._y = self._line = top + HEAD
        self._ends = {"": self._y + AFTER}
        # A loop begins with a state, which nothing before has put out.
        before = group.blocks[0].inputs if group.steps else group.inputs
        for index, block in enumerate(group.blocks):
            self._place(number, index, block, before, self._inner)
            before = block.outputs
        inner = self.made.nodes[first].rect.top(), self._y
        self._y += INSET
        rect = QRect(self._edge, top, self._width - self._edge, self._y - top)
        self.made.frames.append(MapFrame(number, group, rect, above, label, inner))
        self._ends, self._line = around, self._y
