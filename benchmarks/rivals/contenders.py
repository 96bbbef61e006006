"""Who takes part: how each is made within the time, kept in a folder, and judged from it.

Ours is trained by :func:`musiclstm.training.train` as ``musiclstm train --minutes`` does. What is
counted, not trained, takes as long as it takes: seconds.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from benchmarks.rivals.corpora import Music, known_of, splits_of
from benchmarks.rivals.networks import TorchRival
from benchmarks.rivals.terms import CORES, Facts, Nats, Tell, Terms, per_note
from musiclstm.encoding import Encoded
from musiclstm.errors import TrainingError
from musiclstm.evaluation import Baseline, NGram, Uniform, Unigram
from musiclstm.model import count_parameters, load_bundle
from musiclstm.training import TrainingConfig
from musiclstm.training.batches import windows_per_epoch

STATES, ROUNDS = 64, 200  # of the hidden Markov model


class Contender(Protocol):
    """Whoever takes part."""

    def make(self, music: Music, folder: Path, terms: Terms, tell: Tell, /) -> Facts:
        """Train within the time and keep the model in a folder.

        Returns:
            ``parameters``, ``steps``, ``rows_per_second`` (padding left out, evaluations counted
            as training), ``minutes`` as spent, and whatever else should be known.
        """

    def judge(self, music: Music, folder: Path, terms: Terms, pieces: Sequence[Encoded], /) -> Nats:
        """Nats a note of each field with the model in a folder, float64 ``(5,)``."""


# --- ours ---------------------------------------------------------------------------------------


def rows_a_step(music: Music, config: TrainingConfig) -> float:
    """Rows that a step of ours learns from on average, padding left out."""
    lengths = [len(piece.events) for piece in music.pieces["train"]]
    return config.lanes * sum(lengths) / windows_per_epoch(lengths, config.window)


class Ours:
    """The network of this project."""

    def make(self, music: Music, folder: Path, terms: Terms, tell: Tell) -> Facts:
        """See :class:`Contender`."""
        from musiclstm.training import Silent, train  # noqa: PLC0415 - TensorFlow takes seconds
        from musiclstm.training.checkpoint import has_checkpoint  # noqa: PLC0415

        class Telling(Silent):
            def said(self, message: str) -> None:
                tell(message)

            def evaluated(self, row: Any, best: bool) -> None:
                tell(
                    f"step {row.step}, {row.seconds:.0f} s: train {row.train_nats:.4f}, "
                    f"valid {row.valid_nats:.4f}{' *' * best}"
                )

        splits, model = splits_of(music.corpus), folder / "model"
        bundle = train(
            music.corpus,
            replace(terms.config, seed=terms.seed),
            model,
            minutes=terms.minutes,
            resume=has_checkpoint(model),
            leave_out=lambda source: splits[source] == "test",
            held_out=lambda source: splits[source] == "valid",
            reporter=Telling(),
        )
        lines = (model / "history.csv").read_text(encoding="utf-8").splitlines()
        last = dict(zip(lines[0].split(","), lines[-1].split(","), strict=True))
        steps, seconds = int(last["step"]), float(last["seconds"])
        return {
            "parameters": count_parameters(bundle.network, bundle.vocabulary),
            "steps": steps,
            "rows_per_second": round(steps * rows_a_step(music, terms.config) / max(seconds, 1e-9)),
            "minutes": round(seconds / 60, 2),
            "status": bundle.config["status"],
        }

    def judge(self, music: Music, folder: Path, _: Terms, pieces: Sequence[Encoded], /) -> Nats:
        """See :class:`Contender`."""
        bundle = load_bundle(folder / "model")
        if bundle.vocabulary.as_dict() != music.vocabulary.as_dict():
            raise TrainingError(f"{folder} was trained on other music than {music.name}")
        return per_note(lambda piece: bundle.decoder.score(piece, known_of(piece)), pieces)


# --- what is counted ----------------------------------------------------------------------------


@dataclass
class Counted:
    """A baseline; it is made anew whenever it is judged, in seconds.

    Attributes:
        fit: Makes it.
        made: Once it is.
    """

    fit: Callable[[Music], Baseline]
    made: Baseline | None = None

    def make(self, music: Music, _folder: Path, _terms: Terms, _tell: Tell, /) -> Facts:
        """See :class:`Contender`."""
        began = time.monotonic()
        self.made = self.fit(music)
        counted = 0
        if isinstance(self.made, NGram):
            counted = self.made.parameters
        minutes = round((time.monotonic() - began) / 60, 2)
        return {"parameters": counted, "steps": 0, "rows_per_second": 0, "minutes": minutes}

    def judge(
        self, music: Music, _folder: Path, _terms: Terms, pieces: Sequence[Encoded], /
    ) -> Nats:
        """See :class:`Contender`."""
        self.made = self.made or self.fit(music)
        return per_note(self.made.nats, pieces)


class Hidden:
    """The hidden Markov model."""

    def make(self, music: Music, folder: Path, terms: Terms, tell: Tell) -> Facts:
        """See :class:`Contender`."""
        from benchmarks.rivals.hmm import HMM  # noqa: PLC0415

        began = time.process_time()
        start = HMM.random(music.vocabulary, STATES, terms.seed)
        pieces = music.pieces["train"]
        model = start.fitted(pieces, rounds=ROUNDS, seconds=terms.seconds, tell=tell)
        np.savez_compressed(folder / "hmm.npz", allow_pickle=False, **model.arrays())
        minutes = round((time.process_time() - began) / 60 / CORES, 2)
        return {
            "parameters": model.parameters,
            "steps": 0,
            "rows_per_second": 0,
            "minutes": minutes,
            "states": STATES,
        }

    def judge(self, music: Music, folder: Path, _: Terms, pieces: Sequence[Encoded], /) -> Nats:
        """See :class:`Contender`."""
        from benchmarks.rivals.hmm import HMM  # noqa: PLC0415

        with np.load(folder / "hmm.npz", allow_pickle=False) as kept:
            model = HMM.from_arrays({name: kept[name] for name in kept.files}, music.vocabulary)
        return per_note(model.nats, pieces)


CONTENDERS: Mapping[str, Contender] = {
    "ours": Ours(),
    "uniform": Counted(lambda music: Uniform(music.vocabulary)),
    "unigram": Counted(lambda music: Unigram(music.vocabulary)),
    "ngram": Counted(lambda music: NGram.fit(music.pieces["train"], music.vocabulary)),
    "hmm": Hidden(),
    "rnn": TorchRival("rnn", 1e-3),
    "gru": TorchRival("gru", 2e-3),
    "lstm": TorchRival("lstm", 3e-3),
    "gpt": TorchRival("gpt", 1e-3),
    "gpt_context": TorchRival("gpt_context", 1e-3),
}
ONLY = {"hmm": ("nottingham",)}  # contenders that take part on some corpora alone


def contenders_of(corpus: str) -> list[str]:
    """Who takes part on a corpus where nobody is named."""
    return [name for name in CONTENDERS if corpus in ONLY.get(name, (corpus,))]
