"""A piece of which stretches are open (:mod:`.frame`), drawn by particles (:mod:`.particles`).

What is given is written back as it came.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from musiclstm.encoding import Conditions, Encoded, Field
from musiclstm.errors import RequestError
from musiclstm.generation.frame import Frame, Region, given_rows, heads
from musiclstm.generation.habits import Habits
from musiclstm.generation.manner import bundle_sampling
from musiclstm.generation.particles import Particles, Swarm, begin, rows_before
from musiclstm.generation.primer import Primer, rows_read_from, steps_of
from musiclstm.generation.rules import SoftRules, bar_line
from musiclstm.generation.sampling import Sampling
from musiclstm.generation.steering import Steering
from musiclstm.generation.stretches import Chosen, bars_of, chords_of, end_of, inside
from musiclstm.generation.wishes import Wishes, check_wishes, ranges_of, sheet_of
from musiclstm.generation.written import written_back
from musiclstm.model import Bundle
from musiclstm.score import Column, Part, Score

IntArray = npt.NDArray[np.int32]
BoolArray = npt.NDArray[np.bool_]
Progress = Callable[[int, int, float], None]

PARTICLES = 64
MOST_PARTICLES = 1024
_LISTEN = 4  # bars after a stretch whose likelihood says how well it joins
NO_WISHES = Wishes()
SHARPNESS = {Field.PITCH: 0.5, Field.DURATION: 0.0}


@dataclass(frozen=True, eq=False)
class Rewriting:
    """A piece around what was given.

    Attributes:
        reading: The piece as it is now, and as the model reads it.
        new: Which of its notes are new, bool ``(notes,)``.
        conditions: What the model was told.
        effective: How many effective particles there were wherever they were compared.
        particles: How many there were.
        regions: What was open.
    """

    reading: Primer
    new: BoolArray
    conditions: Conditions
    effective: npt.NDArray[np.float64]
    particles: int
    regions: tuple[Region, ...]

    @property
    def score(self) -> Score:
        """The music."""
        return self.reading.given


@dataclass(frozen=True)
class Manner:
    """How something is rewritten.

    Attributes:
        seed: >= 0.
        index: Number of the piece in the request; seed and index alone decide it.
        particles: How many ways are drawn at once, 1-1024; 1 is plain forcing.
        sampling: How each field is drawn; None: the bundle's own.
        progress: Called with (marks passed, all marks, effective particles).
    """

    seed: int = 0
    index: int = 0
    particles: int = PARTICLES
    sampling: dict[Field, Sampling] | None = None
    progress: Progress | None = None

    def __post_init__(self) -> None:
        if not 1 <= self.particles <= MOST_PARTICLES:
            raise RequestError(
                f"{self.particles} particles cannot be drawn; ask for 1 to {MOST_PARTICLES}"
            )
        if self.seed < 0:
            raise RequestError(f"seed {self.seed} is negative; use 0 or more")


USUAL = Manner()


@dataclass(frozen=True)
class _Task:
    """What is to be drawn, of which piece and with which model.

    Attributes:
        bundle: The model.
        primer: The piece.
        regions: What is open of it.
        places: Given parts of which notes give way there.
        held: Which rows of the piece that are notes stay even there, bool ``(rows,)``.
        conditions: What the model is told.
        part_map: Model parts that take part.
    """

    bundle: Bundle
    primer: Primer
    regions: tuple[Region, ...]
    places: frozenset[int]
    held: BoolArray
    conditions: Conditions
    part_map: tuple[int, ...]

    @property
    def piece(self) -> Encoded:
        """The piece as the model reads it."""
        return self.primer.encoded

    @property
    def keep(self) -> str:
        """What is kept of the notes that give way."""
        return self.regions[0].keep if self.regions else ""


def rewrite(
    bundle: Bundle,
    primer: Primer,
    regions: Sequence[Region],
    manner: Manner,
    wishes: Wishes,
    chosen: Chosen | None = None,
) -> Rewriting:
    """Draw what is open of a piece.

    Args:
        bundle: A trained model.
        primer: The piece.
        regions: What is open of it; of all of them the same is kept.
        manner: Seed, particles and so on.
        wishes: What is wished for.
        chosen: The given parts that are open there; by default all that are read as its parts.

    Raises:
        RequestError: If a wish cannot be met, or no way through was found.
    """
    check_wishes(wishes, bundle.vocabulary)
    if wishes.meter is not None or wishes.bars is not None:
        raise RequestError("the piece has its own meter and length; leave both to it")
    task = _task(bundle, primer, regions, wishes, chosen)
    swarm, marks, to_the_end = _begun(task, wishes)
    particles = Particles(
        bundle.decoder,
        manner.sampling or bundle_sampling(bundle),
        Habits.of_bundle(bundle),
        SHARPNESS,
        np.random.default_rng([manner.seed, manner.index]),
        task.conditions.key.tonic if task.conditions.key else None,
    )
    found = particles.draw(swarm, manner.particles, marks, to_the_end, manner.progress)
    reading, new = _written(task, found.rows)
    return Rewriting(reading, new, task.conditions, found.effective, manner.particles, task.regions)


def _task(
    bundle: Bundle,
    primer: Primer,
    regions: Sequence[Region],
    wishes: Wishes,
    chosen: Chosen | None,
) -> _Task:
    piece = primer.encoded
    key = wishes.key.transposed(primer.semitones) if wishes.key else piece.conditions.key
    given = Chosen.all_of(primer).given
    places = given if chosen is None else chosen.given
    return _Task(
        bundle=bundle,
        primer=primer,
        regions=tuple(regions),
        places=places,
        held=rows_read_from(primer, given - places, bundle.vocabulary),
        conditions=replace(
            piece.conditions,
            style=wishes.style,
            key=key,
            tempo=wishes.tempo or piece.conditions.tempo,
        ),
        part_map=tuple(sorted({*piece.part_map, *(region.part for region in regions)})),
    )


def _begun(task: _Task, wishes: Wishes) -> tuple[Swarm, list[int], bool]:
    """A particle before the first open step; the marks; and whether it goes on to END."""
    bundle, v, piece = task.bundle, task.bundle.vocabulary, task.piece
    meter_map, q, bars = piece.meter_map, v.steps_per_quarter, bars_of(task.primer)
    chords = chords_of(piece, v)
    # beside what another part of the same kind plays there is room for one more
    chords[np.unique(given_rows(piece, v)[0][task.held, Field.PART])] += 1
    frame = _frame(task, chords)
    end = max(end_of(piece, v), frame.ends)
    state = bundle.decoder.start(task.conditions, task.part_map, 1, meter_map=meter_map)
    ranges = ranges_of(wishes, bundle, task.primer.semitones)
    silence = Habits.of_bundle(bundle).silence
    rules = SoftRules.start(v, [meter_map], [None], (), ranges, silence)
    rules.abilities = rules.abilities.widened(chords, frame.queued)
    rules.end[:], rules.last_bar[:] = end, bar_line(meter_map, bars - 1, q)
    sheet = sheet_of(
        wishes,
        v,
        meter_map,
        bars,
        task.conditions.key,
        semitones=task.primer.semitones,
        begins=frame.begins,
        end=end,
    )
    before = rows_before(piece.events, frame.begins, v)
    swarm = begin(bundle.decoder, state, rules, frame, Steering.start([sheet], v), before)
    lines = [bar_line(meter_map, bar, q) for bar in range(bars + 2)]
    after = [line for line in lines if line >= frame.ends]
    horizon = after[min(_LISTEN, len(after) - 1)] if after else end
    to_the_end = not (frame.onset >= frame.ends).any()
    marks = [mark for mark in frame.marks(lines) if mark < horizon or to_the_end]
    return swarm, marks, to_the_end


def _frame(task: _Task, chords: IntArray) -> Frame:
    """What is given around what is open.

    Args:
        task: What is to be drawn.
        chords: How many notes each model part sounds at once, ``(parts,)``.
    """
    v, nats = task.bundle.vocabulary, None
    if task.keep == "pitch":
        nats = task.bundle.decoder.score(task.piece, task.conditions)[:, Field.PITCH]
        nats = nats[task.piece.events[:, Field.SHIFT] <= v.max_shift]
    return Frame.of(task.piece, task.regions, v, alone=chords <= 1, held=task.held, nats=nats)


def _written(task: _Task, rows: IntArray) -> tuple[Primer, BoolArray]:
    """The given notes as they came, and the new ones where the stretches are."""
    v, primer = task.bundle.vocabulary, task.primer
    before = rows_before(primer.encoded.events, min(of.start for of in task.regions), v)
    now = int(v.steps_of(before[:, Field.SHIFT]).sum())
    onset = (now + np.cumsum(v.steps_of(rows[:, Field.SHIFT]))).astype(np.int32)
    has_note = rows[:, Field.SHIFT] <= v.max_shift
    rows, onset = rows[has_note], onset[has_note]
    new = inside(rows[:, Field.PART], onset, task.regions) & ~_among(rows, onset, task)
    return written_back(
        primer,
        rows[new],
        onset[new],
        v,
        _gone(task),
        {n: Part(v.parts[n].program, v.parts[n].is_drum, v.parts[n].name) for n in task.part_map},
        homes=task.places,
        keep=task.keep,
    )


def _among(rows: IntArray, onset: IntArray, task: _Task) -> BoolArray:
    """Which rows are held ones, bool ``(rows,)``."""
    v = task.bundle.vocabulary
    if not task.held.any():
        return np.zeros(len(rows), bool)
    given, steps = given_rows(task.piece, v)
    columns = [Field.PART, Field.PITCH]
    held = np.column_stack([steps, given[:, columns]])[task.held & heads(given, v)]
    places = set(map(tuple, held.tolist()))
    here = np.column_stack([onset, rows[:, columns]]).tolist()
    first = np.maximum.accumulate(np.where(heads(rows, v), np.arange(len(rows)), 0))
    found: BoolArray = np.array([tuple(place) in places for place in here], bool)[first]
    return found


def _gone(task: _Task) -> BoolArray:
    """Which given notes give way, bool ``(notes,)``."""
    given = task.primer.given
    part = given.notes[:, Column.PART]
    goal = np.array([-1 if of is None else of for of in task.primer.goals], np.int32)[part]
    steps = steps_of(given, task.bundle.vocabulary.steps_per_quarter)
    here, own = inside(goal, steps, task.regions), np.isin(part, list(task.places))
    if task.keep:  # what sounds in unison with a note that stays is not told from it
        where = np.column_stack([goal, steps, given.notes[:, Column.PITCH]]).tolist()
        stays = {tuple(where[number]) for number in np.flatnonzero(here & ~own).tolist()}
        own &= np.array([tuple(place) not in stays for place in where], bool)
    return here & own
