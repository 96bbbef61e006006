"""The model folder: written file by file to temporary names, read as a stranger's.

```
trained/NAME/
  config.json         format, network, training, data settings, seeds, versions, results
  vocabulary.json     what the ids mean
  model.safetensors   the weights, float16, under stable names
  corpus.json         pieces, content hashes, split, and what generation draws from
  novelty.npz         what the copy check needs
  history.csv         the learning curve
  README.md           the model card
```

There is no pickle and no Keras archive: the network is rebuilt from the checked config, and the
weights are assigned after the exact set of names, shapes, types and the file's size have been
checked. Opening a folder runs none of its code, and memory is bounded before anything is read.
"""

import hashlib
import json
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from musiclstm.encoding import Vocabulary
from musiclstm.errors import BundleError, EncodingError, ScoreError
from musiclstm.files import atomic_write_bytes
from musiclstm.model.architecture import NetworkConfig, weight_shapes
from musiclstm.model.decoder import Decoder
from musiclstm.score import Meter, MeterMap, Tempo

FORMAT_VERSION = 1
CONFIG, VOCABULARY, WEIGHTS = "config.json", "vocabulary.json", "model.safetensors"
CORPUS, NOVELTY, HISTORY, CARD = "corpus.json", "novelty.npz", "history.csv", "README.md"

_MAX_JSON_BYTES = 64 * 2**20  # a corpus of 100,000 pieces
_MAX_WEIGHT_BYTES = 2 * 2**30
_MAX_NOVELTY_BYTES = 2**30
_HEADER_BYTES = 2**20  # names and shapes of at most a few hundred tensors
_ITEM_BYTES = {"F16": 2, "F32": 4}
# what zipfile, zlib and NumPy raise on bytes that are no archive of arrays; a header that lies
# about its array's size makes MemoryError, a password RuntimeError
_ARCHIVE_ERRORS = (
    OSError,
    ValueError,
    KeyError,
    EOFError,
    MemoryError,
    RuntimeError,
    zipfile.BadZipFile,
    zlib.error,
)

Weights = dict[str, npt.NDArray[np.float32]]


@dataclass(frozen=True)
class Bundle:
    """A trained model.

    Attributes:
        path: Its folder.
        config: ``config.json``.
        network: The checked hyper-parameters.
        vocabulary: What the ids mean.
        weights: float32 by stable name.
        corpus: ``corpus.json``.
        digest: SHA-256 over vocabulary and weights, hexadecimal: two bundles with the same digest
            are the same model.
    """

    path: Path
    config: Mapping[str, Any]
    network: NetworkConfig
    vocabulary: Vocabulary
    weights: Weights = field(repr=False)
    corpus: Mapping[str, Any] = field(repr=False)
    digest: str = ""

    @property
    def name(self) -> str:
        """Name of the folder."""
        return self.path.name or self.path.resolve().name  # "." has no name of its own

    @cached_property
    def decoder(self) -> Decoder:
        """The network in NumPy."""
        return Decoder(self.network, self.vocabulary, self.weights)

    @property
    def results(self) -> Mapping[str, Any]:
        """What training found out about the model, by name; may be empty."""
        results = self.config.get("results", {})
        return results if isinstance(results, Mapping) else {}

    def novelty(self) -> Mapping[str, npt.NDArray[Any]]:
        """The arrays of the copy check; empty where the bundle has none.

        Raises:
            BundleError: If the file is damaged.
        """
        path = self.path / NOVELTY
        if not path.exists():
            return {}
        _check_file(path, _MAX_NOVELTY_BYTES)
        try:
            with zipfile.ZipFile(path) as archive:
                size = sum(member.file_size for member in archive.infolist())
            if size > _MAX_NOVELTY_BYTES:
                raise BundleError(
                    f"{path} unpacks to {size:,} bytes; at most {_MAX_NOVELTY_BYTES:,} are read"
                )
            with np.load(path, allow_pickle=False) as arrays:
                return {name: np.asarray(arrays[name]) for name in arrays.files}
        except _ARCHIVE_ERRORS as error:
            raise BundleError(f"{path} is damaged: {_one_line(error)}") from error


