"""The context: its ids stay within their tables, and move with the music as they should."""

from dataclasses import fields

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from musiclstm.encoding import (
    INTERVALS,
    MATCH_LENGTHS,
    MOTION_IDS,
    NO_INTERVAL,
    SONORITIES,
    Conditions,
    Context,
    Field,
    NoteContext,
    OnsetContext,
    VoiceContext,
    build_vocabulary,
    encode,
    prepare,
)
from musiclstm.encoding.augment import transpose
from musiclstm.encoding.layout import layout
from musiclstm.score import Key
from tests.encoding.walks import encoded_of, random_rows, small_vocabulary
from tests.strategies import keys, scores


def columns(piece, v):
    """The ids of each layer without their offsets; -1 for none."""
    found = {}
    for name, values in (
        ("onset", piece.context.onset_ids),
        ("voice", piece.context.voice_ids),
        ("note", piece.context.note_ids),
        ("after", piece.after_ids),
    ):
        own = getattr(layout(v), name)
        found[name] = np.where(values == own.rows, -1, values - own.begins)
    return found


@settings(max_examples=50, deadline=None)
@given(scores(max_parts=4, steps_per_quarter=None), st.integers(1, 40), keys())
def test_ids_are_rows_of_their_tables(score, bars, key):
    v = build_vocabulary([score])
    piece = prepare(encode(score, v), v, conditions=Conditions(bars=bars, key=key))
    n, parts = len(piece) + 1, len(v.parts)
    for name, values in columns(piece, v).items():
        own = getattr(layout(v), name)
        ends = [min((b for b in own.begins if b > begin), default=own.rows) for begin in own.begins]
        assert values.shape == (n, len(own.begins))
        assert (values >= -1).all(), name
        assert (values < np.array(ends) - own.begins).all(), name
    context = piece.context
    for name in ("voice", "note"):  # a row without a note has none of all
        absent = getattr(context, f"{name}_ids")[~piece.counts[:, Field.PITCH]]
        assert (absent == getattr(layout(v), name).rows).all()
    assert context.reference.min() >= 0
    assert context.reference.max() < 128
    assert context.motion_ids.shape == (n, parts)
    assert ((context.motion_ids >= 0) & (context.motion_ids <= MOTION_IDS)).all()
    assert context.sonority_ids.shape == (n, 1)
    assert ((context.sonority_ids >= 0) & (context.sonority_ids <= SONORITIES)).all()
    assert np.array_equal(context.moves_from, context.reference)
    for field in ("pitch", "duration"):
        assert getattr(context, f"{field}_candidates").min() >= -1
        matches = getattr(context, f"{field}_matches")
        assert matches.min() >= 0
        assert matches.max() < MATCH_LENGTHS
    assert context.pitch_candidates.max() < 128
    assert context.duration_candidates.max() <= v.tie
    assert ((context.place >= 0) & (context.place < context.bar)).all()
    assert context.struck[:, parts:].sum() + context.remaining[:, parts:].sum() == 0


def test_parts_of_the_context_are_those_of_its_stages():
    stages = OnsetContext._fields + VoiceContext._fields + NoteContext._fields
    assert tuple(field.name for field in fields(Context)) == stages


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 3), st.integers(-9, 9))
def test_transposed_music_stands_as_it_stood(seed, n_parts, semitones):
    """All that is relative stays, what is absolute moves; where a part begins, its range is."""
    rng = np.random.default_rng(seed)
    v = small_vocabulary(n_parts, drums=(1,) if seed % 3 == 0 else ())
    active = np.ones((1, n_parts), bool)
    rows = random_rows(v, active, 60, rng, familiar=0.5)
    is_note = rows[:, 0] <= v.max_shift
    rows[is_note, 2] = rows[is_note, 2] * 100 // 128 + 14
    piece = encoded_of(_once_each(rows, v), v, active)
    known = Conditions(key=Key(seed % 12, "minor" if seed % 5 else "major"))
    one, two = (
        prepare(transpose(piece, up, v), v, conditions=known.transposed(up))
        for up in (0, semitones)
    )
    here, there = columns(one, v), columns(two, v)
    pitched = np.append(~v.drum_parts, True)[here["voice"][:, 0]]
    move = np.where(pitched, semitones, 0)[:, None]
    begun = here["voice"][:, 1] >= 0  # else the reference is the middle of the range

    def moved(pitches):
        return np.where(pitches >= 0, pitches + move, -1)

    # where a drum and another part sound one pitch, the next end is that of the longer
    ends = [4] if v.has_drums else []
    for layer, absolute in (("onset", ends), ("voice", [1, 2, 3]), ("note", [1]), ("after", [])):
        rest = np.setdiff1d(np.arange(here[layer].shape[1]), absolute)
        ours, theirs = here[layer][:, rest], there[layer][:, rest]
        if layer == "voice":
            ours, theirs = ours[begun], theirs[begun]
        assert np.array_equal(ours, theirs), layer
        if layer != "onset":
            assert np.array_equal(moved(here[layer][:, absolute]), there[layer][:, absolute]), layer
    ours, theirs = dict(vars(one.context)), dict(vars(two.context))
    for name in ("reference", "moves_from", "motion_ids", "voice_shares"):
        ours[name], theirs[name] = ours[name][begun], theirs[name][begun]
    for name in ("reference", "moves_from"):
        ours[name] = ours[name] + move[begun, 0]
    assert np.array_equal(ours["motion_ids"], theirs["motion_ids"])
    ours["sonority_ids"] = turned(ours["sonority_ids"], semitones)
    assert np.array_equal(ours["sonority_ids"], theirs["sonority_ids"])
    ours["pitch_candidates"] = moved(ours["pitch_candidates"])
    ours["sounding"] = np.roll(ours["sounding"], semitones, axis=1)
    ours["voice_sounding"] = np.stack(
        [np.roll(row, up) for row, up in zip(ours["voice_sounding"], move[:, 0], strict=True)]
    )
    for name, values in ours.items():
        if not name.endswith("_ids") and not (name == "sounding" and v.has_drums):
            close = np.allclose if values.dtype.kind == "f" else np.array_equal
            assert close(values, theirs[name]), name


