"""Tiny model folders with random weights: whole and valid, and made in milliseconds.

A model that has learned nothing is the worst case for every rule: it tries everything.
"""

from collections.abc import Sequence
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

from musiclstm.encoding import ModelPart, Vocabulary, build_vocabulary, encode
from musiclstm.generation import novelty_arrays
from musiclstm.model import NetworkConfig, weight_shapes
from musiclstm.model.bundle import (
    CARD,
    CONFIG,
    CORPUS,
    FORMAT_VERSION,
    HISTORY,
    NOVELTY,
    VOCABULARY,
    write_json,
    write_weights,
)
from musiclstm.score import Key, Meter, MeterMap, Part, Score, Tempo
from musiclstm.training.corpus import TrainingSet

# widths that all differ, so that none can stand in for another
TINY_NETWORK = NetworkConfig(
    units=8, layers=2, onset_units=7, voice_units=6, note_units=5, head_units=9
)
VOICES = ("Soprano", "Alto", "Tenor", "Bass")
# root position triads as (soprano, alto, tenor, bass), in C
_CHORDS = ((72, 67, 64, 48), (72, 69, 65, 53), (71, 67, 62, 43), (74, 65, 59, 50), (67, 64, 60, 48))


def chorale(
    name: str = "chorale",
    *,
    bars: int = 4,
    meter: str | None = "4/4",
    pickup: int = 0,
    key: Key | None = Key(0),  # noqa: B008 (immutable)
    tempo: float | None = 96.0,
    style: str = "",
    seed: int = 0,
    steps_per_quarter: int = 24,
) -> Score:
    """A four-part piece of chords in quarters and eighths, ``bars`` bars long.

    Args:
        name: Its ``source``.
        bars: Length without the pickup.
        meter: None leaves it unspecified.
        pickup: Steps before the first barline.
        key: The chords are moved there.
        tempo: Quarter notes a minute; None leaves it unspecified.
        style: Name of the style.
        seed: Which chords follow one another.
        steps_per_quarter: The grid.
    """
    rng = np.random.default_rng(seed)
    q = steps_per_quarter
    signature = None if meter is None else Meter.parse(meter)
    bar_steps = 4 * q if signature is None else signature.bar_steps(q)
    end = pickup + bars * bar_steps
    semitones = 0 if key is None else (key.tonic + 6) % 12 - 6
    rows, step = [], 0
    while step < end:
        length = min(int(rng.choice([q, q, max(1, q // 2)])), end - step)
        chord = _CHORDS[int(rng.integers(len(_CHORDS)))]
        rows += [
            [step, length, pitch + semitones, 60 + 8 * part, part]
            for part, pitch in enumerate(chord)
        ]
        step += length
    score, _ = Score.build(
        rows,
        [Part(52, name=voice) for voice in VOICES],
        steps_per_quarter=q,
        tempos=() if tempo is None else (Tempo(0, tempo),),
        meter_map=MeterMap() if signature is None else MeterMap((signature,), pickup),
        key=key,
        style=style,
        source=name,
    )
    return score


def chorales() -> list[Score]:
    """The corpus of a tiny bundle by default: three meters and none, pickups, keys, two styles."""
    return [
        chorale("plain", seed=1, style="plain"),
        chorale("upbeat", seed=2, pickup=24, key=Key(7), tempo=72.0, style="plain"),
        chorale("waltz", seed=3, meter="3/4", key=Key(9, "minor"), tempo=140.0, style="dance"),
        chorale("gigue", seed=4, meter="6/8", pickup=12, key=Key(2), tempo=180.0, style="dance"),
        chorale("free", seed=5, meter=None, key=Key(5), tempo=None),
    ]


def training_set(scores: Sequence[Score], vocabulary: Vocabulary | None = None) -> TrainingSet:
    """The pieces as training sees them, all of them learned from."""
    v = vocabulary or build_vocabulary(scores)
    pieces = tuple(encode(score, v) for score in scores)
    return TrainingSet(
        vocabulary=v.with_counts([piece.events for piece in pieces]),
        pieces=pieces,
        splits=("train",) * len(scores),
        hashes=tuple(f"{index:064x}" for index in range(len(scores))),
        keys_written=tuple(score.key is not None for score in scores),
    )


def random_weights(
    config: NetworkConfig, vocabulary: Vocabulary, *, seed: int = 0, scale: float = 0.5
) -> dict[str, np.ndarray]:
    """Normal numbers times ``scale`` under the stable names."""
    rng = np.random.default_rng(seed)
    return {
        name: rng.normal(0, scale, shape).astype(np.float32)
        for name, shape in weight_shapes(config, vocabulary).items()
    }


def tiny_bundle(
    folder: Path,
    scores: Sequence[Score] | None = None,
    *,
    seed: int = 0,
    units: int = 8,
    parts: Sequence[ModelPart] | None = None,
    **changes: Any,
) -> Path:
    """Write a model folder with random weights.

    Args:
        folder: Where to; it is made.
        scores: The corpus; :func:`chorales` by default.
        seed: Of the weights.
        units: Width of every layer.
        parts: Instead of the corpus' own model parts, index-aligned with them.
        **changes: Entries of ``config.json`` to add or replace.

    Returns:
        The folder.
    """
    corpus = chorales() if scores is None else list(scores)
    v = build_vocabulary(corpus)
    data = training_set(corpus, v if parts is None else replace(v, parts=tuple(parts)))
    v = data.vocabulary
    network = NetworkConfig(
        units=units,
        layers=2,
        onset_units=units,
        voice_units=units,
        note_units=units,
        head_units=units,
    )
    weights = random_weights(network, v, seed=seed)
    # pieces should end now and then, but none at once
    weights["head.shift.out_bias"][v.end] -= 2
    config = {
        "format_version": FORMAT_VERSION,
        "network": network.as_dict(),
        "training": {},
        "data": {},
        "status": "finished",
        "versions": {"musiclstm": "0"},
        "results": {},
    }
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / CONFIG, {**config, **changes})
    write_json(folder / VOCABULARY, v.as_dict())
    write_json(folder / CORPUS, data.as_dict())
    buffer = BytesIO()
    np.savez_compressed(buffer, **novelty_arrays(list(data.pieces), v))
    (folder / NOVELTY).write_bytes(buffer.getvalue())
    (folder / HISTORY).write_text("step\n")
    (folder / CARD).write_text("# A tiny model\n")
    write_weights(folder, weights)
    return folder
