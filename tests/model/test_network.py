"""One network, said twice: Keras and NumPy agree, on whole pieces and row by row."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from musiclstm.encoding import (
    MOTION_IDS,
    SONORITIES,
    Conditions,
    Field,
    after_rows,
    build_vocabulary,
    encode,
    note_rows,
    onset_rows,
    prepare,
    voice_rows,
)
from musiclstm.model import Decoder, weight_shapes
from musiclstm.model.architecture import N_PITCHES, PITCH_CLASSES
from musiclstm.model.folded import Folded
from musiclstm.model.likelihood import nats_of_piece
from musiclstm.score import Key, Part, Score
from musiclstm.training.batches import BatchMaker
from tests.bundles import TINY_NETWORK as CONFIG
from tests.bundles import chorale
from tests.bundles import random_weights as weights_of
from tests.strategies import scores

CLOSE = 1e-4


def random_weights(vocabulary, seed=0):
    """Large enough that every path matters."""
    return weights_of(CONFIG, vocabulary, seed=seed, scale=0.3)


def row_by_row(decoder, encoded, conditions=None):
    """Nats of each field through start, log_probs and advance alone."""
    conditions = conditions or Conditions()
    state = decoder.start(conditions, encoded.part_map, 1, meter_map=encoded.meter_map)
    nats = np.zeros((len(encoded.events), len(Field)))
    for index, row in enumerate(encoded.events):
        event = row[None]
        for field in Field:
            log_probs = decoder.log_probs(state, field, event)
            assert np.exp(log_probs.astype(float)).sum() == pytest.approx(1, abs=1e-5)
            nats[index, field] = -log_probs[0, row[field]]
            if row[Field.SHIFT] > decoder.vocabulary.max_shift:
                break
        state = decoder.advance(state, event)
    return nats


@settings(max_examples=40, deadline=None)
@given(scores(max_parts=4, max_notes=25), st.booleans())
def test_whole_piece_equals_row_by_row(score, told):
    vocabulary = build_vocabulary([score])
    decoder = Decoder(CONFIG, vocabulary, random_weights(vocabulary))
    encoded = encode(score, vocabulary)
    conditions = encoded.conditions if told else Conditions()
    whole = decoder.score(encoded, conditions)
    assert np.isfinite(whole).all()
    assert whole == pytest.approx(row_by_row(decoder, encoded, conditions), abs=CLOSE)


def test_conditions_change_what_is_likely():
    score = next_score()
    vocabulary = build_vocabulary([score])
    decoder = Decoder(CONFIG, vocabulary, random_weights(vocabulary))
    encoded = encode(score, vocabulary)
    told = decoder.score(encoded, Conditions(key=Key(2), bars=3))
    assert not np.allclose(told, decoder.score(encoded))


def next_score():
    """Any score with a few notes."""
    notes = [[6 * i, 6 + i, 60 + (5 * i) % 13, 60, i % 2] for i in range(20)]
    return Score.build(notes, [Part(name="a"), Part(name="b")])[0]


@settings(max_examples=25, deadline=None)
@given(scores(max_parts=3, min_notes=3, max_notes=20), st.data())
def test_no_probability_sees_the_future(score, data):
    """Later notes are moved; no probability at or before the last untouched row changes."""
    vocabulary = build_vocabulary([score])
    decoder = Decoder(CONFIG, vocabulary, random_weights(vocabulary))
    encoded = encode(score, vocabulary)
    place = data.draw(st.integers(1, len(encoded.events) - 1))
    kept = encoded.events[:place]
    ends = kept[-1, Field.DURATION] == vocabulary.tie or kept[-1, Field.SHIFT] == vocabulary.wait
    end = encoded.events[-1:]
    changed = encoded if ends else replace(encoded, events=np.concatenate([kept, end]))
    before = decoder.score(encoded)[:place]
    after = decoder.score(changed)[:place]
    assert after == pytest.approx(before, abs=1e-5), "but for rounding"


def test_streams_of_a_batch_do_not_know_each_other():
    score = next_score()
    vocabulary = build_vocabulary([score])
    decoder = Decoder(CONFIG, vocabulary, random_weights(vocabulary))
    events = encode(score, vocabulary).events
    one = decoder.start(Conditions(), (0, 1), 1)
    two = decoder.start([Conditions(), Conditions(key=Key(5))], [(0, 1), (0,)], 2)
    for row in events[:6]:
        other = row.copy()
        other[Field.PART] = 0
        one = decoder.advance(one, row[None])
        two = decoder.advance(two, np.stack([row, other]))
    assert two.output[0] == pytest.approx(one.output[0], abs=CLOSE)
    picked = two.select([0])
    nothing = np.zeros((1, 5), np.int32)
    ours = decoder.log_probs(picked, Field.SHIFT, nothing)
    assert ours == pytest.approx(decoder.log_probs(one, Field.SHIFT, nothing), abs=CLOSE)


@pytest.fixture(scope="module")
def network():
    tf = pytest.importorskip("tensorflow")
    from musiclstm.model.network import Network  # noqa: PLC0415

    return tf, Network


@settings(
    max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(scores(max_parts=3, max_notes=30, min_notes=1), min_size=2, max_size=4))
@example([chorale(meter="3/4"), chorale(meter="6/8", pickup=12, seed=1)])
def test_keras_and_numpy_agree(network, pieces):
    """Nats of every field of every row, with windows that cut the pieces."""
    tf, make = network
    vocabulary = build_vocabulary(pieces)
    encoded = [encode(piece, vocabulary) for piece in pieces]
    keras_network = make(CONFIG, vocabulary)
    weights = random_weights(vocabulary)
    keras_network.assign(weights)
    decoder = Decoder(CONFIG, vocabulary, weights)
    maker = BatchMaker(encoded, vocabulary, lanes=2, window=16, augment=False)
    found = [np.zeros((0, 5), np.float32) for _ in encoded]
    state = tf.zeros((CONFIG.layers, 2, 2, CONFIG.units))
    for windows in maker.single_pass():
        batch = maker.make(windows)
        state = state * (1 - batch["fresh"].astype("float32"))[None, None, :, None]
        tensors = {name: tf.constant(values) for name, values in batch.items()}
        nats, state = keras_network(tensors, state)
        for lane, window in enumerate(windows):
            if window is not None:
                piece = window.visit.piece
                found[piece] = np.concatenate([found[piece], nats.numpy()[lane]])
    for piece, nats in zip(encoded, found, strict=True):
        assert nats[: len(piece.events)] == pytest.approx(decoder.score(piece), abs=CLOSE)
        assert not nats[len(piece.events) :].any(), "padding costs nothing"


def test_initial_weights_are_the_unigram_model(network):
    _, make = network
    score = next_score()
    vocabulary = build_vocabulary([score])
    vocabulary = vocabulary.with_counts([encode(score, vocabulary).events])
    weights = make(CONFIG, vocabulary, seed=3).numpy_weights()
    again = make(CONFIG, vocabulary, seed=3).numpy_weights()
    assert all(np.array_equal(weights[name], again[name]) for name in weights)
    bias = weights["head.pitch.out_bias"]
    assert np.exp(bias).sum() == pytest.approx(1, abs=1e-4)
    units = CONFIG.units
    assert (weights["lstm.0.bias"][units : 2 * units] == 1).all(), "the forget gate starts open"
    assert {name: value.shape for name, value in weights.items()} == weight_shapes(
        CONFIG, vocabulary
    )


def rich_score():
    """Three parts with chords, a tie and bars that repeat: every column says something."""
    rows = []
    for bar in range(6):
        for beat, pitch in enumerate((60, 64, 62, 67)):
            step = 96 * bar + 24 * beat
            rows.append([step, 24, pitch, 60, 0])
            # chords; the second of a beat lasts into the next
            rows += [[step + late, 14, pitch - low, 50, 1] for late in (0, 12) for low in (12, 15)]
            rows += [[step + 12, 13, 30, 90, 2], [step + 12, 1, 33, 80, 2]]
            rows.append([step + 22, 2, 33, 70, 2])
    rows.append([600, 500, 72, 70, 0])  # a tie
    players = [Part(name="melody"), Part(name="chords"), Part(name="bass")]
    return Score.build(rows, players)[0]


@pytest.fixture(scope="module")
def rich():
    score = rich_score()
    vocabulary = build_vocabulary([score])
    return vocabulary, encode(score, vocabulary)


# the first field whose head knows what a layer reads
FIRST_HEARD = {"onset": Field.PART, "voice": Field.PITCH, "note": Field.DURATION}
CLASSES = slice(2 * N_PITCHES, 2 * N_PITCHES + PITCH_CLASSES)


def heard_of(rich, weights, change):
    """Which fields of any row are another's after a change in the weights."""
    vocabulary, encoded = rich
    before = Decoder(CONFIG, vocabulary, weights).score(encoded)
    change(weights)
    return (before != Decoder(CONFIG, vocabulary, weights).score(encoded)).any(axis=0)


