"""Constant cost: what one more note costs an LSTM, and a Transformer that keeps all before it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, is_dataclass
from time import get_clock_info, perf_counter, process_time
from typing import Any

import numpy as np
import numpy.typing as npt

from musiclstm.encoding import Conditions, Encoded, Field
from musiclstm.errors import RequestError
from musiclstm.lab.cost_shown import shown
from musiclstm.lab.outcome import Outcome, silent
from musiclstm.lab.transformer import Transformer
from musiclstm.model.bundle import Bundle
from musiclstm.model.state import DecoderState

CLAIM = (
    "A recurrent network takes the same time and the same memory for every note. A Transformer "
    "that keeps keys and values of all notes before needs memory and time for the next one that "
    "grow linearly with their number, and so for a whole piece quadratically (Vaswani et al., "
    "“Attention Is All You Need”, NeurIPS 2017, table 1)."
)
LAYERS, DECODER, TRANSFORMER = "LSTM layers", "whole decoder", "Transformer"

# Of the time after the shortest history: below this it counts as constant. Times are
# measured on machines that do other things too, so that a few hundredths mean nothing.
_CONSTANT = 1.25

# Processor time is what a note costs, whatever else the machine does; but Windows counts it in
# sixtieths of a second, and there it has to be the time on the wall.
_FINE_SECONDS = 1e-5
_clock = (
    process_time if get_clock_info("process_time").resolution <= _FINE_SECONDS else perf_counter
)


@dataclass(frozen=True)
class CostSettings:
    """Which lengths, and how often.

    Attributes:
        lengths: Notes that have gone before, ascending, each at least 1.
        repetitions: Measurements of everything at each length; their median counts.
        head: Width of an attention head; it divides the width of the network.
        seed: Of the Transformer's weights and history, and of the order of measurements.
    """

    lengths: tuple[int, ...] = (64, 256, 1024, 2048, 4096, 8192, 16384)
    repetitions: int = 151
    head: int = 64
    seed: int = 1

    @classmethod
    def quick(cls) -> "CostSettings":
        """Shorter histories, fewer measurements: seconds."""
        return cls(lengths=(64, 512, 2048, 4096), repetitions=41)


@dataclass(frozen=True)
class Costs:
    """What one more note costs, by what is measured; a list entry a length.

    Attributes:
        lengths: Notes before.
        milliseconds: Median time of one more note, on the processor where that can be told.
        bytes: Memory that is kept for the notes before.
        weights: Numbers learned.
    """

    lengths: list[int]
    milliseconds: dict[str, list[float]]
    bytes: dict[str, list[int]]
    weights: dict[str, int]


def cost(
    settings: CostSettings,
    bundle: Bundle,
    piece: Encoded,
    tell: Callable[[str], None] = silent,
) -> Outcome:
    """Measure what one more note costs after more and more notes.

    Three things take turns: the LSTM layers of the model alone; its whole decoder, which reads the
    note, advances, and gives the probabilities of all five fields of the next; and the layers of a
    Transformer of the same width and depth with as many weights, which attends to all notes before
    through a cache. The Transformer's weights are random: what they say costs the same.

    Args:
        settings: How much.
        bundle: The model.
        piece: Encoded with its vocabulary; it is played over and over to make a long history.
        tell: Is told what is being measured.

    Returns:
        Pictures and a table of time and memory against length.

    Raises:
        RequestError: If the piece has no note.
    """
    costs = measure(settings, bundle, piece, tell)
    return Outcome(
        name="cost",
        title="What one more note costs",
        claim=CLAIM,
        found=words(costs),
        blocks=tuple(shown(costs)),
        numbers={"settings": settings, "bundle": bundle.name, "costs": costs},
    )


def measure(
    settings: CostSettings,
    bundle: Bundle,
    piece: Encoded,
    tell: Callable[[str], None] = silent,
) -> Costs:
    """Time one more note, everything in turn, and count the bytes that are kept."""
    network, lengths = bundle.network, list(settings.lengths)
    rng = np.random.default_rng(settings.seed)
    rows = piece.events[piece.events[:, Field.SHIFT] <= bundle.vocabulary.max_shift]
    if not len(rows):
        raise RequestError("the piece has no note that could be played; choose another")
    tell(f"cost: {lengths[-1]} notes of history")
    states = _histories(bundle, piece, rows, lengths)
    transformer = Transformer(network.units, network.layers, settings.head, rng)
    transformer.remember(rng, lengths[-1] + 1)
    x = rng.standard_normal((1, network.units)).astype(np.float32)
    cells = bundle.decoder.folded.cells

    def layers(place: int) -> Callable[[], object]:
        state = states[place]
        return lambda: cells.step(x, state.h, state.c)

    def decoder(place: int) -> Callable[[], object]:
        state, event = states[place], rows[lengths[place] % len(rows)][None]
        return lambda: _one_note(bundle, state, event)

    def attending(place: int) -> Callable[[], object]:
        return lambda: transformer.step(x, lengths[place])

    makers = {LAYERS: layers, DECODER: decoder, TRANSFORMER: attending}
    plan = [
        (name, place, make(place)) for name, make in makers.items() for place in range(len(lengths))
    ]
    seconds: dict[tuple[str, int], list[float]] = {(name, place): [] for name, place, _ in plan}
    tell(f"cost: {settings.repetitions} measurements of {len(plan)} things")
    for _ in range(settings.repetitions):
        for index in rng.permutation(len(plan)).tolist():
            name, place, once = plan[index]
            seconds[name, place].append(_time(once))
    kept = {
        LAYERS: [state.h.nbytes + state.c.nbytes for state in states],
        DECODER: [bytes_of(state) for state in states],
        TRANSFORMER: [transformer.bytes_kept(length) for length in lengths],
    }
    ours = sum(value.size for name, value in bundle.weights.items() if name.startswith("lstm."))
    return Costs(
        lengths,
        {
            name: [1e3 * float(np.median(seconds[name, place])) for place in range(len(lengths))]
            for name in makers
        },
        kept,
        {
            LAYERS: ours,
            DECODER: sum(value.size for value in bundle.weights.values()),
            TRANSFORMER: transformer.weights,
        },
    )


def _histories(
    bundle: Bundle, piece: Encoded, rows: npt.NDArray[np.int32], lengths: Sequence[int]
) -> list[DecoderState]:
    """The decoder's state after so many notes of the piece, played over and over."""
    decoder = bundle.decoder
    state = decoder.start(Conditions(), piece.part_map, meter_map=piece.meter_map)
    states = []
    for count in range(lengths[-1]):
        if count in lengths:
            states.append(state)
        state = decoder.advance(state, rows[count % len(rows)][None])
    return [*states, state]


