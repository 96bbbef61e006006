"""The model card: what the model is, what it learned from, how good it is, how to make it again."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from musiclstm.evaluation.verdict import Verdict
from musiclstm.training.corpus import TrainingSet
from musiclstm.training.report import FIELDS

# A key and a meter of a corpus that are rarer than this are not worth a line in a card.
_MOST_LISTED = 8


def write_card(
    name: str, config: Mapping[str, Any], data: TrainingSet, verdict: Verdict | None = None
) -> str:
    """The card as Markdown.

    Args:
        name: Of the bundle.
        config: Its ``config.json``.
        data: What it learned from.
        verdict: What is to be thought of it, once that is known.
    """
    results, training = config["results"], config["training"]
    network = config["network"]
    lines = [
        f"# {name}",
        "",
        f"A musiclstm model: {network['layers']} LSTM layers of {network['units']} units, "
        f"{results['parameters']:,} parameters.",
        "",
        "## What it learned from",
        "",
        f"- {results['train_pieces']:,} pieces with {results['train_notes']:,} notes"
        + (
            f"; {results['valid_pieces']:,} pieces were held out" if results["valid_pieces"] else ""
        ),
        f"- parts: {', '.join(part.name for part in data.vocabulary.parts)}",
        f"- meters: {_common(piece.conditions.meter for piece in data.pieces)}",
        f"- keys: {_common(p.conditions.key and p.conditions.key.name for p in data.pieces)}",
    ]
    if data.vocabulary.style_names:
        lines.append(f"- styles: {', '.join(data.vocabulary.style_names)}")
    if config["data"].get("left_out"):
        lines.append(f"- left out on purpose: {config['data']['left_out']}")
    if config["data"].get("init_from"):
        lines.append(
            f"- before that it was the model {config['data'].get('init_from_name', '')} "
            f"({config['data']['init_from'][:12]}), with what that had learned from; the copy "
            "check knows only the pieces counted here, so a piece of the former may be quoted "
            "unnoticed"
        )
    if "copy_check_pieces" in config["data"]:
        lines.append(
            f"- the copy check knows only the first {config['data']['copy_check_pieces']:,} pieces"
        )
    lines += ["", "## How good it is", ""]
    if "valid_nats_per_note" in results:
        by_field = results.get("valid_nats_by_field")
        lines.append(
            f"{results['valid_nats_per_note']:.3f} nats a note on the held-out pieces, all "
            "conditions unspecified"
            + (
                " ("
                + ", ".join(f"{n} {v:.3f}" for n, v in zip(FIELDS, by_field, strict=True))
                + ")"
                if by_field
                else ""
            )
            + f"{_beside(results)}. These pieces chose the step at which training ended, so the "
            "figure is a little kind to the model."
        )
    else:
        lines.append("Nothing was held out, so nobody knows.")
    if verdict is not None:
        lines += ["", f"The verdict: {verdict.title}.", ""]
        lines += [f"- {finding.in_words()}" for finding in verdict.findings]
    lines += [
        "",
        "## How to make it again",
        "",
        f"Command: `{config['data'].get('command', 'musiclstm train')}`",
        "",
        f"It took {training['steps']} steps (the best was step {results['best_step']}) in "
        f"{results['seconds'] / 60:.1f} minutes; with `--steps {training['steps']} "
        f"--evaluations {training['evaluations']} --seed {training['seed']}` instead of minutes "
        "the same machine gives the same weights.",
        "",
        "## Licence",
        "",
        config["data"].get(
            "licence",
            "The licence of the music that it learned from decides what may be done with it; "
            "say here what that is.",
        ),
        "",
    ]
    return "\n".join(lines)


def _beside(results: Mapping[str, Any]) -> str:
    """What an n-gram of the same pieces says, where it has been asked."""
    nats = results.get("ngram_nats_per_note")
    return "" if nats is None else f"; an n-gram that learned from the same pieces has {nats:.3f}"


def _common(values: Any) -> str:
    counts = Counter(value or "unspecified" for value in values).most_common(_MOST_LISTED)
    return ", ".join(f"{value} ({count})" for value, count in counts)