def turned(sonority_ids, semitones):
    """The twelve bits of each, so many semitones further up."""
    bits = sonority_ids[..., None] >> np.arange(12) & 1
    moved = (np.roll(bits, semitones, axis=-1) << np.arange(12)).sum(axis=-1)
    return np.where(sonority_ids == SONORITIES, SONORITIES, moved)


def _once_each(rows, v):
    """Keep those rows that are in order and strike no pitch that sounds."""
    kept, now, ends, last = [], 0, {}, None
    for shift, part, pitch, written, velocity in rows.tolist():
        if shift > v.max_shift:
            continue
        now += shift
        place = (now, int(v.ranks[part]), pitch)
        duration = min(written, v.tie - 1)
        if (last is None or place > last) and ends.get((part, pitch), 0) <= now:
            gap = now - (last[0] if last else 0)
            while gap > v.max_shift:
                kept.append([v.wait, 0, 0, 0, 0])
                gap -= v.max_shift
            kept.append([gap, part, pitch, duration, velocity])
            ends[part, pitch], last = now + duration + 1, place
    return np.array([*kept, [v.end, 0, 0, 0, 0]], np.int32)


def test_what_a_part_sees_of_the_others():
    """A bass note held under a chord: by hand."""
    v = small_vocabulary(2, steps_per_quarter=4)  # part 1 comes first within an onset
    rows = [
        (0, 1, 48, 15, 20),  # a whole note in the bass
        (0, 0, 64, 3, 20),
        (0, 0, 67, 3, 20),
        (4, 0, 65, 3, 20),
        (v.end, 0, 0, 0, 0),
    ]
    piece = encoded_of(np.array(rows, np.int32), v, np.ones((1, 2), bool))
    piece = prepare(piece, v, conditions=Conditions(key=Key(5)))
    ids = columns(piece, v)
    last = ids["voice"][4]
    middle = INTERVALS // 2 - 1
    assert last[:10].tolist() == [0, 67, 64, -1, 3, 3, -1, -1, 4, 0]
    # its own part is silent; the bass is held, 19 below the last pitch, 67
    assert last[10:14].tolist() == [INTERVALS + NO_INTERVAL, -1, -1, -1]
    assert last[14:18].tolist() == [INTERVALS + middle - 19, -1, middle - 19, (0 - 19) % 12]
    # just before, it sounded 67 itself, and the bass what it sounds now
    assert last[18:22].tolist() == [middle, middle, middle - 19, middle - 19]
    assert last[22:25].tolist() == [NO_INTERVAL] * 3  # nothing has come twice
    assert last[25:29].tolist() == [middle + 3, NO_INTERVAL, NO_INTERVAL, NO_INTERVAL]
    note = ids["note"][4]
    assert note[:2].tolist() == [0, 65]
    assert note[2:7].tolist() == [NO_INTERVAL, -1, middle + 17, 17 % 12, middle - 2]
    # in F major 67 is the second degree, and 65 the first
    assert (last[-1], note[-1], ids["after"][4][-1]) == (2, 0, 0)
    # at the first onset the chord's upper note sees the bass and the lower note struck
    second = ids["voice"][3]
    assert second[10:14].tolist() == [middle, middle, -1, 0]
    assert second[14:18].tolist() == [middle - 16, middle - 16, -1, (0 - 16) % 12]
    # after the last note: the next end in 4 steps; 4 and 12 steps are left to the parts
    assert ids["after"][4][:4].tolist() == [4, 4, 12, (8 + 0) * 4 + 4]
    assert piece.context.struck[4].tolist() == [0] * 16
    assert (piece.context.place[4], piece.context.bar[4]) == (4, 16)
