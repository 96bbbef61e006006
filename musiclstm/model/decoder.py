"""The network as plain NumPy, one row at a time: what composes, and where the gates are visible.

Batch first, state in and out: B candidates or particles advance in one call. The calls for a row
are, in field order, ``log_probs(state, field, event)`` and then ``advance(state, event)``; from
these and :meth:`Decoder.start` alone every likelihood can be computed. :meth:`Decoder.score` says
the same of a whole piece at once, and faster.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from dataclasses import field as dataclass_field
from typing import Any

import numpy as np
import numpy.typing as npt

from musiclstm.encoding import (
    Conditions,
    Encoded,
    Field,
    Tracker,
    Vocabulary,
    condition_ids,
    input_ids,
    onset_sizes,
    prepare,
    start_ids,
    voice_sizes,
)
from musiclstm.encoding.context import UNSPECIFIED_BARS, after_ids, onset_context, voice_context
from musiclstm.encoding.masks import (
    legal_durations,
    legal_parts,
    legal_pitches,
    legal_shifts,
    legal_velocities,
)
from musiclstm.encoding.stages import Before
from musiclstm.model.architecture import (
    HEAD_FIELDS,
    N_PITCHES,
    PITCH_CLASSES,
    NetworkConfig,
    head_sizes,
    input_sizes,
)
from musiclstm.score import MeterMap

FloatArray = npt.NDArray[np.float32]
EventArray = npt.NDArray[np.int32]
BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class _AtOnset:
    """What the shift reveals."""

    shift: EventArray
    step: EventArray
    layer: FloatArray
    legal_parts: BoolArray


@dataclass(frozen=True)
class _InPart:
    """What the part reveals."""

    part: EventArray
    layer: FloatArray
    legal_pitches: BoolArray


@dataclass
class _Row:
    """What has been worked out for the row that is being chosen, so that no field does it again."""

    at_onset: _AtOnset | None = None
    in_part: _InPart | None = None


@dataclass(frozen=True)
class DecoderState:
    """Everything that the next row depends on, for B streams.

    Attributes:
        tracker: The musical past.
        h: Hidden state of each layer, float32 ``(L, B, U)``.
        c: Cell state of each layer, float32 ``(L, B, U)``.
        output: What the heads read, float32 ``(B, U)``.
        before: The stage before the next row.
        conditions: Condition ids, int32 ``(B, 5)``.
        bars: Length in bars, 0 where unspecified, int32 ``(B,)``.
        meter_maps: One for all streams, or one for each.
    """

    tracker: Tracker
    h: FloatArray
    c: FloatArray
    output: FloatArray
    before: Before
    conditions: EventArray
    bars: EventArray
    meter_maps: tuple[MeterMap, ...]
    row: _Row = dataclass_field(default_factory=_Row, repr=False)

    def __len__(self) -> int:
        return len(self.conditions)

    def select(self, streams: npt.ArrayLike) -> "DecoderState":
        """The streams with these indices, repeated as often as they are named."""
        at = np.asarray(streams, np.intp)
        maps = self.meter_maps
        return DecoderState(
            tracker=self.tracker.select(at),
            h=self.h[:, at],
            c=self.c[:, at],
            output=self.output[at],
            before=Before(**{name: values[at] for name, values in vars(self.before).items()}),
            conditions=self.conditions[at],
            bars=self.bars[at],
            meter_maps=maps if len(maps) == 1 else tuple(maps[index] for index in at),
        )


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
        self.weights = {name: np.asarray(value, np.float32) for name, value in weights.items()}
        v = vocabulary
        sizes = {"onset": onset_sizes(v), "voice": voice_sizes(v), "input": input_sizes(v)}
        sizes |= {_name(field): head_sizes(field, v) for field in Field if HEAD_FIELDS[field]}
        # where each column's embeddings begin in its table
        self._offsets = {
            name: np.concatenate([[0], np.cumsum(columns)[:-1]]) for name, columns in sizes.items()
        }
        # one product a layer: [x, h] times both kernels
        self._gates = [
            (
                np.concatenate(
                    [
                        self.weights[f"lstm.{layer}.kernel"],
                        self.weights[f"lstm.{layer}.recurrent_kernel"],
                    ]
                ),
                self.weights[f"lstm.{layer}.bias"],
            )
            for layer in range(config.layers)
        ]

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
        tracker = Tracker.start(active)
        none = np.zeros((self.config.layers, batch, self.config.units), np.float32)
        state = DecoderState(
            tracker=tracker,
            h=none,
            c=none,
            output=none[0],
            before=tracker.before(v),
            conditions=np.stack([condition_ids(wish, v) for wish in wishes]),
            bars=np.array([wish.bars or UNSPECIFIED_BARS for wish in wishes], np.int32),
            meter_maps=maps,
        )
        nowhere = np.zeros(batch, np.int32)
        at_start = onset_context(tracker.at(nowhere), maps, state.bars, v)
        no_voice = tracker.voice(nowhere, np.full(batch, -1, np.int32))
        # no note has sounded, so nothing ends after START
        return self._read(
            state,
            np.concatenate([start_ids(batch, v), nowhere[:, None]], axis=1),
            self._onset_layer(*at_start),
            self._voice_layer(*voice_context(no_voice, v)),
        )

    def log_probs(self, state: DecoderState, field: Field | int, event: EventArray) -> FloatArray:
        """Log-probabilities of one field of the next row, at temperature 1.

        Args:
            state: Of B streams.
            field: Called in field order; WAIT and END rows have a shift only.
            event: int32 ``(B, 5)``; the columns before ``field`` hold what was chosen.

        Returns:
            float32 ``(B, size)``; illegal ids have ``-inf``.
        """
        field = Field(field)
        known, legal = self._known(state, field, event)
        absent = event[:, Field.SHIFT] > self.vocabulary.max_shift
        if field > Field.SHIFT and absent.any():
            legal = legal | absent[:, None]  # a field that the row does not have: anything goes
        logits = self._head(field, known, event)
        return _log_softmax(logits, legal)

    def advance(self, state: DecoderState, event: EventArray) -> DecoderState:
        """The state after one more row.

        Args:
            state: Of B streams; it stays as it is.
            event: int32 ``(B, 5)``, legal rows. A stream after END is of no meaning.
        """
        v = self.vocabulary
        event = np.asarray(event, np.int32)
        shift = event[:, Field.SHIFT]
        is_note = shift <= v.max_shift
        part = np.where(is_note, event[:, Field.PART], -1).astype(np.int32)
        at_onset = self._at_onset(state, shift)
        in_part = self._in_part(state, at_onset, part)
        tracker = state.tracker.advance(event, v)
        before = tracker.before(v)
        moved = replace(state, tracker=tracker, before=before, row=_Row())
        ids = np.concatenate([input_ids(event, v), after_ids(before, v)[:, None]], axis=1)
        return self._read(moved, ids, at_onset.layer, in_part.layer)

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
        v = self.vocabulary
        wishes = conditions or Conditions()
        piece = prepare(encoded, v, bars=wishes.bars)
        w = self.weights
        context = piece.context
        onset = self._onset_layer(context.onset_ids, context.sounding, context.remaining)
        voice = self._voice_layer(context.voice_ids, context.voice_sounding)
        n = len(piece)
        ids = np.concatenate(
            [
                piece.inputs[:-1],
                piece.after[:-1, None],
                np.tile(condition_ids(wishes, v), (n, 1)),
            ],
            axis=1,
        )
        x = self._embed("input", ids)
        x += np.concatenate([onset[:-1], voice[:-1]], axis=1) @ w["input.kernel"]
        x += w["input.bias"]
        for layer in range(self.config.layers):
            x = x + self._sequence(layer, x)
        events = encoded.events
        nats = np.zeros((n, len(Field)), np.float32)
        for field in Field:
            known = np.concatenate([x, onset[1:], voice[1:]][: 1 + min(field, 2)], axis=1)
            log_probs = _log_softmax(
                self._head(field, known, events), piece.legal[1:, v.slices[field]]
            )
            nats[:, field] = -log_probs[np.arange(n), events[:, field]]
        return np.where(piece.counts[1:], nats, np.float32(0))

    def _sequence(self, layer: int, x: FloatArray) -> FloatArray:
        """One LSTM layer over a whole piece ``(rows, U)``."""
        w = self.weights
        projected = x @ w[f"lstm.{layer}.kernel"] + w[f"lstm.{layer}.bias"]
        recurrent = w[f"lstm.{layer}.recurrent_kernel"]
        h = c = np.zeros(self.config.units, np.float32)
        out = np.empty_like(x)
        for row, a in enumerate(projected):
            h, c, _ = _cell(a + h @ recurrent, c)
            out[row] = h
        return out

    # --- the network ------------------------------------------------------------------------

    def _read(
        self, state: DecoderState, ids: EventArray, onset: FloatArray, voice: FloatArray
    ) -> DecoderState:
        """Feed one row to the LSTM; ``ids`` are its fields and what follows, ``(B, 6)``."""
        w = self.weights
        columns = np.concatenate([ids, state.conditions], axis=1)
        x = self._embed("input", columns)
        x += np.concatenate([onset, voice], axis=1) @ w["input.kernel"]
        x += w["input.bias"]
        h, c = np.empty_like(state.h), np.empty_like(state.c)
        for layer, (kernel, bias) in enumerate(self._gates):
            a = np.concatenate([x, state.h[layer]], axis=1) @ kernel
            a += bias
            h[layer], c[layer], _ = _cell(a, state.c[layer])
            x = x + h[layer]
        return replace(state, h=h, c=c, output=x)

    def _known(
        self, state: DecoderState, field: Field, event: EventArray
    ) -> tuple[FloatArray, BoolArray]:
        """What a head reads, and its legal ids."""
        v = self.vocabulary
        if field == Field.SHIFT:
            return state.output, legal_shifts(state.before, state.tracker.active, v)
        at_onset = self._at_onset(state, event[:, Field.SHIFT])
        if field == Field.PART:
            return np.concatenate([state.output, at_onset.layer], axis=1), at_onset.legal_parts
        in_part = self._in_part(state, at_onset, event[:, Field.PART])
        known = np.concatenate([state.output, at_onset.layer, in_part.layer], axis=1)
        if field == Field.PITCH:
            return known, in_part.legal_pitches
        if field == Field.DURATION:
            return known, legal_durations(event[:, Field.PART], v)
        return known, legal_velocities(state.before)

    def _at_onset(self, state: DecoderState, shift: EventArray) -> _AtOnset:
        """Work out the onset stage, unless it has been for this shift."""
        found, v = state.row.at_onset, self.vocabulary
        if found is None or not np.array_equal(found.shift, shift):
            steps = v.steps_of(shift)
            step = (state.tracker.now + steps).astype(np.int32)
            onset = state.tracker.at(step)
            layer = self._onset_layer(*onset_context(onset, state.meter_maps, state.bars, v))
            legal = legal_parts(state.before, shift, onset, v)
            found = _AtOnset(shift.copy(), step, layer, legal)
            state.row.at_onset, state.row.in_part = found, None
        return found

    def _in_part(self, state: DecoderState, at_onset: _AtOnset, part: EventArray) -> _InPart:
        """Work out the voice stage, unless it has been for this part."""
        found = state.row.in_part
        if found is None or not np.array_equal(found.part, part):
            voice = state.tracker.voice(at_onset.step, part)
            layer = self._voice_layer(*voice_context(voice, self.vocabulary))
            legal = legal_pitches(state.before, at_onset.shift, voice)
            found = _InPart(part.copy(), layer, legal)
            state.row.in_part = found
        return found

    def _onset_layer(
        self, ids: EventArray, sounding: npt.NDArray[np.uint8], remaining: npt.NDArray[np.uint8]
    ) -> FloatArray:
        w = self.weights
        on = (sounding > 0).astype(np.float32)
        octaves = np.pad(on, ((0, 0), (0, -N_PITCHES % PITCH_CLASSES)))
        classes = octaves.reshape(len(on), -1, PITCH_CLASSES).max(axis=1)
        scale = np.float32(1 / 255)
        features = np.concatenate(
            [on, sounding * scale, classes, (remaining > 0), remaining * scale], axis=1
        ).astype(np.float32)
        x = self._embed("onset", ids)
        x += features @ w["onset.kernel"]
        x += w["onset.bias"]
        return np.maximum(x, 0)

    def _voice_layer(self, ids: EventArray, sounding: npt.NDArray[np.uint8]) -> FloatArray:
        w = self.weights
        features = np.concatenate([sounding > 0, sounding * np.float32(1 / 255)], axis=1)
        x = self._embed("voice", ids)
        x += features.astype(np.float32) @ w["voice.kernel"]
        x += w["voice.bias"]
        return np.maximum(x, 0)

    def _head(self, field: Field, known: FloatArray, event: EventArray) -> FloatArray:
        w, name = self.weights, _name(field)
        hidden = known @ w[f"{name}.kernel"]
        hidden += w[f"{name}.bias"]
        if HEAD_FIELDS[field]:
            hidden += self._embed(name, event[:, HEAD_FIELDS[field]])
        logits: FloatArray = np.maximum(hidden, 0) @ w[f"{name}.out_kernel"]
        return logits + w[f"{name}.out_bias"]

    def _embed(self, name: str, ids: EventArray) -> FloatArray:
        """One embedding for each column of ``ids`` ``(N, columns)``, summed: ``(N, width)``."""
        table = self.weights[f"{name}.table"]
        summed: FloatArray = table[ids + self._offsets[name]].sum(axis=1)
        return summed


def _name(field: Field) -> str:
    """The head of a field, as its weights are named."""
    return f"head.{field.name.lower()}"


def _cell(a: FloatArray, c: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """One LSTM step: input, forget, candidate and output from ``a`` ``(..., 4U)``.

    Returns:
        h, c, and the gates ``(..., 4U)`` in the order i, f, g, o.

    Source: Hochreiter & Schmidhuber 1997, with the forget gate of Gers et al. 2000.
    """
    units = c.shape[-1]
    # one tanh for all four: sigmoid(x) = (1 + tanh(x / 2)) / 2
    gates = a * np.float32(0.5)
    gates[..., 2 * units : 3 * units] *= 2
    np.tanh(gates, out=gates)
    for low in (0, units, 3 * units):
        gate = gates[..., low : low + units]
        gate *= np.float32(0.5)
        gate += np.float32(0.5)
    i, f = gates[..., :units], gates[..., units : 2 * units]
    g, o = gates[..., 2 * units : 3 * units], gates[..., 3 * units :]
    c = f * c + i * g
    return o * np.tanh(c), c, gates


def _one_for_each(part_map: Sequence[int] | Sequence[Sequence[int]], batch: int) -> list[list[int]]:
    """A list of part ids for every stream."""
    nested = [[part] if isinstance(part, int | np.integer) else list(part) for part in part_map]
    if all(isinstance(part, int | np.integer) for part in part_map):
        return [[part for group in nested for part in group]] * batch
    return nested


def _log_softmax(logits: FloatArray, legal: BoolArray) -> FloatArray:
    """Log-probabilities over the legal ids; ``-inf`` elsewhere."""
    masked = np.where(legal, logits, -np.inf)
    masked -= masked.max(axis=-1, keepdims=True)
    with np.errstate(under="ignore"):
        total = np.log(np.exp(masked).sum(axis=-1, keepdims=True))
    log_probs: FloatArray = (masked - total).astype(np.float32)
    return log_probs
