"""The decoder wherever the music goes: what is legal, who depends on whom, what is copied."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from musiclstm.encoding import Conditions, Field, build_vocabulary, encode
from musiclstm.model import Decoder, DecoderState
from tests.bundles import TINY_NETWORK, chorale, random_weights
from tests.strategies import scores

CLOSE = 1e-4


def decoder_of(score):
    vocabulary = build_vocabulary([score])
    return Decoder(TINY_NETWORK, vocabulary, random_weights(TINY_NETWORK, vocabulary, scale=0.3))


def started(decoder, encoded, batch=1):
    return decoder.start(Conditions(), encoded.part_map, batch, meter_map=encoded.meter_map)


def draw(decoder, state, rng):
    """A row of each stream, drawn as the model says; every field's probabilities sum to 1."""
    v = decoder.vocabulary
    event = np.zeros((len(state), len(Field)), np.int32)
    for field in Field:
        asked = decoder.ask(state, field, event)
        shares = np.exp(decoder.log_probs(state, field, event).astype(float))
        assert shares.sum(axis=1) == pytest.approx(np.ones(len(state)), abs=1e-5)
        assert not shares[~asked.legal].any()
        assert (shares[asked.legal] > 0).all()
        chosen = [rng.choice(len(of_row), p=of_row / of_row.sum()) for of_row in shares]
        event[:, field] = chosen if not field else np.where(event[:, 0] <= v.max_shift, chosen, 0)
    return event


@settings(max_examples=15, deadline=None)
@given(scores(min_parts=1, max_parts=4, max_notes=12), st.integers(0, 99))
def test_probabilities_of_legal_ids_sum_to_1_wherever_the_music_goes(score, seed):
    """Three streams go their own ways; one that has ended goes on with END."""
    decoder, rng = decoder_of(score), np.random.default_rng(seed)
    v = decoder.vocabulary
    state = started(decoder, encode(score, v), 3)
    ended = np.zeros(3, bool)
    for _ in range(12):
        event = draw(decoder, state, rng)
        event[ended] = v.end, 0, 0, 0, 0
        ended |= event[:, Field.SHIFT] == v.end
        if ended.all():
            break
        state = decoder.advance(state, event)
        assert np.isfinite(state.output).all()


@settings(max_examples=15, deadline=None)
@given(scores(min_parts=1, max_parts=3, min_notes=2, max_notes=15), st.data())
def test_another_future_moves_nothing_before_it(score, data):
    """The rows of a piece are kept up to one of them; then the music goes another way."""
    decoder = decoder_of(score)
    v = decoder.vocabulary
    encoded = encode(score, v)
    kept = encoded.events[: data.draw(st.integers(1, len(encoded.events) - 1))]
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    state = started(decoder, encoded)
    for row in kept:
        state = decoder.advance(state, row[None])
    rows = [*kept]
    closed = False
    while not closed:
        event = draw(decoder, state, rng)
        dangling = event[0, Field.SHIFT] == v.wait or event[0, Field.DURATION] == v.tie
        rows.append(event[0])
        state = decoder.advance(state, event)
        closed = event[0, Field.SHIFT] == v.end or (len(rows) > len(kept) + 5 and not dangling)
    if rows[-1][Field.SHIFT] != v.end:
        rows.append(np.array([v.end, 0, 0, 0, 0], np.int32))
    other = replace(encoded, events=np.array(rows, np.int32))
    before, after = decoder.score(encoded)[: len(kept)], decoder.score(other)[: len(kept)]
    assert after == pytest.approx(before, abs=1e-5)


def test_asking_or_not_is_all_the_same():
    """`advance` takes what has been worked out for the row, and works out what has not."""
    score = chorale(bars=2)
    decoder = decoder_of(score)
    encoded = encode(score, decoder.vocabulary)
    asked, silent = started(decoder, encoded), started(decoder, encoded)
    for row in encoded.events[:-1]:
        other = row[None] * [[0, 1, 1, 1, 1]] + [[row[0] == 0, 0, 0, 0, 0]]
        for field in reversed(Field):  # in any order, and at another onset in the end
            decoder.ask(asked, field, row[None])
            decoder.ask(asked, field, other.astype(np.int32))
        asked, silent = (decoder.advance(state, row[None]) for state in (asked, silent))
        assert np.array_equal(asked.output, silent.output)


