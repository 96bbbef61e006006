"""Hard masks: which ids are legal in each field, given the past.

They make every sequence of legal choices the canonical table of exactly one score: rows in order
within an onset, no pitch struck while it sounds in its part, drum hits of one step, ties continued,
no WAIT before END. Each looks one field ahead, so that no choice leads to a field without a legal
id. Training, likelihood and sampling use the same masks; so the probabilities of the legal rows sum
to 1.
"""

import numpy as np

from musiclstm.encoding.stages import Before, BoolArray, IntArray, Kind, Onset, Voice
from musiclstm.encoding.vocabulary import N_PITCHES, N_VELOCITIES, Vocabulary


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
    tied = before.kind == Kind.TIE
    waited = before.kind == Kind.WAIT
    any_part = np.broadcast_to(active.any(axis=1), tied.shape)
    steps = np.arange(v.max_shift + 1)
    legal = np.zeros((len(tied), v.max_shift + 3), bool)
    legal[:, : v.max_shift + 1] = (steps >= before.first_free[:, None]) & any_part[:, None]
    legal[:, 0] = before.more_now
    legal[:, v.wait] = any_part
    legal[:, v.end] = ~waited
    legal[tied] = False
    legal[tied, 0] = True
    return legal


def legal_parts(before: Before, shift: IntArray, onset: Onset, vocabulary: Vocabulary) -> BoolArray:
    """Legal part ids, once the shift is known: bool ``(N, parts)``."""
    ranks = vocabulary.ranks
    at_once = (shift == 0) & (before.kind == Kind.NOTE)
    tied = before.kind == Kind.TIE
    later = ranks[None, :] > ranks[before.part][:, None]
    same = np.arange(len(ranks))[None, :] == before.part[:, None]
    ordered = later | (same & before.more_above[:, None])
    legal: BoolArray = onset.room & (ordered | ~at_once[:, None])
    either: BoolArray = np.where(tied[:, None], same, legal)
    return either


def legal_pitches(before: Before, shift: IntArray, voice: Voice) -> BoolArray:
    """Legal pitches, once the part is known: bool ``(N, 128)``."""
    pitches = np.arange(N_PITCHES)[None, :]
    at_once = (shift == 0) & (before.kind == Kind.NOTE) & (voice.part == before.part)
    tied = before.kind == Kind.TIE
    legal: BoolArray = (voice.sounding == 0) & (
        (pitches > before.pitch[:, None]) | ~at_once[:, None]
    )
    either: BoolArray = np.where(tied[:, None], pitches == before.pitch[:, None], legal)
    return either


def legal_durations(part: IntArray, vocabulary: Vocabulary) -> BoolArray:
    """Legal duration ids, once part and pitch are known: bool ``(N, durations)``."""
    legal = np.ones((len(part), vocabulary.max_duration + 1), bool)
    legal[vocabulary.drum_parts[part], 1:] = False
    return legal


def legal_velocities(before: Before) -> BoolArray:
    """Legal velocity ids: bool ``(N, 32)``; the continuation of a tie has no choice."""
    free: BoolArray = before.kind != Kind.TIE
    same: BoolArray = np.arange(N_VELOCITIES)[None, :] == before.velocity[:, None]
    return free[:, None] | same
