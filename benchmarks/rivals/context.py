"""The musical context for a Transformer: what our network reads of it as input.

What our network's output layers make of it besides (pitches as steps from others, copied pitches,
motions and sonorities that a pitch would make, durations by where they end) is not here.

Ids are looked up and summed, features multiplied, and a layer made of both, as in our network; the
onset's layer is known with the shift, the voice's with the part, the note's with the pitch, and
what follows from a whole row with its last field.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from benchmarks.rivals.heads import Batch
from musiclstm.encoding import Vocabulary, after_rows, note_rows, onset_rows, voice_rows
from musiclstm.model.architecture import (
    NOTE_FEATURES,
    ONSET_FEATURES,
    PITCH_CLASSES,
    VOICE_FEATURES,
)

_SPREAD = 0.05  # of embeddings: dozens are added up
_LONGEST = 255.0  # a byte that says how long something still sounds


class _Layer(nn.Module):
    """A hidden layer over ids and features, and what it says to a wider stream."""

    def __init__(self, rows: int, features: int, hidden: int, width: int) -> None:
        super().__init__()
        self.none = rows
        self.table = nn.Parameter(torch.randn(rows + 1, hidden) * _SPREAD)
        self.features = nn.Linear(features, hidden) if features else None
        self.out = nn.Linear(hidden, width)

    def forward(self, ids: Tensor, features: Tensor | None) -> Tensor:
        flat = ids.flatten(0, -2)
        known = functional.embedding_bag(flat, self.table, mode="sum", padding_idx=self.none)
        known = known.view(*ids.shape[:-1], -1)
        if self.features is not None:
            known = known + self.features(features)
        said: Tensor = self.out(known.relu())
        return said


class ContextLayers(nn.Module):
    """What the context adds to each field's place in the stream.

    Args:
        vocabulary: For the sizes of the tables.
        hidden: Width of the onset, the voice and the note layer.
        width: Of the stream.
    """

    def __init__(self, vocabulary: Vocabulary, hidden: tuple[int, int, int], width: int) -> None:
        super().__init__()
        onset, voice, note = hidden
        self.onset = _Layer(onset_rows(vocabulary), ONSET_FEATURES, onset, width)
        self.voice = _Layer(voice_rows(vocabulary), VOICE_FEATURES, voice, width)
        self.note = _Layer(note_rows(vocabulary), NOTE_FEATURES, note, width)
        self.after = _Layer(after_rows(vocabulary), 0, note, width)

    def forward(self, batch: Batch) -> list[Tensor | None]:
        """For each field what its place gains, ``(B, T + 1, width)``; None for nothing.

        The first of the T + 1 rows is the one that is read first, the others are the targets.
        """
        sounding = batch["sounding"]
        on = _any(sounding)
        octaves = functional.pad(on, (0, -on.shape[-1] % PITCH_CLASSES))
        classes = octaves.view(*on.shape[:2], -1, PITCH_CLASSES).amax(-2)
        remaining, struck = _lengths(batch["remaining"]), _any(batch["struck"])
        heard = torch.cat([on, _lengths(sounding), classes, remaining, struck], dim=-1)
        own = batch["voice_sounding"]
        told = torch.cat([_any(own), _lengths(own), batch["voice_shares"]], dim=-1)
        after = self.after(batch["after_ids"], None)
        return [
            self.onset(batch["onset_ids"], heard),
            self.voice(batch["voice_ids"], told),
            self.note(batch["note_ids"], batch["note_shares"]),
            None,
            # after the last row nothing more is asked
            functional.pad(after, (0, 0, 0, 1)),
        ]


def _any(values: Tensor) -> Tensor:
    return (values > 0).float()


def _lengths(values: Tensor) -> Tensor:
    """Bytes as shares of the longest."""
    return values.float() / _LONGEST
