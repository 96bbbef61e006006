"""The copy check: the runs that a piece shares with training pieces, in any key.

The bundle keeps the hashes of all runs of the training set, of whole textures and of parts, sorted,
with piece and bar (see :mod:`.copied_runs`). A longer run is a chain of neighbouring matches in one
piece.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from musiclstm.encoding import Encoded, Vocabulary
from musiclstm.generation.copied_chains import Chain, chains, outermost
from musiclstm.generation.copied_runs import (
    RUN,
    SEVERAL,
    Line,
    any_part,
    part_by_part,
    run_hashes,
    texture_of,
)
from musiclstm.model import Bundle
from musiclstm.model.finding import NOVELTY
from musiclstm.model.reading import damaged

_PLACE_BITS = 32
_MOST_PLACES = 2**31 - 2  # the next place is an int32 too
_KINDS = {"hashes": "u", "piece": "i", "place": "i", "bar": "i", "sources": "U", "alone": "i"}
_NEWER = frozenset({"alone"})  # not in files that were written before parts were compared


@dataclass(frozen=True)
class Copied:
    """A run that a piece shares with a training piece.

    Attributes:
        notes: Its length; 0 where no run of more than :data:`RUN` notes is shared.
        source: The training piece.
        bar: Bar of the training piece in which the run begins, counted from 1 (0: the pickup).
        own_bar: The same in the piece itself.
        part: The model part of the piece that it is a run of; None: of the whole texture.
        steps: Onsets of its first and its last note in the piece itself, in steps.
    """

    notes: int = 0
    source: str = ""
    bar: int = 0
    own_bar: int = 0
    part: int | None = None
    steps: tuple[int, int] = (0, 0)


@dataclass(frozen=True)
class CopyCheck:
    """The training set of a bundle, ready to be compared with.

    Attributes:
        arrays: Of :func:`~musiclstm.generation.copied_runs.novelty_arrays`; empty where the bundle
            has none, and without ``alone`` where it knows textures only.
        vocabulary: Of the bundle.
    """

    arrays: Mapping[str, npt.NDArray[Any]]
    vocabulary: Vocabulary

    @classmethod
    def of(cls, bundle: Bundle) -> "CopyCheck":
        """The copy check of a bundle.

        Raises:
            BundleError: If its arrays are damaged.
        """
        arrays = bundle.novelty()
        check = cls(arrays, bundle.vocabulary)
        if arrays and not (_fit_together(arrays, bundle.vocabulary) and check.in_order()):
            raise damaged(bundle.path / NOVELTY, "its arrays do not fit together")
        return check

    def in_order(self) -> bool:
        """Whether hashes ascend, and of equal hashes the places: searching relies on it."""
        hashes, places = self.arrays["hashes"], self._places
        same = hashes[1:] == hashes[:-1]
        ascends = np.where(same, places[1:] > places[:-1], hashes[1:] > hashes[:-1])
        return bool(ascends.all())

    def longest(self, encoded: Encoded) -> Copied | None:
        """The longest run of whole texture that a piece shares with the training set.

        Of runs of one length the first in the piece, and of its sources the first.

        Returns:
            None where the training set is not known.
        """
        if not self.arrays:
            return None
        return _longest(self._shared(encoded, texture_of(encoded, self.vocabulary)), None)

    def by_part(self, encoded: Encoded) -> dict[int, Copied]:
        """For each model part of a piece the longest run that a part of a training piece has too.

        Neither what the other parts do counts, nor which part it was in the training piece.

        Returns:
            By the part's id; empty where the parts of the training set are not known.
        """
        return {
            part: _longest(self._shared(encoded, line, part), part)
            for part, line in self._parts_of(encoded)
        }

    def runs(self, encoded: Encoded, more_than: int) -> list[Copied]:
        """All runs that a piece shares with the training set, each as far as it goes.

        No run lies within another of the same part, or of the texture. A piece of one part is
        compared as a texture and as a part, so that it may have a run twice.

        Args:
            encoded: The piece.
            more_than: Notes; only longer runs, and none of :data:`RUN` notes or fewer.

        Returns:
            In the order in which they begin; at one step the texture first, then part by part.
        """
        if not self.arrays:
            return []
        lines = [(None, texture_of(encoded, self.vocabulary)), *self._parts_of(encoded)]
        found = [run for part, line in lines for run in self._shared(encoded, line, part)]
        return sorted((run for run in found if run.notes > more_than), key=lambda run: run.steps[0])

    def _parts_of(self, encoded: Encoded) -> list[tuple[int, Line]]:
        """Each model part of a piece with its notes; none where training parts are not known."""
        if "alone" not in self.arrays:
            return []
        notes = part_by_part(texture_of(encoded, self.vocabulary))
        parts = sorted(encoded.part_map)
        bounds = np.searchsorted(notes.part, [[part, part + 1] for part in parts])
        return [
            (part, notes.chosen(slice(*bound)))
            for part, bound in zip(parts, bounds.tolist(), strict=True)
        ]

    def _shared(self, encoded: Encoded, line: Line, part: int | None = None) -> list[Copied]:
        """All runs of a line that are shared, none within another, in order.

        A part is compared with parts, and with pieces of one part, which stand in the training set
        as textures and thus under their part's own id: each such id is tried.

        Args:
            encoded: The piece.
            line: Its texture or one of its parts.
            part: Which.
        """
        v = self.vocabulary
        if part is None:
            found = self._chains(run_hashes(line, v))
        else:
            drums = v.drum_parts
            ids = [int(any_part(v)[part])]
            ids += [other for other in self._alone if drums[other] == drums[part]]
            found = outermost(
                (chain for id_ in ids for chain in self._chains(run_hashes(line, v, id_))),
                self._places,
            )
        copied = []
        for chain in found:
            entry, last = chain.entry, chain.last + RUN
            steps = int(line.onset[chain.first]), int(line.onset[last])
            copied.append(
                Copied(
                    notes=last - chain.first + 1,  # n steps join n + 1 notes
                    source=str(self.arrays["sources"][self.arrays["piece"][entry]]),
                    bar=int(self.arrays["bar"][entry]) + 1,
                    own_bar=int(encoded.meter_map.locate(steps[0], v.steps_per_quarter).bar) + 1,
                    part=part,
                    steps=steps,
                )
            )
        return copied

    def _chains(self, hashes: npt.NDArray[np.uint64]) -> list[Chain]:
        """The chains of a line of runs."""
        low, high = (
            np.searchsorted(self.arrays["hashes"], hashes, side=side) for side in ("left", "right")
        )
        return list(chains(self._places, low, high))

    @cached_property
    def _alone(self) -> list[int]:
        """The parts of training pieces that have only one."""
        alone = self.arrays["alone"]
        parts: list[int] = np.unique(alone[alone != SEVERAL]).tolist()
        return parts

    @cached_property
    def _places(self) -> npt.NDArray[np.int64]:
        """Piece and place of each hash in one number, so that the next place is one more."""
        piece, place = self.arrays["piece"], self.arrays["place"]
        places: npt.NDArray[np.int64] = (piece.astype(np.int64) << _PLACE_BITS) + place
        return places


def _longest(runs: list[Copied], part: int | None) -> Copied:
    """The longest of a part's runs, the first of equals; one of no notes where there is none."""
    return max(runs, key=lambda run: run.notes, default=Copied(part=part))


def _fit_together(arrays: Mapping[str, npt.NDArray[Any]], vocabulary: Vocabulary) -> bool:
    """Whether the arrays are such as `novelty_arrays` makes, or made before it knew of parts."""
    if set(arrays) not in (set(_KINDS), set(_KINDS) - _NEWER):
        return False
    if any(array.ndim != 1 or array.dtype.kind != _KINDS[name] for name, array in arrays.items()):
        return False
    n, sources = len(arrays["hashes"]), len(arrays["sources"])
    if any(len(arrays[name]) != n for name in ("piece", "place", "bar")):
        return False
    if len(arrays.get("alone", arrays["sources"])) != sources:
        return False
    ranges = {
        "piece": (0, sources - 1),
        "place": (0, _MOST_PLACES),
        "bar": (-1, _MOST_PLACES),
        "alone": (SEVERAL, len(vocabulary.parts) - 1),
    }
    return all(
        low <= arrays[name].min() and arrays[name].max() <= high
        for name, (low, high) in ranges.items()
        if name in arrays and len(arrays[name])
    )
