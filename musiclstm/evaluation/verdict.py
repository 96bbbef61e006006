"""The verdict: is the model any good, what is wrong with it, and what to do next, in plain words.

Each rule looks at the evidence and says nothing, or one finding. All rules stand here, each with
its reason. The first bad finding in their order is the cause that should be mended first, and
gives the verdict its title; where none is bad the first mixed one does.

Thresholds are ratios and differences of nats, so that they hold for any music. Where they are
drawn was tried on models that were good (the three that ship, music of four other kinds),
untrained, trained for 10, 60 and 200 steps, trained on notes in random order, and trained without
dropout on eleven pieces; the tests do so with small ones.
"""

from collections.abc import Callable
from typing import Any, Literal, NamedTuple

from musiclstm.evaluation.evidence import Evidence
from musiclstm.generation.typical import FEATURES

Mood = Literal["good", "mixed", "bad"]

# Nats a note. Below it two figures are the same: about two standard errors of 4,000 notes.
_SAME = 0.05
# Of the n-gram's gain over counting. A model that has not even half of it hears single notes.
_HALF = 0.5
# Nats a note that shuffled pitches must cost where order means anything: a factor of 1.16.
_ORDER = 0.15
# Training nats over held-out nats. Good models have 0.6 to 1.1; one that knows its pieces by heart
# 0.1 to 0.3.
_BY_HEART = 0.4
# Of the best held-out nats: what later evaluations must be worse by, to be worse.
_WORSE = 0.01
_STILL_BETTER = 0.01  # of the held-out nats, gained in the last fifth of training
# Of pieces. Of held-out ones 1 in 40 has a longer copied run than middle and two spreads.
_COPIES = 0.25
_SHORT_OF = 0.4  # bits of variety that samples may lack: about three spreads of chorales
_TOO_OFTEN = 3.0  # times the usual longest run of one note
_UNFINISHED = 0.25  # of pieces
_FAR = 4.0  # spreads of the nats of held-out pieces, for the mean of a set
FEW_NOTES = 20_000  # to learn from; below it the default network learns its pieces by heart


class Finding(NamedTuple):
    """What a rule has found.

    Attributes:
        rule: Its name.
        mood: How bad it is.
        title: In a few words.
        reason: The numbers, in a sentence or two.
        advice: What to do; may be empty.
    """

    rule: str
    mood: Mood
    title: str
    reason: str
    advice: str = ""

    def in_words(self) -> str:
        """All of it, as one line."""
        title = self.title[0].upper() + self.title[1:]
        return f"{title}. {self.reason} {self.advice}".rstrip()


class Verdict(NamedTuple):
    """What all rules have found.

    Attributes:
        mood: The worst of them.
        title: Of the finding that counts most.
        findings: All of them, that one first; at least one.
    """

    mood: Mood
    title: str
    findings: tuple[Finding, ...]

    def as_dict(self) -> dict[str, Any]:
        """For ``--json``."""
        return {
            "mood": self.mood,
            "title": self.title,
            "findings": [finding._asdict() for finding in self.findings],
        }


_NOTHING = Finding(
    "nothing",
    "mixed",
    "nobody can say how good it is",
    "There is no evidence.",
    "Name a folder of music that it has not met.",
)


def judge(evidence: Evidence) -> Verdict:
    """Ask all rules.

    Args:
        evidence: What is known; a rule whose evidence is missing says nothing.
    """
    found = [finding for rule in RULES if (finding := rule(evidence)) is not None]
    moods: tuple[Mood, ...] = ("bad", "mixed", "good")
    found = found or [_NOTHING]
    found.sort(key=lambda finding: moods.index(finding.mood))  # stable: the order of the rules
    return Verdict(found[0].mood, found[0].title, tuple(found))


def nobody_knows(e: Evidence) -> Finding | None:
    """Without held-out pieces nothing can be told from learning by heart."""
    if e.held_out is not None:
        return None
    return Finding(
        "nobody_knows",
        "mixed",
        "nobody can say how good it is",
        "No pieces were held out, so what it has learned cannot be told from what it has by heart.",
        "Train on five pieces or more, or name a folder of music that it has not met.",
    )


def order_means_nothing(e: Evidence) -> Finding | None:
    """Where neither model nor n-gram minds shuffled pitches, there is no melody to be learned.

    A network that was trained too little does not mind either; the n-gram, which needs no training,
    tells the two apart.
    """
    if e.order is None or e.order > _ORDER:
        return None
    if e.ngram_order is not None and e.ngram_order > 2 * _ORDER:
        return None  # there is an order: `not_learned` says that it was not learned
    return Finding(
        "order_means_nothing",
        "bad",
        "there is no melody in this to learn",
        f"Held-out pieces with their pitches shuffled cost the model {e.order:+.2f} nats a note"
        + ("" if e.ngram_order is None else f", the n-gram {e.ngram_order:+.2f}")
        + ": which note follows which says next to nothing.",
        "Listen to the files that it learned from: they may be shuffled, badly quantised, or no "
        "music. If they sound right, train longer.",
    )


