"""Which pieces are copies of each other, so that no copy of a training piece is held out.

A piece is known by its *shingles*: every run of six successive notes in the top line of a part,
as the steps between their pitches and between their onsets. Transposition, tempo, velocity,
durations, part names and the order of parts leave shingles as they are; one changed note changes
six of them. Two pieces are joined where the smaller shares half of its shingles with the larger.

Why a half, and why parts one by one: measured on 382 Bach chorales and 517 folk tunes. Copies with
one note in fifty changed are always found, with one in twenty 99.5% of the time. Chorales over one
hymn melody share its line, a quarter of the whole, and reach 0.47; from 0.5 up stand revisions of
one setting and transpositions of it (4 pairs). Among the tunes, versions of one tune have 0.52 to
1 (8 pairs), tunes with a strain in common at most 0.40. No two of 169 classical piano pieces share
more than 0.22, nor two of 455 pop songs more than 0.14.

Source: containment of shingles after A. Broder, "On the resemblance and containment of documents"
(1997). His sketches are not needed at our sizes: an inverted index counts exactly.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from musiclstm.score import DEFAULT_STEPS_PER_QUARTER, Column, Score

HashArray = npt.NDArray[np.uint64]
IndexArray = npt.NDArray[np.int64]

NOTES_PER_SHINGLE = 6
CONTAINMENT = 0.5
MAX_PIECES_PER_SHINGLE = 64  # scales and repeated chords: they tell nothing, and cost a square
MIN_SHINGLES = 8  # shorter pieces must be equal: in so few, chance could be half
_PAIRS_AT_ONCE = 20_000_000  # 160 MB


def fingerprint(score: Score) -> HashArray:
    """Reduce a piece to the set of its shingles.

    Args:
        score: Any piece. Drums are left out.

    Returns:
        Sorted, distinct hashes, at least one. A part of fewer than six notes is one shingle; a
        piece without any two successive pitched notes is one hash of everything in it.
    """
    shingles = [
        _shingles(score.notes[score.notes[:, Column.PART] == number], score.steps_per_quarter)
        for number, part in enumerate(score.parts)
        if not part.is_drum
    ]
    hashes = np.unique(np.concatenate([*shingles, np.zeros(0, np.uint64)]))
    return hashes if len(hashes) else _whole(score)


def duplicate_groups(scores: Sequence[Score]) -> IndexArray:
    """Sort pieces into groups of near-duplicates.

    Args:
        scores: The pieces, in any number; 10,000 take seconds.

    Returns:
        Shape ``(len(scores),)``: group numbers from 0, in order of first appearance. Pieces that
        are joined to one and the same piece are in one group, whether alike themselves or not.
    """
    if not len(scores):
        return np.zeros(0, np.int64)
    # equal fingerprints are one piece: a thousand copies cost no more than one
    known: dict[bytes, int] = {}
    prints: list[HashArray] = []
    piece = np.empty(len(scores), np.int64)
    for index, score in enumerate(scores):
        hashes = fingerprint(score)
        piece[index] = known.setdefault(hashes.tobytes(), len(prints))
        if piece[index] == len(prints):
            prints.append(hashes)
    joined = _join(len(prints), _alike(prints))
    _, first, group = np.unique(joined[piece], return_index=True, return_inverse=True)
    rank = np.empty(len(first), np.int64)
    rank[np.argsort(first)] = np.arange(len(first))
    groups: IndexArray = rank[group]
    return groups


def _shingles(notes: npt.NDArray[np.int32], steps_per_quarter: int) -> HashArray:
    """Hash the runs of notes in the top line of one part."""
    onset, pitch = notes[:, Column.ONSET].astype(np.int64), notes[:, Column.PITCH].astype(np.int64)
    # rows are sorted by onset, then pitch: the last of an onset is its highest
    top = np.append(onset[1:] != onset[:-1], True)[: len(onset)]
    between = np.diff(onset[top]) * DEFAULT_STEPS_PER_QUARTER // steps_per_quarter
    moves = _scatter((256 * between + np.diff(pitch[top]) + 128).astype(np.uint64))
    length = min(NOTES_PER_SHINGLE - 1, len(moves))
    if not length:
        return np.zeros(0, np.uint64)
    hashes = np.full(len(moves) - length + 1, length, np.uint64)
    for place in range(length):
        hashes = _scatter(hashes * np.uint64(3) + moves[place : place + len(hashes)])
    return hashes


def _whole(score: Score) -> HashArray:
    """Hash all notes of a piece, but for velocity, counted from the first onset."""
    notes = score.notes.astype(np.int64)
    notes[:, Column.VELOCITY] = 0
    if len(notes):
        notes[:, Column.ONSET] -= notes[0, Column.ONSET]
    result = np.full(1, len(notes), np.uint64)
    for value in notes.astype(np.uint64).ravel():
        result = _scatter(result * np.uint64(3) + value)
    return result


def _scatter(values: HashArray) -> HashArray:
    """Spread integers over 64 bits.

    Source: the finaliser of SplitMix64; G. Steele, D. Lea and C. Flood, "Fast splittable
    pseudorandom number generators" (2014), figure 16.
    """
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


def _alike(prints: Sequence[HashArray]) -> IndexArray:
    """Find the pairs whose containment reaches the threshold: shape ``(pairs, 2)``."""
    count = len(prints)
    hashes = np.concatenate(prints)
    owner = np.repeat(np.arange(count), [len(hashes_of) for hashes_of in prints])
    order = np.argsort(hashes, kind="stable")
    hashes, owner = hashes[order], owner[order]
    starts = np.flatnonzero(np.concatenate([[True], hashes[1:] != hashes[:-1]]))
    sizes = np.diff(np.append(starts, len(hashes)))
    telling = np.repeat(sizes <= MAX_PIECES_PER_SHINGLE, sizes)
    hashes, owner = hashes[telling], owner[telling]
    lengths = np.bincount(owner, minlength=count)
    lengths[lengths < MIN_SHINGLES] = np.iinfo(np.int64).max // 2  # can share half with nobody

    # Equal hashes now stand side by side. The neighbour at distance d is a pair only where the one
    # at distance d - 1 was, so the work shrinks with every round.
    codes, shared, waiting = np.zeros(0, np.int64), np.zeros(0, np.int64), []
    here, distance = np.arange(len(hashes)), 0
    while here.size:
        distance += 1
        here = here[here + distance < len(hashes)]
        here = here[hashes[here] == hashes[here + distance]]
        waiting.append(owner[here] * count + owner[here + distance])
        if not here.size or sum(map(len, waiting)) > _PAIRS_AT_ONCE:
            codes, shared = _count([codes, *waiting], shared)
            waiting = []
    pairs = np.stack(np.divmod(codes, count), axis=1)
    alike: IndexArray = pairs[shared >= CONTAINMENT * lengths[pairs].min(axis=1)]
    return alike


def _count(codes: Sequence[IndexArray], shared: IndexArray) -> tuple[IndexArray, IndexArray]:
    """Add to the pairs counted so far (``codes[0]``, ``shared``) those of the other arrays."""
    weights = np.concatenate([shared, *(np.ones(len(more), np.int64) for more in codes[1:])])
    distinct, place = np.unique(np.concatenate(codes), return_inverse=True)
    return distinct, np.bincount(place, weights, len(distinct)).astype(np.int64)


def _join(count: int, pairs: IndexArray) -> IndexArray:
    """Follow pairs to groups (union-find with path halving): the group's lowest member."""
    parent = list(range(count))

    def root(member: int) -> int:
        while parent[member] != member:
            parent[member] = parent[parent[member]]
            member = parent[member]
        return member

    for left, right in pairs.tolist():
        low, high = sorted((root(left), root(right)))
        parent[high] = low
    return np.array([root(member) for member in range(count)], np.int64)
