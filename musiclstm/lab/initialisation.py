"""Initialisation: how far chance goes, when nothing but the seed of a training differs."""

import math
import statistics
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

from musiclstm.lab.learning import Learner, Point, ShortTraining, curves_of
from musiclstm.lab.outcome import Outcome, silent
from musiclstm.rendering.charts import as_png, new_figure, plain
from musiclstm.rendering.colours import PART_COLOURS
from musiclstm.rendering.document import Picture, Table, Text
from musiclstm.training.corpus import TrainingSet

LEAST_SPREAD = 0.01  # of the mean: what is called little here


@dataclass(frozen=True)
class InitialisationSettings(ShortTraining):
    """How much is trained; the seeds follow one another.

    Attributes:
        seeds: How many trainings, at least 2.
    """

    preset: str = "small"
    steps: int = 300
    lanes: int = 32
    window: int = 128
    evaluations: int = 10
    pieces: int = 2_000
    seeds: int = 5

    @classmethod
    def quick(cls, seed: int = 0) -> "InitialisationSettings":
        """For a minute."""
        return cls("tiny", seeds=3, steps=120, lanes=16, window=64, evaluations=4, seed=seed)


def initialisation(
    settings: InitialisationSettings, data: TrainingSet, tell: Callable[[str], None] = silent
) -> Outcome:
    """Train the same network on the same pieces from several seeds.

    The seed decides the weights that training begins with, and the order, transposition, noise and
    dropout on the way; the split stays.

    Args:
        settings: How much.
        data: Pieces and split.
        tell: Is told how far it is.

    Raises:
        TrainingError: If nothing is held out.
    """
    s = settings
    data, config = s.begun(data, "initialisation")
    learner = Learner(data, config)
    curves: dict[int, list[Point]] = {}
    for seed in range(s.seed, s.seed + s.seeds):
        curves[seed] = learner.learn(seed, tell, f"seed {seed}")
    ends = [curve[-1].held_out for curve in curves.values()]
    mean, deviation = statistics.mean(ends), statistics.stdev(ends)
    return Outcome(
        name="initialisation",
        title="Another beginning",
        claim="Training begins with random weights, and where it ends may depend on them: "
        "recurrent networks are called sensitive to their initialisation (I. Sutskever et al., On "
        "the importance of initialization and momentum in deep learning, ICML 2013).",
        found=_found(ends, mean, deviation, curves),
        blocks=(
            _picture(curves, mean, deviation),
            _table(curves),
            Text(
                f"The preset {s.preset!r}, {s.steps} steps of {s.lanes} times {s.window} rows, "
                f"{len(data.of('train'))} pieces to learn from and {len(data.of('valid'))} held "
                "out, the same in all trainings. Nats a note with averaged weights, without "
                "dropout and with all conditions unspecified. A short training stops early in the "
                "curve, where it is steep: to the end the spread is smaller."
            ),
        ),
        numbers={
            "settings": asdict(s),
            "train_pieces": len(data.of("train")),
            "valid_pieces": len(data.of("valid")),
            "curves": curves_of(curves),
            "ends": ends,
            "mean": mean,
            "deviation": deviation,
            "coefficient_of_variation": deviation / mean,
        },
    )


def _found(
    ends: Sequence[float], mean: float, deviation: float, curves: dict[int, list[Point]]
) -> str:
    share = deviation / mean
    began = next(iter(curves.values()))[0].held_out
    compared = "less" if share < LEAST_SPREAD else "not less"
    return (
        f"{len(ends)} trainings that differ by their seed alone end at {mean:.3f} nats a note on "
        f"held-out pieces, from {min(ends):.3f} to {max(ends):.3f}; the standard deviation is "
        f"{deviation:.4f}, {share:.2%} of the mean, which is {compared} than "
        f"{LEAST_SPREAD:.0%}. Training itself brought them down from {began:.2f}: "
        f"{(began - mean) / max(deviation, 1e-9):,.0f} standard deviations. A difference between "
        f"two single trainings of under {2 * math.sqrt(2) * deviation:.3f} nats (twice the "
        "standard deviation of such a difference) may be chance."
    )


def _table(curves: dict[int, list[Point]]) -> Table:
    rows: list[list[str]] = []
    steps = [point.step for point in next(iter(curves.values()))]
    for place, step in enumerate(steps):
        now = [curve[place].held_out for curve in curves.values()]
        mean, deviation = statistics.mean(now), statistics.stdev(now)
        rows.append(
            [
                str(step),
                *(f"{value:.3f}" for value in now),
                f"{mean:.3f}",
                f"{deviation:.4f}",
                f"{deviation / mean:.2%}",
            ]
        )
    return Table(
        ("step", *(f"seed {seed}" for seed in curves), "mean", "deviation", "of the mean"),
        rows,
        "Nats a note on held-out pieces; deviation is the standard deviation over seeds.",
    )


def _picture(curves: dict[int, list[Point]], mean: float, deviation: float) -> Picture:
    figure, ((left, right),) = new_figure(6.5, 2.9, 1, 2)
    for colour, (seed, curve) in zip(PART_COLOURS, curves.items(), strict=False):
        left.plot(
            [point.step for point in curve],
            [point.held_out for point in curve],
            color=colour,
            label=f"seed {seed}",
        )
        late = curve[len(curve) // 2 :]
        right.plot([point.step for point in late], [point.held_out for point in late], color=colour)
    left.legend(frameon=False, fontsize=8)
    plain(left, "held-out pieces", "steps", "nats a note")
    plain(right, "the second half", "steps", "nats a note")
    return Picture(
        as_png(figure),
        f"Learning curves of {len(curves)} seeds; they end at {mean:.3f} nats a note on average, "
        f"with a standard deviation of {deviation:.4f}.",
        "The same network, pieces and split; only the seed differs.",
    )
