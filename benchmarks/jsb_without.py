"""What a part of the model is worth: the same training with that part left out.

A part of the context is left out by saying *none*, or the same, of every row, in training and
judging alike; the weights that would hear it stay, and have nothing to learn.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import Any
from unittest.mock import patch

import numpy as np

from musiclstm.encoding import (
    MOTION_IDS,
    PITCH_CANDIDATES,
    SONORITIES,
    Piece,
    Vocabulary,
    prepare,
)
from musiclstm.encoding.context import MIDDLE_C
from musiclstm.encoding.layout import DURATION_CANDIDATES, SHOWN_INTERVALS, layout

_OWN = 10  # columns of the voice layer before those of the other parts
_BY_PART = (6, 2)  # columns of the voice and the note layer for each other part

Columns = Mapping[str, list[int]]


def _silenced(piece: Piece, v: Vocabulary, columns: Columns) -> Piece:
    """The piece with these columns of its layers saying none, in every row."""
    found: dict[str, Any] = {}
    for layer, chosen in columns.items():
        holder = piece if layer == "after" else piece.context
        ids = getattr(holder, f"{layer}_ids").copy()
        ids[:, chosen] = getattr(layout(v), layer).rows
        found[f"{layer}_ids"] = ids
    after = found.pop("after_ids", piece.after_ids)
    return replace(piece, after_ids=after, context=replace(piece.context, **found))


def _with(piece: Piece, **context: Any) -> Piece:
    return replace(piece, context=replace(piece.context, **context))


def _recall(piece: Piece, v: Vocabulary) -> Piece:
    """What followed when the past was last like now."""
    parts, c = len(v.parts), piece.context
    voice, note = _OWN + _BY_PART[0] * parts, 2 + _BY_PART[1] * parts + 1
    matches = voice + PITCH_CANDIDATES + SHOWN_INTERVALS
    gone = _silenced(
        piece,
        v,
        {
            "voice": [
                *range(voice, voice + PITCH_CANDIDATES),
                *range(matches, matches + PITCH_CANDIDATES),
            ],
            "note": list(range(note, note + 2 * DURATION_CANDIDATES)),
            "after": list(range(2 + parts, 5 + parts)),
        },
    )
    return _with(
        gone,
        pitch_candidates=np.full_like(c.pitch_candidates, -1),
        duration_candidates=np.full_like(c.duration_candidates, -1),
        pitch_matches=np.zeros_like(c.pitch_matches),
        duration_matches=np.zeros_like(c.duration_matches),
    )


def _others(piece: Piece, v: Vocabulary) -> Piece:
    """How the other parts stand to the part and to its note, as intervals."""
    voice, note = (range(n * len(v.parts)) for n in _BY_PART)
    return _silenced(piece, v, {"voice": [_OWN + n for n in voice], "note": [2 + n for n in note]})


def _histograms(piece: Piece, _: Vocabulary) -> Piece:
    """Of what pitch classes the past was made."""
    c = piece.context
    return _with(
        piece,
        voice_shares=np.zeros_like(c.voice_shares),
        note_shares=np.zeros_like(c.note_shares),
    )


def _motions(piece: Piece, _: Vocabulary) -> Piece:
    """Which motion of counterpoint each pitch would make."""
    return _with(piece, motion_ids=np.full_like(piece.context.motion_ids, MOTION_IDS))


def _sonorities(piece: Piece, _: Vocabulary) -> Piece:
    """Which chord each pitch would make."""
    return _with(piece, sonority_ids=np.full_like(piece.context.sonority_ids, SONORITIES))


def _intervals(piece: Piece, _: Vocabulary) -> Piece:
    """Pitches as steps from the part's last one; what is said of steps is said of pitches then."""
    return _with(piece, reference=np.full_like(piece.context.reference, MIDDLE_C))


WITHOUT: Mapping[str, Callable[[Piece, Vocabulary], Piece]] = {
    "recall": _recall,
    "others": _others,
    "histograms": _histograms,
    "motions": _motions,
    "sonorities": _sonorities,
    "intervals": _intervals,
}


@contextmanager
def without(names: tuple[str, ...]) -> Iterator[None]:
    """Train and judge without some of :data:`WITHOUT`."""

    def poorer(encoded: Any, vocabulary: Vocabulary, **known: Any) -> Piece:
        piece = prepare(encoded, vocabulary, **known)
        for name in names:
            piece = WITHOUT[name](piece, vocabulary)
        return piece

    readers = ("musiclstm.training.batches.prepare", "musiclstm.model.decoder.prepare")
    with ExitStack() as patched:
        for reader in readers if names else ():
            patched.enter_context(patch(reader, poorer))
        yield
