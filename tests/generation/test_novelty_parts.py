"""The copy check by part, and all runs of a piece: what is planted is found, in whatever part."""

import json
from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from musiclstm.encoding import build_vocabulary, decode, encode
from musiclstm.generation import Copied, CopyCheck
from musiclstm.generation.copied_runs import RUN
from musiclstm.model import load_bundle
from musiclstm.model.bundle import NOVELTY
from musiclstm.score import Column, Meter, MeterMap, Part
from tests.bundles import chorales, tiny_bundle
from tests.generation.tunes import CHOIR, check_of, melody, piece, voices, walk

BAND = (Part(name="flute"), Part(40, name="fiddle"), Part(is_drum=True, name="drums"))


def by_part(check, score):
    """What is found in each part, by its name."""
    found = check.by_part(encode(score, check.vocabulary))
    return {check.vocabulary.parts[part].name: copied for part, copied in found.items()}


def id_of(check, name):
    return [part.name for part in check.vocabulary.parts].index(name)


# --- what is planted ------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(
    length=st.integers(RUN + 1, 30),
    origin=st.tuples(st.integers(0, 2), st.integers(0, 10)),
    to=st.tuples(st.integers(0, 2), st.integers(0, 20)),
    semitones=st.integers(-12, 12),
    pickup=st.sampled_from([0, 24, 48]),
)
def test_a_part_planted_in_another_is_found(length, origin, to, semitones, pickup):
    """Transposed, in another part, elsewhere in the bar, under other voices."""
    (part, begins), (own_part, own_begins) = origin, to
    source = voices(
        [walk(seed) for seed in range(3)],
        "source",
        meter_map=MeterMap((Meter(0, 4, 4),), pickup),
    )
    check = check_of([voices([walk(seed) for seed in (3, 4, 5)], "other"), source])
    # an eighth of rest before and after, so that it is neither longer nor shorter
    taken = np.add(walk(part)[begins : begins + length], semitones)
    at = 24 * own_begins + 12
    rows = [[24 * n, 24, pitch, 80, own_part] for n, pitch in enumerate(walk(6, own_begins))]
    rows += [[at + 24 * n, 24, pitch, 80, own_part] for n, pitch in enumerate(taken)]
    rows += [
        [24 * n, 24, pitch, 80, other]
        for other in {0, 1, 2} - {own_part}
        for n, pitch in enumerate(walk(7 + other, 50))
    ]
    made = piece(rows, CHOIR)
    model_part = id_of(check, CHOIR[own_part].name)
    expected = Copied(
        notes=length,
        source="source",
        bar=(24 * begins - pickup) // 96 + 1,
        own_bar=at // 96 + 1,
        part=model_part,
        steps=(at, at + 24 * (length - 1)),
    )
    encoded = encode(made, check.vocabulary)
    nothing = {other: Copied(part=other) for other in encoded.part_map}
    assert check.by_part(encoded) == {**nothing, model_part: expected}
    assert check.longest(encoded) == Copied()
    assert check.runs(encoded, length - 1) == [expected]
    assert check.runs(encoded, length) == []


def test_every_part_of_a_training_piece_is_found_whole():
    check = check_of(chorales())
    for score in chorales():
        for part, found in check.by_part(encode(score.transposed(2), check.vocabulary)).items():
            own = score.notes[score.notes[:, Column.PART] == part]
            assert (found.notes, found.source, found.part) == (len(own), score.source, part)
            assert found.steps == (own[0, Column.ONSET], own[-1, Column.ONSET])


def test_other_voices_do_not_matter():
    """A tune is found without its accompaniment, under another, and an accompaniment under it."""
    check = check_of([voices([walk(1), walk(2), walk(3)], "three"), melody(walk(4), "one")])
    alone = by_part(check, voices([[], walk(1), []]))
    assert (alone["middle"].notes, alone["middle"].source) == (40, "three")
    assert alone["high"].notes == alone["low"].notes == 0
    under = by_part(check, voices([walk(5), walk(6), walk(4)]))
    assert (under["low"].notes, under["low"].source) == (40, "one")
    assert check.longest(encode(voices([walk(5), walk(6), walk(4)]), check.vocabulary)).notes == 0


def test_a_tune_of_one_part_is_found_in_any_part():
    """Stored as a texture only, under the part that it is of."""
    band = [voices([walk(1), walk(2), []], "band", parts=BAND)]
    solos = [voices([walk(3), [], []], "flute", parts=BAND)]
    solos += [voices([[], walk(4), []], "fiddle", parts=BAND)]
    check = check_of([*band, *solos])
    found = by_part(check, voices([walk(4), walk(3), []], parts=BAND))
    assert (found["flute"].notes, found["flute"].source) == (40, "fiddle")
    assert (found["fiddle"].notes, found["fiddle"].source) == (40, "flute")


