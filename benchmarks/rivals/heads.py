"""What all rivals in PyTorch share: embeddings of fields, and the chain of heads with its masks.

Each head is asked of the legal ids alone, as ours are, and begins at the unigram model; so the nats
of all contenders compare.
"""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from musiclstm.encoding import Field, Vocabulary, condition_sizes
from musiclstm.model.architecture import HEAD_FIELDS, begins

ILLEGAL = -1e9  # a logit that no softmax recovers from, and still finite
_SPREAD = 0.3  # of embeddings, standard deviation: five or six are added up

Batch = Mapping[str, Tensor]


class Sum(nn.Module):
    """The sum of the embeddings of several columns of ids, each with a table of its own.

    Args:
        sizes: Number of ids of each column.
        width: Of an embedding.
    """

    def __init__(self, sizes: tuple[int, ...], width: int) -> None:
        super().__init__()
        self.table = nn.Embedding(sum(sizes), width)
        nn.init.normal_(self.table.weight, std=_SPREAD)
        self.register_buffer("begins", torch.as_tensor(begins(sizes)), persistent=False)

    def forward(self, ids: Tensor) -> Tensor:
        """Embed ids ``(..., columns)`` as ``(..., width)``."""
        begin: Any = self.begins
        flat = (ids + begin).reshape(-1, ids.shape[-1])
        summed = functional.embedding_bag(flat, self.table.weight, mode="sum")
        return summed.reshape(*ids.shape[:-1], -1)


def conditions_sum(vocabulary: Vocabulary, width: int) -> Sum:
    """Embeddings of a piece's conditions."""
    return Sum(condition_sizes(vocabulary), width)


def start_at_unigrams(layer: nn.Linear, field: Field, vocabulary: Vocabulary) -> None:
    """Let a last layer say at first what is frequent."""
    nn.init.normal_(layer.weight, std=0.02)
    with torch.no_grad():
        layer.bias.copy_(torch.as_tensor(vocabulary.log_frequencies(field)))


class FieldNats(nn.Module):
    """From logits to nats.

    Args:
        vocabulary: Where each field's ids stand among all.
    """

    def __init__(self, vocabulary: Vocabulary) -> None:
        super().__init__()
        self.slices = vocabulary.slices

    def forward(self, field: Field, logits: Tensor, rows: Batch) -> Tensor:
        """Nats of a field of n rows, ``(n,)``; 0 for rows that do not have it.

        Args:
            field: Which.
            logits: ``(n, ids)``.
            rows: ``legal``, ``targets`` and ``counts`` of these rows.
        """
        legal = rows["legal"][:, self.slices[field]].bool()
        logits = logits.masked_fill(~legal, ILLEGAL)
        nats = functional.cross_entropy(logits, rows["targets"][:, field].long(), reduction="none")
        return nats * rows["counts"][:, field]


def counted(batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
    """The rows of a batch that count, and what is asked of them.

    Returns:
        Their places among all rows of all lanes, ``(n,)``; and ``legal``, ``targets``, ``counts``.
    """
    flat = {name: batch[name].flatten(0, 1) for name in ("legal", "targets", "counts")}
    places = flat["counts"][:, Field.SHIFT].nonzero()[:, 0]
    return places, {name: values[places] for name, values in flat.items()}


def spread_out(nats: list[Tensor], places: Tensor, batch: Batch) -> Tensor:
    """Nats of the rows that count where they belong: ``(B, T, 5)``, 0 elsewhere."""
    lanes, rows, fields = batch["counts"].shape
    found = torch.stack(nats, dim=-1)
    return found.new_zeros(lanes * rows, fields).index_copy(0, places, found).view(lanes, rows, -1)


class Heads(nn.Module):
    """A chain of small heads: each sees what was read and the fields before its own.

    Args:
        vocabulary: For the sizes.
        width: Of what was read.
        hidden: Width of each head's hidden layer.
    """

    def __init__(self, vocabulary: Vocabulary, width: int, hidden: int) -> None:
        super().__init__()
        self.hear = nn.ModuleList([nn.Linear(width, hidden) for _ in Field])
        sizes = [tuple(vocabulary.size(each) for each in HEAD_FIELDS[field]) for field in Field]
        self.earlier = nn.ModuleList([Sum(each, hidden) for each in sizes if each])
        self.out = nn.ModuleList()
        for field in Field:
            layer = nn.Linear(hidden, vocabulary.size(field))
            start_at_unigrams(layer, field, vocabulary)
            self.out.append(layer)
        self.nats = FieldNats(vocabulary)

    def forward(self, read: Tensor, batch: Batch) -> Tensor:
        """Nats of each field of each row, ``(B, T, 5)``.

        Args:
            read: What is known before each row, ``(B, T, width)``.
            batch: What came.
        """
        places, rows = counted(batch)
        read = read.flatten(0, 1)[places]
        nats = []
        for field in Field:
            heard = self.hear[field](read)
            if field:
                heard = heard + self.earlier[field - 1](rows["targets"][:, :field])
            nats.append(self.nats(field, self.out[field](heard.relu()), rows))
        return spread_out(nats, places, batch)