def _one_note(bundle: Bundle, state: DecoderState, event: npt.NDArray[np.int32]) -> DecoderState:
    """All that the program does for a note but choose: five distributions, and the step."""
    fresh = state.select([0])  # else what it has worked out of this row would be at hand
    fresh.row = [None] * len(fresh.row)
    for field in Field:
        bundle.decoder.log_probs(fresh, field, event)
    return bundle.decoder.advance(fresh, event)


def _time(once: Callable[[], object]) -> float:
    """Seconds of one call, after one that fills the caches."""
    once()
    start = _clock()
    once()
    return _clock() - start


def bytes_of(value: Any) -> int:
    """Bytes of all arrays within a state, each counted once.

    Args:
        value: An array, a dataclass, or a sequence of these; of anything else nothing is counted.
    """
    return sum({id(array): array.nbytes for array in _arrays(value)}.values())


def _arrays(value: Any) -> list[npt.NDArray[Any]]:
    if isinstance(value, np.ndarray):
        return [value]
    inner: list[Any] = []
    if is_dataclass(value) and not isinstance(value, type):
        inner = [getattr(value, each.name) for each in fields(value)]
    elif isinstance(value, list | tuple):
        inner = list(value)
    return [array for each in inner for array in _arrays(each)]


def words(costs: Costs) -> str:
    """What was measured, in sentences."""
    first, last = costs.lengths[0], costs.lengths[-1]
    said = [f"After {last:,} notes instead of {first:,}, {last / first:.0f} times as many:"]
    for name, times in costs.milliseconds.items():
        kept = costs.bytes[name]
        time = "the same time a note" if times[-1] <= _CONSTANT * times[0] else "more time a note"
        memory = "the same memory" if kept[-1] <= kept[0] else "more memory"
        said.append(
            f"{name}: {time} ({times[-1]:.3f} ms instead of {times[0]:.3f}) and {memory} "
            f"({_size(kept[-1])} instead of {_size(kept[0])})."
        )
    slopes = [f"{1e3 * slope(costs, name):+.3f} ms ({name})" for name in (LAYERS, TRANSFORMER)]
    said.append(f"Every thousand notes before change the time of the next: {', '.join(slopes)}.")
    whole = [f"{total_seconds(costs, name):.1f} s ({name})" for name in (LAYERS, TRANSFORMER)]
    said.append(f"{last:,} notes in a row take, added up: {', '.join(whole)}.")
    return " ".join(said)


def slope(costs: Costs, name: str) -> float:
    """Milliseconds that each note of history adds, by least squares over the lengths."""
    return float(np.polyfit(costs.lengths, costs.milliseconds[name], 1)[0])


def total_seconds(costs: Costs, name: str) -> float:
    """Seconds of as many notes in a row as the longest history has."""
    # before the shortest history that was measured a note counts as there
    counts = np.array([0, *costs.lengths])
    times = np.array([costs.milliseconds[name][0], *costs.milliseconds[name]])
    return float(np.trapezoid(times, counts)) / 1e3


def _size(count: int) -> str:
    return f"{count / 2**20:.1f} MiB" if count >= 2**20 else f"{count / 2**10:.1f} KiB"
