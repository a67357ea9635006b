"""Byte-pair encoding step by step, as the lecture trains it, on a text of one's own.

The pair of neighbours that stands most often in the text becomes a token, again and again (Gage
1994; Sennrich et al. 2016). Which merge joined two neighbouring bytes is all that has to be kept:
the tokens after k merges end where a later merge joined, or none.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...interruption import heed
from ...telemetry.events import Array

BYTES = 256
MOST_MERGES = 1000
NEVER = np.iinfo(np.int32).max


@dataclass(frozen=True)
class Merge:
    """Two tokens that became one.

    Attributes:
        left, right: their bytes.
        count: how often they stood beside one another at that time.
        token: the number of the token that they became.
    """

    left: bytes
    right: bytes
    count: int
    token: int


@dataclass(frozen=True, eq=False)
class MergeHistory:
    """All merges of a text, in their order.

    Attributes:
        raw: the text in UTF-8, n bytes.
        merges: until no pair stood twice, or until there were MOST_MERGES.
        joined: which merge joined each byte and the next, (n - 1,) int32; NEVER for none.
        lengths: how many tokens there were after 0, 1, ... merges, (merges + 1,).
    """

    raw: bytes
    merges: tuple[Merge, ...]
    joined: Array
    lengths: Array

    def tokens(self, merges: int, most: int | None = None) -> list[tuple[bytes, int]]:
        """Return the bytes and the number of each token after so many merges.

        Args:
            merges: how many.
            most: the first tokens only; None for all.
        """
        ends = np.append(np.flatnonzero(self.joined > merges) + 1, len(self.raw))
        starts = np.append(0, ends[:-1])
        found = []
        for start, end in zip(starts[:most].tolist(), ends[:most].tolist(), strict=True):
            if start == end:  # there is no text
                continue
            # The last merge that joined something within a token made it.
            made = int(self.joined[start : end - 1].max()) if end - start > 1 else 0
            number = self.merges[made - 1].token if made else self.raw[start]
            found.append((self.raw[start:end], number))
        return found


def learn_merges(pieces: Sequence[str], most: int = MOST_MERGES) -> MergeHistory:
    """Merge the commonest pair, of several the one that stands first, until none stands twice.

    Args:
        pieces: of the text; no pair reaches from one into the next.
        most: merges.

    Raises:
        CancelledError: nobody waits for it any more.
    """
    encoded = [piece.encode("utf-8") for piece in pieces if piece]
    raw = b"".join(encoded)
    ids = np.frombuffer(raw, np.uint8).astype(np.int64)
    starts = np.arange(len(raw))
    begins = np.zeros(len(raw), bool)
    begins[np.cumsum([0, *(len(piece) for piece in encoded)])[:-1]] = True
    joined = np.full(max(0, len(raw) - 1), NEVER, np.int32)
    vocabulary = [bytes([byte]) for byte in range(BYTES)]
    merges: list[Merge] = []
    lengths = [len(raw)]
    while len(merges) < most and len(ids) > 1:
        heed()
        keys = ids[:-1] * (BYTES + most) + ids[1:]
        keys[begins[1:]] = -1
        pairs, firsts, counts = np.unique(keys[keys >= 0], return_index=True, return_counts=True)
        if not len(counts) or counts.max() < 2:
            break
        commonest = np.flatnonzero(counts == counts.max())
        best = commonest[firsts[commonest].argmin()]
        left, right = (int(i) for i in divmod(pairs[best], BYTES + most))
        places = _apart(np.flatnonzero(keys == pairs[best]), overlapping=left == right)
        token = len(vocabulary)
        merges.append(Merge(vocabulary[left], vocabulary[right], int(counts[best]), token))
        vocabulary.append(vocabulary[left] + vocabulary[right])
        joined[starts[places + 1] - 1] = len(merges)
        ids[places] = token
        ids, starts, begins = (np.delete(a, places + 1) for a in (ids, starts, begins))
        lengths.append(len(ids))
    counted = np.array(lengths)
    joined.flags.writeable = counted.flags.writeable = False
    return MergeHistory(raw, tuple(merges), joined, counted)


def _apart(places: Array, *, overlapping: bool) -> Array:
    """Return where a pair is merged: of three equal tokens in a row only two become one."""
    if not overlapping:
        return places
    kept: list[int] = []
    for place in places.tolist():
        if not kept or place > kept[-1] + 1:
            kept.append(place)
    return np.array(kept, np.int64)
