"""The model folder: written file by file to temporary names, read as a stranger's.

```
trained/NAME/
  config.json         format, network, training, data settings, seeds, versions, results
  vocabulary.json     what the ids mean
  model.safetensors   the weights, float16, under stable names
  corpus.json         pieces, content hashes, split, what generation draws from, habits,
                      what is typical
  novelty.npz         what the copy check needs
  history.csv         the learning curve
  README.md           the model card
```

There is no pickle and no Keras archive: the network is rebuilt from the checked config, and the
weights are assigned after the exact set of names, shapes, types and the file's size have been
checked. Opening a folder runs none of its code, and memory is bounded before anything is read.

Every file that is read carries its own checksum, so that damage is found, and so that training can
replace each file by itself: a kill between two of them leaves a folder whose files are all whole.
Nobody reads ``history.csv`` and the card but people.
"""

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy.typing as npt

from musiclstm.encoding import Vocabulary
from musiclstm.errors import BundleError, EncodingError
from musiclstm.model.architecture import NetworkConfig, weight_shapes
from musiclstm.model.contents import check_config, check_corpus, check_vocabulary
from musiclstm.model.decoder import Decoder
from musiclstm.model.finding import (
    CARD,
    CONFIG,
    CORPUS,
    HISTORY,
    NOVELTY,
    VOCABULARY,
    WEIGHTS,
    bundle_folders,
    find_bundle,
    list_bundles,
)
from musiclstm.model.json_file import parse_json, read_json, verified, write_json
from musiclstm.model.novelty_file import read_arrays
from musiclstm.model.reading import damaged, fault, printable
from musiclstm.model.weights_file import Weights, read_weights, write_weights

FORMAT_VERSION = 3

_MAX_SETTINGS_BYTES = 2**20  # config and vocabulary; the largest vocabulary has a fifth of it


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
        digest: SHA-256 over vocabulary, weights, habits and what is typical, hexadecimal: two
            bundles with the same digest are the same model.
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
        # a link that leads nowhere is there, and damaged
        return read_arrays(path) if os.path.lexists(path) else {}


def load_bundle(name_or_path: str | Path) -> Bundle:
    """Open a model folder, checking everything.

    Args:
        name_or_path: A folder, or the name of a bundle.

    Raises:
        BundleError: If a file is missing, damaged, too large, or of another format; the message
            names it.
    """
    folder = find_bundle(name_or_path)
    config, network = _read_config(folder / CONFIG)
    vocabulary = _read_vocabulary(folder / VOCABULARY)
    weights, contents = read_weights(folder, weight_shapes(network, vocabulary))
    corpus = read_json(folder / CORPUS)
    try:
        check_corpus(corpus, len(vocabulary.parts))
    except ValueError as error:
        raise damaged(folder / CORPUS, error) from error
    # with the weights all that composes, and chooses among what is composed
    said = [vocabulary.as_dict(), corpus.get("habits"), corpus.get("typical")]
    words = json.dumps(said, sort_keys=True) + contents
    return Bundle(
        path=folder,
        config=config,
        network=network,
        vocabulary=vocabulary,
        weights=weights,
        corpus=corpus,
        digest=hashlib.sha256(words.encode("ascii")).hexdigest(),
    )


def _read_config(path: Path) -> tuple[dict[str, Any], NetworkConfig]:
    config = parse_json(path, _MAX_SETTINGS_BYTES)
    # the version first: what comes after it may be written differently in another
    _check_version(path, config.get("format_version"))
    config = verified(path, config)
    try:
        check_config(config)
        return config, NetworkConfig.from_dict(config["network"])
    except (ValueError, BundleError) as error:
        raise damaged(path, error) from error


def _check_version(path: Path, version: object) -> None:
    if type(version) is int and version == FORMAT_VERSION:  # True and 1.0 are equal to 1
        return
    newer = type(version) is int and version > FORMAT_VERSION
    raise fault(
        path,
        f"has format {printable(repr(version), 40)}, this program {FORMAT_VERSION}",
        "upgrade musiclstm to use it" if newer else "train the model again",
    )


def _read_vocabulary(path: Path) -> Vocabulary:
    values = read_json(path, _MAX_SETTINGS_BYTES)
    try:
        check_vocabulary(values)
        return Vocabulary.from_dict(values)
    except (ValueError, EncodingError) as error:
        raise damaged(path, error) from error


__all__ = [
    "CARD",
    "CONFIG",
    "CORPUS",
    "FORMAT_VERSION",
    "HISTORY",
    "NOVELTY",
    "VOCABULARY",
    "WEIGHTS",
    "Bundle",
    "bundle_folders",
    "find_bundle",
    "list_bundles",
    "load_bundle",
    "write_json",
    "write_weights",
]
