"""Tempo, meter and key events -> the maps of a Score; and whether a file has a beat at all."""

import numpy as np
import numpy.typing as npt

from musiclstm.score import Key, Meter, MeterMap, Tempo
from musiclstm.score.meter import MAX_DENOMINATOR, MAX_NUMERATOR

Metas = tuple[tuple[int, int, bytes], ...]

TEMPO_META, METER_META, KEY_META = 0x51, 0x58, 0x59
_MICROSECONDS_PER_MINUTE = 60_000_000
MIN_BPM, MAX_BPM = 1, 1000  # as in Tempo
_DEFAULT_METER = Meter(0, 4, 4)  # MIDI's own, before any is written

# A file is *performed* when both ways of seeing a beat fail. Measured on 455 pop909, 517
# nottingham and 169 piano files, and on all of them with the beat stretched by a random factor,
# bent by 5% and jittered by 0.02 quarters:
# - the share of onsets near a 16th or triplet is 0.33 by chance and 0.27-0.44 in the bent copies,
#   1.0 in nottingham, 0.51 and more in piano; but 0.0-0.5 in pop909, which is played on a true
#   beat with one constant delay;
# - the concentration of onsets round any phase of the 16th or triplet (the length of the mean
#   vector, as in Rayleigh's test) forgives the delay: 0.4-1.0 in all but one pop909 file, below
#   0.2 (or 3.5 / sqrt(n) in short pieces, where chance is larger) in the bent copies.
MIN_ONSETS = 32  # fewer say nothing
MAX_SHARE = 0.45
MAX_CONCENTRATION = 0.2
CHANCE_CONCENTRATION = 3.5  # over sqrt(n): exceeded by chance in 5 of a million pieces
NEARNESS = 1 / 48  # quarters; half a step of the default grid
_BEAT_PLACES = np.array([0, 1 / 6, 1 / 4, 1 / 3, 1 / 2, 2 / 3, 3 / 4, 5 / 6, 1])
_DIVISIONS = (3, 4, 6)  # a quarter in triplets, 16ths, triplets of 16ths


def to_steps(
    ticks: npt.NDArray[np.int64], ticks_per_quarter: int, steps_per_quarter: int
) -> npt.NDArray[np.int64]:
    """Round ticks to steps, halves up.

    >>> to_steps(np.array([0, 9, 10, 480]), 480, 24).tolist()
    [0, 0, 1, 24]
    """
    return (2 * ticks * steps_per_quarter + ticks_per_quarter) // (2 * ticks_per_quarter)


def is_possible(kind: int, data: bytes) -> bool:
    """Whether a tempo, meter or key event says something that music can have.

    Args:
        kind: Its meta type: tempo, meter or key.
        data: Its content; more bytes than it needs do no harm.

    >>> is_possible(METER_META, bytes([3, 2])), is_possible(METER_META, bytes([0, 2]))
    (True, False)
    """
    if kind == TEMPO_META:
        return len(data) >= 3 and MIN_BPM <= _bpm(data) <= MAX_BPM
    if len(data) < 2:
        return False
    if kind == METER_META:
        return 1 <= data[0] <= MAX_NUMERATOR and 2 ** data[1] <= MAX_DENOMINATOR
    return abs(_sharps(data)) <= 7 and data[1] <= 1


def _bpm(data: bytes) -> float:
    """Quarters a minute, of microseconds a quarter; infinite where those are 0."""
    microseconds = int.from_bytes(data[:3], "big")
    return round(_MICROSECONDS_PER_MINUTE / microseconds, 4) if microseconds else np.inf


def _sharps(data: bytes) -> int:
    return int.from_bytes(data[:1], "big", signed=True)


def read_tempos(metas: Metas, ticks_per_quarter: int, steps_per_quarter: int) -> tuple[Tempo, ...]:
    """Collect the tempo map of possible tempos: the last at a step wins, repeats are dropped."""
    by_step = {
        _step(tick, ticks_per_quarter, steps_per_quarter): _bpm(data)
        for tick, kind, data in metas
        if kind == TEMPO_META
    }
    changes = sorted(by_step.items())
    return tuple(
        Tempo(step, bpm)
        for index, (step, bpm) in enumerate(changes)
        if not index or bpm != changes[index - 1][1]
    )