@pytest.mark.parametrize(
    ("layer", "rows"),
    [
        ("onset", slice(0, N_PITCHES)),  # which pitches sound
        ("onset", slice(N_PITCHES, 2 * N_PITCHES)),  # for how long
        ("onset", CLASSES),
        ("onset", slice(CLASSES.stop, CLASSES.stop + 3)),  # how long the parts sound
        ("onset", slice(CLASSES.stop + 16, CLASSES.stop + 19)),  # which have been struck
        ("voice", slice(0, N_PITCHES)),
        ("voice", slice(N_PITCHES, 2 * N_PITCHES)),
        *(("voice", slice(256 + first, 268 + first)) for first in (0, 12, 24)),  # shares
        *(("note", slice(first, 12 + first)) for first in (0, 12, 24)),
    ],
)
def test_every_feature_is_heard_from_where_it_is_known(rich, layer, rows):
    def louder(weights):
        weights[f"{layer}.kernel"][rows] += 1

    changed = heard_of(rich, random_weights(rich[0]), louder)
    first = FIRST_HEARD[layer]
    assert changed[first:].all()
    if layer != "onset":  # which the LSTM reads too, a row later
        assert not changed[:first].any()


def none_of(name, vocabulary):
    """The id that says nothing, of an array of ids."""
    if name in ("motion_ids", "sonority_ids"):
        return MOTION_IDS if name == "motion_ids" else SONORITIES
    sizes = {"onset": onset_rows, "voice": voice_rows, "note": note_rows, "after": after_rows}
    return sizes[name.removesuffix("_ids")](vocabulary)


