"""Tunes to copy and to compare, and the copy check of a few of them."""

import numpy as np

from musiclstm.encoding import build_vocabulary, encode
from musiclstm.generation import CopyCheck, novelty_arrays
from musiclstm.score import Key, Meter, MeterMap, Part, Score

COMMON = MeterMap((Meter(0, 4, 4),))
CHOIR = (Part(52, name="high"), Part(52, name="middle"), Part(52, name="low"))


def check_of(corpus, *, vocabulary=None):
    """The copy check of a corpus."""
    v = vocabulary or build_vocabulary(corpus)
    return CopyCheck(novelty_arrays([encode(score, v) for score in corpus], v), v)


def walk(seed, length=40):
    """A random tune; two of them share no run."""
    return np.random.default_rng(seed).integers(48, 84, length).tolist()


def melody(pitches, name="", *, lengths=None, start=0, **attributes):
    """A piece of one part, in quarters if nothing else is said."""
    lengths = [24] * len(pitches) if lengths is None else lengths
    onsets = start + np.concatenate([[0], np.cumsum(lengths)[:-1]])
    rows = [[o, d, p, 80, 0] for o, d, p in zip(onsets, lengths, pitches, strict=True)]
    return piece(rows, [Part(name="tune")], name, **attributes)


def voices(tunes, name="", *, start=0, parts=CHOIR, **attributes):
    """A piece of several parts in quarters; a part may be empty."""
    rows = [
        [start + 24 * number, 24, pitch, 80, part]
        for part, pitches in enumerate(tunes)
        for number, pitch in enumerate(pitches)
    ]
    return piece(rows, parts, name, **attributes)


def piece(rows, parts, name="", **attributes):
    """A piece of any notes, in common time."""
    attributes.setdefault("meter_map", COMMON)
    score, _ = Score.build(
        np.array(rows, int).reshape(-1, 5), parts, source=name, key=Key(0), **attributes
    )
    return score
