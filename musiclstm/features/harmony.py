"""Whether a piece keeps to chords that were asked for, and whether it closes.

Conventions: pitch classes are 0-11, C = 0; drums are left out.
"""

import numpy as np

from musiclstm.features.chord_symbols import Spans
from musiclstm.features.sounding import pitched_notes
from musiclstm.score import Column, Key, Score


def share_on_chords(score: Score, spans: Spans) -> float:
    """Measure how much of the notes' sounding time lies on the chord of its time.

    Every note counts with its own length: two parts in unison count twice.

    Args:
        score: Any piece.
        spans: Chords, on the score's grid. Time beyond them is not counted.

    Returns:
        0 to 1; 1 where nothing sounds in that time.

    >>> from musiclstm.features.chord_symbols import chord_spans, parse_progression
    >>> from musiclstm.score import MeterMap, Part
    >>> score = Score([[0, 96, 60, 80, 0], [72, 48, 62, 80, 0]], (Part(),))
    >>> spans = chord_spans(parse_progression("C | G"), MeterMap(), 2, 24)
    >>> round(share_on_chords(score, spans), 3)  # of 144 steps the D is foreign to C for 24
    0.833
    """
    fits = np.zeros((len(spans.chords), 12), bool)
    for number, chord in enumerate(spans.chords):
        fits[number, list(chord.pitch_classes)] = True
    notes = pitched_notes(score)
    onset = notes[:, Column.ONSET][:, None]
    end = onset + notes[:, Column.DURATION][:, None]
    # how long each note sounds in each span
    lasts = np.minimum(end, spans.end) - np.maximum(onset, spans.start)
    lasts = np.maximum(lasts, 0)
    on = (lasts * fits[:, notes[:, Column.PITCH] % 12].T).sum()
    return float(on / lasts.sum()) if lasts.sum() else 1.0


def is_cadence(score: Score, key: Key) -> bool:
    """Whether a piece ends on its tonic chord, on a strong beat.

    What sounds at the end has the tonic as its lowest note and no note beside those of the tonic
    triad; in minor the third may be raised, as it was until Bach's time and beyond. The last onset
    stands at the beginning of a bar, or in the middle of one of four beats; of the two beats of 2/4
    or 6/8 the second is weak.

    Source for strong beats: F. Lerdahl and R. Jackendoff, "A Generative Theory of Tonal Music"
    (1983), ch. 4: metrical structure.

    Args:
        score: Any piece.
        key: Whose tonic.

    >>> from musiclstm.score import Part
    >>> is_cadence(Score([[96, 96, 48, 80, 0], [96, 96, 64, 80, 0]], (Part(),)), Key(0))
    True
    """
    notes = pitched_notes(score)
    if not len(notes):
        return False
    last = int(notes[:, Column.ONSET].max())
    sounding = notes[notes[:, Column.ONSET] + notes[:, Column.DURATION] > last]
    above = (sounding[:, Column.PITCH] - key.tonic) % 12
    thirds = (3, 4) if key.mode == "minor" else (4,)
    closes = np.isin(above, (0, *thirds, 7)).all() and len(set(above.tolist()) & {3, 4}) < 2
    on_tonic = int(sounding[:, Column.PITCH].min()) % 12 == key.tonic
    place = score.meter_map.locate(last, score.steps_per_quarter)
    position, bar, beat = int(place.position), int(place.bar_steps), int(place.beat_steps)
    strong = position == 0 or (bar == 4 * beat and position == 2 * beat)
    return bool(closes and on_tonic and strong)
