"""The JSB chorales as their file has them, and as `Score`s.

A piece is a grid of sixteenths by four voices, S-A-T-B. Equal neighbours in a voice are one held
note, so that a score says neither more nor less than its grid does; meter, key and tempo are
unspecified.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.jsb_overlap import RUN, SOPRANO, intervals, runs
from musiclstm.errors import UnreadableFileError
from musiclstm.score import Part, Score

SPLITS = ("train", "valid", "test")
VOICES = ("soprano", "alto", "tenor", "bass")
STEPS_PER_QUARTER = 4
SILENCE = -1
CHOIR, VELOCITY = 52, 80  # General MIDI's voice "aahs", mezzo-forte: the grid says neither

Grid = npt.NDArray[np.int64]


def read_grids(path: Path) -> dict[str, list[Grid]]:
    """Read the chorales.

    Args:
        path: ``Jsb16thSeparated.json``.

    Returns:
        For each of :data:`SPLITS` its pieces, int64 ``(T, 4)``: the pitch of each voice at each
        sixteenth, or -1 where it is silent.

    Raises:
        UnreadableFileError: If the file is not what it should be.
    """
    try:
        data = json.loads(path.read_bytes())
    except OSError as error:
        raise UnreadableFileError(f"{path}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise UnreadableFileError(f"{path} is no JSON: {error}") from error
    grids = {}
    for split in SPLITS:
        pieces = data.get(split) if isinstance(data, dict) else None
        if not isinstance(pieces, list) or not pieces:
            raise UnreadableFileError(f"{path} has no pieces under {split!r}")
        grids[split] = [
            _checked(piece, f"{path}: piece {number} of {split!r}")
            for number, piece in enumerate(pieces)
        ]
    return grids


def _checked(piece: Any, name: str) -> Grid:
    try:
        grid = np.array(piece)
    except (ValueError, OverflowError) as error:
        raise UnreadableFileError(f"{name} has steps of unequal length") from error
    if grid.ndim != 2 or grid.shape[1] != len(VOICES) or grid.dtype.kind != "i":
        raise UnreadableFileError(f"{name} is no grid of four whole numbers a step")
    for pitch in (int(grid.min()), int(grid.max())):
        if not SILENCE <= pitch <= 127:
            raise UnreadableFileError(f"{name} has the pitch {pitch}; use -1 to 127")
    if (grid[-1] == SILENCE).all():  # rows end with the last note: they could not say it
        raise UnreadableFileError(f"{name} ends in silence; cut that off")
    return grid.astype(np.int64)


def score_of(grid: Grid, source: str = "") -> Score:
    """The music of a grid.

    Args:
        grid: ``(T, 4)``.
        source: Its name.
    """
    notes = []
    for voice, pitches in enumerate(grid.T):
        onsets = np.flatnonzero(np.diff(pitches, prepend=SILENCE - 1))
        lengths = np.diff(onsets, append=len(pitches))
        sounds = pitches[onsets] != SILENCE
        for onset, length in zip(onsets[sounds], lengths[sounds], strict=True):
            notes.append([onset, length, pitches[onset], VELOCITY, voice])
    parts = [Part(program=CHOIR, name=name) for name in VOICES]
    return Score.build(notes, parts, steps_per_quarter=STEPS_PER_QUARTER, source=source)[0]


def overlapping(pieces: Sequence[Grid], training: Sequence[Grid]) -> dict[str, int]:
    """How many pieces share a run of soprano intervals with a training piece.

    How long a run is, :mod:`.jsb_overlap` says.

    Returns:
        ``anywhere``: a run of the one stands somewhere in the other. ``opening``: they begin with
        the same run.
    """
    lines, known = (
        [intervals(grid[:, SOPRANO].tolist()) for grid in grids] for grids in (pieces, training)
    )
    anywhere = set().union(*(runs(line) for line in known))
    openings = {line[:RUN] for line in known}
    return {
        "anywhere": sum(not anywhere.isdisjoint(runs(line)) for line in lines),
        "opening": sum(line[:RUN] in openings for line in lines),
    }
