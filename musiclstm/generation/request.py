"""A request: all that decides what is made, in plain words, so that it can be made again.

A request is what a written file says of how it came about. :func:`fulfil` makes what it asks for,
and the same request makes the same music on the same machine and version.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from musiclstm.encoding import Conditions, Field
from musiclstm.errors import RequestError
from musiclstm.generation.arrange import harmonize, infill, vary
from musiclstm.generation.compose import Composition, compose
from musiclstm.generation.frame import Region
from musiclstm.generation.guard import told
from musiclstm.generation.manner import RESAMPLING
from musiclstm.generation.novelty import Copied, CopyCheck
from musiclstm.generation.pitch_queue import FAR
from musiclstm.generation.primer import Primer
from musiclstm.generation.ranking import rank
from musiclstm.generation.resampling import Resampling
from musiclstm.generation.rewriting import PARTICLES, Manner
from musiclstm.generation.sampling import Sampling
from musiclstm.generation.uncopied import uncopied
from musiclstm.generation.wishes import Wishes
from musiclstm.generation.wishes_met import unmet
from musiclstm.model import Bundle
from musiclstm.score import Key, Score, Tempo

COMMANDS = ("generate", "continue", "harmonize", "infill", "vary")
MOST_CANDIDATES = 100  # of each piece
_LARGEST = 2**31  # as a number; seeds are asked apart
_DEEPEST = 4  # brackets within brackets
Progress = Callable[[int, int], None]

_OPTIONS: Mapping[str, tuple[type, ...]] = {
    "bars": (int, list),
    "parts": (list,),
    "keep": (str,),
    "amount": (float, int),
    "keep_primer": (bool,),
    "particles": (int,),
}
_WISHES: Mapping[str, tuple[type, ...]] = {
    "bars": (int,),
    "key": (str,),
    "meter": (str,),
    "tempo": (float, int),
    "style": (str,),
    "programs": (dict,),
    "chords": (str,),
    "ranges": (dict,),
    "density": (float, int),
    "end": (str,),
}


@dataclass(frozen=True)
class Request:
    """What is asked for; everything in it can stand in JSON.

    Attributes:
        command: One of :data:`COMMANDS`.
        seed: >= 0.
        count: How many pieces, 1-10000.
        best_of: How many candidates of each are made, of which the best is kept, 1-100.
        max_copy: Longest run of notes that may be shared with a training piece; None for any.
        wishes: Attributes of :class:`Wishes` that are wished for; the key by its name.
        sampling: For each field how it is drawn, and how one of several candidates is taken.
        options: Of the command: ``bars`` (``continue``: how many; ``infill``: first and last),
            ``parts``, ``keep``, ``amount``, ``keep_primer``, ``particles``.
    """

    command: str
    seed: int
    count: int = 1
    best_of: int = 1
    max_copy: int | None = None
    wishes: Mapping[str, Any] = field(default_factory=dict)
    sampling: Mapping[str, Any] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.command not in COMMANDS:
            raise RequestError(f"there is no command {self.command!r} that makes music")
        numbers = {"seed": (0, 2**63), "count": (1, 10_000), "best_of": (1, MOST_CANDIDATES)}
        for name, (low, high) in numbers.items():
            value = getattr(self, name)
            if type(value) is not int or not low <= value <= high:
                raise RequestError(f"{name.replace('_', '-')} {value!r} is not in {low} to {high}")
        if self.max_copy is not None and (type(self.max_copy) is not int or self.max_copy < 9):
            raise RequestError(
                f"max-copy {self.max_copy!r} is too little; runs of up to 9 notes are common stock"
            )
        for values in (self.wishes, self.sampling, self.options):
            _check_plain(values)
        for kinds, values in ((_OPTIONS, self.options), (_WISHES, self.wishes)):
            for name, value in values.items():
                if name not in kinds or type(value) not in kinds[name]:
                    raise RequestError(f"{name} {value!r} is nothing that can be asked for")

    def as_dict(self) -> dict[str, Any]:
        """For the text event in a file."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Request":
        """Undo :meth:`as_dict`, for what a stranger may have written.

        Raises:
            RequestError: If it is no request.
        """
        kinds = {"wishes": dict, "sampling": dict, "options": dict, "command": str}
        if any(type(values.get(name)) is not kind for name, kind in kinds.items()):
            raise RequestError("it does not say what was asked for")
        try:
            return cls(**values)
        except TypeError as error:
            raise RequestError("it says more than can be asked for") from error

    def wished(self) -> Wishes:
        """The wishes.

        Raises:
            RequestError: If one of them is none.
        """
        values = dict(self.wishes)
        if "key" in values:
            values["key"] = Key.parse(values["key"])
        ranges = values.get("ranges", {})
        if any(
            type(pair) not in (list, tuple) or len(pair) != 2 or {*map(type, pair)} != {int}
            for pair in ranges.values()
        ) or any(type(of) is not int for of in values.get("programs", {}).values()):
            raise RequestError("a range is two numbers, a program one")
        return Wishes(**{**values, "ranges": {name: tuple(of) for name, of in ranges.items()}})

    def drawn(self) -> tuple[dict[Field, Sampling], Resampling]:
        """How fields are drawn, and how one of several candidates is taken.

        Raises:
            RequestError: If it says no such thing.
        """
        try:
            fields = {of: Sampling(**self.sampling[of.name.lower()]) for of in Field}
            return fields, Resampling(**self.sampling[RESAMPLING])
        except (KeyError, TypeError) as error:
            raise RequestError("it does not say how notes were drawn") from error


