"""Where the bars of a written piece begin, in quarters by music21, and what meters they are in.

music21 gives each part bars of its own: one bar that is written too long or too short in one part
shifts that part against all others from there to the end. A bar begins in all parts at once, so
:func:`align` puts them right first.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from itertools import accumulate
from typing import Any

from musiclstm.score import Meter, MeterMap

Stream = Any  # music21 carries no usable types
_EXACT = 6  # decimals of a quarter at which lengths are the same


def align(parts: Sequence[Stream]) -> int:
    """Let each bar begin at once in all parts, as it is in the commonest length among them.

    Parts stay as they are where they have different numbers of bars, or meters of their own: then
    their bars need not belong together.

    Args:
        parts: Of one piece; their measures are moved.

    Returns:
        How many bars had different lengths.
    """
    bars = [list(part.getElementsByClass("Measure")) for part in parts]
    if len(bars) < 2 or len({len(of_part) for of_part in bars}) > 1:
        return 0
    columns = list(zip(*bars, strict=True))
    lengths = [[_exact(bar.quarterLength) for bar in column] for column in columns]
    uneven = [index for index, of_bar in enumerate(lengths) if len(set(of_bar)) > 1]
    full = {
        index: {_exact(b.barDuration.quarterLength) for b in columns[index]} for index in uneven
    }
    if not uneven or any(len(of_bar) > 1 for of_bar in full.values()):
        return 0
    common = [
        _commonest(of_bar, max(full.get(index, {0.0}))) for index, of_bar in enumerate(lengths)
    ]
    starts = accumulate([_exact(bars[0][0].offset), *common[:-1]])
    for column, start in zip(columns, starts, strict=True):
        for part, bar in zip(parts, column, strict=True):
            part.setElementOffset(bar, start)
    for part in parts:
        part.coreElementsChanged()
    return len(uneven)


def _exact(quarters: float) -> float:
    return round(float(quarters), _EXACT)


def _commonest(lengths: Sequence[float], full: float) -> float:
    """The length that most parts have; of several, a full bar, else the longest."""
    counts = Counter(lengths)
    most = max(counts.values())
    common = [length for length, count in counts.items() if count == most]
    return full if full in common else max(common)


def read_meters(part: Stream, to_step: Callable[[float], int], steps_per_quarter: int) -> MeterMap:
    """The meters, the pickup, and a meter written again wherever bars come out of step.

    Args:
        part: A stream with measures, or (a tune of one bar) without.
        to_step: From quarters to steps.
        steps_per_quarter: The grid.
    """
    measures = list(part.getElementsByClass("Measure"))
    if not measures:
        signature = next(iter(part.flatten().getElementsByClass("TimeSignature")), None)
        meter = _meter(0, signature) if signature is not None else None
        return MeterMap((meter,) if meter is not None else ())
    current: Meter | None = None
    meters: dict[int, Meter] = {}  # by step: a bar without length leaves its place to the next
    anchor = pickup = bar = 0
    starts = [float(measure.offset) for measure in measures]
    # where the next begins, not what is in it: they were aligned
    ends = [*starts[1:], starts[-1] + float(measures[-1].quarterLength)]
    for index, (measure, begin, end) in enumerate(zip(measures, starts, ends, strict=True)):
        start = to_step(begin)
        length = to_step(end) - start
        signature = next(iter(measure.getElementsByClass("TimeSignature")), None)
        written = _meter(start, signature) if signature is not None else None
        if written is not None and (current is None or written.name != current.name):
            current, anchor = written, start
            bar = current.bar_steps(steps_per_quarter)
            step = start if meters else 0
            meters[step] = Meter(step, current.numerator, current.denominator)
            if not index and 0 < length < bar and len(measures) > 1:
                pickup = anchor = length
        elif current is not None and length >= bar and (start - anchor) % bar:
            meters[start] = Meter(start, current.numerator, current.denominator)
            anchor = start
    return MeterMap(tuple(meters.values()), pickup if meters else 0)


def _meter(step: int, signature: Stream) -> Meter | None:
    """A written time signature, unless it is one that MIDI could not say."""
    numerator, denominator = signature.numerator, signature.denominator
    power_of_two = denominator & (denominator - 1) == 0
    if 1 <= numerator <= 64 and 1 <= denominator <= 64 and power_of_two:
        return Meter(step, numerator, denominator)
    return None