def test_drums_are_compared_by_key_and_with_drums_alone():
    rng = np.random.default_rng(0)
    keys = rng.integers(35, 50, 40).tolist()
    tune = walk(1)
    check = check_of(
        [
            piece(rows([tune, [], keys]), BAND, "band"),
            piece(rows([[], [], rng.integers(35, 50, 40).tolist()]), BAND, "solo"),
        ]
    )
    found = by_part(check, piece(rows([[], walk(2), keys]), BAND))
    assert (found["drums"].notes, found["drums"].source) == (40, "band")
    higher = by_part(check, piece(rows([[], walk(2), np.add(keys, 1).tolist()]), BAND))
    assert higher["drums"].notes == 0
    melodic = by_part(check, piece(rows([keys, tune, []], length=1), BAND))
    assert melodic["flute"].notes == 0
    # leaps as wide as the keys of drums are high: the same numbers, another meaning
    leaps = np.cumsum([0, *[35, -35] * 19, 35]).tolist()
    kick = check_of([piece(rows([tune, [], [35] * 40], length=1), BAND, "kick")])
    assert by_part(kick, piece(rows([leaps, [], []], length=1), BAND))["flute"].notes == 0


def rows(parts, *, length=24):
    """Rows of parts in quarters; a hit lasts one step."""
    return [
        [24 * n, 1 if part == 2 else length, pitch, 80, part]
        for part, pitches in enumerate(parts)
        for n, pitch in enumerate(pitches)
    ]


# --- all runs -------------------------------------------------------------------------------


def test_runs_come_in_order_with_their_steps():
    source = voices([walk(1), walk(2), walk(3)], "source")
    check = check_of([source])
    made = voices(
        [
            [*walk(4, 5), *walk(1)[:10], *walk(5, 5), *walk(2)[20:32]],
            walk(6),
            [*walk(7, 3), *walk(3)[4:30], *walk(8, 3)],
        ]
    )
    high, low = id_of(check, "high"), id_of(check, "low")
    found = check.runs(encode(made, check.vocabulary), 9)
    assert found == [
        Copied(26, "source", 2, 1, low, (72, 72 + 25 * 24)),
        Copied(10, "source", 1, 2, high, (120, 120 + 9 * 24)),
        Copied(12, "source", 6, 6, high, (480, 480 + 11 * 24)),
    ]
    assert check.runs(encode(made, check.vocabulary), 10) == [found[0], found[2]]
    assert check.runs(encode(source, check.vocabulary), 50) == [
        Copied(120, "source", 1, 1, None, (0, 39 * 24))
    ]


