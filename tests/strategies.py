"""Hypothesis strategies: random music that keeps every rule of `Score` and bends all others.

The scores have chords and long rests, notes longer than eight quarters, empty parts, two parts
with one program, drums, pickups, meters that change in the middle of a bar, and dense tempo maps.
"""

from hypothesis import strategies as st

from musiclstm.score import Key, Meter, MeterMap, Part, Score, Tempo

# coarse, odd, the default, a performance grid: what is a multiple of 24 must never be assumed
GRIDS = (24, 24, 24, 12, 4, 1, 7, 480)

# 24 steps a quarter make a whole note 96 steps and eight quarters 192
_SHIFTS = st.one_of(
    st.just(0),  # chords
    st.sampled_from([6, 8, 12, 24]),
    st.integers(0, 96),
    st.integers(97, 1000),  # rests beyond a whole note
)
_DURATIONS = st.one_of(
    st.sampled_from([6, 8, 12, 24]),
    st.integers(1, 192),
    st.integers(193, 1500),  # notes beyond eight quarters
)
_NAMES = st.one_of(
    st.sampled_from(["", "", "Soprano", "Bass", "Piano right", "Flöte", "Скрипка", "三味線"]),
    st.text(st.characters(categories=["L", "N", "P", "S"]), max_size=12),
)


@st.composite
def parts(draw: st.DrawFn) -> Part:
    """One part: drums now and then, and few programs, so that two parts often share one."""
    is_drum = draw(st.sampled_from([False, False, False, True]))
    program = 0 if is_drum else draw(st.sampled_from([0, 0, 40, 127]))
    return Part(program=program, is_drum=is_drum, name=draw(_NAMES))


def keys() -> st.SearchStrategy[Key | None]:
    """Any key, or none."""
    return st.one_of(st.none(), st.integers(0, 23).map(Key.from_index))


@st.composite
def meters(draw: st.DrawFn, step: int = 0) -> Meter:
    """A meter that music has, compound and odd ones among them."""
    numerator, denominator = draw(
        st.sampled_from(
            [(4, 4), (3, 4), (2, 4), (6, 8), (2, 2), (5, 4), (7, 8), (12, 8), (3, 2), (5, 16)]
        )
    )
    return Meter(step, numerator, denominator)


@st.composite
def meter_maps(draw: st.DrawFn, steps_per_quarter: int = 24) -> MeterMap:
    """Unspecified, or up to four meters, with or without a pickup shorter than the first bar."""
    if draw(st.booleans()):
        return MeterMap()
    first = draw(meters())
    bar_steps = first.bar_steps(steps_per_quarter)
    pickup_steps = draw(st.one_of(st.just(0), st.integers(0, bar_steps - 1)))
    changes = [first]
    step = pickup_steps
    for _ in range(draw(st.integers(0, 3))):
        length = changes[-1].bar_steps(steps_per_quarter)
        bars = draw(st.integers(1, 4))
        # one change in three cuts a bar short
        cut = draw(st.sampled_from([0, 0, 1])) * draw(st.integers(0, length - 1))
        step += bars * length - cut
        changes.append(draw(meters(step)))
    return MeterMap(tuple(changes), pickup_steps)


@st.composite
def tempo_maps(draw: st.DrawFn, max_size: int = 8) -> tuple[Tempo, ...]:
    """None, one, or many tempos; the values are such as a MIDI file can say exactly."""
    steps = draw(st.lists(st.integers(1, 4000), max_size=max_size - 1, unique=True))
    if not steps and draw(st.booleans()):
        return ()
    # whole microseconds a quarter, 4 to 1000 bpm: what a file stores
    microseconds = st.one_of(st.sampled_from([500_000, 600_000]), st.integers(60_000, 15_000_000))
    return tuple(Tempo(step, 6e7 / draw(microseconds)) for step in [0, *sorted(steps)])


@st.composite
def scores(
    draw: st.DrawFn,
    *,
    min_parts: int = 1,
    max_parts: int = 5,
    min_notes: int = 0,
    max_notes: int = 40,
    steps_per_quarter: int | None = 24,
    performed: bool | None = None,
    min_pitch: int = 0,
    max_pitch: int = 127,
) -> Score:
    """A canonical score.

    Args:
        draw: Given by hypothesis.
        min_parts: Fewest parts; some may have no notes.
        max_parts: Most parts.
        min_notes: Fewest notes drawn; merging may leave fewer, but never none of some.
        max_notes: Most notes.
        steps_per_quarter: The grid; None draws one.
        performed: Whether it is flagged *performed*; None draws it.
        min_pitch: Lowest pitch.
        max_pitch: Highest pitch.
    """
    grid = draw(st.sampled_from(GRIDS)) if steps_per_quarter is None else steps_per_quarter
    players = draw(st.lists(parts(), min_size=min_parts, max_size=max_parts))
    # a few pitches come often, so that notes are struck again while they sound
    familiar = [pitch for pitch in (60, 62, 64, min_pitch) if min_pitch <= pitch <= max_pitch]
    note = st.tuples(
        _SHIFTS,
        _DURATIONS,
        st.one_of(st.sampled_from(familiar), st.integers(min_pitch, max_pitch)),
        st.integers(1, 127),
        st.integers(0, max(0, len(players) - 1)),
    )
    drawn = draw(st.lists(note, min_size=min_notes, max_size=max_notes)) if players else []
    onset = 0
    rows = []
    for shift, duration, pitch, velocity, part in drawn:
        onset += shift
        rows.append([onset, duration, pitch, velocity, part])
    free = draw(st.booleans()) if performed is None else performed
    score, _ = Score.build(
        rows,
        players,
        steps_per_quarter=grid,
        tempos=draw(tempo_maps()),
        meter_map=MeterMap() if free else draw(meter_maps(grid)),
        key=draw(keys()),
        style=draw(st.sampled_from(["", "folk"])),
        performed=free,
    )
    return score
