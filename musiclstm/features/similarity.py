"""Which pieces are copies of each other, so that no copy of a training piece is held out.

*Exact* copies have the same notes at the same places, at one pitch level or another: the same
intervals and rhythm throughout. *Near* copies share half of the shingles (see
:mod:`musiclstm.features.shingles`) of the smaller piece: revisions, other arrangements, excerpts.

Why a half, and why parts one by one: measured on 382 Bach chorales and 517 folk tunes. Copies with
one note in fifty changed are always found, with one in twenty 99.5% of the time. Chorales over one
hymn melody share its line, a quarter of the whole, and reach 0.47; from 0.5 up stand revisions of
one setting and transpositions of it (4 pairs). Among the tunes, versions of one tune have 0.52 to
1 (8 pairs), tunes with a strain in common at most 0.40. No two of 169 classical piano pieces share
more than 0.22, nor two of 455 pop songs more than 0.14.

Source: containment of shingles after A. Broder, "On the resemblance and containment of documents"
(1997). His sketches are not needed at our sizes: an inverted index counts exactly.
"""

import hashlib
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from musiclstm.features.overlap import Overlap
from musiclstm.features.shingles import fingerprint, identity
from musiclstm.score import Score

__all__ = [
    "Copy",
    "Duplicates",
    "duplicate_groups",
    "find_copies",
    "find_duplicates",
    "fingerprint",
]

Kind = Literal["exact", "transposed", "near"]
IndexArray = npt.NDArray[np.int64]

CONTAINMENT = 0.5


@dataclass(frozen=True)
class Copy:
    """One piece that is another once more.

    Attributes:
        source: What it is called.
        other: What the other is called.
        kind: ``"exact"``, ``"transposed"`` or ``"near"``.
        semitones: How much higher it is than the other; None where it is near.
        share: What they share of the shingles of the smaller piece, 0.5-1; 1 unless it is near.
        piece: Its index.
        of: Index of the other, which comes first unless the copy is near.
    """

    source: str
    other: str
    kind: Kind
    semitones: int | None
    share: float
    piece: int
    of: int

    @property
    def words(self) -> str:
        """What it is.

        >>> Copy("b.mid", "a.mid", "transposed", -5, 1.0, piece=1, of=0).words
        'a copy of a.mid, 5 semitones lower'
        >>> Copy("b.mid", "a.mid", "near", None, 0.75, piece=1, of=0).words
        'nearly the same as a.mid (75%)'
        """
        other = self.other or f"piece {self.of + 1}"
        if self.semitones is None:
            return f"nearly the same as {other} ({self.share:.0%})"
        if not self.semitones:
            return f"a copy of {other}"
        distance, way = abs(self.semitones), "higher" if self.semitones > 0 else "lower"
        return f"a copy of {other}, {distance} semitone{'s' * (distance > 1)} {way}"


@dataclass(frozen=True)
class Duplicates:
    """What is found among pieces.

    Attributes:
        groups: Shape ``(pieces,)``: group numbers from 0, in order of first appearance. Pieces
            that are joined to one and the same piece are in one group, whether alike themselves
            or not.
        copies: One for each piece that is not the first of its group, in their order.
    """

    groups: IndexArray
    copies: tuple[Copy, ...]


def find_duplicates(scores: Sequence[Score]) -> Duplicates:
    """Find exact, transposed and near copies.

    Args:
        scores: The pieces, gone through once, so that they may lie on disk. 10,000 take seconds
            and at most some 200 MB, however long they are; what does not fit goes to a temporary
            file of 8 bytes a note.

    Raises:
        MusicLSTMError: If there is no room for that.
    """
    sources: list[str] = []
    known: dict[tuple[int, int, int], tuple[int, int]] = {}  # music -> first piece, its lowest
    exact: dict[int, tuple[int, int]] = {}  # piece -> the first like it, semitones above that
    # equal fingerprints are one node: a thousand copies cost no more than one
    nodes: dict[bytes, int] = {}
    node_of: list[int] = []
    first_of: list[int] = []
    with Overlap(len(scores)) as overlap:
        for index, score in enumerate(scores):
            sources.append(score.source)
            hashes = fingerprint(score)
            digest = hashlib.blake2b(hashes.data, digest_size=16).digest()
            node = nodes.setdefault(digest, len(nodes))
            node_of.append(node)
            if node == len(first_of):
                first_of.append(index)
                overlap.add(hashes)
            itself = identity(score)
            first, lowest = known.setdefault(itself.music, (index, itself.lowest))
            if first != index:
                exact[index] = first, itself.lowest - lowest
        pairs = overlap.pairs(CONTAINMENT)
    alike = list(zip(pairs.left.tolist(), pairs.right.tolist(), pairs.share.tolist(), strict=True))
    # one music may be spread over parts in several ways, with other lines on top
    alike += [(node_of[first], node_of[index], 1.0) for index, (first, _) in exact.items()]
    group_of, joined = _follow(len(nodes), alike)
    copies = []
    for index, node in enumerate(node_of):
        kind: Kind = "near"
        of, share, semitones = index, 1.0, None
        if index in exact:
            of, semitones = exact[index]
            kind = "transposed" if semitones else "exact"
        elif first_of[node] != index:
            of = first_of[node]
        elif node in joined:
            of, share = first_of[joined[node][0]], round(joined[node][1], 3)
        if of != index:
            copies.append(Copy(sources[index], sources[of], kind, semitones, share, index, of))
    return Duplicates(np.array(group_of, np.int64)[np.array(node_of, np.int64)], tuple(copies))


def find_copies(scores: Sequence[Score]) -> tuple[Copy, ...]:
    """List the pieces that repeat another: the ``copies`` of :func:`find_duplicates`."""
    return find_duplicates(scores).copies


def duplicate_groups(scores: Sequence[Score]) -> IndexArray:
    """Sort pieces into groups of duplicates: the ``groups`` of :func:`find_duplicates`."""
    return find_duplicates(scores).groups


def _follow(
    count: int, alike: Sequence[tuple[int, int, float]]
) -> tuple[list[int], dict[int, tuple[int, float]]]:
    """Follow pairs to groups, each from its lowest member outwards.

    Args:
        count: Members, of all groups.
        alike: Two members, and what they share.

    Returns:
        The group of each member, numbered in the order of their lowest members; and for each
        member but those, the one that it was reached from, with what they share.
    """
    neighbours: dict[int, list[tuple[int, float]]] = {}
    for left, right, share in alike:
        neighbours.setdefault(left, []).append((right, share))
        neighbours.setdefault(right, []).append((left, share))
    group = [-1] * count
    joined: dict[int, tuple[int, float]] = {}
    groups = 0
    for start in range(count):
        if group[start] >= 0:
            continue
        group[start] = groups
        waiting = deque([start])
        while waiting:
            member = waiting.popleft()
            for other, share in neighbours.get(member, ()):
                if group[other] < 0:
                    group[other] = groups
                    joined[other] = member, share
                    waiting.append(other)
        groups += 1
    return group, joined
