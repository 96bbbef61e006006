"""The pieces of a folder, by what a bundle knows of them: learned from, held out, never met.

A file is known again by the hash of its content. Where that fails (another version of a library has
written the same notes in other bytes), a piece of the same name and the same number of notes is
taken for the same: what a model has learned from must not pass as new.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory

from musiclstm.encoding import Encoded, encode
from musiclstm.errors import MusicLSTMError
from musiclstm.files import atomic_write_bytes
from musiclstm.ingest import BUILTIN, Corpus, IngestSettings, read_builtin, read_folder
from musiclstm.ingest.batch import Progress
from musiclstm.ingest.cache import default_cache_dir
from musiclstm.model.bundle import Bundle
from musiclstm.rendering.midi import midi_bytes
from musiclstm.score import Score

SPLITS = ("train", "valid", "new")


@dataclass(frozen=True)
class Pieces:
    """Music beside a bundle; scores may lie on disk until they are asked for.

    Attributes:
        corpus: As read.
        places: Of each of :data:`SPLITS`, which of its pieces: ``train`` are those that the bundle
            learned from; ``valid`` those that were held out, and chose when training ended; ``new``
            those that it has never met.
        missing: How many of the bundle's own pieces are not among them.
    """

    corpus: Corpus
    places: Mapping[str, tuple[int, ...]]
    missing: int = 0

    def count(self, split: str) -> int:
        """How many pieces one of :data:`SPLITS` has."""
        return len(self.places[split])

    def some(self, split: str, most: int) -> list[Score]:
        """Scores of a split: all, or ``most`` that are evenly spread over it."""
        places = self.places[split]
        return [self.corpus.scores[places[n]] for n in spread(len(places), most)]


def read_pieces(
    bundle: Bundle, src: Path | None, *, progress: Progress | None = None
) -> Pieces | None:
    """Read a folder on a bundle's grid, and tell what it knows of it.

    Args:
        bundle: The model.
        src: The folder, or a file; by default the built-in corpus that has the bundle's name, if
            the bundle's pieces are really those.
        progress: Called with the number of files done and the number of all.

    Returns:
        None without a folder, where no built-in corpus is the bundle's own.

    Raises:
        MusicLSTMError: If there is no such folder, or nothing in it that can be read.
    """
    if src is None:
        if bundle.name not in BUILTIN:
            return None
        found = sort_pieces(bundle, _read(bundle, own_music(bundle.name, progress), None))
        # anybody may call a bundle so
        return found if found.count("train") > found.missing else None
    return sort_pieces(bundle, _read(bundle, src, progress))


def own_music(name: str, progress: Progress | None = None) -> Path:
    """A built-in corpus as a folder of MIDI, as ``musiclstm corpus`` writes it, in the cache.

    Args:
        name: One of :data:`~musiclstm.ingest.BUILTIN`.
        progress: Called with the number of pieces read and the number of all, the first time.
    """
    folder = default_cache_dir() / "corpora" / f"{name}-{version('music21')}"
    if folder.is_dir():
        return folder
    music = read_builtin(name, progress=progress)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=folder.parent, ignore_cleanup_errors=True) as unfinished:
        for score in music.scores:
            atomic_write_bytes(Path(unfinished) / f"{score.source}.mid", midi_bytes(score))
        with suppress(OSError):  # another run was faster
            Path(unfinished).rename(folder)
    return folder


def _read(bundle: Bundle, src: Path, progress: Progress | None) -> Corpus:
    settings = IngestSettings(
        steps_per_quarter=bundle.vocabulary.steps_per_quarter,
        pedal=bundle.config.get("data", {}).get("pedal", True) is not False,
    )
    corpus = read_folder(src, settings=settings, progress=progress)
    if not corpus.scores:
        raise MusicLSTMError(f"nothing in {src} could be read: `musiclstm ingest {src}` says why")
    return corpus


def sort_pieces(bundle: Bundle, corpus: Corpus) -> Pieces:
    """Tell of each piece of a corpus what a bundle knows of it."""
    own = bundle.corpus.get("pieces", [])
    # a stranger's list: anything may stand for a hash or a number
    by_hash = {str(piece.get("hash")): index for index, piece in enumerate(own)}
    by_name = {
        (Path(str(piece.get("source"))).stem, str(piece.get("notes"))): index
        for index, piece in enumerate(own)
    }
    places: dict[str, list[int]] = {split: [] for split in SPLITS}
    met: set[int | None] = set()
    for place, file in enumerate(corpus.report.kept):
        index = by_hash.get(
            file.content_hash, by_name.get((Path(file.source).stem, str(file.notes)))
        )
        split = "new" if index is None else str(own[index].get("split"))
        places[split if split in SPLITS else "new"].append(place)
        met.add(index)
    chosen = {split: tuple(found) for split, found in places.items()}
    return Pieces(corpus, chosen, missing=len(own) - len(met - {None}))


def encoded(bundle: Bundle, scores: Sequence[Score]) -> list[Encoded]:
    """Pieces as the bundle reads them, those without a note that it can read left out."""
    found = (encode(score, bundle.vocabulary) for score in scores)
    return [piece for piece in found if piece.n_notes]


def spread(length: int, most: int) -> list[int]:
    """Places in a sequence, evenly spread over it: all, or as many as are wanted.

    >>> spread(10, 4), spread(2, 4)
    ([0, 2, 5, 7], [0, 1])
    """
    count = min(length, most)
    return [n * length // count for n in range(count)]
