"""How far back a model listens: what becomes of the next notes' likelihood without the far past.

At moments of held-out pieces the history beyond k bars is taken away or put out of order, and the
same next notes are asked for as before. Three ways:

* **state**: the LSTM begins with an empty state k bars before the moment; the musical context that
  the program works out (what sounds, what was played when the past was like now) stays that of the
  whole piece. What is lost is what the LSTM alone remembers.
* **cut**: the piece begins k bars before the moment, for context and masks as well.
* **shuffled**: the bars beyond k bars change places; what there was is still there, its order is
  not. Bars change places only with bars of their length; a pickup, and what stands between the
  last of these bars and the k bars, stays. A note that is held over the end of such a bar ends
  there.

A piece that is cut looks like one that begins there, and what a model expects of beginnings it is
then wrong about: part of what is lost near k = 0 is that surprise.

The notes asked for are the same in all ways. When the first of them begins is given: after a cut
there is no note before it from which to count. Where a piece names no meter, bars are four quarters
and are counted anew from a cut.

Source: U. Khandelwal, H. He, P. Qi & D. Jurafsky, "Sharp Nearby, Fuzzy Far Away: How Neural
Language Models Use Context", ACL 2018; theirs are words, and whole contexts are shuffled by word.
"""

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from musiclstm.encoding import (
    Conditions,
    Context,
    Encoded,
    Field,
    Piece,
    Vocabulary,
    condition_ids,
    prepare,
)
from musiclstm.errors import MusicLSTMError
from musiclstm.evaluation.baselines import NGram
from musiclstm.lab.outcome import Outcome, silent
from musiclstm.lab.plain import (
    Music,
    PlainModel,
    PlainSettings,
    Rows,
    Tell,
    Trained,
    textbook,
    train_plain,
)
from musiclstm.model.bundle import Bundle
from musiclstm.model.cells import Cells
from musiclstm.model.decoder import Decoder
from musiclstm.model.folded import Folded
from musiclstm.model.likelihood import nats_of_piece
from musiclstm.rendering.charts import as_png, new_figure, plain
from musiclstm.rendering.colours import PART_COLOURS
from musiclstm.rendering.document import Block, Picture, Table
from musiclstm.score import Meter, MeterMap

Array = npt.NDArray[Any]

STATE, CUT, SHUFFLED = "state", "cut", "shuffled"
_HEARD = 0.01  # of the loss without any history: what is less counts as not heard
_LINEAR = 0.02  # nats a note; below it the picture's scale is linear, above it logarithmic
_FEWEST_PIECES = 5  # fewer say nothing of a distance
_CLAIM = (
    "A recurrent network uses the order of what it has just heard, keeps a vaguer idea of what was "
    "before, and beyond some distance nothing (Khandelwal, He, Qi & Jurafsky 2018): the farther "
    "away the part of the history is that is cut off or shuffled, the less is lost."
)


@dataclass(frozen=True)
class ListeningSettings:
    """What is measured, and how finely.

    Attributes:
        networks: What the plain networks have in common.
        pieces: How many held-out pieces.
        rows: Of each piece no more than this many rows from its beginning.
        moments: How many in a piece, one in a bar at most.
        notes: How many notes are asked for at each.
        bars: Distances k in bars, ascending; the first is 0, without any history.
        resamples: Of the bootstrap.
        seed: Of moments, orders and resamples.
    """

    networks: PlainSettings = field(default_factory=PlainSettings)
    pieces: int = 60
    rows: int = 1500
    moments: int = 12
    notes: int = 4
    bars: tuple[float, ...] = (0, 0.25, 0.5, 1, 2, 4, 8, 16)
    resamples: int = 2000
    seed: int = 0

    @classmethod
    def quick(cls) -> "ListeningSettings":
        """About a minute on two cores, the training of the networks included."""
        return cls(
            networks=PlainSettings(steps=200, lanes=16),
            pieces=12,
            rows=400,
            moments=4,
            resamples=500,
        )


# --- taking the past away -------------------------------------------------------------------


class Moment(NamedTuple):
    """Where a piece is asked what comes next.

    Attributes:
        row: Event row of the first note asked for; it is the first of its onset.
        stop: Event row after the last one.
        step: The onset.
        bar_steps: Length of a bar there, in steps.
    """

    row: int
    stop: int
    step: int
    bar_steps: int


