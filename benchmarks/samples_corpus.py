"""Do pieces that a bundle composes stand beside those of its corpus that it has not learned from?

    python benchmarks/samples_corpus.py trained/folk midi_data/folk
    python benchmarks/samples_corpus.py trained/folk midi_data/folk --card

As ``samples.py`` does it of the JSB chorales: features, copies and faults, for any bundle and the
folder that it was made from. ``--card`` puts a few lines into the bundle's card.
"""

import sys
from pathlib import Path
from typing import Any

import click
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # the benchmarks beside this one

from benchmarks.samples_measures import FAULTS, faults, features_for, features_of
from benchmarks.samples_report import copies
from musiclstm.cli.console import print_json, progress
from musiclstm.encoding import encode
from musiclstm.errors import BundleError, MusicLSTMError
from musiclstm.evaluation.distributions import shares, summary
from musiclstm.files import atomic_write_bytes
from musiclstm.generation import CopyCheck, compose
from musiclstm.ingest import read_folder
from musiclstm.model import Bundle, load_bundle
from musiclstm.score import Score

HEADING = "## What it composes"
BEFORE = "## How to make it again"


def split_of(bundle: Bundle, scores: tuple[Score, ...]) -> dict[str, list[Score]]:
    """The pieces of each split.

    Raises:
        BundleError: If a split has fewer than three of them.
    """
    splits = {piece["source"]: piece["split"] for piece in bundle.corpus["pieces"]}
    found = {
        split: [score for score in scores if splits.get(score.source) == split]
        for split in ("train", "valid")
    }
    for split, pieces in found.items():
        if len(pieces) < 3:
            raise BundleError(
                f"{bundle.name} has {len(pieces)} {split} pieces in that folder; "
                "name the folder that it was made from"
            )
    return found


def report(bundle: Bundle, scores: tuple[Score, ...], count: int, seed: int, show: Any) -> Any:
    """Draw pieces, and say how they compare.

    Args:
        bundle: Composes them.
        scores: The corpus.
        count: How many pieces, and how many training pieces as the control.
        seed: Of all chance.
        show: Progress, as :func:`musiclstm.generation.compose` takes it.
    """
    splits, v = split_of(bundle, scores), bundle.vocabulary
    rng = np.random.default_rng(seed)
    training = splits["train"]
    drawn = rng.choice(len(training), min(count, len(training)), replace=False)
    pieces = compose(bundle, count, seed=seed, progress=show)
    features = features_for([part.name for part in v.parts if not part.is_drum])
    measured = [
        features_of(some, features)
        for some in (
            [piece.score for piece in pieces],
            [training[number] for number in sorted(drawn.tolist())],
            splits["valid"],
        )
    ]
    found = shares(list(features), *measured)
    check = CopyCheck.of(bundle)
    runs = [check.longest(encode(score, v)) for score in splits["valid"]]
    wrong = np.array([faults(piece.score, piece.complete) for piece in pieces]).sum(axis=0)
    return {
        "model": bundle.name,
        "digest": bundle.digest,
        "seed": seed,
        "pieces": {"samples": count, "training": len(drawn), "reference": len(splits["valid"])},
        "features": found,
        "shares": summary(found),
        "copies": copies(
            np.array([piece.copied.notes if piece.copied else 0 for piece in pieces]),
            np.array([run.notes if run else 0 for run in runs]),
        ),
        "faults": {name: int(often) for name, often in zip(FAULTS, wrong, strict=True)},
    }


def in_words(found: dict[str, Any]) -> str:
    """A report in a few lines of Markdown."""
    pieces, share, copied = found["pieces"], found["shares"], found["copies"]
    worst = share["least_feature"].replace("_", " ")
    wrong = ", ".join(f"{often} {FAULTS[name]}" for name, often in found["faults"].items())
    return (
        f"{pieces['samples']} pieces (seed {found['seed']}) beside the {pieces['reference']} "
        f"held-out ones, over {len(found['features'])} features: their distances overlap by "
        f"{share['mean_capped']:.2f} of what those of {pieces['training']} training pieces do on "
        f"average, least in {worst} ({share['least']:.2f}). The longest run shared with a training "
        f"piece has {copied['samples']['median']:g} notes in the median, up to "
        f"{copied['samples']['p95']} in 95% of the pieces; held-out pieces have "
        f"{copied['reference']['median']:g} and {copied['reference']['p95']}. Of the pieces "
        f"{wrong}."
    )


def put_into_card(bundle: Bundle, words: str, command: str) -> None:
    """Write the report into the card, in place of an older one."""
    path = bundle.path / "README.md"
    text = path.read_text(encoding="utf-8")
    head, _, rest = text.partition(BEFORE)
    head = head.partition(HEADING)[0].rstrip()
    card = f"{head}\n\n{HEADING}\n\n{words} `{command}`\n\n{BEFORE}{rest}"
    atomic_write_bytes(path, card.encode())


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("model")
@click.argument("src", type=click.Path(path_type=Path))
@click.option("-n", "--count", type=click.IntRange(3), default=100, show_default=True)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Of all chance.")
@click.option("--card", is_flag=True, help="Put what is found into the bundle's card.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def main(model: str, src: Path, count: int, seed: int, card: bool, as_json: bool) -> None:
    """Compare what MODEL composes with the held-out pieces of the corpus SRC."""
    try:
        bundle = load_bundle(model)
        scores = read_folder(src).scores
        with progress("Composing (bars)", quiet=as_json) as show:
            found = report(bundle, scores, count, seed, show)
    except MusicLSTMError as error:
        raise click.ClickException(" ".join(str(error).splitlines())) from error
    if card:
        command = f"python benchmarks/samples_corpus.py trained/{bundle.name} midi_data/{src.name}"
        put_into_card(bundle, in_words(found), f"{command} -n {count} --seed {seed}")
    if as_json:
        print_json(found)
        return
    for name, of in found["features"].items():
        means = " ".join(f"{of['mean'][who]:9.3f}" for who in ("samples", "training", "reference"))
        click.echo(f"{name:28}{means}  share {min(1.0, of['share']):.3f}")
    click.echo(in_words(found))


if __name__ == "__main__":
    main()
