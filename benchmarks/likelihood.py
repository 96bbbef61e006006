"""How likely do our model and its rivals find music of other kinds?

    python benchmarks/likelihood.py --corpus nottingham               # everybody, valid split
    python benchmarks/likelihood.py --corpus piano --contender ours --contender ngram
    python benchmarks/likelihood.py --corpus pop909 --split test --judge --json

The measure is nats a note: minus the log-likelihood of all fields of all rows of a split's pieces,
WAIT and END rows among them, over the number of notes. All contenders see the same encoded pieces,
predict the same fields in the same order, and are asked of the legal ids alone. Of a piece no more
is known than its meters and, where a corpus has sub-folders, the style; no piece is transposed. Of
the training pieces some 30,000 rows are judged.

All train for the same time, one after the other: ours as many minutes as are asked for, on two
cores with nothing beside it; rivals twice as many minutes of the processor's time, so that they
can share the machine (and with ``--threads 1`` they never wait for a second core). What is made is
kept in ``--out``, and what is found at once in ``benchmarks/results/likelihood.json``: a run that
was killed goes on where it was. Everything is chosen on the valid split; the test split must be
asked for.
"""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import click
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # the benchmarks beside this one

from benchmarks.rivals.contenders import CONTENDERS, contenders_of
from benchmarks.rivals.corpora import CORPORA, DATA, Music, judged_pieces, read_music
from benchmarks.rivals.keeping import keep, moment, read_results, show, write_json
from benchmarks.rivals.terms import Facts, Terms
from musiclstm.cli.console import print_json
from musiclstm.encoding import Field
from musiclstm.errors import MusicLSTMError, TrainingError
from musiclstm.training import PRESETS, preset

HERE = Path(__file__).resolve().parent
RESULTS = HERE / "results" / "likelihood.json"
MINUTES, TRIAL_MINUTES = 30.0, 2.0


def made(name: str, music: Music, folder: Path, terms: Terms, *, judge_only: bool) -> Facts:
    """What is known of a contender, which is trained now if that is still to be done.

    Raises:
        TrainingError: If it is only to be judged and there is no model, or the model that is there
            was made on other music or other terms.
    """
    file = folder / "made.json"
    terms_now = {
        "corpus_digest": music.corpus.digest,
        "seed": terms.seed,
        "minutes_allowed": terms.minutes,
        "network": hashlib.sha256(repr(terms.config).encode()).hexdigest()[:12],
    }
    if file.exists():
        kept: Facts = json.loads(file.read_text(encoding="utf-8"))
        for what, value in terms_now.items():
            if kept[what] != value:
                raise TrainingError(
                    f"{folder} was made with {what} {kept[what]}, not {value}; choose another --out"
                )
        return kept
    if judge_only:
        raise TrainingError(f"{folder} holds no finished model; leave out --judge to make it")
    folder.mkdir(parents=True, exist_ok=True)
    found = CONTENDERS[name].make(music, folder, terms, lambda words: say(f"{name}: {words}"))
    kept = {**terms_now, **moment(), **found}
    write_json(file, kept)
    return kept


def judged(name: str, music: Music, folder: Path, terms: Terms, split: str) -> dict[str, float]:
    """Nats a note of each field on a split, worked out once and kept."""
    file = folder / f"judged-{split}.json"
    if not file.exists():
        pieces = judged_pieces(music.pieces[split], split)
        found = CONTENDERS[name].judge(music, folder, terms, pieces)
        if not np.isfinite(found).all():
            raise TrainingError(f"{name} finds a piece of the {split} split impossible: {found}")
        write_json(file, {field.name.lower(): float(found[field]) for field in Field})
    kept: dict[str, float] = json.loads(file.read_text(encoding="utf-8"))
    return kept


def contend(
    name: str, music: Music, out: Path, terms: Terms, split: str, *, judge_only: bool
) -> Facts:
    """Everything that the results say of a contender.

    Args:
        name: Of the contender.
        music: The corpus.
        out: Where models are kept, in a folder a corpus.
        terms: The same for all.
        split: The test split is judged only where it is asked for, or has been.
        judge_only: Whether no training is wanted.
    """
    folder = out / music.name / name
    found = made(name, music, folder, terms, judge_only=judge_only)
    splits = ["train", "valid"]
    if split == "test" or (folder / "judged-test.json").exists():
        splits.append("test")
    by_field = {each: judged(name, music, folder, terms, each) for each in splits}
    return {
        **found,
        "nats_per_note": {each: round(sum(of.values()), 5) for each, of in by_field.items()},
        "by_field": {
            each: {field: round(nats, 5) for field, nats in of.items()}
            for each, of in by_field.items()
        },
    }


