"""How far back a model listens: what becomes of the next notes' likelihood without the far past.

At moments of held-out pieces the history beyond k bars is taken away or put out of order, and the
same next notes are asked for as before. Three ways:

* **state**: the LSTM begins with an empty state k bars before the moment; the musical context that
  the program works out (what sounds, what was played when the past was like now) stays that of the
  whole piece. What is lost is what the LSTM alone remembers.
* **cut**: the piece begins k bars before the moment, for context and masks as well.
* **shuffled**: the bars beyond k bars change places; what there was is still there, its order is
  not. Bars change places only with bars of their length; a pickup, and what stands between the
  last of these bars and the k bars, stays. A note that is held over the end of such a bar ends
  there.

A piece that is cut looks like one that begins there, and what a model expects of beginnings it is
then wrong about: part of what is lost near k = 0 is that surprise.

The notes asked for are the same in all ways. When the first of them begins is given: after a cut
there is no note before it from which to count. Where a piece names no meter, bars are four quarters
and are counted anew from a cut.

Source: U. Khandelwal, H. He, P. Qi & D. Jurafsky, "Sharp Nearby, Fuzzy Far Away: How Neural
Language Models Use Context", ACL 2018; theirs are words, and whole contexts are shuffled by word.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from musiclstm.encoding import (
    Encoded,
)
from musiclstm.errors import MusicLSTMError
from musiclstm.evaluation.baselines import NGram
from musiclstm.lab.listening_histories import STATE
from musiclstm.lab.listening_losses import ListeningSettings, hearing, measure
from musiclstm.lab.listening_models import Listener, bundle_listener, ngram_listener, plain_listener
from musiclstm.lab.listening_shown import outcome
from musiclstm.lab.outcome import Outcome, silent
from musiclstm.lab.plain import Music, Tell, textbook
from musiclstm.lab.plain_keras import Trained, train_plain
from musiclstm.model.bundle import Bundle
from musiclstm.model.pieces import spread

Array = npt.NDArray[Any]


def listening(
    settings: ListeningSettings,
    music: Music,
    *,
    bundle: Bundle | None = None,
    trained: Mapping[str, Trained] | None = None,
    tell: Tell = silent,
) -> Outcome:
    """Measure how far back models listen, on pieces that none of them has learned from.

    Args:
        settings: How finely.
        music: The user's own: ``train`` pieces to learn from, and ``valid`` or else ``new`` ones to
            listen to.
        bundle: A trained model with the same vocabulary.
        trained: Plain networks that have learned from the music; None trains them.
        tell: Is told how far it is.

    Raises:
        MusicLSTMError: If no piece is held out, or the bundle has another vocabulary.
    """
    v = music.vocabulary
    held_out = _spread(list(music.of("valid") or music.of("new")), settings.pieces)
    if not held_out:
        raise MusicLSTMError("no piece is held out: how far a model listens cannot be measured")
    if bundle is not None and bundle.vocabulary.sizes != v.sizes:
        raise MusicLSTMError(f"{bundle.name} has another vocabulary than the music was read with")
    if trained is None:
        nets = textbook(settings.networks)
        chosen = {name: nets[name] for name in ("tanh-RNN", "LSTM, forget bias 1")}
        trained = train_plain(music, chosen, tell)
    tell("counting an n-gram")
    listeners: dict[str, Listener] = {}
    if bundle is not None:
        listeners[bundle.name] = bundle_listener(bundle.decoder)
    for name, label in (("LSTM, forget bias 1", "plain LSTM"), ("tanh-RNN", "plain tanh-RNN")):
        if name in trained:
            listeners[label] = plain_listener(trained[name].after)
    listeners["n-gram"] = ngram_listener(NGram.fit(music.of("train"), v))
    found = measure(
        held_out,
        v,
        listeners,
        settings,
        decoder=bundle.decoder if bundle is not None else None,
        decoder_name=bundle.name if bundle is not None else "",
        tell=tell,
    )
    if not found:
        raise MusicLSTMError("the held-out pieces are too short: none has a second bar")
    rng = np.random.default_rng([settings.seed, 2])
    heard = [hearing(each, settings.resamples, rng) for each in found]
    heard.sort(key=lambda each: (list(listeners).index(each.model), each.way != STATE, each.way))
    return outcome(settings, heard, found)


def _spread(pieces: list[Encoded], most: int) -> list[Encoded]:
    """All, or so many that are evenly spread over them."""
    return [pieces[n] for n in spread(len(pieces), most)]
