"""The nouns. Numbers enter and are checked; an immutable, canonical `Score` leaves.

Everything else in the program is a verb on these. NumPy and the standard library only.
"""

from musiclstm.score.key import Key
from musiclstm.score.meter import Meter, MeterMap, Places, Tempo
from musiclstm.score.notes import MAX_STEP, Column, NoteArray, Repairs, canonical
from musiclstm.score.score import DEFAULT_BPM, DEFAULT_STEPS_PER_QUARTER, Part, Score

__all__ = [
    "DEFAULT_BPM",
    "DEFAULT_STEPS_PER_QUARTER",
    "MAX_STEP",
    "Column",
    "Key",
    "Meter",
    "MeterMap",
    "NoteArray",
    "Part",
    "Places",
    "Repairs",
    "Score",
    "Tempo",
    "canonical",
]