def say(words: str) -> None:
    """Tell how it goes."""
    click.echo(words, err=True)


# --- the command --------------------------------------------------------------------------------


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--corpus", "name", type=click.Choice(CORPORA), required=True, help="The music.")
@click.option(
    "--contender",
    "names",
    type=click.Choice(list(CONTENDERS)),
    multiple=True,
    help="Who takes part; may be repeated.  [default: all; hmm on nottingham alone]",
)
@click.option(
    "--minutes",
    type=click.FloatRange(0, min_open=True),
    default=MINUTES,
    show_default=True,
    help="Of training on two cores, each.",
)
@click.option(
    "--trial-minutes",
    type=click.FloatRange(0),
    default=TRIAL_MINUTES,
    show_default=True,
    help="Of each trial in which a rival's hyper-parameters are chosen; 0 for none.",
)
@click.option(
    "--split",
    type=click.Choice(["valid", "test"]),
    default="valid",
    show_default=True,
    help="What the table is about.",
)
@click.option("--judge", "judge_only", is_flag=True, help="Judge models that are kept; train none.")
@click.option("--preset", "preset_name", type=click.Choice(list(PRESETS)), default="default")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Of all chance.")
@click.option("--threads", type=click.IntRange(1), help="Of PyTorch.  [default: all cores]")
@click.option("--data", type=click.Path(path_type=Path), default=DATA, help="The corpora's folder.")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("out/likelihood"),
    show_default=True,
    help="Where models are kept.",
)
@click.option(
    "--results",
    type=click.Path(path_type=Path),
    default=RESULTS,
    help="Where the figures are kept.  [default: benchmarks/results/likelihood.json]",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("-q", "--quiet", is_flag=True, help="Print no table.")
def main(
    name: str,
    names: tuple[str, ...],
    minutes: float,
    trial_minutes: float,
    split: str,
    judge_only: bool,
    preset_name: str,
    seed: int,
    threads: int | None,
    data: Path,
    out: Path,
    results: Path,
    as_json: bool,
    quiet: bool,
) -> None:
    """Compare our model with rivals on a corpus."""
    wanted = list(names) or contenders_of(name)
    if len(wanted) > 1:
        words = ["--corpus", name, "--minutes", str(minutes), "--trial-minutes", str(trial_minutes)]
        words += ["--split", split, "--preset", preset_name, "--seed", str(seed)]
        words += ["--data", str(data), "--out", str(out), "--results", str(results)]
        words += ["--judge"] * judge_only
        words += ["--threads", str(threads)] if threads else []
        failed = run_each(words, wanted)
    else:
        failed = []
        terms = Terms(
            preset(preset_name), minutes, trial_minutes, seed, threads or os.cpu_count() or 1
        )
        try:
            music = read_music(name, data / name)
            found = contend(wanted[0], music, out, terms, split, judge_only=judge_only)
        except MusicLSTMError as error:
            raise click.ClickException(" ".join(str(error).splitlines())) from error
        keep(results, name, music.facts, wanted[0], found)
    of_corpus = read_results(results)["found"].get(name, {})
    if as_json:
        print_json({"corpus": name, "split": split, **of_corpus})
    elif not quiet:
        show(name, of_corpus, split)
    if failed:
        raise click.ClickException(f"not finished: {', '.join(failed)}")


def run_each(words: list[str], wanted: list[str]) -> list[str]:
    """Run contenders one after the other, each in a process of its own.

    Keras and PyTorch in one process would keep threads from each other, and one that fails must not
    end the others.

    Returns:
        Those that failed.
    """
    failed = []
    for name in wanted:
        command = [sys.executable, str(HERE / "likelihood.py"), *words, "--contender", name, "-q"]
        if subprocess.run(command, check=False).returncode:  # noqa: S603 (our own script)
            failed.append(name)
    return failed


if __name__ == "__main__":
    main()
