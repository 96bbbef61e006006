"""Noise: how far a wrong note spreads through what a model expects.

Some notes of held-out pieces are played wrongly, and the likelihood of the *others* is compared
with what it was: the same events, after another past. Beside the LSTM stand an n-gram of several
viewpoints, and a plain one, which forgets a note once n - 1 others have come.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt

from musiclstm.encoding import Encoded
from musiclstm.errors import TrainingError
from musiclstm.evaluation import NGram
from musiclstm.lab import noise_shown as shown
from musiclstm.lab.mistakes import Mistaken, beginning, notes_of, with_mistakes
from musiclstm.lab.noise_means import BINS, KINDS, FloatArray, Measured, Tally
from musiclstm.lab.outcome import Outcome, silent
from musiclstm.lab.row_ngram import RowNGram
from musiclstm.model import Bundle
from musiclstm.rendering.document import Text

Score = Callable[[Encoded], npt.NDArray[np.float32]]  # nats of each field of each row


@dataclass(frozen=True)
class NoiseSettings:
    """How much is measured.

    Attributes:
        rates: Shares of the notes that are wrong, each 0-1.
        draws: How often each piece is spoilt at each rate.
        lone: How many lone mistakes of each kind are made in each piece, one at a time.
        most_notes: Of held-out pieces, all together; some of each piece where there are more.
        piece_notes: Of one piece: its beginning counts.
        learned: Most pieces that the n-grams count.
        order: n of the plain n-gram.
        seed: Of what is spoilt, and how.
    """

    rates: tuple[float, ...] = (0.01, 0.05, 0.1)
    draws: int = 10
    lone: int = 60
    most_notes: int = 20_000
    piece_notes: int = 800
    learned: int = 400
    order: int = 5
    seed: int = 0

    @classmethod
    def quick(cls, seed: int = 0) -> "NoiseSettings":
        """For half a minute."""
        return cls(draws=1, lone=4, most_notes=4_000, piece_notes=300, learned=160, seed=seed)


def noise(
    settings: NoiseSettings,
    bundle: Bundle,
    learned: Sequence[Encoded],
    held_out: Sequence[Encoded],
    tell: Callable[[str], None] = silent,
) -> Outcome:
    """Play held-out pieces with mistakes, and see how likely the right notes still are.

    Args:
        settings: How much.
        bundle: The model.
        learned: Pieces for the n-grams to count; without any there are no n-grams.
        held_out: Pieces to spoil.
        tell: Is told how far it is.

    Raises:
        TrainingError: If no piece is held out.
    """
    v = bundle.vocabulary
    if not held_out:
        raise TrainingError("noise needs pieces that the model has not learned from")
    models: dict[str, Score] = {"LSTM": bundle.decoder.score}
    if learned:
        tell("counting n-grams")
        some = _some(learned, settings.learned)
        models["n-gram"] = NGram.fit(some, v).nats
        models[f"plain {settings.order}-gram"] = RowNGram.fit(some, v, settings.order).nats
    pieces = [beginning(piece, settings.piece_notes, v) for piece in held_out]
    notes = sum(piece.n_notes for piece in pieces)
    pieces = _some(pieces, max(2, len(pieces) * settings.most_notes // max(notes, 1)))
    measured = _measured(settings, bundle, models, pieces, tell)
    return Outcome(
        name="noise",
        title="A wrong note",
        claim="A model that predicts from its own past must live with errors in it: one wrong note "
        "may spread through the state of a recurrent network, while an n-gram has forgotten it n "
        "notes later (S. Bengio et al., Scheduled Sampling for Sequence Prediction with Recurrent "
        "Neural Networks, NeurIPS 2015).",
        found=shown.found(measured, list(models)),
        blocks=(
            shown.picture(measured, list(models)),
            shown.rates_table(measured, list(models)),
            shown.distances_table(measured, list(models)),
            Text(shown.how(bundle.network.noise, settings.order)),
        ),
        numbers={
            "settings": asdict(settings),
            "bundle": {"name": bundle.name, "digest": bundle.digest},
            **shown.numbers(measured, list(models)),
        },
    )


def _some(pieces: Sequence[Encoded], most: int) -> list[Encoded]:
    """At most so many, evenly spread."""
    count = min(len(pieces), most)
    return [pieces[n * len(pieces) // count] for n in range(count)]


def _measured(
    s: NoiseSettings,
    bundle: Bundle,
    models: Mapping[str, Score],
    pieces: Sequence[Encoded],
    tell: Callable[[str], None],
) -> Measured:
    v, tally = bundle.vocabulary, Tally(len(pieces))
    touched: dict[tuple[str, float], list[int]] = {}

    def damage(wrong: Mistaken, clean: Mapping[str, FloatArray]) -> dict[str, FloatArray]:
        return {
            name: wrong.notes.sums(score(wrong.piece)) - clean[name][wrong.was]
            for name, score in models.items()
        }

    for number, piece in enumerate(pieces):
        notes = notes_of(piece, v)
        if not len(notes):
            continue
        clean = {name: notes.sums(score(piece)) for name, score in models.items()}
        for name, nats in clean.items():
            tally.add(("clean", name), number, nats)
        for kind, options in KINDS.items():
            for draw in range(s.draws):
                for rate in s.rates:
                    # the same seed at each rate: what is wrong at the lower is so at the higher
                    rng = np.random.default_rng([s.seed, number, draw])
                    count = max(1, round(rate * len(notes)))
                    wrong = with_mistakes(piece, count, options, rng, v)
                    of = touched.setdefault((kind, rate), [0, 0])
                    of[0] += int(np.count_nonzero(wrong.touched))
                    of[1] += len(notes)
                    for name, lost in damage(wrong, clean).items():
                        tally.add((kind, rate, name), number, lost[wrong.comparable])
            rng = np.random.default_rng([s.seed, number, 1 << 20])
            for index in rng.permutation(len(notes))[: s.lone]:
                wrong = with_mistakes(piece, 1, options, rng, v, among=np.array([index]))
                if not wrong.touched.any():
                    continue
                # a moved note is missed where it was, too
                place_now = int(np.argmax(wrong.touched))
                away = np.arange(len(notes)) - max(place_now, int(index))
                for name, lost in damage(wrong, clean).items():
                    for place, (first, last) in enumerate(BINS):
                        chosen = wrong.comparable & (away >= first) & (away <= last)
                        tally.add((kind, place, name, "after"), number, lost[chosen])
        tell(f"piece {number + 1} of {len(pieces)}")
    return Measured(
        clean={name: tally.mean(("clean", name)) for name in models},
        rates={
            (kind, rate, name): tally.mean((kind, rate, name))
            for kind in KINDS
            for rate in s.rates
            for name in models
        },
        after={
            (kind, place, name): tally.mean((kind, place, name, "after"))
            for kind in KINDS
            for place in range(len(BINS))
            for name in models
        },
        touched={key: wrong / max(notes, 1) for key, (wrong, notes) in touched.items()},
        pieces=len(pieces),
    )
