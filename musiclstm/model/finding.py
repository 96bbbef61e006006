"""Where model folders lie, and what the files in them are called."""

import os
from pathlib import Path

from musiclstm.errors import BundleError
from musiclstm.model.reading import printable

CONFIG, VOCABULARY, WEIGHTS = "config.json", "vocabulary.json", "model.safetensors"
CORPUS, NOVELTY, HISTORY, CARD = "corpus.json", "novelty.npz", "history.csv", "README.md"


def bundle_folders() -> list[Path]:
    """Where bundles are looked for by name: ``./trained``, the project's, the package's."""
    package = Path(__file__).resolve().parent.parent
    places = [Path("trained"), package.parent / "trained", package / "trained"]
    unique: dict[Path, Path] = {}
    for place in places:
        unique.setdefault(place.resolve(), place)
    return list(unique.values())


def list_bundles() -> list[Path]:
    """Folders of all bundles that can be found by name, the first of each name."""
    found: dict[str, Path] = {}
    for place in bundle_folders():
        try:
            folders = sorted(place.iterdir())
        except OSError:  # there is no such place, or it is closed to us
            continue
        for folder in folders:
            if os.path.lexists(folder / WEIGHTS):
                found.setdefault(folder.name, folder)
    return [found[name] for name in sorted(found)]


def find_bundle(name_or_path: str | Path) -> Path:
    """The folder of a bundle.

    Args:
        name_or_path: A folder, or the name of one in :func:`bundle_folders`.

    Raises:
        BundleError: If there is none; the message lists what there is.
    """
    path = Path(name_or_path)
    if _has_weights(path):
        return path
    if len(path.parts) == 1:
        for place in bundle_folders():
            if _has_weights(place / path):
                return place / path
    if os.path.isdir(path):  # noqa: PTH112 - see _has_weights
        raise BundleError(_lacking(path))
    known = ", ".join(printable(folder.name, 80) for folder in list_bundles())
    raise BundleError(
        f"no model is called '{printable(name_or_path, 200)}'; there are: "
        f"{known or 'none yet: train one'}"
    )


def _has_weights(folder: Path) -> bool:
    # not Path.is_file: it raises for names that are too long or lie where we may not look
    return os.path.isfile(folder / WEIGHTS)  # noqa: PTH113


def _lacking(folder: Path) -> str:
    shown = printable(folder, 2000)
    try:
        there = {path.name for path in folder.iterdir() if path.is_file()}
    except OSError as error:
        return f"{shown} cannot be read: {error.strerror or error}; choose another place"
    missing = [name for name in (CONFIG, VOCABULARY, WEIGHTS) if name not in there]
    return (
        f"{shown} is no model folder: {', '.join(missing)} is missing; "
        "give a folder that `musiclstm train` has written"
    )
