"""One LSTM cell by hand: every number of it for one note of a piece; see :mod:`.equations`."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from musiclstm.encoding import (
    Conditions,
    Encoded,
    Field,
    condition_ids,
    prepare,
)
from musiclstm.errors import RequestError
from musiclstm.lab.cell_shown import described, shown
from musiclstm.lab.equations import GATES, SOURCES, Array, CellStep, lstm_step
from musiclstm.lab.outcome import Outcome, silent
from musiclstm.model.architecture import begins, input_sizes
from musiclstm.model.bundle import Bundle

__all__ = ["CellSettings", "CellStep", "cell", "lstm_step"]

CLAIM = (
    "An LSTM cell is seven small equations: three gates between 0 and 1 decide what of the cell "
    "state is kept, what is written to it and what is shown of it (Hochreiter & Schmidhuber, "
    "Neural Computation 9(8), 1997; the forget gate from Gers, Schmidhuber & Cummins, Neural "
    "Computation 12(10), 2000)."
)


@dataclass(frozen=True)
class CellSettings:
    """What is looked at.

    Attributes:
        note: Which note of the piece, from 1; the last, where the piece is shorter.
        units: How many units of the first layer are shown.
        against_keras: Whether Keras is asked too; to import it takes seconds.
        seed: Nothing here is random; as in all experiments.
    """

    note: int = 40
    units: int = 3
    against_keras: bool = True
    seed: int = 0

    @classmethod
    def quick(cls) -> "CellSettings":
        """The same: it takes seconds."""
        return cls()


class Reading(NamedTuple):
    """A piece as the first layer hears it.

    Attributes:
        x: What it reads at each row, from START on, ``(N, d)``.
        sources: What x is the sum of: one ``(N, d)`` for each of :data:`SOURCES` but the last two.
    """

    x: Array
    sources: tuple[Array, ...]


class Walk(NamedTuple):
    """A layer's way through a piece.

    Attributes:
        steps: One a row, from START on.
        before: h and c before each of them.
    """

    steps: list[CellStep]
    before: list[tuple[Array, Array]]


def cell(
    settings: CellSettings,
    bundle: Bundle,
    piece: Encoded,
    tell: Callable[[str], None] = silent,
) -> Outcome:
    """Work out the first LSTM layer by hand at one note, and compare with Keras and the decoder.

    Three kinds of units are shown in turn: the one that writes most at this note, the one that
    forgets most, and the one that holds most and keeps at least nine tenths of it.

    Args:
        settings: Which note.
        bundle: The model.
        piece: Encoded with its vocabulary.
        tell: Is told what is being done.

    Returns:
        Two pictures and two tables of the units, and how far all values of the whole piece are
        from Keras' and from the decoder's.

    Raises:
        RequestError: If the piece has no note.
    """
    rows = np.flatnonzero(piece.events[:, Field.SHIFT] <= bundle.vocabulary.max_shift)
    if not len(rows):
        raise RequestError("the piece has no note that a cell could read; choose another")
    note = min(max(settings.note, 1), len(rows))
    row = int(rows[note - 1]) + 1  # row 0 is START
    tell(f"cell: {len(piece.events)} rows through {bundle.network.layers} layers, by hand")
    reading = read(bundle, piece)
    walks = walk(bundle, reading.x)
    tell("cell: the same by the decoder")
    off = {"decoder": off_decoder(bundle, piece, walks)}
    if settings.against_keras:
        tell("cell: the same by Keras")
        off |= off_keras(bundle, reading.x, walks)
    step, (h, c) = walks[0].steps[row], walks[0].before[row]
    units = telling_units(step, c, settings.units)
    heard = _heard(bundle, reading, h, row)[:, :, units]
    what = described(bundle, piece, row - 1)
    return Outcome(
        name="cell",
        title="One cell by hand",
        claim=CLAIM,
        found=words(step, c, units, off, note, what),
        blocks=tuple(shown(step, c, units, heard, what)),
        numbers={
            "settings": settings,
            "bundle": bundle.name,
            "note": note,
            "described": what,
            "rows": len(piece.events) + 1,
            "units": units,
            "before": {"h": h[units], "c": c[units]},
            "step": {
                name: value.reshape(-1, bundle.network.units)[:, units].squeeze()
                for name, value in step._asdict().items()
            },
            "read": {
                gate: dict(zip(SOURCES, heard[:, n], strict=True)) for n, gate in enumerate(GATES)
            },
            "greatest_difference": off,
        },
    )


def read(bundle: Bundle, piece: Encoded) -> Reading:
    """What the first layer reads of a piece, and what that is the sum of."""
    v, w, folded = bundle.vocabulary, bundle.weights, bundle.decoder.folded
    ready = prepare(piece, v)
    table = w["input.table"]
    ids = ready.inputs + begins(input_sizes(v))
    fields = [table[ids[:, field]] for field in Field]
    after = folded.row(ready.inputs, ready.after_ids) - sum(fields)
    c = ready.context
    onset = folded.onset_layer(c.onset_ids, c.sounding, c.remaining, c.struck) @ folded.onset_read
    whole = np.broadcast_to(folded.conditions(condition_ids(Conditions(), v)[None]), after.shape)
    sources = tuple(np.asarray(each, np.float64) for each in (*fields, after, onset, whole))
    return Reading(sum(sources[1:], sources[0]), sources)


def walk(bundle: Bundle, x: Array) -> list[Walk]:
    """Each layer's way through what the first one reads; each adds to what the next one reads."""
    walks = []
    for layer in range(bundle.network.layers):
        weights = layer_weights(bundle, layer)
        h = c = np.zeros(bundle.network.units)
        steps, before = [], []
        for row in x:
            before.append((h, c))
            steps.append(lstm_step(row, h, c, *weights))
            h, c = steps[-1].h, steps[-1].c
        walks.append(Walk(steps, before))
        x = x + np.stack([step.h for step in steps])
    return walks


