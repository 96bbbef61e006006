"""The likelihood of a whole piece in NumPy, all rows at once but for the LSTM's recurrence."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from musiclstm.encoding import Field, Piece, Vocabulary
from musiclstm.model.cells import Gates
from musiclstm.model.folded import Folded
from musiclstm.model.heads import DurationHints, Hints, PitchHints, log_softmax

FloatArray = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.int32]


def nats_of_piece(
    folded: Folded, piece: Piece, conditions: FloatArray, vocabulary: Vocabulary
) -> FloatArray:
    """Minus the log-probability of each field of each row.

    Args:
        folded: The network's weights.
        piece: Made ready, as it is.
        conditions: What they say to every row, float32 ``(U,)``.
        vocabulary: What the ids mean.

    Returns:
        float32 ``(rows, 5)``, in nats; 0 for fields that a row does not have.
    """
    rows = np.arange(len(piece))
    nats = np.zeros((len(piece), len(Field)), np.float32)
    for field, log_probs in log_probs_of_piece(folded, piece, conditions, vocabulary):
        nats[:, field] = -log_probs[rows, piece.targets[1:, field]]
    return np.where(piece.counts[1:], nats, np.float32(0))


def log_probs_of_piece(
    folded: Folded, piece: Piece, conditions: FloatArray, vocabulary: Vocabulary
) -> Iterator[tuple[Field, FloatArray]]:
    """What the network expects at each row, given the rows and the fields before.

    Args:
        folded: The network's weights.
        piece: Made ready, as it is.
        conditions: What they say to every row, float32 ``(U,)``.
        vocabulary: What the ids mean.

    Yields:
        Field by field its log-probabilities, float32 ``(rows, size)``; illegal ids have ``-inf``.
        Of rows that do not have the field they are of no meaning.
    """
    sums = _sums(folded, piece, conditions)
    c = piece.context  # its first entry is that of START
    hints: dict[Field, Hints] = {
        Field.PITCH: PitchHints(
            c.reference[1:],
            c.pitch_candidates[1:],
            c.pitch_matches[1:],
            c.motion_ids[1:],
            c.sonority_ids[1:],
        ),
        Field.DURATION: DurationHints(
            c.place[1:], c.bar[1:], c.duration_candidates[1:], c.duration_matches[1:]
        ),
    }
    for field in Field:
        logits = folded.heads.logits(field, sums[field], hints.get(field))
        yield field, log_softmax(logits, piece.legal[1:, vocabulary.slices[field]])


def _sums(folded: Folded, piece: Piece, conditions: FloatArray) -> list[FloatArray]:
    """All that each head reads of each row, five of ``(rows, H)``."""
    w, c, h = folded, piece.context, folded.head_units
    onset = w.onset_layer(c.onset_ids, c.sounding, c.remaining, c.struck)
    voice = w.voice_layer(c.voice_ids, c.voice_sounding, c.voice_shares)
    note = w.note_layer(c.note_ids, c.note_shares)
    sums = w.cells.sequence(_read(folded, piece, onset, conditions)) @ w.output
    sums += w.biases
    sums[:, Field.PART * h :] += onset[1:] @ w.onset
    sums[:, Field.PITCH * h :] += voice[1:] @ w.voice
    sums[:, Field.DURATION * h :] += note[1:] @ w.note
    for field, table in enumerate(w.choices):
        sums[:, (field + 1) * h :] += table.take(piece.inputs[1:, field], axis=0)
    return np.split(sums, len(Field), axis=1)


def gates_of_piece(
    folded: Folded, piece: Piece, conditions: FloatArray, kept: slice = slice(None)
) -> Gates:
    """What happens in the cells while a piece is read.

    Args:
        folded: The network's weights.
        piece: Made ready, as it is.
        conditions: What they say to every row, float32 ``(U,)``.
        kept: Of which rows it is told.

    Returns:
        Of START and of every row but the last, which nothing follows; ``len(piece)`` in all.
    """
    c = piece.context
    onset = folded.onset_layer(c.onset_ids, c.sounding, c.remaining, c.struck)
    return folded.cells.trace(_read(folded, piece, onset, conditions), kept)


def _read(folded: Folded, piece: Piece, onset: FloatArray, conditions: FloatArray) -> FloatArray:
    """What the first LSTM layer reads, ``(rows, U)``: START, and every row but the last."""
    x = folded.row(piece.inputs[:-1], piece.after_ids[:-1])
    x += onset[:-1] @ folded.onset_read
    x += conditions
    return x