def _check_plain(value: Any, depth: int = 0) -> None:
    """Refuse numbers and nestings that nothing which can be asked for has.

    Raises:
        RequestError: If there is one.
    """
    if depth > _DEEPEST:
        raise RequestError("it says what cannot be asked for, in brackets within brackets")
    if isinstance(value, int | float) and not -_LARGEST <= value <= _LARGEST:
        raise RequestError("it asks for a number that is out of all range")
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, list | tuple):
        for of in value:
            _check_plain(of, depth + 1)


@dataclass(frozen=True)
class Made:
    """A piece that was asked for.

    Attributes:
        score: The music.
        reading: The same with what the model makes of it.
        index: Its number in the request, from 0.
        candidate: Which of several it was, from 0.
        conditions: What the model was told.
        copied: The longest run that it shares with a training piece; None where unknown.
        copied_by_part: The same of single parts, by the name of the model part.
        remarks: What was made of what was given, and what could not be done, in words.
        effective: Effective particles on average and at least; None where there were none.
        why: Why it is the best of several; empty where there was one.
        complete: Whether it came to its own end.
        key: Its key as it is written.
    """

    score: Score
    reading: Primer
    index: int
    candidate: int
    conditions: Conditions
    copied: Copied | None
    copied_by_part: Mapping[str, Copied]
    remarks: tuple[str, ...] = ()
    effective: tuple[float, float] | None = None
    why: tuple[str, ...] = ()
    complete: bool = True
    key: Key | None = None


@dataclass(frozen=True)
class _Draft:
    """A piece before it is looked at."""

    reading: Primer
    new: npt.NDArray[np.bool_]
    conditions: Conditions
    remarks: tuple[str, ...]
    regions: tuple[Region, ...]  # what was open: not empty
    effective: tuple[float, float] | None = None
    complete: bool = True

    @property
    def begins(self) -> int:
        """The step, on the model's grid, at which what was composed begins."""
        return min(region.start for region in self.regions)


def fulfil(
    bundle: Bundle,
    request: Request,
    primer: Score | None = None,
    *,
    only: tuple[int, int] | None = None,
    progress: Progress | None = None,
) -> list[Made]:
    """Make what is asked for.

    Args:
        bundle: A trained model.
        request: What.
        primer: The piece that was handed in, for all commands but ``generate``.
        only: Index and candidate of the one piece that is wanted; by default all pieces, and of
            several candidates the best.
        progress: Called with (done, all): bars, or places where particles are compared.

    Raises:
        RequestError: If it cannot be made.
    """
    if (primer is None) != (request.command == "generate"):
        raise RequestError(f"{request.command} needs a piece to begin with")
    raw = request.count * request.best_of
    wanted = list(range(raw))
    if only is not None:
        index, candidate = only
        if not (0 <= index < request.count and 0 <= candidate < request.best_of):
            raise RequestError(f"piece {index}, candidate {candidate} was not asked for")
        wanted = [index * request.best_of + candidate]
    drafts = _drafts(bundle, request, primer, wanted, progress)
    check = CopyCheck.of(bundle)
    made = []
    per_piece = 1 if only is not None else request.best_of
    for first in range(0, len(wanted), per_piece):
        numbers, own = wanted[first : first + per_piece], drafts[first : first + per_piece]
        best, why = 0, tuple[str, ...]()
        if len(own) > 1:
            ranked = rank(bundle, [draft.reading.encoded for draft in own], check)
            best = ranked[0].index
            why = tuple(f"candidate {of.index + 1}: {of.why}" for of in ranked)
        index, candidate = divmod(numbers[best], request.best_of)
        draft = own[best]
        if request.max_copy is not None:
            draft = _without_copies(bundle, check, draft, request, numbers[best])
        made.append(_looked_at(bundle, request, check, draft, (index, candidate), why))
    return made


def _drafts(
    bundle: Bundle,
    request: Request,
    primer: Score | None,
    wanted: Sequence[int],
    progress: Progress | None,
) -> list[_Draft]:
    sampling, resampling = request.drawn()
    options, wishes = request.options, request.wished()
    if request.command in ("generate", "continue"):
        asked = {name: getattr(wishes, name) for name in wishes.__dataclass_fields__}
        if request.command == "continue":
            asked["bars"] = options.get("bars")
            if type(asked["bars"]) is not int:
                raise RequestError("how many bars are to be added? say a number")
        composed = compose(
            bundle,
            request.count * request.best_of,
            seed=request.seed,
            sampling=sampling,
            resampling=resampling,
            indices=wanted,
            progress=progress,
            primer=primer,
            keep_primer=options.get("keep_primer", True),
            **asked,
        )
        kept = options.get("keep_primer", True)
        return [_draft_of(piece, _begins(piece, bundle, kept=kept)) for piece in composed]
    found = []
    for done, number in enumerate(wanted):

        def show(passed: int, marks: int, _: float, done: int = done) -> None:
            if progress is not None:
                progress(done * marks + passed, len(wanted) * marks)

        manner = Manner(
            seed=request.seed,
            index=number,
            particles=options.get("particles", PARTICLES),
            sampling=sampling,
            progress=show,
        )
        found.append(_rewritten(bundle, request, wishes, primer, manner))
    return found