def layer_weights(bundle: Bundle, layer: int) -> tuple[Any, Any, Any]:
    """Kernel, recurrent kernel and bias of a layer."""
    name = f"lstm.{layer}"
    w = bundle.weights
    return w[f"{name}.kernel"], w[f"{name}.recurrent_kernel"], w[f"{name}.bias"]


def off_decoder(bundle: Bundle, piece: Encoded, walks: list[Walk]) -> float:
    """The greatest difference of h or c from the program's own decoder, over all rows."""
    decoder = bundle.decoder
    state = decoder.start(Conditions(), piece.part_map, meter_map=piece.meter_map)
    greatest = 0.0
    for row in range(len(piece.events) + 1):
        for layer, each in enumerate(walks):
            for found, theirs in ((each.steps[row].h, state.h), (each.steps[row].c, state.c)):
                greatest = max(greatest, float(np.abs(found - theirs[layer, 0]).max()))
        if row < len(piece.events):
            state = decoder.advance(state, piece.events[row : row + 1])
    return greatest


def off_keras(bundle: Bundle, x: Array, walks: list[Walk]) -> dict[str, float]:
    """The greatest difference of h from ``keras.layers.LSTM``, in either precision."""
    import keras  # noqa: PLC0415

    greatest = {"keras float64": 0.0, "keras float32": 0.0}
    for layer, each in enumerate(walks):
        h = np.stack([step.h for step in each.steps])
        for precision in ("float64", "float32"):
            theirs = keras.layers.LSTM(bundle.network.units, return_sequences=True, dtype=precision)
            theirs.build((None, None, x.shape[1]))
            theirs.set_weights(layer_weights(bundle, layer))
            said = np.asarray(theirs(x[None].astype(precision)))[0]
            name = f"keras {precision}"
            greatest[name] = max(greatest[name], float(np.abs(said - h).max()))
        x = x + h
    return greatest


def telling_units(step: CellStep, c: Array, count: int) -> list[int]:
    """Units that show something at a step: one writes, one forgets, one keeps; and so on.

    Args:
        step: Of one row.
        c: The cell state before it.
        count: How many.
    """
    writes = np.abs(step.written)
    forgets = np.abs(c - step.kept)
    keeps = np.where(step.f >= 0.9, np.abs(step.kept), -1.0)
    orders = [np.argsort(-value, kind="stable").tolist() for value in (writes, forgets, keeps)]
    chosen: list[int] = []
    while len(chosen) < min(count, len(c)):
        order = orders[len(chosen) % len(orders)]
        chosen.append(next(unit for unit in order if unit not in chosen))
    return chosen


def _heard(bundle: Bundle, reading: Reading, h: Array, row: int) -> Array:
    """What each source says to each gate at a row, ``(sources, 4, u)``."""
    kernel, recurrent, bias = layer_weights(bundle, 0)
    said = [source[row] @ kernel for source in reading.sources]
    return np.stack([*said, h @ recurrent, bias]).reshape(len(SOURCES), len(GATES), -1)


def words(
    step: CellStep, c: Array, units: list[int], off: dict[str, float], note: int, what: str
) -> str:
    """What the numbers of the note say."""
    said = [f"Note {note} of the piece is {what}."]
    for unit in units:
        f, i, g, o = (float(value[unit]) for value in (step.f, step.i, step.g, step.o))
        said.append(
            f"Unit {unit} held {c[unit]:+.3f}. Its forget gate keeps {f:.1%} of that, its input "
            f"gate writes {i:.1%} of the candidate {g:+.3f}, so it now holds {step.c[unit]:+.3f}; "
            f"its output gate shows {o:.1%}, and the layer says {step.h[unit]:+.3f}."
        )
    names = {
        "decoder": "the program's own decoder",
        "keras float64": "Keras' LSTM in double precision",
        "keras float32": "Keras' LSTM in single precision",
    }
    differences = ", ".join(f"{value:.1e} from {names[name]}" for name, value in off.items())
    said.append(
        "Over all rows of the piece and all layers, what the equations give differs at most by "
        f"{differences}."
    )
    return "\n\n".join((said[0], " ".join(said[1:-1]), said[-1]))
