"""Sonorities: which pitch classes sound, and how that looks from each of them."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from musiclstm.encoding import SONORITIES, sonorities_by_class
from musiclstm.encoding.sonority import sonorities

PITCHES = st.integers(0, 127)


@given(st.lists(st.none() | PITCHES, min_size=1, max_size=8), st.sets(PITCHES, max_size=10))
def test_a_bit_is_set_where_a_pitch_class_sounds(now, held):
    own = np.zeros((1, 128), np.int32)
    own[0, list(held)] = 3
    others = np.array([[-1 if pitch is None else pitch for pitch in now]], np.int32)
    (found,) = sonorities(others, own)
    classes = {pitch % 12 for pitch in {*now, *held} if pitch is not None}
    assert {k for k in range(12) if found >> k & 1} == classes


@given(st.sets(st.integers(0, 11)), st.integers(0, 11))
def test_seen_from_a_pitch_class_it_begins_there(classes, root):
    bits = sum(1 << k for k in classes)
    seen = sonorities_by_class()[bits, root]
    assert {k for k in range(12) if seen >> k & 1} == {(k - root) % 12 for k in classes}


def test_a_chord_is_one_sonority_whatever_its_root():
    major = [sum(1 << (root + k) % 12 for k in (0, 4, 7)) for root in range(12)]
    assert len({sonorities_by_class()[bits, root] for root, bits in enumerate(major)}) == 1
    assert sonorities_by_class().shape == (SONORITIES, 12)
