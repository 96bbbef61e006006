"""All that a report says of a model, gathered: likelihood, samples beside music, copies, a verdict.

Three kinds of pieces are told apart: those that the model learned from, those that were held out
while it learned (they chose when training ended), and those that it has never met. What can be
known without the music (the learning curve, what the bundle says of itself, what it composes) is
told without it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from musiclstm.encoding import Encoded
from musiclstm.evaluation.baselines import MOST_COUNTED, NGram, Uniform, Unigram
from musiclstm.evaluation.beside import (
    Comparison,
    Form,
    compare_features,
    compare_rules,
    form_of,
)
from musiclstm.evaluation.calibration import Calibration, calibration
from musiclstm.evaluation.evidence import Evidence, gather, some
from musiclstm.evaluation.likelihood import Nats, Says, measure
from musiclstm.evaluation.new_runs import LENGTHS, new_shares
from musiclstm.evaluation.verdict import Verdict, judge
from musiclstm.generation import Composition, Copied, CopyCheck, compose
from musiclstm.generation.copied_runs import RUN
from musiclstm.model import Bundle
from musiclstm.model.pieces import SPLITS, Pieces, encoded

# What each stage is called while it runs.
Tell = Callable[[str], None]

SET_NAMES = {
    "train": "pieces that it learned from",
    "valid": "pieces that were held out",
    "new": "pieces that it never met",
}
MODEL, NGRAM, COUNTING, UNIFORM = "the model", "n-gram", "counting", "no idea"
# Sets of pieces that are held against each other.
SAMPLES, CORPUS, CONTROL = "samples", "learned from", "not learned from"
_MOST_ROWS = 8_000  # of each set that are scored
_MOST_MEASURED = 200  # pieces of a set of which features are measured
_MOST_RUNS = 12  # copied runs that are listed
_MOST_COMPARED = 2_000_000  # notes of training pieces whose runs are compared by length


@dataclass(frozen=True)
class Examination:
    """What was found; what is not known is empty or None.

    Attributes:
        bundle: The model.
        seed: Of what it composed.
        pieces: How many pieces of each of :data:`~musiclstm.model.pieces.SPLITS` there were.
        missing: How many of the model's own pieces were not there.
        likelihood: For each set that has pieces and each model, nats a note of the same pieces.
        calibration: Of pitches, on pieces that the model did not learn from.
        evidence: For the verdict.
        verdict: What is to be thought of it.
        samples: What it composed.
        features: Of samples, beside pieces that it learned from and pieces that it did not.
        rules: Broken rules of harmony by set, where all is in four parts.
        forms: How pieces repeat themselves, by set.
        runs: The longest runs that samples share with training pieces: number of the sample, run.
        held_out_runs: The longest such run of each held-out piece, in notes.
        new: For each set, by length of runs, the share that no training piece has.
    """

    bundle: Bundle
    seed: int
    pieces: dict[str, int]
    missing: int
    likelihood: dict[str, dict[str, Nats]]
    calibration: Calibration | None
    evidence: Evidence
    verdict: Verdict
    samples: Sequence[Composition]
    features: dict[str, Comparison]
    rules: dict[str, dict[str, int]]
    forms: dict[str, Form]
    runs: Sequence[tuple[int, Copied]]
    held_out_runs: Sequence[int]
    new: dict[str, list[float]]


def examine(
    bundle: Bundle, pieces: Pieces | None, count: int, seed: int, tell: Tell = lambda _: None
) -> Examination:
    """Look at a model from all sides; a minute or less.

    Args:
        bundle: The model.
        pieces: Music beside it.
        count: How many pieces it is to compose, >= 2.
        seed: Of all chance.
        tell: Called with what is being done, before it is.
    """
    tell("reading")
    scores = {
        split: pieces.some(split, _MOST_MEASURED) if pieces is not None else [] for split in SPLITS
    }
    read = {split: encoded(bundle, found) for split, found in scores.items()}
    ngram = None
    if pieces is not None and read["train"]:
        tell("counting an n-gram of the training pieces")
        ngram = _counted(bundle, pieces)
    tell(f"composing {count} pieces")
    samples = compose(bundle, count, seed=seed)
    tell("scoring")
    scored = {
        split: chosen
        for split in SPLITS
        if (chosen := some(read[split], bundle.vocabulary, _MOST_ROWS))
    }
    likelihood = {
        split: _likelihood(bundle, chosen, None if split == "train" else ngram)
        for split, chosen in scored.items()
    }
    # what the model has not met at all is the fairer witness
    unmet = read["new"] or read["valid"]
    others = scored.get("new") or scored.get("valid")
    tell("judging")
    evidence = gather(bundle, read["train"], unmet, samples, ngram, seed=seed)
    tell("measuring")
    sets = {
        SAMPLES: [piece.score for piece in samples],
        CORPUS: scores["train"],
        CONTROL: scores["new"] or scores["valid"],
    }
    filled = {name: found for name, found in sets.items() if found}
    tell("looking for copies")
    check = CopyCheck.of(bundle)
    held_out = [check.longest(piece) for piece in unmet] if check.arrays else []
    return Examination(
        bundle=bundle,
        seed=seed,
        pieces={} if pieces is None else {split: pieces.count(split) for split in SPLITS},
        missing=0 if pieces is None else pieces.missing,
        likelihood=likelihood,
        calibration=calibration(bundle, others) if others else None,
        evidence=evidence,
        verdict=judge(evidence),
        samples=samples,
        features=compare_features(*sets.values()),
        rules=dict(zip(filled, compare_rules(*filled.values()), strict=False)),
        forms={name: form for name in filled if (form := form_of(filled[name])) is not None},
        runs=_copied(check, samples),
        held_out_runs=[run.notes for run in held_out if run is not None],
        new=_new(bundle, pieces, samples, unmet),
    )


def _counted(bundle: Bundle, pieces: Pieces) -> NGram | None:
    """An n-gram of the training pieces, of evenly chosen ones where there are too many."""
    notes = max(int(bundle.results.get("train_notes") or 0), 1)
    most = max(1, pieces.count("train") * MOST_COUNTED // max(notes, MOST_COUNTED))
    return NGram.fit(encoded(bundle, pieces.some("train", most)), bundle.vocabulary)


def _likelihood(bundle: Bundle, pieces: Sequence[Encoded], ngram: NGram | None) -> dict[str, Nats]:
    """What pieces cost under each model.

    Args:
        bundle: The model.
        pieces: At least one note in all.
        ngram: None for pieces that it has counted: it knows every run of them, and that would be no
            comparison.
    """
    v = bundle.vocabulary
    models: dict[str, Says] = {MODEL: bundle.decoder.score}
    if ngram is not None:
        models[NGRAM] = ngram.nats
    models |= {COUNTING: Unigram(v).nats, UNIFORM: Uniform(v).nats}
    return {name: measure(says, pieces) for name, says in models.items()}


def _copied(check: CopyCheck, samples: Sequence[Composition]) -> list[tuple[int, Copied]]:
    """The longest runs, of textures and of parts, the longest first."""
    if not check.arrays:
        return []
    runs = [
        (number, run)
        for number, piece in enumerate(samples, start=1)
        for run in check.runs(piece.reading.encoded, RUN)
    ]
    return sorted(runs, key=lambda found: -found[1].notes)[:_MOST_RUNS]


def _new(
    bundle: Bundle,
    pieces: Pieces | None,
    samples: Sequence[Composition],
    unmet: Sequence[Encoded],
) -> dict[str, list[float]]:
    if pieces is None or not pieces.count("train"):
        return {}
    notes = int(bundle.results.get("train_notes") or 0)
    if notes > _MOST_COMPARED or pieces.missing > pieces.count("train"):
        return {}  # of a part of what was learned from, runs would pass as new
    training = encoded(bundle, pieces.some("train", pieces.count("train")))
    sets = {SAMPLES: [piece.reading.encoded for piece in samples]}
    if unmet:
        sets[CONTROL] = list(unmet)
    return new_shares(training, sets, bundle.vocabulary, LENGTHS)
