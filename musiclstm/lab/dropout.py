"""Dropout: what a network learns by heart, with and without what is done against it."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace

from musiclstm.lab.learning import Learner, Point, ShortTraining, curves_of
from musiclstm.lab.outcome import Outcome, silent
from musiclstm.model import NetworkConfig
from musiclstm.rendering.charts import as_png, new_figure, plain
from musiclstm.rendering.colours import GREY, PART_COLOURS
from musiclstm.rendering.document import Picture, Table, Text
from musiclstm.training.corpus import TrainingSet

KINDS = ("dropout", "head_dropout", "feature_dropout", "noise")
WITH, WITHOUT = "with dropout", "without dropout"
_RISE = 0.01  # nats a note above its lowest point: then a curve has turned


@dataclass(frozen=True)
class DropoutSettings(ShortTraining):
    """How much is trained; the seed is that of both trainings."""

    preset: str = "default"
    steps: int = 600
    lanes: int = 32
    window: int = 128
    evaluations: int = 15
    pieces: int = 200

    @classmethod
    def quick(cls, seed: int = 0) -> "DropoutSettings":
        """For a minute and a half: few pieces, so that the curve turns soon."""
        return cls("tiny", steps=200, lanes=16, window=64, evaluations=8, pieces=24, seed=seed)


def dropout(
    settings: DropoutSettings, data: TrainingSet, tell: Callable[[str], None] = silent
) -> Outcome:
    """Train the same network with its dropout and without any.

    Args:
        settings: How much.
        data: Pieces and split.
        tell: Is told how far it is.

    Raises:
        TrainingError: If nothing is held out.
    """
    s = settings
    data, config = s.begun(data, "dropout")
    bare = replace(config, network=without(config.network))
    curves: dict[str, list[Point]] = {}
    for name, each in ((WITH, config), (WITHOUT, bare)):
        learner = Learner(data, each, score_training=True)
        curves[name] = learner.learn(s.seed, tell, name)
    return Outcome(
        name="dropout",
        title="Learning by heart",
        claim="A network with many weights and little music learns the pieces by heart: the "
        "training pieces get ever likelier, and from some moment on held-out ones no longer do. "
        "Dropout delays that (W. Zaremba, I. Sutskever and O. Vinyals, Recurrent Neural Network "
        "Regularization, 2014; Y. Gal and Z. Ghahramani, A Theoretically Grounded Application of "
        "Dropout in Recurrent Neural Networks, NeurIPS 2016).",
        found=_found(curves),
        blocks=(_picture(curves), _table(curves), Text(_how(s, config.network, data))),
        numbers={
            "settings": asdict(s),
            "rates": {kind: getattr(config.network, kind) for kind in KINDS},
            "train_pieces": len(data.of("train")),
            "valid_pieces": len(data.of("valid")),
            "curves": curves_of(curves),
            "best": {name: asdict(_best(curve)) for name, curve in curves.items()},
            "worth_at_best": _best(curves[WITHOUT]).held_out - _best(curves[WITH]).held_out,
            "worth_at_end": curves[WITHOUT][-1].held_out - curves[WITH][-1].held_out,
        },
    )


def without(network: NetworkConfig) -> NetworkConfig:
    """A network of the same size, with none of what works against learning by heart."""
    return NetworkConfig.from_dict({**network.as_dict(), **dict.fromkeys(KINDS, 0.0)})


def _best(curve: list[Point]) -> Point:
    """Where held-out pieces are likeliest."""
    return min(curve, key=lambda point: point.held_out)


def _found(curves: Mapping[str, list[Point]]) -> str:
    said = [_turn(name, curve) for name, curve in curves.items()]
    bare, ours = curves[WITHOUT], curves[WITH]
    worth = _best(bare).held_out - _best(ours).held_out
    said.append(
        f"Each stopped at its best, dropout {'buys' if worth > 0 else 'costs'} {abs(worth):.3f} "
        f"nats a note on held-out pieces; at the end of these trainings it is worth "
        f"{bare[-1].held_out - ours[-1].held_out:+.3f}."
    )
    gaps = {name: curve[-1].held_out - curve[-1].train for name, curve in curves.items()}
    said.append(
        f"At the end held-out pieces cost {gaps[WITHOUT]:.2f} nats a note more than those learned "
        f"from without dropout, {gaps[WITH]:.2f} with it."
    )
    return " ".join(said)


def _turn(name: str, curve: list[Point]) -> str:
    best, last = _best(curve), curve[-1]
    words = f"{name.capitalize()} held-out pieces are likeliest at step {best.step} (epoch "
    words += f"{best.epoch:.0f}), with {best.held_out:.3f} nats a note"
    if last.held_out > best.held_out + _RISE:
        return (
            f"{words}; there the curve turns, and ends at {last.held_out:.3f}, while pieces that "
            f"are learned from go on to {last.train:.3f}."
        )
    return f"{words}; the curve has not turned by step {last.step}."


def _how(s: DropoutSettings, network: NetworkConfig, data: TrainingSet) -> str:
    return (
        f"The preset {s.preset!r}, {s.steps} steps of {s.lanes} times {s.window} rows, "
        f"{len(data.of('train'))} pieces to learn from and {len(data.of('valid'))} held out, seed "
        f"{s.seed} in both. With dropout: {network.dropout:.0%} of the units between layers are "
        f"silenced, the same for a whole window (locked dropout), {network.head_dropout:.0%} of "
        f"the duration head's, {network.feature_dropout:.0%} of the input columns, and "
        f"{network.noise:.0%} of what is remembered is wrong. Without: none of these. Weight decay "
        "and transposition, which work against learning by heart too, are in both. All likelihoods "
        "are those of averaged weights, without dropout and with all conditions unspecified, for "
        "pieces that are learned from as for held-out ones."
    )


def _table(curves: Mapping[str, list[Point]]) -> Table:
    bare, ours = curves[WITHOUT], curves[WITH]
    rows = [
        [
            str(a.step),
            f"{a.epoch:.1f}",
            *(f"{value:.3f}" for value in (a.train, a.held_out, b.train, b.held_out)),
            f"{b.held_out - a.held_out:+.3f}",
        ]
        for a, b in zip(ours, bare, strict=True)
    ]
    return Table(
        ("step", "epoch", "with: train", "held out", "without: train", "held out", "worth"),
        rows,
        "Nats a note; what dropout is worth is the difference on held-out pieces.",
    )


def _picture(curves: Mapping[str, list[Point]]) -> Picture:
    figure, ((axes,),) = new_figure(6.5, 3.6)
    for colour, (name, curve) in zip(PART_COLOURS, curves.items(), strict=False):
        steps = [point.step for point in curve]
        axes.plot(steps, [p.held_out for p in curve], color=colour, label=f"held out, {name}")
        axes.plot(
            steps, [p.train for p in curve], color=colour, ls="--", label=f"learned from, {name}"
        )
        best = _best(curve)
        axes.plot([best.step], [best.held_out], "o", color=colour, ms=5)
    lowest = min(point.train for curve in curves.values() for point in curve)
    turn = min(_best(curve).held_out for curve in curves.values())
    # the first steps fall from far above; what matters is below
    axes.set_ylim(lowest - 0.1, turn + 1.5 * max(turn - lowest, 0.3))
    axes.legend(frameon=False, fontsize=8, labelcolor=GREY)
    plain(axes, "nats a note", "steps", "nats a note")
    ends = ", ".join(
        f"{name} {curve[-1].held_out:.2f} held out and {curve[-1].train:.2f} learned from"
        for name, curve in curves.items()
    )
    return Picture(
        as_png(figure),
        f"Learning curves with and without dropout. In the end: {ends}.",
        "Dots: where held-out pieces are likeliest, and training should stop.",
    )
