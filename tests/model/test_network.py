"""One network, said twice: Keras and NumPy agree, on whole pieces and row by row."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from musiclstm.encoding import Conditions, Field, build_vocabulary, encode
from musiclstm.model import Decoder, NetworkConfig, weight_shapes
from musiclstm.score import Key
from musiclstm.training.batches import BatchMaker
from tests.strategies import scores

CONFIG = NetworkConfig(units=8, layers=2, onset_units=8, voice_units=8, head_units=8, dropout=0.0)
CLOSE = 1e-4


def random_weights(vocabulary, seed=0, config=CONFIG):
    rng = np.random.default_rng(seed)
    shapes = weight_shapes(config, vocabulary)
    return {name: rng.normal(0, 0.3, shape).astype("float32") for name, shape in shapes.items()}


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
    from musiclstm.score import Part, Score  # noqa: PLC0415

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
    assert np.array_equal(before, after)


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