def test_overlapping_runs_are_all_told():
    """Each goes on where the other ends, eight notes together."""
    one, two = walk(1), walk(2)
    joined = [*one[:20], *two[20:]]
    check = check_of([melody(joined[:24], "first"), melody(joined[16:], "second")])
    found = check.runs(encode(melody(joined), check.vocabulary), 8)
    of_part = [run for run in found if run.part == 0]
    assert [(run.notes, run.source, run.steps[0] // 24) for run in of_part] == [
        (24, "first", 0),
        (24, "second", 16),
    ]
    assert [replace(run, part=None) for run in of_part] == [
        run for run in found if run.part is None
    ]


def test_one_repeated_note_is_one_run():
    check = check_of(
        [voices([[60] * 300, [48] * 300, walk(1)], "drone"), melody([60] * 500, "one")]
    )
    made = encode(voices([[62] * 400, [50] * 200, walk(2)]), check.vocabulary)
    found = {run.part: (run.notes, run.source) for run in check.runs(made, 50)}
    high, middle = id_of(check, "high"), id_of(check, "middle")
    assert found[high] == (400, "one")
    assert found[middle] == (200, "drone")
    assert len(check.runs(made, 50)) == len(found)


TONES = st.lists(st.sampled_from([(60, 24), (60, 24), (62, 24), (60, 12)]), max_size=24)


@st.composite
def pieces(draw):
    """Pieces of up to three parts, drums among them, of few tones: full of common runs."""
    rows = []
    for part in range(3):
        onset = draw(st.sampled_from([0, 12]))
        for pitch, length in draw(TONES):
            rows.append([onset, 1 if part == 2 else length, pitch, 80, part])
            onset += length
    return piece(rows, BAND)


@settings(max_examples=150, deadline=None)
@given(st.lists(pieces(), min_size=1, max_size=3), pieces())
def test_they_are_what_comparing_every_line_finds(corpus, made):
    """Lengths and steps, of texture and parts, by brute force; and the source has them there."""
    corpus = [replace(score, source=str(number)) for number, score in enumerate(corpus)]
    v = build_vocabulary([*corpus, made])
    check = check_of(corpus, vocabulary=v)
    known = [lines_of(score, v) for score in corpus]
    encoded = encode(made, v)
    runs = check.runs(encoded, 0)
    assert runs == sorted(
        runs, key=lambda run: (run.steps[0], -1 if run.part is None else run.part)
    )
    longest = {None: check.longest(encoded), **check.by_part(encoded)}
    own_lines = lines_of(made, v)
    assert set(longest) == {None, *encoded.part_map}
    for part, found in longest.items():
        own = own_lines[part]
        others = [line for lines in known for kind, line in lines.items() if alike(kind, part)]
        expected = longest_common(own, others)
        of_part = [run for run in runs if run.part == part]
        assert [(run.notes, *run.steps) for run in of_part] == expected
        assert found.notes == max((notes for notes, *_ in expected), default=0)
        if of_part:
            assert found == max(of_part, key=lambda run: run.notes)
        for run in of_part:
            assert run.own_bar == run.steps[0] // 96 + 1
            steps = steps_between(own, *run.steps)
            assert run.notes - 1 in {len(some) for some in steps}
            there = [line for kind, line in known[int(run.source)].items() if alike(kind, part)]
            assert any(
                [step for step, _ in line[at + 1 : at + run.notes]] in steps
                for line in there
                for at, (_, onset) in enumerate(line)
                if onset // 96 + 1 == run.bar
            )


def alike(one, other):
    """Whether both are textures, or both parts."""
    return (one is None) == (other is None)


def steps_between(line, begins, ends):
    """The steps of a line from a note at one onset to a note at another; all that there are."""
    first = [number for number, (_, onset) in enumerate(line) if onset == begins]
    last = [number for number, (_, onset) in enumerate(line) if onset == ends]
    return [[step for step, _ in line[a + 1 : b + 1]] for a in first for b in last]


def lines_of(score, v):
    """Each line of a piece: of each note the step to it, as a tuple, and its onset."""
    encoded = encode(score, v)
    decoded = decode(encoded, v)
    notes = [(int(o), encoded.part_map[k], int(p), int(d)) for o, d, p, _, k in decoded.notes]
    notes.sort(key=lambda note: (note[0], v.ranks[note[1]], note[2]))
    lines = {None: line_of(notes, v, lambda part: part)}
    for part in encoded.part_map:
        own = [note for note in notes if note[1] == part]
        lines[part] = line_of(own, v, lambda part: bool(v.drum_parts[part]))
    return lines


def line_of(notes, v, heard_as):
    line, before, pitched = [], None, None
    for onset, part, pitch, duration in notes:
        drum = v.drum_parts[part]
        interval = pitch - (0 if drum else pitch if pitched is None else pitched)
        line.append(((onset - (before or 0), heard_as(part), interval, duration), onset))
        before, pitched = onset, pitched if drum else pitch
    return line


def longest_common(own, others):
    """Of each shared stretch that lies within no other: notes, onset of the first and the last."""
    shared = set()
    for other in others:
        for first in range(len(own)):
            for at in range(len(other)):
                length = 1
                while (
                    first + length < len(own)
                    and at + length < len(other)
                    and own[first + length][0] == other[at + length][0]
                ):
                    length += 1
                shared.add((first, first + length))
    shared = {(a, b) for a, b in shared if b - a > RUN}
    kept = [
        (a, b)
        for a, b in shared
        if not any(c <= a and b <= d and (a, b) != (c, d) for c, d in shared)
    ]
    return [(b - a, own[a][1], own[b - 1][1]) for a, b in sorted(kept)]


# --- what is not known, and what leaves -----------------------------------------------------


def test_arrays_without_parts_still_know_textures(tmp_path):
    """As bundles have them that were made before parts were compared."""
    folder = tiny_bundle(tmp_path / "m")
    bundle = load_bundle(folder)
    arrays, newer = dict(bundle.novelty()), CopyCheck.of(bundle)
    made = encode(chorales()[2], bundle.vocabulary)
    notes = {score.source: len(score.notes) for score in chorales()}
    sources = arrays["sources"][arrays["piece"]]
    of_texture = arrays["place"] < np.array([notes[source] for source in sources])
    del arrays["alone"]
    for name in ("hashes", "piece", "place", "bar"):
        arrays[name] = arrays[name][of_texture]
    np.savez(folder / NOVELTY, **arrays)
    check = CopyCheck.of(load_bundle(folder))
    assert check.longest(made) == newer.longest(made)
    assert check.longest(made).notes == len(chorales()[2].notes)
    assert check.by_part(made) == {}
    assert newer.by_part(made) != {}
    assert check.runs(made, 8) == [run for run in newer.runs(made, 8) if run.part is None]


def test_without_music_nothing_is_found():
    v = build_vocabulary([melody(walk(1))])
    made = encode(melody(walk(1)), v)
    assert CopyCheck({}, v).runs(made, 8) == []
    assert CopyCheck({}, v).by_part(made) == {}
    assert check_of([], vocabulary=v).runs(made, 8) == []
    assert check_of([], vocabulary=v).by_part(made) == {0: Copied(part=0)}
    empty = encode(piece([], [Part(name="tune")]), v)
    assert check_of([melody(walk(1))]).by_part(empty) == {0: Copied(part=0)}


def test_it_can_be_written_as_json():
    check = check_of([voices([walk(1), walk(2), walk(3)], "source")])
    made = encode(voices([walk(4), walk(1), walk(5)]), check.vocabulary)
    for run in [*check.runs(made, 8), *check.by_part(made).values(), check.longest(made)]:
        assert json.loads(json.dumps(vars(run)))["steps"] == list(run.steps)
    assert max(run.notes for run in check.runs(made, 8)) == 40
