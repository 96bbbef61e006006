"""Splitting by piece, with near-duplicates kept together.

Pieces are put in groups of near-duplicates first; groups are then dealt out whole, in the order of
a hash of their content, so that the split does not depend on file names or on the order of reading,
and changes little when pieces are added.
"""

import hashlib
from collections.abc import Sequence

import numpy as np

from musiclstm.features import duplicate_groups
from musiclstm.score import Score

FEWEST_PIECES = 5  # below this nothing can be held out: a piece or two would say nothing


def split_pieces(scores: Sequence[Score], valid_share: float, seed: int) -> list[str]:
    """Say of each piece whether it is for training or held out.

    Args:
        scores: The corpus; gone through twice and not kept, so that it may lie on disk.
        valid_share: Share of the notes that is held out, 0-0.5.
        seed: Another seed, another split.

    Returns:
        ``"train"`` or ``"valid"`` for each piece; at least one piece trains. With fewer than
        :data:`FEWEST_PIECES` pieces, or all of them alike, all train.
    """
    splits = ["train"] * len(scores)
    if len(scores) < FEWEST_PIECES or valid_share <= 0:
        return splits
    groups = duplicate_groups(scores)
    members: dict[int, list[int]] = {}
    for index, group in enumerate(groups.tolist()):
        members.setdefault(group, []).append(index)
    if len(members) < 2:
        return splits
    lengths = np.zeros(len(scores), np.int64)
    hashes = []
    for index, score in enumerate(scores):
        lengths[index] = len(score.notes)
        hashes.append(_hash(score, seed))
    order = sorted(members.values(), key=lambda group: min(hashes[index] for index in group))
    goal, held = valid_share * lengths.sum(), 0
    for group in order[:-1]:
        size = int(lengths[group].sum())
        # a group that would overshoot by more than the goal lacks is left to training
        if held and held + size > 1.5 * goal:
            continue
        if size > 2 * goal and len(order) > 2:
            continue
        for index in group:
            splits[index] = "valid"
        held += size
        if held >= goal:
            break
    return splits


def _hash(score: Score, seed: int) -> bytes:
    return hashlib.sha256(f"{seed}:".encode() + score.notes.tobytes()).digest()
