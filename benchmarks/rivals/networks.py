"""Rivals in PyTorch: tried for a short time with a few hyper-parameters, then trained.

The best on the valid split is trained for the whole time: of two dropouts, then with noise in what
is remembered or without, then with a higher learning rate. Trials come on top of the time. This
module imports PyTorch when it is asked to do something.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from benchmarks.rivals.corpora import Music
from benchmarks.rivals.terms import CORES, Facts, Nats, Tell, Terms
from musiclstm.encoding import Encoded
from musiclstm.files import atomic_write_bytes
from musiclstm.model import count_parameters

_NOISE = 0.1  # that of our own network
_FASTER = 2.0  # times the learning rate, in the last trial


@dataclass(frozen=True)
class TorchRival:
    """A rival in PyTorch.

    Attributes:
        kind: ``rnn``, ``gru``, ``lstm``, ``gpt`` or ``gpt_context``.
        learning_rate: That the trials begin with.
        dropouts: That are tried.
    """

    kind: str
    learning_rate: float
    dropouts: tuple[float, ...] = (0.1, 0.3)

    def make(self, music: Music, folder: Path, terms: Terms, tell: Tell) -> Facts:
        """See :class:`Contender`."""
        import torch  # noqa: PLC0415 - takes seconds

        from benchmarks.rivals.training import Course, save  # noqa: PLC0415
        from benchmarks.rivals.transformer import count  # noqa: PLC0415

        torch.set_num_threads(terms.threads)
        tried = self._tried(music, folder, terms, tell)
        best = min(tried, key=lambda trial: trial["valid"])["choice"]
        course = Course(
            self._builder(music, terms),
            music,
            self._choice(best),
            self._shape(terms),
            seconds=terms.seconds,
            seed=terms.seed,
            folder=folder,
        )
        save(course.run(tell), folder / "best.pt")
        progress = course.progress
        return {
            "parameters": count(course.model),
            "steps": progress.step,
            "rows_per_second": round(CORES * progress.rows / max(progress.seconds, 1e-9)),
            "minutes": round(progress.seconds / 60 / CORES, 2),
            "best_step": progress.best_step,
            "choice": best,
            "trials": tried,
            "trial_minutes": terms.trial_minutes,
            "history": progress.history,
        }

    def judge(self, music: Music, folder: Path, terms: Terms, pieces: Sequence[Encoded]) -> Nats:
        """See :class:`Contender`."""
        import torch  # noqa: PLC0415

        from benchmarks.rivals.judging import JudgedPieces  # noqa: PLC0415
        from benchmarks.rivals.training import judge  # noqa: PLC0415

        torch.set_num_threads(terms.threads)
        model = self._builder(music, terms)(0.0)
        model.load_state_dict(torch.load(folder / "best.pt", weights_only=True))
        shape = self._shape(terms)
        judged = JudgedPieces.of(pieces, music.vocabulary, shape.lanes, shape.window, shape.overlap)
        return judge(model, judged)

    def _tried(self, music: Music, folder: Path, terms: Terms, tell: Tell) -> list[Facts]:
        """Trials, each kept as soon as it is done: the choice, and its valid nats."""
        from benchmarks.rivals.training import Choice, Course  # noqa: PLC0415

        file = folder / "trials.json"
        seconds = terms.trial_seconds
        kept = json.loads(file.read_text(encoding="utf-8")) if file.exists() else []
        known = [one for one in kept if one["seconds"] == seconds]  # longer ones tell more

        def trial(choice: Choice) -> float:
            for one in known:
                if one["choice"] == asdict(choice):
                    return float(one["valid"])
            valid = float("inf")
            if terms.trial_minutes:
                course = Course(
                    self._builder(music, terms),
                    music,
                    choice,
                    self._shape(terms),
                    seconds=seconds,
                    seed=terms.seed,
                )
                course.run(lambda _: None)
                valid = course.progress.best_nats
                tell(f"tried {choice}: {valid:.4f}")
            known.append({"choice": asdict(choice), "seconds": seconds, "valid": valid})
            atomic_write_bytes(file, json.dumps(known).encode())
            return valid

        choices = [Choice(dropout, self.learning_rate) for dropout in self.dropouts]
        if not terms.trial_minutes:
            trial(choices[0])
            return known
        best = min(choices, key=trial)
        best = min((best, replace(best, noise=_NOISE)), key=trial)
        trial(replace(best, learning_rate=_FASTER * best.learning_rate))
        return known

    def _choice(self, values: Facts) -> Any:
        from benchmarks.rivals.training import Choice  # noqa: PLC0415

        return Choice(**values)

    @property
    def _is_transformer(self) -> bool:
        return self.kind.startswith("gpt")

    def _shape(self, terms: Terms) -> Any:
        """A Transformer takes fewer lanes, for a row is five places: else steps would be few."""
        from benchmarks.rivals.training import Shape  # noqa: PLC0415

        lanes, window = terms.config.lanes, terms.config.window
        if self._is_transformer:
            return Shape(max(1, lanes // 4), window, window // 2)
        return Shape(lanes, window)

    def _builder(self, music: Music, terms: Terms) -> Callable[[float], Any]:
        """Makes the model, given the dropout."""
        from benchmarks.rivals.recurrent import Recurrent  # noqa: PLC0415
        from benchmarks.rivals.transformer import Transformer, width_for  # noqa: PLC0415

        network, v = terms.config.network, music.vocabulary
        if self._is_transformer:
            context = self.kind == "gpt_context"
            units = (network.onset_units, network.voice_units, network.note_units)
            width = width_for(count_parameters(network, v), v, context=context, units=units)
            return lambda dropout: Transformer(
                v, width=width, dropout=dropout, context=context, context_units=units
            )
        return lambda dropout: Recurrent(
            self.kind,
            v,
            units=network.units,
            layers=network.layers,
            head_units=network.head_units,
            dropout=dropout,
        )
