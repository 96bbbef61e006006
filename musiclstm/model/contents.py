"""What the JSON files of a bundle must say: the types and ranges that the program relies on.

Each check raises a ValueError that says in words what is wrong; the reader adds the file's name.
Types are exact: no text for a number, no ``true`` for 1.
"""

from collections.abc import Mapping
from typing import Any

from musiclstm.encoding import Field
from musiclstm.errors import ScoreError
from musiclstm.model.reading import printable
from musiclstm.score import Meter, MeterMap, Tempo

_KINDS = {
    int: "a whole number",
    float: "a number",
    str: "text",
    bool: "true or false",
    list: "a list",
    dict: "an object",
}
_PART = {
    "name": str,
    "program": int,
    "is_drum": bool,
    "low": int,
    "high": int,
    "median": float,
    "monophonic": bool,
    "chord": int,
}
_PIECE = {
    "style": str,
    "key": int,
    "meters": list,
    "pickup": int,
    "tempo": float,
    "bars": int,
    "parts": list,
    "programs": list,
}
_RESULTS = {
    "valid_nats_per_note": float,
    "ngram_nats_per_note": float,
    "train_pieces": int,
    "train_notes": int,
    "valid_pieces": int,
    "parameters": int,
}
# Of habits: times in a row, lengths of passages, onsets that must be remembered, a log-ratio. More
# than any corpus has, and little enough to be gone through at every onset.
_OFTEN, _LOOPS, _REMEMBERED, _LEAST_LOG = 4096, 64, 4096, 50.0
# Of what is typical: features, the size of what is measured, and how little it may vary.
_MOST_FEATURES, _MOST_MEASURED, _LEAST_SPREAD = 100, 1e6, 1e-6
_LONGEST = 2**30  # steps, bars or notes; more cannot be counted in 32 bits


def check_config(config: Mapping[str, Any]) -> None:
    """Hold ``config.json`` to what is read of it; the network's numbers are checked elsewhere.

    Raises:
        ValueError: If an entry has another type.
    """
    if "network" not in config:
        raise ValueError("it does not say what the network is")
    _typed(config, {"network": dict})
    sections = ("training", "data", "versions", "results", "sampling")
    _typed(config, {name: dict for name in sections if name in config})
    _typed(config, {"status": str} if "status" in config else {})
    results = config.get("results", {})
    _typed(results, {n: kind for n, kind in _RESULTS.items() if results.get(n) is not None})


def check_vocabulary(vocabulary: Mapping[str, Any]) -> None:
    """Hold ``vocabulary.json`` to the types that it must have; the ranges are checked elsewhere.

    Raises:
        ValueError: If an entry is missing or has another type.
    """
    lists = dict.fromkeys(("parts", "row_order", "styles", "meters"), list)
    _typed(vocabulary, {"steps_per_quarter": int, **lists, "counts": dict})
    for number, part in enumerate(vocabulary["parts"]):
        _check(part, dict, f"part {number}")
        _typed(part, _PART)
    counts = vocabulary["counts"]
    _typed(counts, {field.name.lower(): list for field in Field if field.name.lower() in counts})
    rows = {"row_order": int, "styles": str, "meters": str}
    for name, kind in rows.items():
        _all(vocabulary[name], kind, name)
    for name, values in counts.items():
        _all(values if isinstance(values, list) else [], int, f"counts of {name}")


def check_corpus(corpus: Mapping[str, Any], n_parts: int) -> None:
    """Hold ``corpus.json`` to what generation draws from it.

    Args:
        corpus: As read.
        n_parts: Number of the model's parts.

    Raises:
        ValueError: If a piece says what no piece can be, or habits or what is typical make no
            sense.
    """
    if "habits" in corpus:
        _typed(corpus, {"habits": dict})
        _check_habits(corpus["habits"], n_parts)
    if "typical" in corpus:
        _typed(corpus, {"typical": dict})
        _check_typical(corpus["typical"])
    pieces = corpus.get("pieces", [])
    _check(pieces, list, "pieces")
    for number, piece in enumerate(pieces):
        _check(piece, dict, f"piece {number}")
        try:
            _check_piece(piece, n_parts)
        except (ValueError, ScoreError) as error:
            raise ValueError(f"piece {number}: {error}") from error