def not_learned(e: Evidence) -> Finding | None:
    """A model that is hardly better than counting notes plays notes at random, or one for ever."""
    if e.held_out is None:
        return None
    if e.counting is not None and e.ngram is not None and e.ngram < e.counting:
        share = (e.counting - e.held_out) / (e.counting - e.ngram)
        if share > _HALF and _hears(e):
            return None
        reason = (
            f"It needs {e.held_out:.2f} nats a note; counting how often each note occurs needs "
            f"{e.counting:.2f}, an n-gram {e.ngram:.2f}."
        )
        if not _hears(e):
            reason += (
                f" Shuffled pitches cost it only {e.order:.2f} nats more, the n-gram "
                f"{e.ngram_order:.2f}: it hardly hears which note follows which."
            )
    elif e.counting is not None and e.held_out > e.counting - _SAME:
        reason = (
            f"It needs {e.held_out:.2f} nats a note, as many as counting how often each note "
            f"occurs ({e.counting:.2f})."
        )
    else:
        return None
    return Finding(
        "not_learned",
        "bad",
        "not learned yet",
        f"{reason} Left to itself it would play at random, or repeat one note.",
        "Train longer.",
    )


def not_better_than_counting_runs(e: Evidence) -> Finding | None:
    """An n-gram needs seconds; a network that does not beat it has not earned its training."""
    if e.held_out is None or e.ngram is None or e.held_out < e.ngram - _SAME:
        return None
    behind = f"It needs {e.held_out:.2f} nats a note, an n-gram of the same pieces {e.ngram:.2f}."
    if (gained := _still_gaining(e)) is not None:
        return Finding(
            "not_better_than_counting_runs",
            "bad",
            "on its way, but not there yet",
            f"{behind} In the last fifth of its training it still gained {gained:.0%}.",
            "Train longer.",
        )
    return Finding(
        "not_better_than_counting_runs",
        "bad",
        "no better than looking up short runs of notes",
        behind,
        "Train longer or with a larger --preset; with fewer than "
        f"{FEW_NOTES:,} notes, find more music.",
    )


def another_kind(e: Evidence) -> Finding | None:
    """What is far less likely than its own held-out pieces is music that it was not made for.

    Then nothing that is measured on it says how good the model is. Where pieces that it learned
    from lie beside it, and are known by heart, that is the likelier cause.
    """
    if e.held_out is None or e.usual_nats is None or by_heart(e) is not None:
        return None
    if e.usual_nats.z(e.held_out, 99.0) < _FAR:
        return None
    return Finding(
        "another_kind",
        "mixed",
        "this is music of another kind than it learned",
        f"These pieces cost it {e.held_out:.2f} nats a note; pieces of its own corpus that were "
        f"held out cost {e.usual_nats.middle:.2f}.",
        "To judge the model, name music like what it learned from; to make it learn this, train "
        "with --init-from.",
    )


def by_heart(e: Evidence) -> Finding | None:
    """Pieces that it knows far better than others of their kind it has stored, not understood.

    Some gap is normal, and grows with what a corpus repeats. What matters is the ratio.
    """
    if e.train is None or e.held_out is None or e.train > _BY_HEART * e.held_out:
        return None
    return Finding(
        "by_heart",
        "bad",
        "it knows its pieces by heart",
        f"Pieces that it learned from cost {e.train:.2f} nats a note, others {e.held_out:.2f}.",
        _less_by_heart(e),
    )


def since_when(e: Evidence) -> Finding | None:
    """From the epoch on at which held-out pieces get worse while training goes on getting better.

    The weights that are kept are those of the best evaluation, so by itself it does no harm.
    """
    heard = [moment for moment in e.curve if moment.valid == moment.valid]  # not NaN
    if len(heard) < 4:
        return None
    best = min(heard, key=lambda moment: moment.valid)
    after = [moment for moment in heard if moment.epoch > best.epoch]
    if len(after) < 2 or after[-1].train >= best.train:
        return None
    if min(moment.valid for moment in after[-2:]) < best.valid * (1 + _WORSE):
        return None
    return Finding(
        "since_when",
        "mixed",
        f"memorising since epoch {best.epoch:.0f}",
        f"Held-out pieces were best at epoch {best.epoch:.1f} ({best.valid:.2f} nats a note) and "
        f"then got worse ({after[-1].valid:.2f}), while training went on getting better. The "
        "weights of the best epoch were kept.",
        "Longer training will not help. " + _less_by_heart(e),
    )


def copies(e: Evidence) -> Finding | None:
    """A run that is longer than held-out music shares with the training pieces is a quotation."""
    s = e.sampled
    if s is None or s.copied is None or s.copied < _COPIES:
        return None
    return Finding(
        "copies",
        "bad",
        "it quotes the pieces that it learned from",
        f"{s.copied:.0%} of {s.pieces} samples share a longer run with a training piece than "
        f"held-out pieces do, up to {s.longest} notes.",
        f"{_less_by_heart(e)} Until then generate with --max-copy.",
    )


