"""What models lose at moments of pieces without the far past, and how far back they listen."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from musiclstm.encoding import (
    Encoded,
    Field,
    Vocabulary,
    prepare,
)
from musiclstm.lab.listening_histories import (
    CUT,
    SHUFFLED,
    STATE,
    Moment,
    cut,
    heads,
    moments_of,
    shuffle,
)
from musiclstm.lab.listening_models import Listener, Prepared, state_cut
from musiclstm.lab.outcome import silent
from musiclstm.lab.plain import PlainSettings, Tell
from musiclstm.model.decoder import Decoder

Array = npt.NDArray[Any]

_HEARD = 0.01  # of the loss without any history: what is less counts as not heard

_FEWEST_PIECES = 5  # fewer say nothing of a distance


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
            notes.append(int(heads(asked, vocabulary).sum()))
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
