"""How a bundle composes by default, and with what a user asks for put over it."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from musiclstm.encoding import Field
from musiclstm.errors import RequestError
from musiclstm.generation.resampling import Resampling
from musiclstm.generation.sampling import Sampling
from musiclstm.model import Bundle
from musiclstm.model.finding import CONFIG
from musiclstm.model.reading import damaged

DEFAULT_SAMPLING: Mapping[Field, Sampling] = {
    field: Sampling(temperature=1.0, top_p=0.97) for field in Field
}
RESAMPLING = "resampling"  # beside the fields in a bundle's sampling
RHYTHM = (Field.SHIFT, Field.PART, Field.DURATION)  # when and by whom; the pitch is the rest


def default_manner() -> dict[str, Any]:
    """What a new bundle says of its sampling, for ``config.json``."""
    fields = {field.name.lower(): own.as_dict() for field, own in DEFAULT_SAMPLING.items()}
    return {**fields, RESAMPLING: Resampling().as_dict()}


def bundle_sampling(
    bundle: Bundle, wishes: Mapping[str, Any] | None = None
) -> dict[Field, Sampling]:
    """How each field of a candidate is drawn.

    Args:
        bundle: Its own defaults come before the program's.
        wishes: ``temperature``, ``top_k``, ``top_p`` and ``min_p`` for all fields;
            ``pitch_temperature`` and ``rhythm_temperature``, which come before the first. None
            leaves a value as it is.

    Raises:
        BundleError: If the bundle's are no such thing, or out of range.
        RequestError: If a wish is out of range.
    """
    stored, chosen = bundle.config.get("sampling"), dict(DEFAULT_SAMPLING)
    for name, values in stored.items() if isinstance(stored, dict) else ():
        if name == RESAMPLING:
            continue
        try:
            chosen[Field[name.upper()]] = Sampling(**values)
        except (KeyError, TypeError, RequestError) as error:
            raise damaged(bundle.path / CONFIG, f"its sampling of {name}: {error}") from error
    return {field: replace(own, **_changes(field, wishes or {})) for field, own in chosen.items()}


def _changes(field: Field, wishes: Mapping[str, Any]) -> dict[str, Any]:
    given = {name: wishes.get(name) for name in ("temperature", "top_k", "top_p", "min_p")}
    special = "pitch_temperature" if field == Field.PITCH else ""
    special = "rhythm_temperature" if field in RHYTHM else special
    if wishes.get(special) is not None:
        given["temperature"] = wishes[special]
    return {name: value for name, value in given.items() if value is not None}


def bundle_resampling(bundle: Bundle, wishes: Mapping[str, Any] | None = None) -> Resampling:
    """How one of an onset's candidates is taken.

    Args:
        bundle: Its own default comes before the program's.
        wishes: ``candidates``, ``pitch_weight``, ``duration_weight``, ``endings``; None leaves a
            value as it is.

    Raises:
        BundleError: If the bundle's is no such thing, or out of range.
        RequestError: If a wish is out of range.
    """
    stored = bundle.config.get("sampling", {}).get(RESAMPLING)
    try:
        own = Resampling() if stored is None else Resampling(**stored)
    except (TypeError, RequestError) as error:
        raise damaged(bundle.path / CONFIG, f"its {RESAMPLING}: {error}") from error
    given = {name: (wishes or {}).get(name) for name in own.as_dict()}
    return replace(own, **{name: value for name, value in given.items() if value is not None})


def drawn_as(bundle: Bundle, wishes: Mapping[str, Any]) -> dict[str, Any]:
    """How a bundle draws with what is asked for, in plain words.

    Args:
        bundle: Its own defaults come before the program's.
        wishes: Of :func:`bundle_sampling` and :func:`bundle_resampling`.
    """
    fields = bundle_sampling(bundle, wishes).items()
    drawn = {field.name.lower(): own.as_dict() for field, own in fields}
    return {**drawn, RESAMPLING: bundle_resampling(bundle, wishes).as_dict()}
