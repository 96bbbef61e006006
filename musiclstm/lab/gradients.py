"""Gradients over lag: how much of what the last note teaches reaches the state k rows before it.

What a recurrent network learns about rows long past it learns through dL_T/dh_{T-k}, the gradient
of the last row's loss with respect to the state k rows before. In a network of tanh units this is
a product of k matrices of which each, as a rule, shrinks it; where they stretch it instead it
grows as fast (Hochreiter 1991; Bengio et al. 1994). In an LSTM the cell hands it on times the
forget gate, which may stay near 1 (Hochreiter & Schmidhuber 1997; Gers et al. 2000), and does so
from the beginning where the gate's bias starts at 1 (Jozefowicz et al. 2015). Gradients that grow
are held by cutting them to a greatest length (Pascanu et al. 2013).

All gradients are worked out by hand in double precision, which holds what has shrunk to 1e-300; a
test compares them with finite differences.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from musiclstm.lab.gradient_norms import (
    GradientsSettings,
    curves_of,
    draw_sequences,
    gradients_over_lag,
)
from musiclstm.lab.gradients_shown import outcome
from musiclstm.lab.outcome import Outcome, silent
from musiclstm.lab.plain import Music, Tell, textbook
from musiclstm.lab.plain_keras import Trained, train_plain

Array = npt.NDArray[Any]


def gradients(
    settings: GradientsSettings,
    music: Music,
    *,
    trained: Mapping[str, Trained] | None = None,
    tell: Tell = silent,
) -> Outcome:
    """Measure gradients over lag, before and after training, and let some explode.

    Args:
        settings: How large all is.
        music: The user's own.
        trained: Networks that have learned from it, as :func:`~.plain.train_plain` returns them for
            :func:`~.plain.textbook`; None trains them.
        tell: Is told how far it is.
    """
    if trained is None:
        trained = train_plain(music, textbook(settings.networks), tell)
    rng = np.random.default_rng([settings.seed, 1])
    sequences = draw_sequences(music, settings.lags, settings.sequences, rng)
    tell(f"gradients over {sequences.inputs.shape[1] - 1} rows")
    curves = []
    for name, network in trained.items():
        for model, done in ((network.before, False), (network.after, True)):
            norms = gradients_over_lag(model.as_float64(), *sequences)
            curves += curves_of(name, done, norms)
    tell(f"a recurrent matrix of spectral radius {settings.radius:g}")
    exploding = explode(settings, music)
    norms = gradients_over_lag(exploding["not clipped"].before.as_float64(), *sequences)
    curves += curves_of(f"tanh-RNN, radius {settings.radius:g}", False, norms)
    histories = {name: each.after.history for name, each in exploding.items()}
    return outcome(settings, curves, histories, trained, len(sequences.inputs))


def explode(settings: GradientsSettings, music: Music) -> dict[str, Trained]:
    """Train tanh units by plain gradient descent from a recurrent matrix that stretches.

    Args:
        settings: Its radius, steps, rate and clipping.
        music: To learn from.

    Returns:
        ``"not clipped"`` and ``"clipped"``, alike in all else.
    """
    free = replace(
        settings.networks,
        kind="rnn",
        layers=1,
        radius=settings.radius,
        steps=settings.exploding_steps,
        learning_rate=settings.exploding_rate,
        descent=True,
        clip_norm=None,
    )
    clipped = replace(free, clip_norm=settings.clip_norm)
    return train_plain(music, {"not clipped": free, "clipped": clipped})