def test_streams_that_stood_at_different_places_go_on_together():
    """Joined, each goes on as it would alone."""
    score = chorale(bars=3)
    decoder = decoder_of(score)
    encoded = encode(score, decoder.vocabulary)
    rng = np.random.default_rng(1)
    earlier = started(decoder, encoded, 2)
    later = earlier.select([1])
    for _ in range(5):
        later = decoder.advance(later, draw(decoder, later, rng))
    together = DecoderState.joined([earlier, later])
    assert len(together) == 3
    ways = draw(decoder, together, rng)
    onward = decoder.advance(together, ways)
    for stream, alone in enumerate([earlier.select([0]), earlier.select([1]), later]):
        after = decoder.advance(alone, ways[stream : stream + 1])
        assert onward.output[stream] == pytest.approx(after.output[0], abs=CLOSE)
        field = draw(decoder, after, rng)
        for number in Field:
            found = decoder.log_probs(onward, number, np.repeat(field, 3, axis=0))
            expected = decoder.log_probs(after, number, field)
            assert found[stream] == pytest.approx(expected[0], abs=CLOSE)


def test_selected_streams_are_copies():
    """They go on as the streams that they were, and each its own way."""
    score = chorale(bars=3)
    decoder = decoder_of(score)
    v = decoder.vocabulary
    encoded = encode(score, v)
    rng = np.random.default_rng(0)
    state = started(decoder, encoded, 3)
    for _ in range(8):
        state = decoder.advance(state, draw(decoder, state, rng))
    copies = state.select([2, 0, 2])
    nothing = np.zeros((3, len(Field)), np.int32)
    before = decoder.log_probs(state, Field.SHIFT, nothing)
    assert decoder.log_probs(copies, Field.SHIFT, nothing) == pytest.approx(
        before[[2, 0, 2]], abs=CLOSE
    )
    ways = draw(decoder, copies, rng)
    onward = decoder.advance(copies, ways)
    for stream, origin in enumerate([2, 0, 2]):
        alone = decoder.advance(state.select([origin]), ways[stream : stream + 1])
        assert onward.output[stream] == pytest.approx(alone.output[0], abs=CLOSE)
        field = draw(decoder, alone, rng)
        for number in Field:
            together = decoder.log_probs(onward, number, np.repeat(field, 3, axis=0))
            expected = decoder.log_probs(alone, number, field)
            assert together[stream] == pytest.approx(expected[0], abs=CLOSE)
    assert np.array_equal(decoder.log_probs(state, Field.SHIFT, nothing), before)


@pytest.mark.parametrize("known", range(6))
def test_streams_part_within_a_row(known):
    """What has been worked out of a row goes with the selected streams, and is theirs."""
    score = chorale(bars=3)
    decoder = decoder_of(score)
    encoded = encode(score, decoder.vocabulary)
    rng = np.random.default_rng(1)
    state = started(decoder, encoded, 3)
    for _ in range(6):
        state = decoder.advance(state, draw(decoder, state, rng))
    row, at = draw(decoder, state, rng), [1, 1, 0]
    fresh = replace(state, row=[None] * 6).select(at)
    asked = replace(state, row=[None] * 6)
    for field in range(known):
        decoder.log_probs(asked, field, row)
    parted = asked.select(at)
    for field in Field:
        ours, theirs = (decoder.log_probs(s, field, row[at]) for s in (parted, fresh))
        assert ours == pytest.approx(theirs, abs=CLOSE)
    ours, theirs = (decoder.advance(s, row[at]) for s in (parted, fresh))
    assert ours.output == pytest.approx(theirs.output, abs=CLOSE)
    assert all(np.array_equal(a, b) for a, b in zip(ours.tracker, theirs.tracker, strict=True))