def read_meters(metas: Metas, ticks_per_quarter: int, steps_per_quarter: int) -> MeterMap:
    """Collect the meter map of possible meters, and find the pickup.

    A first meter that lasts one bar or less, shorter than the bar that follows, is how programs
    write a pickup. A bare 1/4 is what others write where they know no meter.
    """
    by_step = {
        _step(tick, ticks_per_quarter, steps_per_quarter): (data[0], 2 ** data[1])
        for tick, kind, data in metas
        if kind == METER_META
    }
    return meter_map([Meter(step, *value) for step, value in by_step.items()], steps_per_quarter)


def meter_map(meters: list[Meter], steps_per_quarter: int) -> MeterMap:
    """Make a meter map of meters as written, in any order, at most one a step.

    >>> meter_map([Meter(0, 1, 4), Meter(24, 4, 4)], 24)
    MeterMap(meters=(Meter(step=0, numerator=4, denominator=4),), pickup_steps=24)
    >>> meter_map([Meter(0, 1, 4)], 24).specified
    False
    """
    written = sorted(meters)
    if written and written[0].step > 0:
        first = written[0]
        if first.step < first.bar_steps(steps_per_quarter):  # a pickup before the first signature
            rest = _without_repeats(written, steps_per_quarter)[1:]
            moved = Meter(0, first.numerator, first.denominator)
            return MeterMap((moved, *rest), pickup_steps=first.step)
        written.insert(0, _DEFAULT_METER)
    kept = _without_repeats(written, steps_per_quarter)
    if [meter.name for meter in kept] == ["1/4"]:
        return MeterMap()
    if len(kept) > 1:
        first, second = kept[:2]
        bar = first.bar_steps(steps_per_quarter)
        if second.step <= bar and second.step < second.bar_steps(steps_per_quarter):
            moved = Meter(0, second.numerator, second.denominator)
            return MeterMap((moved, *kept[2:]), pickup_steps=second.step)
    return MeterMap(tuple(kept))


def _without_repeats(meters: list[Meter], steps_per_quarter: int) -> list[Meter]:
    """Drop a meter that says what holds already; one off the bar is kept, it opens a new bar."""
    kept = meters[:1]
    for meter in meters[1:]:
        last = kept[-1]
        on_the_bar = (meter.step - last.step) % last.bar_steps(steps_per_quarter) == 0
        if meter.name != last.name or not on_the_bar:
            kept.append(meter)
    return kept


def read_key(metas: Metas, first_onset: int) -> Key | None:
    """The key in force when the first note sounds (``first_onset``, a tick), else the first one.

    Many programs write C major where they know no key; it is kept as written.
    """
    found: Key | None = None
    for tick, kind, data in metas:
        if kind == KEY_META and (found is None or tick <= first_onset):
            found = key_of_signature(_sharps(data), minor=bool(data[1]))
    return found


def key_of_signature(sharps: int, *, minor: bool) -> Key:
    """The key of a signature; ``sharps`` is -7 (seven flats) to 7.

    >>> key_of_signature(-3, minor=True).name, key_of_signature(2, minor=False).name
    ('C minor', 'D major')
    """
    tonic = (7 * sharps + (9 if minor else 0)) % 12
    return Key(tonic, "minor" if minor else "major")


def is_performed(onset_quarters: npt.NDArray[np.float64]) -> bool:
    """Whether onsets fall everywhere in the beat, so that the file's beats mean nothing.

    Args:
        onset_quarters: Onsets in quarters since the beginning, any order, shape ``(n,)``.

    Source: the mean resultant length of circular statistics (Rayleigh 1880; Mardia & Jupp,
    *Directional Statistics*, 2000, eq. 2.3.4), with the thresholds measured above.
    """
    onsets = np.unique(onset_quarters)
    if len(onsets) < MIN_ONSETS:
        return False
    phases = onsets % 1
    distance = np.abs(phases[:, None] - _BEAT_PLACES).min(axis=1)
    share = float((distance <= NEARNESS).mean())
    concentration = max(
        abs(complex(np.exp(2j * np.pi * division * phases).mean())) for division in _DIVISIONS
    )
    limit = max(MAX_CONCENTRATION, CHANCE_CONCENTRATION / np.sqrt(len(onsets)))
    return bool(share < MAX_SHARE and concentration < limit)


def _step(tick: int, ticks_per_quarter: int, steps_per_quarter: int) -> int:
    return (2 * tick * steps_per_quarter + ticks_per_quarter) // (2 * ticks_per_quarter)