def _rewritten(
    bundle: Bundle, request: Request, wishes: Wishes, primer: Score | None, manner: Manner
) -> _Draft:
    options = request.options
    parts = [str(part) for part in options.get("parts", ())]
    assert primer is not None  # noqa: S101 - fulfil has seen to that
    if request.command == "harmonize":
        rewriting = harmonize(bundle, primer, parts, manner, wishes)
    elif request.command == "infill":
        bars = options.get("bars", ())
        if type(bars) is not list or len(bars) != 2 or {*map(type, bars)} != {int}:
            raise RequestError("which bars are to be written anew? say first and last")
        rewriting = infill(bundle, primer, (bars[0], bars[1]), parts, manner, wishes)
    else:
        amount = options.get("amount", 1.0)
        rewriting = vary(bundle, primer, options.get("keep", ""), amount, parts, manner, wishes)
    effective = None
    if len(rewriting.effective):
        effective = float(rewriting.effective.mean()), float(rewriting.effective.min())
    return _Draft(
        rewriting.reading,
        rewriting.new,
        rewriting.conditions,
        rewriting.reading.remarks,
        rewriting.regions,
        effective,
    )


def _begins(piece: Composition, bundle: Bundle, *, kept: bool) -> int:
    """The step, on the model's grid, at which what was composed begins."""
    q, begins = bundle.vocabulary.steps_per_quarter, piece.plan.begins
    # without what was given the piece begins with the bar in which that ended
    return begins if kept else int(piece.plan.meter_map.locate(begins, q).position)


def _draft_of(piece: Composition, begins: int) -> _Draft:
    remarks = (*piece.reading.remarks, *told(piece.rescues))
    if not piece.complete:
        remarks = (*remarks, "it would not end and was cut: the model needs more training")
    conditions, complete = piece.plan.conditions, piece.complete
    regions = tuple(Region(part, begins, FAR) for part in piece.plan.part_map)
    return _Draft(piece.reading, piece.new, conditions, remarks, regions, complete=complete)


def _without_copies(
    bundle: Bundle, check: CopyCheck, draft: _Draft, request: Request, number: int
) -> _Draft:
    """The draft with what is too long a copy written anew."""
    sampling, _ = request.drawn()
    manner = Manner(seed=request.seed, index=number, sampling=sampling)
    assert request.max_copy is not None  # noqa: S101 - asked only then
    told_key, semitones = draft.conditions.key, draft.reading.semitones
    wishes = replace(
        request.wished(),
        style=draft.conditions.style,
        key=told_key.transposed(-semitones) if told_key else None,
        bars=None,  # the piece has its own length and meter by now
        meter=None,
    )
    reading, new, remarks = uncopied(
        bundle, check, draft.reading, draft.new, draft.regions, wishes, request.max_copy, manner
    )
    return replace(draft, reading=reading, new=new, remarks=(*draft.remarks, *remarks))


def _looked_at(
    bundle: Bundle,
    request: Request,
    check: CopyCheck,
    draft: _Draft,
    number: tuple[int, int],
    why: tuple[str, ...],
) -> Made:
    """A piece with what is to be said of it."""
    reading, parts = draft.reading, bundle.vocabulary.parts
    key = draft.conditions.key
    key = key.transposed(-reading.semitones) if key else None
    score = reading.given
    names = [None if goal is None else parts[goal].name for goal in reading.goals]
    programs = request.wishes.get("programs", {})
    if programs:
        pairs = zip(score.parts, names, strict=True)
        score = replace(
            score,
            parts=tuple(replace(part, program=programs.get(n, part.program)) for part, n in pairs),
        )
    q = bundle.vocabulary.steps_per_quarter
    begins = round(draft.begins * score.steps_per_quarter / q)
    tempo = request.wishes.get("tempo")
    if tempo is not None:
        score = replace(score, tempos=(Tempo(0, float(tempo)),))
    met = unmet(score, draft.new, request.wished(), key, begins, names, draft.regions[0].keep)
    return Made(
        score=score,
        reading=reading,
        index=number[0],
        candidate=number[1],
        conditions=draft.conditions,
        copied=check.longest(reading.encoded),
        copied_by_part={parts[n].name: of for n, of in check.by_part(reading.encoded).items()},
        remarks=(*draft.remarks, *met),
        effective=draft.effective,
        why=why,
        complete=draft.complete,
        key=key,
    )
