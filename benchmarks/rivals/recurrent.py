"""SimpleRNN, GRU and LSTM as a textbook has them, without musical context.

They read the five fields of the row before and the conditions of the piece, as embeddings; masks
are applied, and the heads are a chain as ours are. What sounds, where the bar stands and what was
played when the past was like now they must remember themselves.
"""

from typing import Any

from torch import Tensor, nn

from benchmarks.rivals.heads import Batch, Heads, Sum, conditions_sum
from musiclstm.encoding import Vocabulary

KINDS: dict[str, Any] = {"rnn": nn.RNN, "gru": nn.GRU, "lstm": nn.LSTM}


class Recurrent(nn.Module):
    """A stack of recurrent layers.

    Args:
        kind: One of :data:`KINDS`.
        vocabulary: For the sizes.
        units: Width of each layer.
        layers: How many.
        head_units: Width of the heads' hidden layers.
        dropout: At the input, between the layers and at the output.
    """

    def __init__(
        self,
        kind: str,
        vocabulary: Vocabulary,
        *,
        units: int,
        layers: int,
        head_units: int,
        dropout: float,
    ) -> None:
        super().__init__()
        self.read = Sum(tuple(size + 1 for size in vocabulary.sizes), units)
        self.conditions = conditions_sum(vocabulary, units)
        between = dropout if layers > 1 else 0.0
        self.cells = KINDS[kind](units, units, layers, batch_first=True, dropout=between)
        self.drop = nn.Dropout(dropout)
        self.heads = Heads(vocabulary, units, head_units)

    def forward(self, batch: Batch, state: Any = None) -> tuple[Tensor, Any]:
        """Read T rows and predict the one after each.

        Args:
            batch: Arrays of :class:`musiclstm.training.batches.BatchMaker`.
            state: Of the lanes before the first row; None where all begin.

        Returns:
            Nats of each field, ``(B, T, 5)``; and the state after the last row, detached.
        """
        x = self.read(batch["inputs"]) + self.conditions(batch["conditions"])[:, None]
        if state is not None:
            keep = (~batch["fresh"]).float()[None, :, None]
            state = tuple(s * keep for s in state) if isinstance(state, tuple) else state * keep
        y, state = self.cells(self.drop(x), state)
        state = tuple(s.detach() for s in state) if isinstance(state, tuple) else state.detach()
        return self.heads(self.drop(y), batch), state
