"""A GPT-style decoder over the fields as a flat stream, five places a row.

Rows lie one behind the other, field after field; each place is predicted from those before it. A
WAIT or END row is its shift alone: its other four places hold *absent*, are not predicted and cost
no nats, as START does with all five. Blocks normalise first (Radford et al. 2019, GPT-2); positions
are rotary (Su et al. 2021), so that a window may begin anywhere.

Each window of T rows begins with a row that is only read. When pieces are judged, windows overlap
by half, so that every row but those of a piece's beginning has at least T/2 rows before it.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from benchmarks.rivals.context import ContextLayers
from benchmarks.rivals.heads import (
    Batch,
    FieldNats,
    Sum,
    conditions_sum,
    counted,
    spread_out,
    start_at_unigrams,
)
from musiclstm.encoding import Field, Vocabulary

LAYERS, HEADS = 6, 8
CONTEXT_UNITS = (192, 128, 128)  # of the onset, voice and note layer: as in our default model
_STEP = 2 * HEADS  # of widths: each head's share must be even, for it is turned in pairs
_WIDEST = 512
_SLOWEST = 10_000.0  # rotary positions: the longest wavelength over 2 pi, in places


class Transformer(nn.Module):
    """The decoder.

    Args:
        vocabulary: For the sizes.
        width: Of the stream, a multiple of 16.
        layers: Number of blocks.
        dropout: After the embeddings, and of what each block adds.
        context: Whether it reads the musical context.
        context_units: Widths of the layers that read it.
    """

    def __init__(
        self,
        vocabulary: Vocabulary,
        *,
        width: int,
        layers: int = LAYERS,
        dropout: float = 0.1,
        context: bool = False,
        context_units: tuple[int, int, int] = CONTEXT_UNITS,
    ) -> None:
        super().__init__()
        self.sizes = vocabulary.sizes
        self.embed = nn.ModuleList([Sum((size + 1,), width) for size in self.sizes])
        self.field = nn.Parameter(torch.zeros(len(Field), width))
        self.conditions = conditions_sum(vocabulary, width)
        self.context = ContextLayers(vocabulary, context_units, width) if context else None
        self.drop = nn.Dropout(dropout)
        self.blocks = nn.ModuleList([_Block(width, layers, dropout) for _ in range(layers)])
        self.norm = nn.LayerNorm(width)
        self.out = nn.ModuleList()
        for field in Field:
            layer = nn.Linear(width, vocabulary.size(field))
            start_at_unigrams(layer, field, vocabulary)
            self.out.append(layer)
        self.nats = FieldNats(vocabulary)

    def forward(self, batch: Batch, _state: Any = None) -> tuple[Tensor, None]:
        """Predict the rows of a window.

        Args:
            batch: Arrays of :class:`musiclstm.training.batches.BatchMaker`.

        Returns:
            Nats of each field, ``(B, T, 5)``; and no state: nothing goes on to the next window.
        """
        x = self._stream(batch)
        lanes, rows = x.shape[:2]
        x = self.drop(x.flatten(1, 2))
        turns = _turns(x.shape[1], x.shape[2] // HEADS)
        for block in self.blocks:
            x = block(x, turns)
        x = self.norm(x).view(lanes, rows, len(Field), -1)
        places, asked = counted(batch)
        nats = []
        for field in Field:
            # a shift is predicted from the end of the row before, the others within the row
            known = x[:, :-1, Field.VELOCITY] if field == Field.SHIFT else x[:, 1:, field - 1]
            logits = self.out[field](known.flatten(0, 1)[places])
            nats.append(self.nats(field, logits, asked))
        return spread_out(nats, places, batch), None

    def _stream(self, batch: Batch) -> Tensor:
        """What stands at each place, ``(B, T + 1, 5, width)``."""
        absent = torch.tensor(self.sizes)
        last = torch.where(batch["counts"][:, -1:], batch["targets"][:, -1:], absent)
        ids = torch.cat([batch["inputs"], last], dim=1)
        places = [embed(ids[..., n : n + 1]) for n, embed in enumerate(self.embed)]
        if self.context is not None:
            added = self.context(batch)
            places = [p if a is None else p + a for p, a in zip(places, added, strict=True)]
        piece = self.conditions(batch["conditions"])[:, None, None]
        stream: Tensor = torch.stack(places, dim=2) + self.field + piece
        return stream


class _Block(nn.Module):
    """Attention and a hidden layer, each behind a normalisation and added to the stream."""

    def __init__(self, width: int, layers: int, dropout: float) -> None:
        super().__init__()
        self.norms = nn.ModuleList([nn.LayerNorm(width), nn.LayerNorm(width)])
        self.attend = nn.Linear(width, 3 * width)
        self.gather = nn.Linear(width, width)
        self.widen, self.narrow = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)
        self.drop = nn.Dropout(dropout)
        for layer in (self.attend, self.gather, self.widen, self.narrow):
            nn.init.normal_(layer.weight, std=0.02)
            nn.init.zeros_(layer.bias)
        for layer in (self.gather, self.narrow):  # all blocks together add no more than one
            nn.init.normal_(layer.weight, std=0.02 / (2 * layers) ** 0.5)

    def forward(self, x: Tensor, turns: tuple[Tensor, Tensor]) -> Tensor:
        lanes, places, width = x.shape
        heads = self.attend(self.norms[0](x)).view(lanes, places, 3, HEADS, width // HEADS)
        query, key, value = heads.permute(2, 0, 3, 1, 4)
        query, key = _turned(query, turns), _turned(key, turns)
        seen = functional.scaled_dot_product_attention(query, key, value, is_causal=True)
        x = x + self.drop(self.gather(seen.transpose(1, 2).reshape(lanes, places, width)))
        added: Tensor = self.drop(self.narrow(functional.gelu(self.widen(self.norms[1](x)))))
        return x + added


def _turns(places: int, size: int) -> tuple[Tensor, Tensor]:
    """Cosine and sine by which each place turns each pair, ``(places, size / 2)``."""
    speeds = _SLOWEST ** (-torch.arange(0, size, 2) / size)
    angles = torch.arange(places)[:, None] * speeds
    return angles.cos(), angles.sin()


def _turned(x: Tensor, turns: tuple[Tensor, Tensor]) -> Tensor:
    """Queries or keys, turned by their place."""
    cos, sin = turns
    first, second = x.chunk(2, dim=-1)
    return torch.cat([first * cos - second * sin, first * sin + second * cos], dim=-1)


def count(module: nn.Module) -> int:
    """Number of weights."""
    return sum(parameter.numel() for parameter in module.parameters())


def width_for(
    parameters: int,
    vocabulary: Vocabulary,
    *,
    context: bool,
    units: tuple[int, int, int] = CONTEXT_UNITS,
) -> int:
    """The width at which the decoder has about so many weights.

    Args:
        parameters: How many it should have.
        vocabulary: For the sizes.
        context: Whether it reads the context.
        units: Widths of the layers that read it.
    """

    def off(width: int) -> int:
        with torch.device("meta"):  # counts without making anything
            sketch = Transformer(vocabulary, width=width, context=context, context_units=units)
        return abs(count(sketch) - parameters)

    return min(range(_STEP, _WIDEST + 1, _STEP), key=off)
