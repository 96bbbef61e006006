"""Random legal rows, and the stages of a piece as the tracker finds them on the way."""

from typing import NamedTuple

import numpy as np

from musiclstm.encoding import Before, Field, Note, Onset, Tracker, Voice
from musiclstm.encoding.conditions import Conditions
from musiclstm.encoding.masks import (
    legal_durations,
    legal_parts,
    legal_pitches,
    legal_shifts,
    legal_velocities,
)
from musiclstm.encoding.parts import ModelPart
from musiclstm.encoding.rows import Encoded
from musiclstm.encoding.vocabulary import Vocabulary
from musiclstm.score import MeterMap, Part


def small_vocabulary(n_parts, drums=(), steps_per_quarter=1):
    parts = tuple(
        ModelPart(f"p{index}", is_drum=index in drums, median=50.0 + 7 * index)
        for index in range(n_parts)
    )
    order = tuple(reversed(range(n_parts)))
    return Vocabulary(parts, order, steps_per_quarter=steps_per_quarter)


def encoded_of(rows, v, active):
    part_map = tuple(np.flatnonzero(active[0]).tolist())
    parts = tuple(Part(is_drum=v.parts[part].is_drum, name=v.parts[part].name) for part in part_map)
    return Encoded(rows, Conditions(), part_map, parts, MeterMap())


def active_parts(encoded, v):
    active = np.zeros((1, len(v.parts)), bool)
    active[0, list(encoded.part_map)] = True
    return active


def choose(mask, rng):
    """One legal id of each stream; fails where a mask leads into a dead end."""
    assert mask.any(axis=1).all()
    return np.array([rng.choice(np.flatnonzero(row)) for row in mask], np.int32)


def random_rows(v, active, length, rng, *, crowd=False, familiar=0.0):
    """Walk at random through legal rows.

    ``crowd`` prefers what fills up the masks' corners; ``familiar`` is how often a row is the one
    that a row ``familiar_back`` ago was, as far as that is legal.
    """
    tracker = Tracker.start(active, v)
    rows = []
    back = int(rng.integers(1, 9))
    while True:
        again = back <= len(rows) < length and rng.random() < familiar

        def pick(mask, field, again=again):
            if again and mask[0, rows[-back][field]]:
                return np.array([rows[-back][field]], np.int32)
            return choose(mask, rng)

        before = tracker.before(v)
        shifts = legal_shifts(before, active, v)
        if len(rows) >= length and shifts[0, v.end]:
            return np.array([*rows, [v.end, 0, 0, 0, 0]], np.int32)
        shifts[:, v.end] &= ~shifts[:, : v.end].any(axis=1)
        if crowd and shifts[0, 0] and rng.random() < 0.9:
            shifts[0, 1:] = False
        shift = pick(shifts, Field.SHIFT)
        if shift[0] in (v.wait, v.end):
            row = np.array([[shift[0], 0, 0, 0, 0]], np.int32)
            if shift[0] == v.end:
                return np.array([*rows, row[0]], np.int32)
        else:
            onset = tracker.at(tracker.now + shift, v)
            part = pick(legal_parts(before, shift, onset, v), Field.PART)
            voice = tracker.voice(onset, part, v)
            pitches = legal_pitches(before, shift, voice)
            pitch = pick(pitches, Field.PITCH)
            if crowd:  # the lowest few, so that an onset takes in very many
                pitch = np.flatnonzero(pitches[0])[:1].astype(np.int32)
            durations = legal_durations(part, v)
            if crowd and durations[0, v.tie] and rng.random() < 0.5:
                durations[0, : v.tie] = False
            duration = pick(durations, Field.DURATION)
            velocity = pick(legal_velocities(before), Field.VELOCITY)
            row = np.stack([shift, part, pitch, duration, velocity], axis=1)
        rows.append(row[0])
        tracker = tracker.advance(row, v)


class Step(NamedTuple):
    """The stages of a row in B streams, what is legal in it, and the stage that follows it."""

    before: Before
    onset: Onset
    voice: Voice
    note: Note
    masks: list
    after: Before


def walk(pieces, v, tracker=None):
    """Go through pieces side by side, as many rows as the longest has; END where one is over."""
    active = np.concatenate([active_parts(piece, v) for piece in pieces])
    tracker = Tracker.start(active, v) if tracker is None else tracker
    over = np.array([v.end, 0, 0, 0, 0], np.int32)
    for index in range(max(len(piece.events) for piece in pieces)):
        rows = np.stack(
            [piece.events[index] if index < len(piece.events) else over for piece in pieces]
        )
        before = tracker.before(v)
        shift = rows[:, Field.SHIFT]
        is_note = shift <= v.max_shift
        onset = tracker.at(tracker.now + v.steps_of(shift), v)
        part = np.where(is_note, rows[:, Field.PART], -1).astype(np.int32)
        voice = tracker.voice(onset, part, v)
        note = tracker.note(voice, rows[:, Field.PITCH], v)
        masks = [
            legal_shifts(before, active, v),
            legal_parts(before, shift, onset, v),
            legal_pitches(before, shift, voice),
            legal_durations(rows[:, Field.PART], v),
            legal_velocities(before),
        ]
        tracker = tracker.advance(rows, v)
        yield Step(before, onset, voice, note, masks, tracker.before(v)), rows, tracker