@pytest.mark.parametrize(
    ("name", "first", "last"),
    [
        ("after_ids", Field.SHIFT, Field.VELOCITY),
        ("onset_ids", Field.SHIFT, Field.VELOCITY),  # read by the LSTM too, a row later
        ("voice_ids", Field.PITCH, Field.VELOCITY),
        ("note_ids", Field.DURATION, Field.VELOCITY),
        ("reference", Field.PITCH, Field.PITCH),
        ("pitch_candidates", Field.PITCH, Field.PITCH),
        ("pitch_matches", Field.PITCH, Field.PITCH),
        ("motion_ids", Field.PITCH, Field.PITCH),
        ("sonority_ids", Field.PITCH, Field.PITCH),
        ("duration_candidates", Field.DURATION, Field.DURATION),
        ("duration_matches", Field.DURATION, Field.DURATION),
        ("place", Field.DURATION, Field.DURATION),
        ("bar", Field.DURATION, Field.DURATION),
    ],
)
def test_every_column_is_heard_by_those_who_may(rich, name, first, last):
    """Each column in turn says something else; the heads that know it notice, and no other."""
    vocabulary, encoded = rich
    piece = prepare(encoded, vocabulary, conditions=encoded.conditions)
    holder = piece if name == "after_ids" else piece.context
    values = getattr(holder, name)
    folded = Folded(CONFIG, vocabulary, random_weights(vocabulary))
    conditions = folded.conditions(np.zeros((1, 5), np.int32))[0]
    whole = nats_of_piece(folded, piece, conditions, vocabulary)
    columns = values.reshape(len(values), -1)
    for column in range(columns.shape[1]):
        other = columns.copy()
        if name.endswith("_ids"):
            other[:, column] = none_of(name, vocabulary)
        elif name.endswith("_candidates"):
            other[:, column] = -1
        else:
            other[:, column] = (other[:, column] + 1) % 12 + (name == "bar")
        assert not np.array_equal(columns, other), f"the piece shows nothing in column {column}"
        changes = {name: other.reshape(values.shape)}
        if name == "after_ids":
            spoilt = replace(piece, **changes)
        else:
            spoilt = replace(piece, context=replace(piece.context, **changes))
        changed = (nats_of_piece(folded, spoilt, conditions, vocabulary) != whole).any(axis=0)
        assert changed[first : last + 1].all(), column
        assert not changed[:first].any(), column
        assert not changed[last + 1 :].any(), column


def test_every_weight_is_heard(rich):
    vocabulary, _ = rich
    for name, shape in weight_shapes(CONFIG, vocabulary).items():
        noise = np.random.default_rng(1).normal(0, 1, shape).astype(np.float32)

        def disturb(weights, name=name, noise=noise):
            weights[name] = weights[name] + noise

        assert heard_of(rich, random_weights(vocabulary), disturb).any(), name


def test_every_weight_learns(network, rich):
    tf, make = network
    vocabulary, encoded = rich
    keras_network = make(CONFIG, vocabulary)
    keras_network.assign(random_weights(vocabulary))
    maker = BatchMaker([encoded] * 2, vocabulary, lanes=2, window=64, augment=False)
    batch = maker.make(next(maker.single_pass()))
    with tf.GradientTape() as tape:
        state = tf.zeros((CONFIG.layers, 2, 2, CONFIG.units))
        nats, _ = keras_network(batch, state, seed=tf.constant([1, 2]))
        loss = tf.reduce_sum(nats)
    gradients = tape.gradient(loss, list(keras_network.named.values()))
    for name, gradient in zip(keras_network.named, gradients, strict=True):
        assert np.isfinite(gradient).all(), name
        assert tf.convert_to_tensor(gradient).numpy().any(), name
