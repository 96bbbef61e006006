"""Music without end: one piece after another, each note as soon as its onset is decided.

What has been heard cannot be taken back. A piece that runs into trouble goes on hotter from where
it is, instead of going back (:mod:`.guard`); and its last two bars come once one of its endings has
been taken. Each piece has a plan of its own, drawn from the corpus, and begins at the barline where
the one before it ends: nothing of the one before is carried over, so the music cannot drift away,
and hours of it need the memory of one piece.
"""

from collections.abc import Iterator, Mapping
from itertools import count
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from musiclstm.encoding import Field, Vocabulary
from musiclstm.encoding.rows import velocity_of
from musiclstm.generation.compose import asked_of, sampling_of
from musiclstm.generation.loops import onsets_of
from musiclstm.generation.manner import bundle_resampling
from musiclstm.generation.play import Play, take_ending
from musiclstm.generation.resampling import Resampling
from musiclstm.generation.rules import bar_line
from musiclstm.generation.sampling import Sampling
from musiclstm.generation.wishes import Plan, Wishes, plan_piece
from musiclstm.model import Bundle
from musiclstm.score import Part

EventArray = npt.NDArray[np.int32]


class StreamedNote(NamedTuple):
    """A note, and what a player needs to know of it.

    Attributes:
        onset: In steps since the beginning of the stream.
        duration: In steps, 1 up; a drum hit lasts one.
        pitch: MIDI.
        velocity: 1-127.
        part: Name of the model part that plays it.
        program: General MIDI program, 0-127.
        is_drum: Whether the pitch is a key of a drum kit.
        onset_seconds: The onset at the tempos of the pieces so far.
        duration_seconds: The duration at the tempo of its piece.
        piece: Number of the piece that it belongs to, from 0.
    """

    onset: int
    duration: int
    pitch: int
    velocity: int
    part: str
    program: int
    is_drum: bool
    onset_seconds: float
    duration_seconds: float
    piece: int


def stream(
    bundle: Bundle,
    *,
    seed: int = 0,
    sampling: Sampling | Mapping[Field, Sampling] | None = None,
    resampling: Resampling | None = None,
    **wishes: Any,
) -> Iterator[StreamedNote]:
    """Compose for as long as somebody listens.

    Nothing is composed before it is asked for::

        for note in stream(load_bundle("chorales"), seed=1, key=Key.parse("A minor")):
            play(note.pitch, note.velocity, at=note.onset_seconds)

    Args:
        bundle: A trained model.
        seed: >= 0. Each piece depends on it and on the piece's number.
        sampling: As in :func:`~.compose.compose`.
        resampling: The same.
        **wishes: Attributes of :class:`Wishes`, for all pieces. What is left open, ``bars`` too, is
            drawn for each.

    Returns:
        Notes without end, in the order of onsets; of one onset by part and pitch. The same seed
        gives the same ones on the same machine and version.

    Raises:
        RequestError: If a wish cannot be met, at once.
    """
    asked = asked_of(bundle, seed, wishes)
    drawing, taking = sampling_of(bundle, sampling), resampling or bundle_resampling(bundle)
    return _pieces(bundle, seed, asked, drawing, taking)


def _pieces(
    bundle: Bundle,
    seed: int,
    wishes: Wishes,
    drawing: Mapping[Field, Sampling],
    taking: Resampling,
) -> Iterator[StreamedNote]:
    """The notes of piece after piece."""
    q, begins, begins_seconds = bundle.vocabulary.steps_per_quarter, 0, 0.0
    for number in count():
        rng = np.random.default_rng([seed, number])
        plan = plan_piece(bundle, wishes, rng)
        step_seconds = 60 / plan.tempo / q
        over = 1
        notes = _notes(bundle, plan, wishes, rng, drawing, taking)
        for part, onset, duration, pitch, velocity in notes:
            over = max(over, onset + duration)
            yield StreamedNote(
                onset=begins + onset,
                duration=duration,
                pitch=pitch,
                velocity=velocity,
                part=part.name,
                program=part.program,
                is_drum=part.is_drum,
                onset_seconds=begins_seconds + onset * step_seconds,
                duration_seconds=duration * step_seconds,
                piece=number,
            )
        last_bar = int(plan.meter_map.locate(over - 1, q).bar)
        length = bar_line(plan.meter_map, last_bar + 1, q)
        begins += length
        begins_seconds += length * step_seconds


def _notes(
    bundle: Bundle,
    plan: Plan,
    wishes: Wishes,
    rng: np.random.Generator,
    drawing: Mapping[Field, Sampling],
    taking: Resampling,
) -> Iterator[tuple[Part, int, int, int, int]]:
    """Part, onset, duration, pitch and velocity of a piece's notes, as they are decided."""
    v, step = bundle.vocabulary, 0
    for rows in _decided(bundle, plan, wishes, rng, drawing, taking):
        step += int(v.steps_of(rows[:1, Field.SHIFT])[0])
        for place, pitch, duration, velocity in _struck(rows, plan, v):
            yield plan.parts[place], step, duration, pitch, velocity


def _decided(
    bundle: Bundle,
    plan: Plan,
    wishes: Wishes,
    rng: np.random.Generator,
    drawing: Mapping[Field, Sampling],
    taking: Resampling,
) -> Iterator[EventArray]:
    """The rows of a piece's onsets, ``(n, 5)`` each, as they are decided; WAITs and END alone."""
    play = Play(bundle, [plan], [rng], drawing, taking, wishes=wishes, goes_back=False)
    onsets = given = 0
    while play.ways:
        play.step()
        if len(play.ways) == 1 and not play.found[0]:  # there is one way, and no ending yet
            (way,) = play.ways
            for rows in way.rows[onsets:]:
                onsets, given = onsets + 1, given + len(rows)
                yield rows
    taken, _ = take_ending(play.found[0], plan, bundle, rng)
    if given < len(taken.rows):
        yield from onsets_of(taken.rows[given:])


def _struck(rows: EventArray, plan: Plan, v: Vocabulary) -> list[tuple[int, int, int, int]]:
    """Place of the part in the plan, pitch, duration and velocity of the notes of an onset."""
    found: list[tuple[int, int, int, int]] = []
    tied = False
    for shift, part, pitch, duration, velocity in rows.tolist():
        if shift > v.max_shift:  # a WAIT, or END
            continue
        before = found.pop()[2] if tied else 0  # a longer note has a row for every eight quarters
        steps = before + min(duration + 1, v.max_duration)
        found.append((plan.part_map.index(part), pitch, steps, int(velocity_of(velocity))))
        tied = duration == v.tie
    return sorted(found)
