"""A piece -> hashes that stay the same where it is transposed, louder or in other instruments.

*Shingles* are runs of six successive notes in the top line of a part, as the steps between their
pitches and between their onsets. Transposition, tempo, velocity, durations, part names and the
order of parts leave them as they are; one changed note changes six of them: what near-duplicates
share. An *identity* takes in every note, and is the same only where all intervals and the whole
rhythm are.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from musiclstm.score import DEFAULT_STEPS_PER_QUARTER, Score

HashArray = npt.NDArray[np.uint64]

NOTES_PER_SHINGLE = 6
_MOVES = NOTES_PER_SHINGLE - 1
_DRUM = 256  # beyond all pitches, and all distances between them


@dataclass(frozen=True)
class Identity:
    """All that makes a piece itself, but for its pitch level.

    Attributes:
        music: Hash of onsets, durations and intervals: of all notes, whichever part they are in,
            counted from the first onset and the lowest pitch. Drums are in it as they are, but for
            durations, of which they have none.
        lowest: The lowest pitch, 0-127. It is 0 for a piece without two onsets of pitched notes,
            which is too little to be known transposed: its pitches are part of ``music``.
    """

    music: tuple[int, int, int]
    lowest: int


def identity(score: Score) -> Identity:
    """Reduce a piece to what it has in common with its exact and transposed copies.

    Args:
        score: Any piece, on any grid. Velocity, tempo, meter, names, programs and silence before
            the first note are left aside.
    """
    onset, duration, pitch, _, part = np.ascontiguousarray(score.notes.T)
    drums = np.array([player.is_drum for player in score.parts] or [False])[part]
    onset = onset - onset[:1]
    if drums.any():
        duration = np.where(drums, 0, duration)
        pitched = np.flatnonzero(~drums)
    else:
        pitched = np.arange(len(onset))
    lowest = 0
    if len(pitched) and onset[pitched[0]] != onset[pitched[-1]]:
        lowest = int(pitch[pitched].min())
    # the coarsest grid that it fits on: the same notes on a finer one are the same
    unit = np.gcd(np.gcd.reduce(onset), np.gcd.reduce(duration))
    unit = np.gcd(unit, score.steps_per_quarter)
    place = np.where(drums, pitch + _DRUM, pitch - lowest) + (onset // unit).astype(np.int64) * 512
    notes = scatter(scatter(place.astype(np.uint64)) + (duration // unit).astype(np.uint64))
    # sums, which do not ask for the order of notes
    total, odd = int(notes.sum(dtype=np.uint64)), int(np.bitwise_xor.reduce(notes))
    return Identity((total, odd, int(score.steps_per_quarter // unit)), lowest)


def fingerprint(score: Score) -> HashArray:
    """Reduce a piece to the set of its shingles.

    Args:
        score: Any piece. Drums are left out.

    Returns:
        Sorted, distinct hashes, at least one. A part of fewer than six notes is one shingle; a
        piece without any two successive pitched notes is one hash of everything in it.
    """
    onset, _, pitch, _, part = np.ascontiguousarray(score.notes.T)
    # rows are sorted by onset, then part, then pitch: now part by part, as each runs
    order = np.argsort(part.astype(np.uint16), kind="stable")  # at most 4,096 parts
    drum_parts = [player.is_drum for player in score.parts]
    if any(drum_parts):
        order = order[~np.array(drum_parts)[part[order]]]
    onset, pitch, part = onset[order].astype(np.int64), pitch[order], part[order]
    # the last note of an onset is its highest
    top = np.ones(len(part), bool)
    top[:-1] = (onset[1:] != onset[:-1]) | (part[1:] != part[:-1])
    onset, pitch, part = onset[top], pitch[top], part[top]
    between, rise = onset[1:] - onset[:-1], pitch[1:] - pitch[:-1]
    if score.steps_per_quarter != DEFAULT_STEPS_PER_QUARTER:
        between = between * DEFAULT_STEPS_PER_QUARTER // score.steps_per_quarter
    moves = scatter((256 * between + rise + 128).astype(np.uint64))
    within = part[_MOVES:] == part[:-_MOVES]  # from one part into the next is no run
    found = [_runs(moves, _MOVES)[within]] if len(within) else []
    begins = [0, *(np.flatnonzero(part[1:] != part[:-1]) + 1).tolist(), len(part)]
    for begin, end in pairwise(begins):
        if 1 < end - begin < NOTES_PER_SHINGLE:
            found.append(_runs(moves[begin : end - 1], end - begin - 1))
    if not found:
        return _whole(score)
    hashes = np.concatenate(found)
    hashes.sort()  # and not numpy.unique, which takes ten times as long
    distinct: HashArray = hashes[np.append(True, hashes[1:] != hashes[:-1])]
    return distinct


def _runs(moves: HashArray, length: int) -> HashArray:
    """Hash every run of ``length`` moves."""
    count = len(moves) - length + 1
    hashes = np.full(count, length, np.uint64)
    for place in range(length):
        hashes += moves[place : place + count] * _ODD[place]
    return scatter(hashes)


def _whole(score: Score) -> HashArray:
    """Hash all notes of a piece in one."""
    known = identity(score)
    mixed = np.array([known.lowest, *known.music], np.uint64)
    return scatter(_runs(scatter(mixed), len(mixed)))


def scatter(values: HashArray) -> HashArray:
    """Spread integers over 64 bits, each to one of its own.

    Source: the finaliser of SplitMix64; G. Steele, D. Lea and C. Flood, "Fast splittable
    pseudorandom number generators" (2014), figure 16.
    """
    values = values ^ (values >> np.uint64(30))
    values *= np.uint64(0xBF58476D1CE4E5B9)
    values ^= values >> np.uint64(27)
    values *= np.uint64(0x94D049BB133111EB)
    values ^= values >> np.uint64(31)
    return values


_ODD = scatter(np.arange(1, NOTES_PER_SHINGLE, dtype=np.uint64)) | np.uint64(1)  # for each place
