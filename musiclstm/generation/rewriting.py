"""Music around what is given: harmonise a melody, write a stretch anew, vary a piece.

All three are one thing: a piece of which stretches are open (:mod:`.frame`), drawn by particles
(:mod:`.particles`). What is given is written back as it came.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from musiclstm.encoding import Conditions, Field
from musiclstm.errors import RequestError
from musiclstm.generation.frame import Frame, Region, given_rows
from musiclstm.generation.habits import Habits
from musiclstm.generation.manner import bundle_sampling
from musiclstm.generation.particles import Found, Particles, begin, rows_before
from musiclstm.generation.primer import Primer, fit, steps_of, written_back
from musiclstm.generation.rules import SoftRules, bar_line
from musiclstm.generation.sampling import Sampling
from musiclstm.generation.steering import Steering
from musiclstm.generation.stretches import (
    bars_of,
    chords_of,
    end_of,
    inside,
    melody_parts,
    named_parts,
    runs,
    stretch,
)
from musiclstm.generation.wishes import Wishes, check_wishes, ranges_of, sheet_of
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


def harmonize(
    bundle: Bundle,
    melody: Score,
    parts: Sequence[str] = (),
    manner: Manner = Manner(),
    wishes: Wishes = NO_WISHES,
) -> Rewriting:
    """Add the other parts of a model to a melody, or to several.

    Args:
        bundle: A trained model of at least two parts.
        melody: The given parts; all that has notes is kept.
        parts: Model parts that they are to be, in order; by default the highest one for a single
            part, and the likest for several.
        manner: Seed, particles and so on.
        wishes: What is wished for; the meter and the length are the piece's own.

    Raises:
        RequestError: If there is no melody, or it is none that this part can play.
    """
    v = bundle.vocabulary
    if len(v.parts) < 2:
        raise RequestError(f"{bundle.name} has one part only, {v.parts[0].name}; nothing to add")
    names = melody_parts(melody, parts, v)
    primer = fit(melody, v, ranges_of(wishes, bundle), names)
    end = end_of(primer.encoded, v)
    held = set(given_rows(primer.encoded, v)[0][:, Field.PART].tolist())
    regions = [Region(part, 0, end) for part in range(len(v.parts)) if part not in held]
    if not regions:
        raise RequestError(f"all parts of {bundle.name} are given; nothing is left to add")
    return rewrite(bundle, primer, regions, manner, wishes)


def infill(
    bundle: Bundle,
    piece: Score,
    bars: tuple[int, int],
    parts: Sequence[str] = (),
    manner: Manner = Manner(),
    wishes: Wishes = NO_WISHES,
) -> Rewriting:
    """Write a stretch of a piece anew, so that it joins at both ends.

    Args:
        bundle: A trained model.
        piece: Any piece.
        bars: First and last bar, inclusive; 1 is the first full bar, 0 the pickup.
        parts: Names of parts, of the piece or of the model; by default all that the piece has.
        manner: Seed, particles and so on.
        wishes: What is wished for; the meter and the length are the piece's own.

    Raises:
        RequestError: If the bars or parts are not in the piece.
    """
    v = bundle.vocabulary
    primer = fit(piece, v, ranges_of(wishes, bundle))
    start, end = stretch(primer, bars, v)
    end = min(end, end_of(primer.encoded, v))
    regions = [Region(part, start, end) for part in named_parts(parts, primer, v)]
    return rewrite(bundle, primer, regions, manner, wishes)


def vary(
    bundle: Bundle,
    piece: Score,
    keep: str,
    amount: float = 1.0,
    parts: Sequence[str] = (),
    manner: Manner = Manner(),
    wishes: Wishes = NO_WISHES,
) -> Rewriting:
    """Keep the rhythm of a piece and draw new pitches, or keep its pitches and draw a new rhythm.

    Args:
        bundle: A trained model.
        piece: Any piece.
        keep: ``"rhythm"`` or ``"pitch"``. With the latter each part's pitches are a queue that its
            next note must take from.
        amount: Share of the bars that is rewritten, above 0 to 1; which ones chance decides.
        parts: Names of parts, of the piece or of the model; by default all that the piece has.
        manner: Seed, particles and so on.
        wishes: What is wished for; the meter and the length are the piece's own.

    Raises:
        RequestError: If the amount or a part is none.
    """
    if keep not in ("rhythm", "pitch"):
        raise RequestError(f"{keep!r} cannot be kept; keep 'rhythm' or 'pitch'")
    if not 0 < amount <= 1:
        raise RequestError(f"an amount of {amount:g} is out of range; use more than 0, at most 1")
    v = bundle.vocabulary
    primer = fit(piece, v, ranges_of(wishes, bundle))
    bars = bars_of(primer)
    first = 0 if primer.encoded.meter_map.pickup_steps else 1
    numbers = np.arange(first, bars + 1)
    rng = np.random.default_rng([manner.seed, manner.index, 1])
    count = max(1, round(amount * len(numbers)))
    chosen = np.sort(rng.permutation(numbers)[:count]).tolist()
    end = end_of(primer.encoded, v)
    regions = []
    for begins, ends in runs(chosen):
        start, stop = stretch(primer, (begins, ends), v)
        regions += [
            Region(part, start, min(stop, end), keep) for part in named_parts(parts, primer, v)
        ]
    return rewrite(bundle, primer, regions, manner, wishes)


def rewrite(
    bundle: Bundle, primer: Primer, regions: Sequence[Region], manner: Manner, wishes: Wishes
) -> Rewriting:
    """Draw what is open of a piece.

    Args:
        bundle: A trained model.
        primer: The piece.
        regions: What is open of it.
        manner: Seed, particles and so on.
        wishes: What is wished for.

    Raises:
        RequestError: If a wish cannot be met.
    """
    v, piece = bundle.vocabulary, primer.encoded
    check_wishes(wishes, v)
    if wishes.meter is not None or wishes.bars is not None:
        raise RequestError("the piece has its own meter and length; leave both to it")
    key = wishes.key.transposed(primer.semitones) if wishes.key else piece.conditions.key
    conditions = replace(
        piece.conditions,
        style=wishes.style,
        key=key,
        tempo=wishes.tempo or piece.conditions.tempo,
    )
    chords = chords_of(piece, v)
    frame = Frame.of(piece, regions, v, alone=chords <= 1)
    end = max(end_of(piece, v), frame.ends)
    habits = Habits.of_bundle(bundle)
    meter_map = piece.meter_map
    bars = bars_of(primer)
    part_map = sorted({*piece.part_map, *(region.part for region in regions)})
    rng = np.random.default_rng([manner.seed, manner.index])
    state = bundle.decoder.start(conditions, part_map, 1, meter_map=meter_map)
    ranges = ranges_of(wishes, bundle, primer.semitones)
    rules = SoftRules.start(v, [meter_map], [None], (), ranges, habits.silence)
    rules.abilities = rules.abilities.widened(chords)
    rules.end[:], rules.last_bar[:] = end, bar_line(meter_map, bars - 1, v.steps_per_quarter)
    sheet = sheet_of(
        wishes,
        v,
        meter_map,
        bars,
        key,
        semitones=primer.semitones,
        begins=frame.begins,
        end=end,
    )
    steering = Steering.start([sheet], v)
    swarm = begin(
        bundle.decoder, state, rules, frame, steering, rows_before(piece.events, frame.begins, v)
    )
    lines = [bar_line(meter_map, bar, v.steps_per_quarter) for bar in range(bars + 2)]
    marks = frame.marks(lines)
    after = [line for line in lines if line >= frame.ends]
    horizon = after[min(_LISTEN, len(after) - 1)] if after else end
    to_the_end = not (frame.onset >= frame.ends).any()
    marks = [mark for mark in marks if mark < horizon or to_the_end]
    particles = Particles(
        bundle.decoder,
        manner.sampling or bundle_sampling(bundle),
        habits,
        SHARPNESS,
        rng,
        key.tonic if key else None,
    )
    found = particles.draw(swarm, manner.particles, marks, to_the_end, manner.progress)
    return _written(bundle, primer, regions, conditions, found, manner, part_map)


def _written(
    bundle: Bundle,
    primer: Primer,
    regions: Sequence[Region],
    conditions: Conditions,
    found: Found,
    manner: Manner,
    part_map: Sequence[int],
) -> Rewriting:
    """The given notes as they came, and the new ones where the stretches are."""
    v, given = bundle.vocabulary, primer.given
    before = rows_before(primer.encoded.events, min(region.start for region in regions), v)
    now = int(v.steps_of(before[:, Field.SHIFT]).sum())
    onset = (now + np.cumsum(v.steps_of(found.rows[:, Field.SHIFT]))).astype(np.int32)
    own = found.rows[:, Field.SHIFT] <= v.max_shift
    own &= inside(found.rows[:, Field.PART], onset, regions)
    goals = np.array([-1 if goal is None else goal for goal in primer.goals], np.int32)
    steps = steps_of(given, v.steps_per_quarter)
    gone = inside(goals[given.notes[:, Column.PART]], steps, regions)
    names = {n: Part(of.program, of.is_drum, of.name) for n, of in enumerate(v.parts)}
    reading, new = written_back(
        primer,
        found.rows[own],
        onset[own],
        v,
        gone,
        {part: names[part] for part in part_map},
        rhythm_kept=any(region.keep == "rhythm" for region in regions),
    )
    return Rewriting(reading, new, conditions, found.effective, manner.particles, tuple(regions))
