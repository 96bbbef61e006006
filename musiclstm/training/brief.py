"""What a training was asked to do: what a resumed one must not ask again."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from musiclstm.encoding import Vocabulary
from musiclstm.errors import TrainingError
from musiclstm.training.config import TrainingConfig


@dataclass(frozen=True)
class Brief:
    """Settings and wishes; with the corpus and the machine, these decide the weights.

    Attributes:
        config: Hyper-parameters.
        minutes: How long, where that is wished for.
        epochs: How often each piece is played, where that is wished for.
        settings: How the corpus was read, for ``config.json``.
        parts: Names or numbers of the parts to learn; all where empty.
        drop_drums: Whether drums are left out.
        left_out: Sources of the pieces that are not used.
        held_out: Sources of the pieces that are held out; None draws them.
        corpus: Digest of its contents; empty until the corpus is known.
        vocabulary: Of the model; None until it is made, or taken from another model.
    """

    config: TrainingConfig
    minutes: float | None = None
    epochs: float | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    parts: tuple[str, ...] = ()
    drop_drums: bool = False
    left_out: tuple[str, ...] = ()
    held_out: tuple[str, ...] | None = None
    corpus: str = ""
    vocabulary: Vocabulary | None = None

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for a checkpoint."""
        return {
            **vars(self),
            "config": self.config.as_dict(),
            "vocabulary": self.vocabulary and self.vocabulary.as_dict(),
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Brief":
        """Undo :meth:`as_dict`; other values are passed over.

        Raises:
            TrainingError: If something is missing.
        """
        try:
            own = {name: values[name] for name in cls.__dataclass_fields__}
        except KeyError as error:
            raise TrainingError(f"the checkpoint does not say its {error}") from error
        return cls(
            **{
                **own,
                "config": TrainingConfig.from_dict(own["config"]),
                "parts": tuple(own["parts"]),
                "left_out": tuple(own["left_out"]),
                "held_out": None if own["held_out"] is None else tuple(own["held_out"]),
                "vocabulary": own["vocabulary"] and Vocabulary.from_dict(own["vocabulary"]),
            }
        )
