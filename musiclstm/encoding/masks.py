"""Hard masks: which ids are legal in each field, given the past.

They make every sequence of legal choices the canonical table of exactly one score: rows in order
within an onset, no pitch struck while it sounds in its part, drum hits of one step, ties continued,
no WAIT before END. Each looks one field ahead, so that no choice leads to a field without a legal
id. Training, likelihood and sampling use the same masks; so the probabilities of the legal rows sum
to 1.
"""

import numpy as np

from musiclstm.encoding.stages import (
    ABOVE,
    ITSELF,
    Before,
    BoolArray,
    IntArray,
    Kind,
    Onset,
    Voice,
)
from musiclstm.encoding.vocabulary import N_PITCHES, N_VELOCITIES, Vocabulary

_NOTE, _TIE, _WAIT = (np.array([kind], np.int32) for kind in (Kind.NOTE, Kind.TIE, Kind.WAIT))
_ZERO = np.zeros(1, np.int32)


def legal_shifts(before: Before, active: BoolArray, vocabulary: Vocabulary) -> BoolArray:
    """Legal shift ids.

    Args:
        before: The stage before the row.
        active: Which parts the piece has, ``(N, parts)`` or ``(1, parts)`` bool.
        vocabulary: For the ids.

    Returns:
        Bool ``(N, shifts)``, at least one True in each row.
    """
    v = vocabulary
    legal = np.ones((len(before.kind), v.max_shift + 3), bool)
    if np.count_nonzero(before.first_free):  # all pitches of all parts sound, or there is no part
        steps = np.arange(v.max_shift + 1)
        legal[:, : v.max_shift + 1] = steps >= before.first_free[:, None]
        legal[:, v.wait] = active.any(axis=1)
        legal[:, : v.max_shift + 1] &= legal[:, v.wait, None]
    legal[:, 0] = before.more_now
    legal[:, v.end] = before.kind != _WAIT
    if Kind.TIE in before.kinds:
        tied = before.kind == _TIE
        legal[tied] = False
        legal[tied, 0] = True
    return legal


def legal_parts(before: Before, shift: IntArray, onset: Onset, vocabulary: Vocabulary) -> BoolArray:
    """Legal part ids, once the shift is known: bool ``(N, parts)``."""
    legal = onset.room
    at_once = (shift == _ZERO) & (before.kind == _NOTE)
    if np.count_nonzero(at_once):
        same = ITSELF[: legal.shape[1], : legal.shape[1]].take(before.part, axis=0)
        ordered = vocabulary.later.take(before.part, axis=0)
        ordered |= same & before.more_above[:, None]
        ordered |= ~at_once[:, None]
        legal = legal & ordered
    if Kind.TIE in before.kinds:
        tied = before.kind == _TIE
        same = np.arange(legal.shape[1])[None, :] == before.part[:, None]
        legal = np.where(tied[:, None], same, legal)
    return legal


def legal_pitches(before: Before, shift: IntArray, voice: Voice) -> BoolArray:
    """Legal pitches, once the part is known: bool ``(N, 128)``."""
    legal: BoolArray = voice.sounding == _ZERO
    at_once = (shift == _ZERO) & (before.kind == _NOTE)
    at_once &= voice.part == before.part
    if np.count_nonzero(at_once):
        legal &= ABOVE.take(before.pitch, axis=0) | ~at_once[:, None]
    if Kind.TIE in before.kinds:
        tied = before.kind == _TIE
        same = np.arange(N_PITCHES)[None, :] == before.pitch[:, None]
        legal = np.where(tied[:, None], same, legal)
    return legal


def legal_durations(part: IntArray, vocabulary: Vocabulary) -> BoolArray:
    """Legal duration ids, once part and pitch are known: bool ``(N, durations)``."""
    legal: BoolArray = vocabulary.durations.take(part, axis=0)
    return legal


def legal_velocities(before: Before) -> BoolArray:
    """Legal velocity ids: bool ``(N, 32)``; the continuation of a tie has no choice."""
    legal = np.ones((len(before.kind), N_VELOCITIES), bool)
    if Kind.TIE in before.kinds:
        tied = before.kind == _TIE
        same = np.arange(N_VELOCITIES)[None, :] == before.velocity[:, None]
        legal = np.where(tied[:, None], same, legal)
    return legal