def moments_of(
    encoded: Encoded, vocabulary: Vocabulary, count: int, notes: int, rng: np.random.Generator
) -> list[Moment]:
    """Choose moments: one onset in each bar after the first, and of these some, evenly spread.

    Args:
        encoded: The piece.
        vocabulary: What the ids mean.
        count: How many at most.
        notes: How many notes are asked for at each; fewer where the next moment comes sooner.
        rng: Says which onset of a bar.
    """
    v, rows = vocabulary, encoded.events
    step = np.cumsum(v.steps_of(rows[:, Field.SHIFT]))
    head, is_note = _heads(rows, v), rows[:, Field.SHIFT] <= v.max_shift
    if not head.any():
        return []
    first = np.flatnonzero(head & (rows[:, Field.SHIFT] > 0))
    places = encoded.meter_map.locate(step, v.steps_per_quarter)
    first = first[step[first] >= step[head][0] + places.bar_steps[first]]
    bars = np.unique(places.bar[first])
    some = bars[np.arange(min(count, len(bars))) * len(bars) // max(1, min(count, len(bars)))]
    chosen = [int(rng.choice(first[places.bar[first] == bar])) for bar in some]
    found = []
    for n, row in enumerate(chosen):
        later = row + np.flatnonzero(head[row:])
        stop = int(later[notes]) if len(later) > notes else len(rows)
        if n + 1 < len(chosen):
            stop = min(stop, chosen[n + 1])
        # waits belong to the note after them, and END to none
        stop = row + int(np.flatnonzero(is_note[row:stop])[-1]) + 1
        found.append(Moment(row, stop, int(step[row]), int(places.bar_steps[row])))
    return found


def _heads(rows: Array, v: Vocabulary) -> Array:
    """Which rows begin a note."""
    is_note = rows[:, Field.SHIFT] <= v.max_shift
    tied = is_note & (rows[:, Field.DURATION] == v.tie)
    found: Array = is_note & ~np.concatenate([[False], tied[:-1]])
    return found


class History(NamedTuple):
    """A piece up to the end of what is asked for at a moment, with the past that is left of it.

    Attributes:
        piece: Its rows; what is asked for are the last ones.
        asked: How many rows these are.
    """

    piece: Encoded
    asked: int


def cut(encoded: Encoded, moment: Moment, origin: int, v: Vocabulary) -> History | None:
    """Let a piece begin later.

    Args:
        encoded: The piece.
        moment: What is asked for.
        origin: The first step that is left, at most the moment's.
        v: What the ids mean.

    Returns:
        The piece from there on, its bars where they were; None where nothing was before.
    """
    rows = encoded.events[: moment.stop]
    step = np.cumsum(v.steps_of(rows[:, Field.SHIFT]))
    is_note = rows[:, Field.SHIFT] <= v.max_shift
    kept = is_note & (step >= origin)
    if kept[is_note].all():
        return None
    meters = _meters_from(encoded.meter_map, origin, v.steps_per_quarter)
    events = _written(rows[kept], step[kept] - origin, v)
    return History(
        replace(encoded, events=events, meter_map=meters, n_notes=int(_heads(events, v).sum())),
        moment.stop - moment.row,
    )


def shuffle(
    encoded: Encoded, moment: Moment, origin: int, v: Vocabulary, rng: np.random.Generator
) -> History | None:
    """Let whole bars before a step change places.

    Args:
        encoded: The piece.
        moment: What is asked for.
        origin: From this step on everything stays.
        v: What the ids mean.
        rng: Says which bar goes where; at least two change places.

    Returns:
        The piece; None where there are no two bars of one length.
    """
    line, length = _bars_before(encoded.meter_map, origin, v.steps_per_quarter)
    places = np.arange(len(line))
    for each in np.unique(length):
        same = np.flatnonzero(length == each)
        if len(same) > 1:
            while (places[same] == same).all():
                places[same] = rng.permutation(same)
    rows = encoded.events[: moment.stop]
    step = np.cumsum(v.steps_of(rows[:, Field.SHIFT]))
    is_note = rows[:, Field.SHIFT] <= v.max_shift
    bar = np.searchsorted(line, step, side="right") - 1
    first, end = (int(line[0]), int(line[-1] + length[-1])) if len(line) else (0, 0)
    past = step < end
    moved = is_note & past & (step >= first)
    if (places == np.arange(len(line))).all() or not moved.any():
        return None
    kept = np.flatnonzero((is_note & ~past) | (past & _heads(rows, v)))
    rows, step, bar = rows[kept].copy(), step[kept].astype(np.int64), bar[kept]
    moved, past = moved[kept], past[kept]
    # what is before the last barline ends at its own
    ends = np.where(moved, (line + length)[bar], first)
    longest = np.minimum(ends - step, v.max_duration) - 1
    rows[past, Field.DURATION] = np.minimum(rows[past, Field.DURATION], longest[past])
    step[moved] += (line[places] - line)[bar[moved]]
    order = np.argsort(step, kind="stable")
    events = _written(rows[order], step[order], v)
    return History(
        replace(encoded, events=events, n_notes=int(_heads(events, v).sum())),
        moment.stop - moment.row,
    )


def _written(rows: Array, step: Array, v: Vocabulary) -> npt.NDArray[np.int32]:
    """The table of note rows at these steps: shifts, and waits where gaps are long; no END."""
    gaps = np.diff(step, prepend=0)
    waits = np.maximum(-(-gaps // v.max_shift) - 1, 0)
    places = np.cumsum(waits + 1) - 1
    table = np.zeros((int(places[-1]) + 1, len(Field)), np.int32)
    table[:, Field.SHIFT] = v.wait
    table[places] = rows
    table[places, Field.SHIFT] = gaps - waits * v.max_shift
    return table


def _meters_from(meter_map: MeterMap, origin: int, q: int) -> MeterMap:
    """The meters from a step on, which becomes step 0; barlines stay where they are."""
    if not meter_map.specified:
        return meter_map
    stretches = meter_map.stretches(q)
    now = max(int(np.searchsorted(stretches.start, origin, side="right")) - 1, 0)
    later = {
        int(start) - origin: meter
        for start, meter in zip(stretches.start, meter_map.meters, strict=True)
        if start > max(origin, stretches.start[now])
    }
    pickup = int((stretches.start[now] - origin) % stretches.bar_steps[now])
    if later:  # a change of meter may cut the bar short
        pickup = min(pickup, *later)
    first = replace(meter_map.meters[now], step=0)
    meters = (first, *(Meter(step, m.numerator, m.denominator) for step, m in later.items()))
    return MeterMap(meters, pickup)


def _bars_before(meter_map: MeterMap, origin: int, q: int) -> tuple[Array, Array]:
    """Barlines of the whole bars before a step, and the lengths of these bars."""
    stretches = meter_map.stretches(q)
    stops = np.minimum(np.append(stretches.start[1:], origin), origin)
    lines = [
        np.arange(start, stop, bar)
        for start, stop, bar in zip(stretches.start, stops, stretches.bar_steps, strict=True)
        if start < stop
    ]
    if not lines:
        none = np.zeros(0, np.int64)
        return none, none
    line = np.concatenate(lines)
    length = np.diff(np.append(line, origin))
    # the last one is whole if the step is a barline
    last = int(meter_map.locate(line[-1:], q).bar_steps[0])
    whole = len(line) if length[-1] >= last else len(line) - 1
    return line[:whole], length[:whole]


# --- asking models --------------------------------------------------------------------------


class Prepared(NamedTuple):
    """A history ready to be asked for.

    Attributes:
        encoded: Its rows.
        piece: The same with context and masks.
        asked: How many rows at its end.
    """

    encoded: Encoded
    piece: Piece
    asked: int


class _Windows(Cells):
    """LSTM layers that read some windows of a sequence, each from an empty state.

    Args:
        cells: The layers.
        shape: Their number and width.
        windows: First row that is read, first row whose output is wanted, row after the last one:
            int ``(W, 3)``. What is wanted of two windows must not overlap; all else comes out as 0.
    """

    def __init__(self, cells: Cells, shape: tuple[int, int], windows: Array) -> None:
        self._cells, self._shape = cells, shape
        self._windows = windows[np.argsort(windows[:, 0] - windows[:, 2], kind="stable")]

    def sequence(self, x: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """All layers over all windows side by side, the longest first: what goes on leads."""
        first, wanted, stop = self._windows.T
        layers, units = self._shape
        h = np.zeros((layers, len(first), units), np.float32)
        c = np.zeros_like(h)
        found = np.zeros_like(x)
        for t in range(int((stop - first).max(initial=0))):
            going = int(np.count_nonzero(stop - first > t))
            rows = first[:going] + t
            output, h, c = self._cells.step(x[rows], h[:, :going], c[:, :going])
            tell = rows >= wanted[:going]
            found[rows[tell]] = output[tell]
        return found


def _through_windows(decoder: Decoder, piece: Piece, windows: Array) -> Array:
    """Nats of each row of a piece, ``(rows, 5)``, the LSTM reading in windows."""
    v, config = decoder.vocabulary, decoder.config
    folded: Folded = copy.copy(decoder.folded)
    folded.cells = _Windows(folded.cells, (config.layers, config.units), windows)
    said = folded.conditions(condition_ids(Conditions(), v)[None])[0]
    return nats_of_piece(folded, piece, said, v)


def state_cut(
    decoder: Decoder, piece: Piece, moments: Sequence[Moment], begins: Sequence[int]
) -> list[Array]:
    """Nats of what is asked for where the LSTM has read the last rows only.

    Args:
        decoder: Of a bundle.
        piece: Whole; its context stays what it is.
        moments: In ascending order.
        begins: For each the event row with which the LSTM's history begins. It reads the row before
            it as well, as it reads START before the first; so with no history, that row alone.

    Returns:
        For each moment ``(rows, 5)``.
    """
    windows = np.array([(b, m.row, m.stop) for b, m in zip(begins, moments, strict=True)])
    nats = _through_windows(decoder, piece, windows.reshape(-1, 3))
    return [nats[moment.row : moment.stop] for moment in moments]


Listener = Callable[[Sequence[Prepared]], list[Array]]


def bundle_listener(decoder: Decoder) -> Listener:
    """Ask a bundle: all histories in one piece, the LSTM beginning anew in each."""

    def listen(histories: Sequence[Prepared]) -> list[Array]:
        ends = np.cumsum([len(each.piece.inputs) for each in histories])
        begins = ends - [len(each.piece.inputs) for each in histories]
        windows = np.stack([begins, begins, ends - 1], axis=1)
        nats = _through_windows(decoder, _joined([each.piece for each in histories]), windows)
        return [
            nats[end - 1 - each.asked : end - 1]
            for end, each in zip(ends.tolist(), histories, strict=True)
        ]

    return listen


def _joined(pieces: Sequence[Piece]) -> Piece:
    """Pieces one behind the other; from the last row of one to START of the next means nothing."""
    context = {
        name: np.concatenate([getattr(piece.context, name) for piece in pieces])
        for name in vars(pieces[0].context)
    }
    arrays: dict[str, Any] = {
        name: np.concatenate([getattr(piece, name) for piece in pieces])
        for name in ("inputs", "targets", "after_ids", "legal", "counts")
    }
    return Piece(
        context=Context(**context), n_notes=sum(piece.n_notes for piece in pieces), **arrays
    )


def plain_listener(model: PlainModel) -> Listener:
    """Ask a plain network."""

    def listen(histories: Sequence[Prepared]) -> list[Array]:
        nats = model.nats([Rows.of_piece(each.piece) for each in histories])
        return [rows[-each.asked :] for rows, each in zip(nats, histories, strict=True)]

    return listen


def ngram_listener(ngram: NGram) -> Listener:
    """Ask an n-gram."""

    def listen(histories: Sequence[Prepared]) -> list[Array]:
        return [ngram.nats(each.encoded)[-each.asked :] for each in histories]

    return listen


# --- measuring ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Losses:
    """What a model loses at moments, M of P pieces, at K distances.

    Attributes:
        model: Its name.
        way: One of ``"state"``, ``"cut"``, ``"shuffled"``.
        bars: The distances, ``(K,)``.
        piece: To which piece each moment belongs, int ``(M,)``.
        notes: How many notes are asked for, ``(M,)``.
        whole: Their nats with the whole history, ``(M,)``.
        lost: How many nats more without what is beyond each distance, ``(M, K)``; exactly 0 where
            nothing is beyond it.
        beyond: Whether there is, bool ``(M, K)``.
    """

    model: str
    way: str
    bars: Array
    piece: Array
    notes: Array
    whole: Array
    lost: Array
    beyond: Array


def measure(
    music: Sequence[Encoded],
    vocabulary: Vocabulary,
    listeners: Mapping[str, Listener],
    settings: ListeningSettings,
    *,
    decoder: Decoder | None = None,
    decoder_name: str = "bundle",
    tell: Tell = silent,
) -> list[Losses]:
    """Take the past away from models at moments of pieces.

    Args:
        music: Pieces, whole.
        vocabulary: What their ids mean.
        listeners: Models by name; each is measured with its history cut, and shuffled.
        settings: Moments, notes and distances.
        decoder: Of a bundle of which the LSTM's state alone is cut as well.
        decoder_name: Its name among the results.
        tell: Is told how far it is.
    """
    bars = np.asarray(settings.bars, float)
    kept: dict[tuple[str, str], list[tuple[Array, Array, Array]]] = {}
    piece_of: list[int] = []
    notes: list[int] = []
    for number, long in enumerate(music):
        rng = np.random.default_rng([settings.seed, 1, number])
        encoded = replace(long, events=long.events[: settings.rows].astype(np.int32))
        moments = moments_of(encoded, vocabulary, settings.moments, settings.notes, rng)
        if not moments:
            continue
        for moment in moments:
            asked = encoded.events[moment.row : moment.stop]
            piece_of.append(number)
            notes.append(int(_heads(asked, vocabulary).sum()))
        whole = [Prepared(e, prepare(e, vocabulary), n) for e, n in _wholes(encoded, moments)]
        for name, listener in listeners.items():
            base = _sums(listener(whole))
            for way in (CUT, SHUFFLED):
                lost, beyond = np.zeros((2, len(moments), len(bars)))
                kept.setdefault((name, way), []).append((base, lost, beyond))
        for place, distance in enumerate(bars):
            origins = [m.step - round(distance * m.bar_steps) for m in moments]
            for way in (CUT, SHUFFLED):
                histories = _histories(encoded, moments, origins, way, vocabulary, rng)
                changed = [n for n, each in enumerate(histories) if each is not None]
                ready = [each for each in histories if each is not None]
                if not ready:
                    continue
                for name, listener in listeners.items():
                    base, lost, beyond = kept[name, way][-1]
                    lost[changed, place] = _sums(listener(ready)) - base[changed]
                    beyond[changed, place] = 1
        if decoder is not None:
            kept.setdefault((decoder_name, STATE), []).append(
                _state_losses(decoder, encoded, moments, bars)
            )
        tell(f"listening: piece {number + 1} of {len(music)}")
    of, counts = np.array(piece_of), np.array(notes)
    losses = []
    for (name, way), found in kept.items():
        nats, lost, beyond = (np.concatenate(each) for each in zip(*found, strict=True))
        losses.append(Losses(name, way, bars, of, counts, nats, lost, beyond.astype(bool)))
    return losses


def _wholes(encoded: Encoded, moments: Sequence[Moment]) -> list[tuple[Encoded, int]]:
    """The piece up to the end of each moment."""
    return [(replace(encoded, events=encoded.events[: m.stop]), m.stop - m.row) for m in moments]


def _histories(
    encoded: Encoded,
    moments: Sequence[Moment],
    origins: Sequence[int],
    way: str,
    v: Vocabulary,
    rng: np.random.Generator,
) -> list[Prepared | None]:
    """What is left at each moment; None where nothing is taken away."""
    found: list[Prepared | None] = []
    for moment, origin in zip(moments, origins, strict=True):
        if way == CUT:
            left = cut(encoded, moment, origin, v)
        else:
            left = shuffle(encoded, moment, origin, v, rng)
        found.append(left and Prepared(left.piece, prepare(left.piece, v), left.asked))
    return found


def _state_losses(
    decoder: Decoder, encoded: Encoded, moments: Sequence[Moment], bars: Array
) -> tuple[Array, Array, Array]:
    """Nats with the whole state; what is lost without what is beyond; whether there is any."""
    v = decoder.vocabulary
    piece = prepare(encoded, v)
    step = np.cumsum(v.steps_of(encoded.events[:, Field.SHIFT]))
    nats = decoder.score(encoded)
    whole = _sums([nats[moment.row : moment.stop] for moment in moments])
    lost, beyond = np.zeros((2, len(moments), len(bars)))
    for place, distance in enumerate(bars):
        origins = [m.step - round(distance * m.bar_steps) for m in moments]
        begins = [int(np.searchsorted(step, origin)) for origin in origins]
        changed = [n for n, begin in enumerate(begins) if begin > 0]
        if changed:
            some = [moments[n] for n in changed]
            found = state_cut(decoder, piece, some, [begins[n] for n in changed])
            lost[changed, place] = _sums(found) - whole[changed]
            beyond[changed, place] = 1
    return whole, lost, beyond


def _sums(nats: Sequence[Array]) -> Array:
    """All nats of each moment but those of its first shift, ``(M,)``."""
    return np.array(
        [rows.sum(dtype=np.float64) - np.float64(rows[0, Field.SHIFT]) for rows in nats]
    )


# --- summing up -----------------------------------------------------------------------------


@dataclass(frozen=True)
class Hearing:
    """How far back a model listens, over pieces.

    At each distance only the moments count that have history beyond it; ``lost`` and the loss
    without any history, of which it is a share, are those of the same moments.

    Attributes:
        model: Its name.
        way: How the history was taken away.
        whole: Nats a note with the whole history.
        bars: The distances k, ``(K,)``.
        lost: Mean over pieces of the nats a note that are lost, ``(K,)``; NaN where fewer than five
            pieces reach so far.
        error: Its standard error over pieces.
        share: Of the loss without any history.
        pieces: How many there are, ``(K,)``.
        memory: The effective memory in bars: the smallest distance at which, and at every greater
            one that was measured, less than 1 % of the loss without any history is lost; infinite
            if at the greatest it is still more. None where that loss itself is not more than two
            standard errors, and so no memory can be seen.
        interval: 95 % of it, by bootstrap over pieces; None likewise.
        clear: The greatest distance at which more than two standard errors are lost; None where
            there is none. What is between it and ``memory`` may be heard or not.
    """

    model: str
    way: str
    whole: float
    bars: Array
    lost: Array
    error: Array
    share: Array
    pieces: Array
    memory: float | None
    interval: tuple[float, float] | None
    clear: float | None


def hearing(losses: Losses, resamples: int, rng: np.random.Generator) -> Hearing:
    """Sum up over pieces.

    Args:
        losses: Of moments.
        resamples: Of the bootstrap; each draws as many pieces as there are, with replacement.
        rng: Draws them.
    """
    pieces, of = np.unique(losses.piece, return_inverse=True)
    count, distances = len(pieces), len(losses.bars)

    def per_piece(values: Array) -> Array:
        found = np.zeros((count, distances))
        np.add.at(found, of, values)
        return found

    notes = per_piece(losses.notes[:, None] * losses.beyond)
    there = notes > 0
    divisor = np.where(there, notes, 1)
    lost = per_piece(losses.lost * losses.beyond) / divisor
    without = per_piece(losses.lost[:, :1] * losses.beyond) / divisor
    reached = there.sum(axis=0)
    enough = reached >= min(_FEWEST_PIECES, count)

    def mean(values: Array) -> Array:
        return np.where(enough, values.sum(axis=0) / np.maximum(reached, 1), np.nan)

    average, error = mean(lost), np.full(distances, np.nan)
    for place in np.flatnonzero(enough & (reached > 1)):
        error[place] = lost[there[:, place], place].std(ddof=1) / np.sqrt(reached[place])
    share = _shares(lost[None].sum(axis=1), without[None].sum(axis=1))
    drawn = rng.multinomial(count, np.full(count, 1 / count), size=resamples)
    spread = _memories(_shares(drawn @ lost, drawn @ without), losses.bars, enough)
    low, high = np.quantile(spread, (0.025, 0.975), method="inverted_cdf")
    clear = np.flatnonzero(average > 2 * error)
    remembers = bool(clear.size) and clear[0] == 0
    return Hearing(
        model=losses.model,
        way=losses.way,
        whole=float(losses.whole.sum() / losses.notes.sum()),
        bars=losses.bars,
        lost=average,
        error=error,
        share=np.where(enough, share[0], np.nan),
        pieces=reached,
        memory=float(_memories(share, losses.bars, enough)[0]) if remembers else None,
        interval=(float(low), float(high)) if remembers else None,
        clear=float(losses.bars[clear[-1]]) if clear.size else None,
    )


def _shares(lost: Array, without: Array) -> Array:
    """Lost of what is lost without any history; all of it where that is nothing."""
    return np.where(without > 0, lost / np.where(without > 0, without, 1), 1.0)


def _memories(shares: Array, bars: Array, enough: Array) -> Array:
    """The effective memory of each row of shares ``(R, K)``."""
    heard = np.where(enough, shares >= _HEARD, False)
    last = len(bars) - 1 - np.argmax(heard[:, ::-1], axis=1)  # the farthest that is heard
    farthest = int(np.flatnonzero(enough)[-1])
    after = np.minimum(last + 1, farthest)
    found = np.where(last >= farthest, np.inf, bars[after])
    return np.where(heard.any(axis=1), found, bars[0])


# --- the experiment -------------------------------------------------------------------------


def listening(
    settings: ListeningSettings,
    music: Music,
    *,
    bundle: Bundle | None = None,
    trained: Mapping[str, Trained] | None = None,
    tell: Tell = silent,
) -> Outcome:
    """Measure how far back models listen, on pieces that none of them has learned from.

    Args:
        settings: How finely.
        music: The user's own: ``train`` pieces to learn from, and ``valid`` or else ``new`` ones to
            listen to.
        bundle: A trained model with the same vocabulary.
        trained: Plain networks that have learned from the music; None trains them.
        tell: Is told how far it is.

    Raises:
        MusicLSTMError: If no piece is held out, or the bundle has another vocabulary.
    """
    v = music.vocabulary
    held_out = _spread(list(music.of("valid") or music.of("new")), settings.pieces)
    if not held_out:
        raise MusicLSTMError("no piece is held out: how far a model listens cannot be measured")
    if bundle is not None and bundle.vocabulary.sizes != v.sizes:
        raise MusicLSTMError(f"{bundle.name} has another vocabulary than the music was read with")
    if trained is None:
        nets = textbook(settings.networks)
        chosen = {name: nets[name] for name in ("tanh-RNN", "LSTM, forget bias 1")}
        trained = train_plain(music, chosen, tell)
    tell("counting an n-gram")
    listeners: dict[str, Listener] = {}
    if bundle is not None:
        listeners[bundle.name] = bundle_listener(bundle.decoder)
    for name, label in (("LSTM, forget bias 1", "plain LSTM"), ("tanh-RNN", "plain tanh-RNN")):
        if name in trained:
            listeners[label] = plain_listener(trained[name].after)
    listeners["n-gram"] = ngram_listener(NGram.fit(music.of("train"), v))
    found = measure(
        held_out,
        v,
        listeners,
        settings,
        decoder=bundle.decoder if bundle is not None else None,
        decoder_name=bundle.name if bundle is not None else "",
        tell=tell,
    )
    if not found:
        raise MusicLSTMError("the held-out pieces are too short: none has a second bar")
    rng = np.random.default_rng([settings.seed, 2])
    heard = [hearing(each, settings.resamples, rng) for each in found]
    heard.sort(key=lambda each: (list(listeners).index(each.model), each.way != STATE, each.way))
    return _outcome(settings, heard, found)


def _spread(pieces: list[Encoded], most: int) -> list[Encoded]:
    """All, or so many that are evenly spread over them."""
    count = min(most, len(pieces))
    return [pieces[n * len(pieces) // count] for n in range(count)]


def _outcome(
    settings: ListeningSettings, heard: Sequence[Hearing], losses: Sequence[Losses]
) -> Outcome:
    pieces = len(np.unique(losses[0].piece))
    blocks: tuple[Block, ...] = (
        Picture(_picture(heard), _alt(heard), _CAPTION),
        _table(heard),
        _share_table(heard),
    )
    return Outcome(
        name="listening",
        title="How far back it listens",
        claim=_CLAIM,
        found=_words(heard, pieces, len(losses[0].piece)),
        blocks=blocks,
        numbers={
            "settings": settings,
            "pieces": pieces,
            "moments": len(losses[0].piece),
            "notes": int(losses[0].notes.sum()),
            "heard": [
                {
                    **vars(each),
                    "memory": _bars(each.memory, each),
                    "interval": [_bars(end, each) for end in each.interval or ()],
                }
                for each in heard
            ],
        },
    )


_CAPTION = (
    "Nats a note that are lost when the history beyond k bars is cut off or shuffled, at moments "
    "that have such a history; bands are one standard error over pieces."
)
_WORDS = {STATE: "state alone cut", CUT: "all cut", SHUFFLED: "bars shuffled"}


def _bars(bars: float | None, each: Hearing) -> str:
    """Bars, as they are read."""
    if bars is None:
        return "–"
    farthest = each.bars[np.flatnonzero(np.isfinite(each.lost))[-1]]
    return f"{bars:g}" if np.isfinite(bars) else f"> {farthest:g}"


def _interval(each: Hearing) -> str:
    if each.interval is None:
        return "–"
    low, high = (_bars(end, each) for end in each.interval)
    return f"{low} – {high}" if low != high else low


def _with_error(lost: float, error: float) -> str:
    """Nats with their standard error, if there are any."""
    if not np.isfinite(lost):
        return "–"
    return f"{lost:+.3f} ± {error:.3f}" if np.isfinite(error) else f"{lost:+.3f}"


def _words(heard: Sequence[Hearing], pieces: int, moments: int) -> str:
    words = [f"At {moments} moments of {pieces} held-out pieces:"]
    for each in heard:
        lost = f"{_with_error(each.lost[0], each.error[0])} nats a note"
        name = f"{each.model}, {_WORDS[each.way]}"
        if each.memory is None:
            words.append(f"{name}: {lost} at k = 0, too little to speak of a memory.")
        else:
            words.append(
                f"{name}: {lost} at k = 0, effective memory {_bars(each.memory, each)} bars (95 % "
                f"of resamples {_interval(each)}), clearly heard to {_bars(each.clear, each)} bars."
            )
    by_way = {(each.model, each.way): float(each.lost[0]) for each in heard}
    for model, way in by_way:
        if way == STATE and by_way.get((model, CUT), 0) > 0:
            share = by_way[model, STATE] / by_way[model, CUT]
            words.append(
                f"Of what {model} loses without any history, {100 * share:.0f} % is lost where the "
                "LSTM's state alone is emptied; the musical context around it holds the rest."
            )
    return " ".join(words)


def _table(heard: Sequence[Hearing]) -> Table:
    return Table(
        (
            "model",
            "history",
            "whole",
            *(f"k = {k:g}" for k in heard[0].bars),
            "memory",
            "95 %",
            "clear",
        ),
        [
            (
                each.model,
                _WORDS[each.way],
                f"{each.whole:.3f}",
                *(
                    _with_error(lost, error)
                    for lost, error in zip(each.lost, each.error, strict=True)
                ),
                _bars(each.memory, each),
                _interval(each),
                _bars(each.clear, each),
            )
            for each in heard
        ],
        "Nats a note with the whole history; what is lost where what is beyond k bars is taken "
        "away, with its standard error over pieces; and the effective memory in bars: the smallest "
        "k from which on less than 1 % of the loss without any history is lost, with its interval "
        "by bootstrap over pieces; and the greatest k at which more than two standard errors are.",
    )


def _share_table(heard: Sequence[Hearing]) -> Table:
    return Table(
        ("model", "history", *(f"k = {k:g}" for k in heard[0].bars)),
        [
            (
                each.model,
                _WORDS[each.way],
                *(f"{100 * share:.1f}" if np.isfinite(share) else "–" for share in each.share),
            )
            for each in heard
        ]
        + [("pieces", "", *(str(count) for count in heard[0].pieces))],
        "The same in per cent of what the same moments lose without any history (or with all of it "
        "shuffled), and the number of pieces that have history beyond k bars.",
    )


def _picture(heard: Sequence[Hearing]) -> bytes:
    figure, axes = new_figure(6.5, 3.4, 1, 2)
    names = list(dict.fromkeys(each.model for each in heard))
    shown = np.isfinite([each.lost for each in heard]).any(axis=0)
    x = np.arange(int(shown.sum()))
    for chart, ways, title in zip(
        axes[0], ((CUT, STATE), (SHUFFLED,)), ("History cut", "Bars shuffled"), strict=True
    ):
        plain(chart, title, "k, in bars", "nats a note lost" if CUT in ways else "")
        for each in heard:
            if each.way not in ways:
                continue
            colour = PART_COLOURS[names.index(each.model) % len(PART_COLOURS)]
            label = each.model + (", state alone" if each.way == STATE else "")
            chart.plot(
                *(x, each.lost[shown]),
                color=colour,
                label=label,
                linestyle="--" if each.way == STATE else "-",
                marker="o",
                markersize=3,
            )
            low, high = (each.lost + sign * each.error for sign in (-1, 1))
            chart.fill_between(x, low[shown], high[shown], color=colour, alpha=0.18, linewidth=0)
        chart.set_xticks(x, [f"{k:g}" for k in heard[0].bars[shown]])
        # what is lost far away is a hundredth of what is lost nearby, and may be a gain
        chart.set_yscale("symlog", linthresh=_LINEAR)
        chart.axhline(0, color="black", linewidth=0.5)
    figure.legend(
        *axes[0][0].get_legend_handles_labels(),
        loc="outside lower center",
        ncols=3,
        fontsize=8.5,
        frameon=False,
    )
    return as_png(figure)


def _alt(heard: Sequence[Hearing]) -> str:
    said = (
        f"{each.model}, {_WORDS[each.way]}: {each.lost[0]:.2f} nats a note at k = 0, effective "
        f"memory {_bars(each.memory, each)} bars"
        for each in heard
    )
    return "Lines that fall with the distance k. " + "; ".join(said)
