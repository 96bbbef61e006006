"""The experiments of the lab: what each is called, and what it is given.

Nothing is imported here but names, so that the command line can list them in no time.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from musiclstm.lab.music import Music
    from musiclstm.lab.outcome import Outcome


@dataclass(frozen=True)
class Experiment:
    """One of them.

    Attributes:
        target: ``module:function:settings`` in this package.
        summary: What it shows, a sentence.
        given: Attributes of :class:`~.music.Music` that it takes after its settings.
        named: The same, taken by name.
        plain: Whether it is handed the plain networks, which experiments share.
        keras: Whether it trains or runs Keras networks.
    """

    target: str
    summary: str
    given: tuple[str, ...] = ()
    named: tuple[str, ...] = ()
    plain: bool = False
    keras: bool = False

    def settings(self, *, quick: bool, seed: int) -> Any:
        """The settings of a run.

        Args:
            quick: Small figures, for a minute or so.
            seed: Of all chance in it.
        """
        module, _, name = self.target.split(":")
        made = getattr(import_module(f"musiclstm.lab.{module}"), name)
        return replace(made.quick() if quick else made(), seed=seed)

    def run(self, settings: Any, music: "Music", tell: Callable[[str], None]) -> "Outcome":
        """Do it.

        Args:
            settings: As of :meth:`settings`.
            music: What it may need.
            tell: Is told how far it is.
        """
        module, name, _ = self.target.split(":")
        if self.keras:
            tell("loading TensorFlow")
            load_keras()
        function = getattr(import_module(f"musiclstm.lab.{module}"), name)
        named = {name: getattr(music, name) for name in self.named}
        if self.plain:
            named["trained"] = music.plain(settings.networks, tell)
        positional = (getattr(music, name) for name in self.given)
        outcome: Outcome = function(settings, *positional, **named, tell=tell)
        return outcome

    def key(self, settings: Any, music: "Music") -> dict[str, Any]:
        """What its outcome depends on, ready for JSON: equal keys, equal experiments."""
        from musiclstm import __version__  # noqa: PLC0415

        key: dict[str, Any] = {"musiclstm": __version__, "settings": asdict(settings)}
        needed = {*self.given, *self.named}
        if "bundle" in needed:
            key["bundle"] = music.bundle.digest
        if needed - {"bundle"}:
            key["bundle"], key["corpus"] = music.bundle.digest, music.pieces.corpus.digest
        return key


# In the order in which a student should read them.
EXPERIMENTS: Mapping[str, Experiment] = {
    "cell": Experiment(
        "cell:cell:CellSettings",
        "One LSTM cell by hand, number by number.",
        ("bundle", "piece"),
        keras=True,
    ),
    "gradients": Experiment(
        "gradients:gradients:GradientsSettings",
        "How far back gradients reach: plain network and LSTM.",
        ("own",),
        plain=True,
        keras=True,
    ),
    "lags": Experiment(
        "long_lags:long_lags:LongLagsSettings",
        "Classic tasks with long lags: solved, and failed.",
        keras=True,
    ),
    "listening": Experiment(
        "listening:listening:ListeningSettings",
        "How many bars back the model listens.",
        ("own",),
        named=("bundle",),
        plain=True,
        keras=True,
    ),
    "noise": Experiment(
        "noise:noise:NoiseSettings",
        "How far a wrong note spreads.",
        ("bundle", "learned", "held_out"),
    ),
    "cost": Experiment(
        "cost:cost:CostSettings",
        "Time and memory a note against length.",
        ("bundle", "piece"),
    ),
    "initialisation": Experiment(
        "initialisation:initialisation:InitialisationSettings",
        "The spread over seeds.",
        ("data",),
        keras=True,
    ),
    "dropout": Experiment(
        "dropout:dropout:DropoutSettings",
        "Learning by heart, with dropout and without.",
        ("data",),
        keras=True,
    ),
}


def load_keras() -> None:
    """Import TensorFlow, and keep what it says while it loads from the user."""
    from musiclstm.training.train import silent_stderr  # noqa: PLC0415

    with silent_stderr():
        import_module("musiclstm.training.step")
