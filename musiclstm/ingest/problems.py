"""Everything that can be wrong with a file of music, in words that a musician understands.

A :class:`Problem` keeps a file out, and comes with what to do about it. A :class:`Repair` is what
was put right in a file that was kept. Both are counted by name, so every name stands for one kind
of trouble, and details (which track, how many) are added where it is found.
"""

from collections import Counter
from dataclasses import dataclass
from enum import Enum

from musiclstm.errors import UnreadableFileError

_AGAIN = "fetch the file again from where it came"
_RESAVE = "open it in a notation program or sequencer and save it anew"


class Problem(Enum):
    """Why a file is skipped: reason, and what to do.

    Members are ``(reason, fix)``.
    """

    NO_FILE = ("it is no ordinary file", "remove it, or point at the music itself")
    NO_PERMISSION = ("it cannot be opened", "give yourself the right to read it")
    EMPTY = ("the file is empty", _AGAIN)
    TOO_LARGE = ("it is larger than --max-bytes allows", "raise --max-bytes, if it is music")
    TOO_MANY_NOTES = ("it holds more notes than --max-notes allows", "raise --max-notes")
    TOO_SLOW = ("reading it took longer than --timeout allows", "raise --timeout, or " + _RESAVE)
    TOO_BIG = ("reading it took more memory than --max-memory allows", "raise --max-memory")
    CRASHED = ("reading it crashed the reader", "please report this, with the file")
    READER_FAILED = ("the reader failed on it", "please report this, with the file")
    NOT_MIDI = ("it is not a MIDI file (no MThd at its beginning)", _AGAIN)
    WEB_PAGE = (
        "it is a web page, saved under a music file's name",
        "open it in a browser and download the music itself",
    )
    NO_MIDI_INSIDE = ("it is a RIFF file without MIDI in it", _AGAIN)
    CUT_IN_HEADER = ("the file is cut off in its header", _AGAIN)
    NO_TICKS = ("its header says that a quarter note has 0 ticks", _RESAVE)
    UNKNOWN_TYPE = ("it is MIDI of a type that nobody has defined", _RESAVE)
    NO_NOTES = ("it holds no notes", "remove it, or look whether the music lies elsewhere")
    TOO_LONG = (
        "it is longer than 100,000 quarters (14 hours at 120): a wrong pause in it",
        _RESAVE,
    )
    TOO_MANY_MESSAGES = (
        "it holds more messages than music does",
        "thin out its controllers in a sequencer, or raise --max-notes",
    )
    TOO_MANY_PARTS = ("it has too many parts", "merge instruments, or leave some out")
    NOT_THIS_NOTATION = ("it is not what its name says", _AGAIN)
    BAD_NOTATION = ("music21 cannot parse it", "export it again from a notation program")
    RIGHTS_RESERVED = ("its encoder reserves the rights", "nothing: it is left out on purpose")
    NOT_FOUR_VOICES = ("its parts are not four voices", "nothing: it is left out on purpose")
    SAME_MUSIC = ("it is the same music as another piece", "nothing: one of them is enough")

    @property
    def reason(self) -> str:
        """What is wrong."""
        return self.value[0]

    @property
    def fix(self) -> str:
        """What to do about it."""
        return self.value[1]

    def error(self, detail: str = "") -> UnreadableFileError:
        """The error to raise.

        Args:
            detail: What to add to the reason: which track, what size.
        """
        return UnreadableFileError(
            f"{self.reason}: {detail}" if detail else self.reason, kind=self.name, fix=self.fix
        )


class Repair(Enum):
    """What was put right in a file that was kept: the words that the report uses."""

    RIFF = "taken out of its RIFF wrapper"
    JUNK_BEFORE = "bytes before the MIDI header passed over"
    JUNK_AFTER = "bytes after the end of a track passed over"
    CUT_OFF = "cut off: kept up to there"
    TRACKS_MISSING = "fewer tracks than its header declares"
    TRACKS_EXTRA = "more tracks than its header declares: read too"
    CHUNK_LENGTH = "a wrong length of a track, found by its content"
    STRAY_BYTES = "bytes that belong to no event passed over"
    DATA_BYTES = "impossible values in events, set to 127 or left out with their event"
    UNKNOWN_TYPE = "of a type that nobody has defined: read as type 1"
    FILM_FRAMES = "its time is in film frames (SMPTE): read as seconds at 120 bpm, without meter"
    PATTERNS = "loose patterns (MIDI type 2): each is a piece"
    TEMPO = "impossible tempos left out"
    METER = "impossible meters left out"
    KEY = "impossible key signatures left out"
    HANGING = "notes never switched off, ended by us"

    @property
    def words(self) -> str:
        """What was done."""
        return str(self.value)

    def found(self, detail: str = "") -> "Repaired":
        """Note a repair.

        Args:
            detail: Which track, how many.
        """
        return Repaired(self.name, detail)


@dataclass(frozen=True)
class Repaired:
    """One repair in one file.

    Attributes:
        kind: Name of the :class:`Repair`.
        detail: Which track, how many; may be empty.
    """

    kind: str
    detail: str = ""

    @property
    def words(self) -> str:
        """The repair in words.

        >>> Repair.HANGING.found("3 in track 2").words
        'notes never switched off, ended by us (3 in track 2)'
        """
        words = Repair[self.kind].words
        return f"{words} ({self.detail})" if self.detail else words


class Findings:
    """What was put right in a file so far: many a damaged place, one line for each kind."""

    def __init__(self) -> None:
        self._times: Counter[Repair] = Counter()
        self._counts: Counter[Repair] = Counter()
        self._first: dict[Repair, str] = {}

    def note(self, repair: Repair, where: str = "", *, count: int = 0) -> None:
        """Note one place.

        Args:
            repair: What was done.
            where: The track, or what there is to say; kept for the first place of this kind.
            count: How many things were put right there, where they are counted.
        """
        self._times[repair] += 1
        self._counts[repair] += count
        self._first.setdefault(repair, where)

    @property
    def repaired(self) -> tuple[Repaired, ...]:
        """One repair for each kind, in the order of the catalogue.

        >>> found = Findings()
        >>> for track in ("track 1", "track 2"):
        ...     found.note(Repair.CUT_OFF, track)
        ...     found.note(Repair.STRAY_BYTES, track, count=3)
        >>> [repair.detail for repair in found.repaired]
        ['track 1; and 1 more', '6, first in track 1']
        """
        return tuple(repair.found(self._detail(repair)) for repair in Repair if self._times[repair])

    def _detail(self, repair: Repair) -> str:
        where, count, more = self._first[repair], self._counts[repair], self._times[repair] - 1
        if count:
            return f"{count:,}, first in {where}" if where else f"{count:,}"
        return f"{where}; and {more:,} more" if more else where
