"""Keys: a tonic and a mode.

A key is one of 24: twelve tonics (pitch classes 0-11, C = 0) in major and minor. Spelling is a
matter of display only: B flat and A sharp are the same key.
"""

import re
from dataclasses import dataclass
from typing import Literal

from musiclstm.errors import ScoreError

Mode = Literal["major", "minor"]

# The spelling with the fewer accidentals in the key signature, as musicians write it.
_MAJOR_NAMES = ("C", "Db", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")
_MINOR_NAMES = ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "G#", "A", "Bb", "B")
_NATURALS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
_PATTERN = re.compile(
    r"(?P<letter>[A-Ga-g])(?P<accidentals>[#b♯♭-]*)\s*(?P<mode>(?i:major|minor|maj|min)|M|m)?",
)
_HYPHEN = re.compile(r"-(?=maj|min)", re.IGNORECASE)  # of "A-minor"; elsewhere "-" is a flat


@dataclass(frozen=True, order=True)
class Key:
    """A tonic and a mode.

    Attributes:
        tonic: Pitch class of the tonic, 0-11, C = 0.
        mode: ``"major"`` or ``"minor"``.
    """

    tonic: int
    mode: Mode = "major"

    def __post_init__(self) -> None:
        if not 0 <= self.tonic <= 11:
            raise ScoreError(f"tonic {self.tonic} is no pitch class; use 0 (C) to 11 (B)")
        if self.mode not in ("major", "minor"):
            raise ScoreError(f"mode {self.mode!r} is unknown; use 'major' or 'minor'")

    @property
    def name(self) -> str:
        """The key in words.

        >>> Key(10).name, Key(6, "minor").name
        ('Bb major', 'F# minor')
        """
        names = _MAJOR_NAMES if self.mode == "major" else _MINOR_NAMES
        return f"{names[self.tonic]} {self.mode}"

    @property
    def index(self) -> int:
        """The key as a number: 0-11 for the majors from C upwards, 12-23 for the minors."""
        return self.tonic + (12 if self.mode == "minor" else 0)

    @classmethod
    def from_index(cls, index: int) -> "Key":
        """Undo :attr:`index`; ``index`` is 0-23."""
        return cls(index % 12, "minor" if index >= 12 else "major")

    @classmethod
    def parse(cls, text: str) -> "Key":
        """Read a key as people type it.

        Args:
            text: For example ``"A minor"``, ``"Am"``, ``"Bb"``, ``"f# min"``. A lower-case letter
                alone (``"a"``) is minor, as analysts write it.

        Raises:
            ScoreError: If ``text`` is no key.

        >>> Key.parse("Am"), Key.parse("B-flat major") == Key(10)
        (Key(tonic=9, mode='minor'), True)
        """
        cleaned = text.strip().replace("-flat", "b").replace("-sharp", "#").replace("_", " ")
        match = _PATTERN.fullmatch(_HYPHEN.sub(" ", cleaned))
        if match is None:
            raise ScoreError(
                f"{text!r} is no key; write it like 'A minor', 'Bb' or 'F#m': "
                "C to B, major or minor"
            )
        letter, mode = match["letter"], match["mode"]
        shift = sum(1 if sign in "#♯" else -1 for sign in match["accidentals"])
        tonic = (_NATURALS[letter.upper()] + shift) % 12
        if mode is None:
            return cls(tonic, "minor" if letter.islower() else "major")
        return cls(tonic, "minor" if mode == "m" or mode.lower().startswith("min") else "major")

    def transposed(self, semitones: int) -> "Key":
        """The key ``semitones`` higher (negative: lower)."""
        return Key((self.tonic + semitones) % 12, self.mode)