# --- writing --------------------------------------------------------------------------------


def write_weights(folder: Path, weights: Mapping[str, npt.NDArray[np.floating[Any]]]) -> None:
    """Write the weights as float16, atomically: the last file that makes a folder a bundle.

    Raises:
        BundleError: If a weight is not finite in float16.
    """
    halves = {name: np.ascontiguousarray(value, np.float16) for name, value in weights.items()}
    broken = [name for name, value in halves.items() if not np.isfinite(value).all()]
    if broken:
        raise BundleError(f"the weights {broken[0]} are not finite; lower the learning rate")
    atomic_write_bytes(folder / WEIGHTS, save(halves))


def write_json(path: Path, values: Mapping[str, Any]) -> None:
    """Write a JSON object, atomically."""
    atomic_write_bytes(path, (json.dumps(values, indent=1, ensure_ascii=False) + "\n").encode())


# --- finding --------------------------------------------------------------------------------


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
        for weights in sorted(place.glob(f"*/{WEIGHTS}")) if place.is_dir() else []:
            found.setdefault(weights.parent.name, weights.parent)
    return [found[name] for name in sorted(found)]


def find_bundle(name_or_path: str | Path) -> Path:
    """The folder of a bundle.

    Args:
        name_or_path: A folder, or the name of one in :func:`bundle_folders`.

    Raises:
        BundleError: If there is none; the message lists what there is.
    """
    path = Path(name_or_path)
    if (path / WEIGHTS).is_file():
        return path
    if len(path.parts) == 1:
        for place in bundle_folders():
            if (place / path / WEIGHTS).is_file():
                return place / path
    if path.is_dir():
        missing = [name for name in (CONFIG, VOCABULARY, WEIGHTS) if not (path / name).is_file()]
        raise BundleError(f"{path} is no model folder: {', '.join(missing)} is missing")
    known = ", ".join(folder.name for folder in list_bundles()) or "none yet: train one"
    raise BundleError(f"no model is called {str(name_or_path)!r}; there are: {known}")


# --- reading --------------------------------------------------------------------------------


def load_bundle(name_or_path: str | Path) -> Bundle:
    """Open a model folder, checking everything.

    Args:
        name_or_path: A folder, or the name of a bundle.

    Raises:
        BundleError: If a file is missing, damaged, too large, or of another format; the message
            names it.
    """
    folder = find_bundle(name_or_path)
    config = _read_json(folder, CONFIG)
    version = config.get("format_version")
    if version != FORMAT_VERSION:
        newer = isinstance(version, int) and version > FORMAT_VERSION
        advice = "upgrade musiclstm to use it" if newer else "train the model again"
        raise BundleError(
            f"{folder / CONFIG} has format {version!r}, this program {FORMAT_VERSION}; {advice}"
        )
    network_values = config.get("network")
    if not isinstance(network_values, dict):
        raise BundleError(f"{folder / CONFIG} does not say what the network is")
    try:
        network = NetworkConfig.from_dict(network_values)
        vocabulary = Vocabulary.from_dict(_read_json(folder, VOCABULARY))
    except (BundleError, EncodingError) as error:
        raise BundleError(f"{folder}: {error}") from error
    weights, digest = _read_weights(folder, weight_shapes(network, vocabulary))
    words = json.dumps(vocabulary.as_dict(), sort_keys=True).encode()
    return Bundle(
        path=folder,
        config=config,
        network=network,
        vocabulary=vocabulary,
        weights=weights,
        corpus=_read_corpus(folder, vocabulary),
        digest=hashlib.sha256(words + digest).hexdigest(),
    )


def _check_file(path: Path, max_bytes: int) -> None:
    """A regular file inside its folder, of a size that can be read."""
    if not path.is_file():
        raise BundleError(f"{path} is missing")
    if path.resolve().parent != path.parent.resolve():
        raise BundleError(f"{path} is a link out of its folder")
    size = path.stat().st_size
    if size > max_bytes:
        raise BundleError(f"{path} has {size:,} bytes; at most {max_bytes:,} are read")