def _check_habits(habits: Mapping[str, Any], n_parts: int) -> None:
    lists = dict.fromkeys(("loops", "ranges", "motions", "spacings"), list)
    habits = {"density": 0, **habits}  # older models have none
    _typed(habits, {**lists, "repeats": int, "silence": int, "density": int})
    if not 0 <= habits["silence"] <= _LONGEST or not 0 <= habits["density"] <= _LONGEST:
        raise ValueError(f"habits: silence {habits['silence']}, density {habits['density']}")
    loops, ranges = habits["loops"], habits["ranges"]
    for times in (*loops, habits["repeats"]):
        _check(times, int, "habits")
        if not 2 <= times <= _OFTEN:
            raise ValueError(f"habits: {times} times is not in 2 to {_OFTEN}")
    if any(times * length > _REMEMBERED for length, times in enumerate(loops, start=1)):
        raise ValueError(f"habits: loops reach back more than {_REMEMBERED} onsets")
    if not 1 <= len(loops) <= _LOOPS:
        raise ValueError(f"habits: loops are {len(loops)}, not 1 to {_LOOPS}")
    for pair in ranges:
        _check(pair, list, "a range")
        _all(pair, int, "a range")
        if len(pair) != 2 or not 0 <= pair[0] <= pair[1] <= 127:
            raise ValueError(f"{printable(pair, 60)} is no range of pitches")
    if len(ranges) != n_parts:
        raise ValueError(f"{len(ranges)} ranges for {n_parts} parts")
    for name, shape in (("motions", (12, 12)), ("spacings", (n_parts - 1, 2))):
        rows = habits[name]
        if len(rows) != shape[0]:
            raise ValueError(f"{name} has {len(rows)} rows, not {shape[0]}")
        for row in rows:
            _check(row, list, name)
            _all(row, float, name)
            if len(row) != shape[1] or not all(-_LEAST_LOG <= value <= 0 for value in row):
                raise ValueError(f"{printable(row, 60)} is none of {name}")


def _check_typical(typical: Mapping[str, Any]) -> None:
    _typed(typical, {"features": dict})
    if len(typical["features"]) > _MOST_FEATURES:
        raise ValueError(f"typical: {len(typical['features'])} features are too many")
    usual = {name: typical.get(name) for name in ("nats", "copied")}
    known = {name: pair for name, pair in usual.items() if pair is not None}
    for name, pair in (*known.items(), *typical["features"].items()):
        where = f"typical {printable(name, 40)}"
        _check(pair, list, where)
        _all(pair, float, where)
        if (
            len(pair) != 2
            or not abs(pair[0]) <= _MOST_MEASURED
            or not _LEAST_SPREAD <= pair[1] <= _MOST_MEASURED
        ):
            raise ValueError(f"{where}: {printable(pair, 60)} is no middle and spread")


def _check_piece(piece: Mapping[str, Any], n_parts: int) -> None:
    _typed(piece, {name: kind for name, kind in _PIECE.items() if piece.get(name) is not None})
    parts, programs = piece.get("parts") or [], piece.get("programs") or []
    _all(parts, int, "parts")
    _all(programs, int, "programs")
    if len(set(parts)) < len(parts) or any(not 0 <= part < n_parts for part in parts):
        raise ValueError(f"{parts} are no parts of this model")
    if any(not 0 <= program <= 127 for program in programs):
        raise ValueError(f"programs {programs} are outside 0 to 127")
    if programs and len(programs) != (len(parts) or n_parts):
        raise ValueError(f"{len(programs)} programs for {len(parts) or n_parts} parts")
    meters = piece.get("meters") or []
    for meter in meters:
        _check(meter, list, "a meter")
        _all(meter, int, "a meter")
        if len(meter) != 3:
            raise ValueError(f"{printable(meter, 60)} is no step and meter")
    MeterMap(tuple(Meter(*meter) for meter in meters))
    for name, low, high in (("key", 0, 23), ("pickup", 0, _LONGEST), ("bars", 1, _LONGEST)):
        if piece.get(name) is not None and not low <= piece[name] <= high:
            raise ValueError(f"{name} {piece[name]} is not in {low} to {high}")
    if piece.get("tempo") is not None:
        Tempo(0, piece["tempo"])


def _typed(values: Mapping[str, Any], kinds: Mapping[str, type]) -> None:
    """Each of these entries is there and of its type."""
    for name, kind in kinds.items():
        if name not in values:
            raise ValueError(f"{name} is missing")
        _check(values[name], kind, name)


def _all(values: list[Any], kind: type, name: str) -> None:
    for value in values:
        _check(value, kind, name)


def _check(value: object, kind: type, name: str) -> None:
    # not isinstance: True is an int in Python, and no number here
    if type(value) is not kind and not (kind is float and type(value) is int):
        raise ValueError(f"{name}: {printable(repr(value), 60)} is not {_KINDS[kind]}")