def repeats(e: Evidence) -> Finding | None:
    """One note for ever is what a model plays that has not learned when to go on."""
    s = e.sampled
    if s is None or e.usual_entropy is None or e.usual_repeats is None:
        return None
    poor = s.entropy < e.usual_entropy - _SHORT_OF
    often = s.repeats > _TOO_OFTEN * max(e.usual_repeats, 1.0)
    if not (poor or often):
        return None
    return Finding(
        "repeats",
        "bad",
        "it repeats itself",
        f"Its pieces have {s.entropy:.1f} bits of variety in their pitches, the corpus "
        f"{e.usual_entropy:.1f}; a note comes up to {s.repeats:.0f} times in a row, in the corpus "
        f"{e.usual_repeats:.0f} times.",
        "Train longer; until then, generate with a higher --temperature.",
    )


def gets_stuck(e: Evidence) -> Finding | None:
    """A model that has learned enough ends its pieces, and gets out of loops and silence."""
    s = e.sampled
    if s is None or s.unfinished < _UNFINISHED:
        return None
    return Finding(
        "gets_stuck",
        "bad",
        "its pieces get stuck",
        f"{s.unfinished:.0%} of {s.pieces} samples found no end, or went on in a loop, in silence "
        "or in a cluster of notes.",
        "Train longer.",
    )


def strange(e: Evidence) -> Finding | None:
    """What is far from everything in the corpus a listener notices, whatever the likelihood."""
    if e.sampled is None or not e.sampled.strange:
        return None
    off = ", ".join(
        f"{FEATURES[name].words} (too {'high' if z > 0 else 'low'})"
        for name, z in e.sampled.strange
    )
    return Finding(
        "strange",
        "mixed",
        "its pieces are unlike the corpus",
        f"The samples are far from what is usual in: {off}.",
        "Listen to some; a lower or higher --temperature may bring them nearer.",
    )


def little_music(e: Evidence) -> Finding | None:
    """Of a few thousand notes nobody learns a style."""
    if not 0 < e.notes < FEW_NOTES:
        return None
    return Finding(
        "little_music",
        "mixed",
        "too little music to learn from",
        f"It learned from {e.notes:,} notes; {FEW_NOTES:,} or more are better.",
        "Find more pieces of the kind, or begin from a model that knows music already: "
        "--init-from chorales.",
    )


def still_gaining(e: Evidence) -> Finding | None:
    """Training that ended while held-out pieces were still getting better ended too early."""
    behind = e.held_out is not None and e.ngram is not None and e.held_out > e.ngram - _SAME
    if behind or (gained := _still_gaining(e)) is None:
        return None  # behind an n-gram that is told already
    return Finding(
        "still_gaining",
        "mixed",
        "it could become better yet",
        f"In the last fifth of its training held-out pieces still became {gained:.0%} likelier.",
        "Train longer.",
    )


def learned(e: Evidence) -> Finding | None:
    """What is better than counting runs of notes has learned something that they do not say."""
    if e.held_out is None:
        return None
    beside = ""
    if e.ngram is not None:
        if e.held_out > e.ngram - _SAME:
            return None
        beside = f", an n-gram of the same pieces {e.ngram:.2f}"
    order = "" if e.order is None else f" Shuffled pitches would cost it {e.order:.1f} nats more."
    if (e.order is not None and e.order <= _ORDER) or another_kind(e) is not None:
        return None
    return Finding(
        "learned",
        "good",
        "it has learned",
        f"Pieces that it has not met cost it {e.held_out:.2f} nats a note{beside}.{order}",
        "Make music with it.",
    )


# What makes a model useless first, then what makes it suspect, then what could be better.
RULES: tuple[Callable[[Evidence], Finding | None], ...] = (
    order_means_nothing,
    not_learned,
    not_better_than_counting_runs,
    by_heart,
    copies,
    gets_stuck,
    repeats,
    nobody_knows,
    another_kind,
    since_when,
    little_music,
    strange,
    still_gaining,
    learned,
)


def _hears(e: Evidence) -> bool:
    """Whether shuffled pitches cost it at least half of what they cost the n-gram."""
    if e.order is None or e.ngram_order is None:
        return True
    return e.order > _HALF * e.ngram_order


def _still_gaining(e: Evidence) -> float | None:
    """The share that the held-out nats lost in the last fifth of training; None where little."""
    heard = [moment for moment in e.curve if moment.valid == moment.valid]
    if len(heard) < 4:
        return None
    last = heard[-1]
    before = next(m for m in reversed(heard) if m.epoch <= 0.8 * last.epoch or m is heard[0])
    gained = (before.valid - last.valid) / max(last.valid, _SAME)
    return gained if gained > _STILL_BETTER else None


def _less_by_heart(e: Evidence) -> str:
    if 0 < e.notes < FEW_NOTES:
        return "Find more music, or begin from a model that knows some: --init-from chorales."
    return "Find more music, or train with more --dropout or a smaller --preset."