def _read_json(folder: Path, name: str) -> dict[str, Any]:
    path = folder / name
    _check_file(path, _MAX_JSON_BYTES)
    try:
        values = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise BundleError(f"{path} is damaged: {_one_line(error)}") from error
    if not isinstance(values, dict):
        raise BundleError(f"{path} is damaged: it holds no JSON object")
    return values


def _read_corpus(folder: Path, vocabulary: Vocabulary) -> dict[str, Any]:
    """``corpus.json``, with all that generation draws from it in range."""
    corpus = _read_json(folder, CORPUS)
    pieces = corpus.get("pieces", [])
    if not isinstance(pieces, list):
        raise BundleError(f"{folder / CORPUS} is damaged: its pieces are no list")
    for number, piece in enumerate(pieces):
        try:
            _check_piece(piece, len(vocabulary.parts))
        except (TypeError, ValueError, AttributeError, ScoreError) as error:
            reason = f"piece {number}: {_one_line(error)}"
            raise BundleError(f"{folder / CORPUS} is damaged: {reason}") from error
    return corpus


def _check_piece(piece: Mapping[str, Any], n_parts: int) -> None:
    """Raise the error that using a piece would raise later."""
    parts, programs = piece.get("parts") or [], piece.get("programs") or []
    if len(set(parts)) < len(parts) or not all(_is_whole(part, 0, n_parts - 1) for part in parts):
        raise ValueError(f"{parts} are no parts of this model")
    if not all(_is_whole(program, 0, 127) for program in programs):
        raise ValueError(f"programs {programs} are outside 0 to 127")
    if programs and len(programs) != len(parts):
        raise ValueError(f"{len(programs)} programs for {len(parts)} parts")
    MeterMap(tuple(Meter(*meter) for meter in piece.get("meters") or []))
    for name, low, high in (("key", 0, 23), ("pickup", 0, 2**30), ("bars", 1, 2**30)):
        if piece.get(name) is not None and not _is_whole(piece[name], low, high):
            raise ValueError(f"{name} {piece[name]!r} is not in {low} to {high}")
    Tempo(0, piece.get("tempo") or 100.0)
    if not isinstance(piece.get("style") or "", str):
        raise ValueError(f"style {piece['style']!r} is no name")


def _is_whole(value: object, low: int, high: int) -> bool:
    return isinstance(value, int) and low <= value <= high


def _read_weights(folder: Path, shapes: Mapping[str, tuple[int, ...]]) -> tuple[Weights, bytes]:
    path = folder / WEIGHTS
    n_weights = sum(int(np.prod(shape)) for shape in shapes.values())
    _check_file(path, min(_MAX_WEIGHT_BYTES, 4 * n_weights + _HEADER_BYTES))
    try:
        with safe_open(str(path), framework="np") as file:
            names = set(file.keys())
            _check_names(path, names, set(shapes))
            for name, shape in shapes.items():
                part = file.get_slice(name)
                if tuple(part.get_shape()) != shape:
                    raise BundleError(
                        f"{path}: {name} has shape {tuple(part.get_shape())}, not {shape}"
                    )
                if part.get_dtype() not in _ITEM_BYTES:
                    raise BundleError(f"{path}: {name} is {part.get_dtype()}, not F16 or F32")
            weights = {name: file.get_tensor(name).astype(np.float32) for name in shapes}
    except SafetensorError as error:
        raise BundleError(f"{path} is damaged: {_one_line(error)}") from error
    for name, value in weights.items():
        if not np.isfinite(value).all():
            raise BundleError(f"{path}: {name} holds numbers that are not finite")
    return weights, hashlib.sha256(path.read_bytes()).digest()


def _one_line(error: BaseException) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]


def _check_names(path: Path, names: set[str], expected: set[str]) -> None:
    missing, unknown = sorted(expected - names), sorted(names - expected)
    if missing:
        raise BundleError(f"{path} lacks the weights {missing[0]} ({len(missing)} in all)")
    if unknown:
        raise BundleError(f"{path} has weights that no such network has: {unknown[0]}")
