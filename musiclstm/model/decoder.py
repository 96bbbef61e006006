"""The network as plain NumPy, one row at a time: what composes, and where the gates are visible.

Batch first, state in and out: B candidates or particles advance in one call. The calls for a row
are, in field order, ``log_probs(state, field, event)`` and then ``advance(state, event)``; from
these and :meth:`Decoder.start` alone every likelihood can be computed. :meth:`Decoder.score` says
the same of a whole piece at once, and faster.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from musiclstm.encoding import (
    Conditions,
    Encoded,
    Field,
    Piece,
    Tracker,
    Vocabulary,
    condition_ids,
    input_ids,
    key_numbers,
    prepare,
    start_ids,
    style_shares,
)
from musiclstm.encoding.context import (
    after_context,
    note_context,
    onset_context,
    voice_context,
)
from musiclstm.encoding.masks import (
    legal_durations,
    legal_parts,
    legal_pitches,
    legal_shifts,
    legal_velocities,
)
from musiclstm.encoding.ruler import UNSPECIFIED_BARS, Ruler
from musiclstm.model.architecture import NetworkConfig
from musiclstm.model.cells import Gates
from musiclstm.model.folded import Folded, as_float32
from musiclstm.model.heads import DurationHints, Hints, PitchHints, log_softmax
from musiclstm.model.likelihood import gates_of_piece, log_probs_of_piece, nats_of_piece
from musiclstm.model.state import Asked, DecoderState, HeardOnset, Known
from musiclstm.score import MeterMap

FloatArray = npt.NDArray[np.float32]
EventArray = npt.NDArray[np.int32]
BoolArray = npt.NDArray[np.bool_]


class Decoder:
    """The network of a bundle, ready to compose.

    Args:
        config: Widths and depth.
        vocabulary: What the ids mean.
        weights: float32 arrays by the names of :func:`~.architecture.weight_shapes`.
    """

    def __init__(
        self,
        config: NetworkConfig,
        vocabulary: Vocabulary,
        weights: Mapping[str, npt.NDArray[np.floating[Any]]],
    ) -> None:
        self.config = config
        self.vocabulary = vocabulary
        self.folded = Folded(config, vocabulary, as_float32(weights))

    # --- step by step -----------------------------------------------------------------------

    def start(
        self,
        conditions: Conditions | Sequence[Conditions],
        part_map: Sequence[int] | Sequence[Sequence[int]],
        batch: int = 1,
        *,
        meter_map: MeterMap | Sequence[MeterMap] = MeterMap(),  # noqa: B008 (immutable)
    ) -> DecoderState:
        """Begin ``batch`` pieces.

        Args:
            conditions: What is known of the piece; one for all streams or one for each.
                ``Conditions()`` leaves everything unspecified, as published likelihoods do.
            part_map: Ids of the model parts that the piece has; one list for all streams or one
                for each.
            batch: Number of streams.
            meter_map: The meters, given and never predicted (``encoded.meter_map``).

        Returns:
            The state before the first row.
        """
        v = self.vocabulary
        wishes = [conditions] if isinstance(conditions, Conditions) else list(conditions)
        wishes = wishes * batch if len(wishes) == 1 else wishes
        maps = (meter_map,) if isinstance(meter_map, MeterMap) else tuple(meter_map)
        active = np.zeros((batch, len(v.parts)), bool)
        for stream, parts in enumerate(_one_for_each(part_map, batch)):
            active[stream, parts] = True
        tracker = Tracker.start(active, v)
        none = np.zeros((self.config.layers, batch, self.config.units), np.float32)
        before_start = DecoderState(
            tracker=tracker,
            h=none,
            c=none,
            output=none[0],
            before=tracker.before(v),
            conditions=np.stack([self._said(wish) for wish in wishes]),
            meter_maps=maps,
            keys=key_numbers([wish.key for wish in wishes]),
            ruler=Ruler.of(maps, np.array([wish.bars or UNSPECIFIED_BARS for wish in wishes]), v),
        )
        # START is a row without any field, at step 0
        heard = self._hear(before_start, np.zeros(batch, np.int32))
        return self._read(before_start, start_ids(batch, v), heard, tracker)

    def log_probs(self, state: DecoderState, field: Field | int, event: EventArray) -> FloatArray:
        """Log-probabilities of one field of the next row, at temperature 1.

        Args:
            state: Of B streams.
            field: Called in field order; WAIT and END rows have a shift only.
            event: int32 ``(B, 5)``; the columns before ``field`` hold what was chosen.

        Returns:
            float32 ``(B, size)``; illegal ids have ``-inf``.
        """
        asked = self.ask(state, field, event)
        return log_softmax(self.logits(asked), asked.legal)

    def ask(self, state: DecoderState, field: Field | int, event: EventArray) -> Asked:
        """Which ids of a field are legal, and what its head will need to say how likely they are.

        The arguments are those of :meth:`log_probs`.
        """
        v, before = self.vocabulary, state.before
        known = self._known(state, field, event)
        if field == Field.SHIFT:
            legal = legal_shifts(before, state.tracker.active, v)
            return Asked(field, legal, known.sums)
        shift = event[:, Field.SHIFT]
        if field == Field.PART and known.heard is not None:
            legal = legal_parts(before, shift, known.heard.stage, v)
        elif field == Field.PITCH and known.voice is not None:
            legal = legal_pitches(before, shift, known.voice)
        elif field == Field.DURATION:
            legal = legal_durations(event[:, Field.PART], v)
        else:
            legal = legal_velocities(before)
        if known.absent is not None:  # a field that the row does not have: anything goes
            legal = legal | known.absent[:, None]
        return Asked(field, legal, known.sums, known.hints)

    def logits(self, asked: Asked) -> FloatArray:
        """Log-probabilities ``(B, size)`` at temperature 1, but for a constant a row.

        Those of illegal ids are still among them.
        """
        w = self.folded
        return w.heads.logits(asked.field, asked.sums[:, : w.head_units], asked.hints)

    def advance(self, state: DecoderState, event: EventArray) -> DecoderState:
        """The state after one more row.

        Args:
            state: Of B streams; it stays as it is.
            event: int32 ``(B, 5)``, legal rows. A stream after END is of no meaning.
        """
        v, shift = self.vocabulary, event[:, Field.SHIFT]
        heard = self._heard(state, shift)
        all_notes = max(shift.tolist()) <= v.max_shift
        inputs = event if all_notes else input_ids(event, v)
        return self._read(state, inputs, heard, state.tracker.advance(event, v, heard.stage))

    # --- whole pieces -----------------------------------------------------------------------

    def score(self, encoded: Encoded, conditions: Conditions | None = None) -> FloatArray:
        """Nats of each field of each row of a piece.

        Args:
            encoded: The piece.
            conditions: What the model may know; by default nothing, as published.

        Returns:
            float32 ``(rows, 5)``; 0 for fields that a row does not have. The sum over all is minus
            the log-likelihood of the piece.
        """
        piece, said = self._prepared(encoded, conditions)
        return nats_of_piece(self.folded, piece, said, self.vocabulary)

    def expectations(
        self, encoded: Encoded, conditions: Conditions | None = None
    ) -> Iterator[tuple[Field, FloatArray]]:
        """What was expected at each row of a piece, field by field, given all that came before.

        Args:
            encoded: The piece.
            conditions: What the model may know; by default nothing.

        Yields:
            A field and its log-probabilities, float32 ``(rows, size)``, as :meth:`log_probs` gives
            them one row at a time; without meaning for rows that do not have the field.
        """
        piece, said = self._prepared(encoded, conditions)
        yield from log_probs_of_piece(self.folded, piece, said, self.vocabulary)

    def gates(
        self, encoded: Encoded, conditions: Conditions | None = None, *, kept: slice = slice(None)
    ) -> Gates:
        """What happens in the cells while a piece is read.

        Args:
            encoded: The piece.
            conditions: What the model may know; by default nothing.
            kept: Of which entries it is told; by default of all.

        Returns:
            float32 ``(layers, rows, units)`` each: entry r is the state from which row r is
            foretold, so that the first has read nothing but START, and the last all but END.
        """
        piece, said = self._prepared(encoded, conditions)
        return gates_of_piece(self.folded, piece, said, kept)

    def _prepared(
        self, encoded: Encoded, conditions: Conditions | None
    ) -> tuple[Piece, FloatArray]:
        """A piece as the network reads it, and what is known of the whole, ``(U,)``."""
        wishes = conditions or Conditions()
        return prepare(encoded, self.vocabulary, conditions=wishes), self._said(wishes)

    def _said(self, conditions: Conditions) -> FloatArray:
        """What conditions say to every row, ``(U,)``; of several styles each as much as its share.

        A style is a vector that is added: between two of them lies what is a little of both.
        """
        v = self.vocabulary
        said = np.zeros(self.config.units, np.float32)
        for name, share in style_shares(conditions.style, v.styles).items():
            ids = condition_ids(replace(conditions, style=name), v)
            said += np.float32(share) * self.folded.conditions(ids[None])[0]
        return said

    # --- the row that is being chosen -------------------------------------------------------

    def _read(
        self, state: DecoderState, inputs: EventArray, heard: HeardOnset, tracker: Tracker
    ) -> DecoderState:
        """Feed a row, whole, to the LSTM.

        Args:
            state: Before the row.
            inputs: The row as input ids, int32 ``(B, 5)``.
            heard: Its onset.
            tracker: The musical past with the row.
        """
        v, w = self.vocabulary, self.folded
        before = tracker.before(v)
        x = w.row(inputs, after_context(before, state.ruler, state.keys, v))
        x += heard.layer @ w.onset_read
        x += state.conditions
        output, h, c = w.cells.step(x, state.h, state.c)
        return DecoderState(
            tracker,
            h,
            c,
            output,
            before,
            state.conditions,
            state.keys,
            state.meter_maps,
            state.ruler,
        )

    def _hear(self, state: DecoderState, shift: EventArray) -> HeardOnset:
        """The onset ``shift`` ids after the last row's, as the network hears it."""
        v, w = self.vocabulary, self.folded
        stage = state.tracker.at(state.tracker.now + v.steps_of(shift), v)
        seen = onset_context(stage, state.ruler, v)
        layer = w.onset_layer(seen.onset_ids, seen.sounding, seen.remaining, seen.struck)
        return HeardOnset(stage, layer, seen.place, seen.bar)

    def _heard(self, state: DecoderState, shift: EventArray) -> HeardOnset:
        """The same, where it has not been heard yet; the step is all that it depends on."""
        step = (state.tracker.now + self.vocabulary.steps_of(shift)).tolist()
        for known in reversed(state.row):
            heard = None if known is None else known.heard
            if heard is not None and heard.stage.step.tolist() == step:
                return heard
        return self._hear(state, shift)

    def _known(self, state: DecoderState, n: int, event: EventArray) -> Known:
        """What is known with the first ``n`` fields of the row, worked out once."""
        found, fields = state.row[n], event[:, :n].tobytes()
        if found is None or found.fields != fields:
            found = state.row[n] = (
                self._add_choice(state, n, event, fields)
                if n
                else Known(fields, state.output @ self.folded.output + self.folded.biases)
            )
        return found

    def _add_choice(self, state: DecoderState, n: int, event: EventArray, fields: bytes) -> Known:
        """Let the ``n``-th field, and what it reveals, speak to the heads after it."""
        v, w = self.vocabulary, self.folded
        earlier = self._known(state, n - 1, event)
        field = n - 1
        chosen = event[:, field]
        absent, heard, voice = earlier.absent, earlier.heard, earlier.voice
        hints: Hints | None = None
        if absent is not None:
            chosen = np.where(absent, np.int32(-1), chosen)
        sums = w.choices[field].take(chosen, axis=0)
        sums += earlier.sums[:, w.head_units :]  # the head that has been asked is done
        if field == Field.SHIFT:
            if max(chosen.tolist()) > v.max_shift:
                absent = chosen > v.max_shift
            heard = self._hear(state, chosen)
            sums += heard.layer @ w.onset
        elif field == Field.PART and heard is not None:
            voice = state.tracker.voice(heard.stage, chosen, v)
            own = voice_context(voice, heard.stage, state.keys, v)
            sums += w.voice_layer(own.voice_ids, own.voice_sounding, own.voice_shares) @ w.voice
            hints = PitchHints(
                own.reference,
                own.pitch_candidates,
                own.pitch_matches,
                own.motion_ids,
                own.sonority_ids,
            )
        elif field == Field.PITCH and heard is not None and voice is not None:
            stage = state.tracker.note(voice, chosen, v)
            note = note_context(stage, voice, heard.stage, state.keys, v)
            sums += w.note_layer(note.note_ids, note.note_shares) @ w.note
            voice = None  # all that is to come is heard
            hints = DurationHints(
                heard.place,
                heard.bar,
                note.duration_candidates,
                note.duration_matches,
            )
        return Known(fields, sums, absent, heard, voice, hints)


def _one_for_each(part_map: Sequence[int] | Sequence[Sequence[int]], batch: int) -> list[list[int]]:
    """A list of part ids for every stream."""
    nested = [[part] if isinstance(part, int | np.integer) else list(part) for part in part_map]
    if all(isinstance(part, int | np.integer) for part in part_map):
        return [[part for group in nested for part in group]] * batch
    return nested
