"""The text of an ABC file -> its tunes, and the text of a tune -> its voices.

music21 reads tune after tune and drops what fails, and reads a tune of several voices as one voice
after the other wherever their names are declared in its head; so both are taken apart here.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any

from musiclstm.errors import UnreadableFileError
from musiclstm.ingest.problems import Problem
from musiclstm.ingest.report import FileReport, Reading

Stream = Any  # music21 carries no usable types
_FIELD = re.compile(r"(?:[A-Za-z]:|%)")
_VOICE = re.compile(r"V:\s*([^\s\]%]+)([^\]%]*)")
_INLINE_VOICE = re.compile(r"\[(V:[^\]]*)\]")
_VOICE_NAME = re.compile(r"""\b(?:name|nm)\s*=\s*(?:"([^"]*)"|(\S+))""")
_PROGRAM = re.compile(r"(?m)^%%MIDI\s+program\s+(?:\d+\s+)?(\d{1,3})\b")


@dataclass(frozen=True)
class Voice:
    """One voice of a tune.

    Attributes:
        text: A tune with this voice alone.
        name: As declared; may be empty.
        program: General MIDI program, 0-127, as ``%%MIDI program`` says; else the piano.
    """

    text: str
    name: str = ""
    program: int = 0


def split_tunes(text: str) -> tuple[str, list[str]]:
    """Split an ABC file into what stands before the first ``X:``, and its tunes."""
    head, *tunes = re.split(r"(?m)^(?=X:)", text)
    return head, tunes


def each_tune(
    tunes: list[str], names: list[str], read: Callable[[str, str], Reading]
) -> Iterator[Reading]:
    """Read each tune as a piece; what cannot be read is skipped alone.

    Args:
        tunes: Their texts.
        names: Their sources.
        read: From text and source to a reading.
    """
    for tune, name in zip(tunes, names, strict=True):
        content_hash = sha256(tune.encode()).hexdigest()
        try:
            reading = read(tune, name)
        except UnreadableFileError as error:
            reading = Reading(FileReport.skipped(name, error))
        except MemoryError:
            raise  # no fault of this tune alone: the whole file is given up
        except Exception as error:  # music21 raises whatever its parser stumbles over
            failed = Problem.BAD_NOTATION.error(type(error).__name__)
            reading = Reading(FileReport.skipped(name, failed))
        yield replace(reading, report=replace(reading.report, content_hash=content_hash))


def heading(tune: str) -> tuple[str, str]:
    r"""Number and title of a tune, fit for a file name.

    >>> heading("X: 7\nT:Paddy O'Rafferty\n")
    ('7', 'paddy-orafferty')
    """
    number = re.match(r"X:\s*(\w+)", tune)
    title = re.search(r"(?m)^T:\s*(.*)", tune)
    words = re.findall(r"[a-z0-9]+", (title[1] if title else "").lower().replace("'", ""))
    return (number[1] if number else "0"), "-".join(words)[:60] or "untitled"


def common_fields(head: str) -> str:
    """What the beginning of a file says for all of its tunes, without the prose around it."""
    return "".join(f"{line}\n" for line in head.splitlines() if _FIELD.match(line))


def without_prose(tune: str) -> tuple[str, int]:
    """Cut a tune off where it ends, at the first empty line after its music.

    Returns:
        The tune, and how many lines of text stood behind it.
    """
    lines = tune.splitlines()
    key = next((index for index, line in enumerate(lines) if line.startswith("K:")), len(lines))
    music = False
    for index in range(key + 1, len(lines)):
        if music and not lines[index].strip():
            return "\n".join(lines[:index]) + "\n", sum(bool(x.strip()) for x in lines[index:])
        music |= bool(lines[index].strip()) and not _FIELD.match(lines[index])
    return tune, 0


def with_note_length(tune: str) -> str:
    r"""Say what ABC means where it says nothing: without length and meter, a note is an eighth.

    Source: the ABC music standard 2.1, section 3.1.7.

    >>> with_note_length("X:1\nK:C\nCDEF|\n").splitlines()
    ['X:1', 'L:1/8', 'K:C', 'CDEF|']
    """
    head = tune.partition("\nK:")[0]
    if re.search(r"(?m)^[LM]:\s*\S", head):
        return tune
    return re.sub(r"(?m)^K:", "L:1/8\nK:", tune, count=1)


def voices_of(tune: str) -> list[Voice]:
    """Take a tune apart into its voices, in the order in which they are declared or appear."""
    program = _PROGRAM.search(tune)
    alone = Voice(tune, program=_legal(program))
    lines = tune.splitlines()
    key = next((index for index, line in enumerate(lines) if line.startswith("K:")), None)
    if key is None or not re.search(r"(?m)^V:|\[V:", tune):
        return [alone]
    head, body = lines[: key + 1], lines[key + 1 :]
    names: dict[str, str] = {}
    for declared in re.findall(r"(?m)^V:.*|\[V:[^\]]*\]", tune):
        match = _VOICE.search(declared)
        if match is not None and match[1] != "*":
            names[match[1]] = names.get(match[1]) or _name(match)
    if not names:
        return [alone]
    music = _music(body, list(names))
    fields = "\n".join(line for line in head if not line.startswith("V:"))
    return [
        Voice(f"{fields}\n{text}", names[voice], _legal(_PROGRAM.search(text) or program))
        for voice, text in music.items()
        if re.search(r"(?m)^(?![A-Za-z]:|%)\s*\S", text)
    ]


def _music(body: list[str], voices: list[str]) -> dict[str, str]:
    """The lines of each voice."""
    music: dict[str, list[str]] = {voice: [] for voice in voices}
    current: str | None = None
    for line in body:
        if re.match(r"[wWs]:", line):  # words and symbols belong under the music
            continue
        if line.startswith("V:"):
            match = _VOICE.match(line)
            current = match[1] if match is not None and match[1] in music else None
        elif _FIELD.match(line):
            for every in [current] if current is not None else voices:
                music[every].append(line)
        else:
            # split by inline voices: music, declaration, music, ...
            first, *rest = _INLINE_VOICE.split(line)
            pieces = [(current, first)]
            for declared, text in zip(rest[::2], rest[1::2], strict=True):
                match = _VOICE.match(declared)
                current = match[1] if match is not None and match[1] in music else None
                pieces.append((current, text))
            for voice, text in pieces:
                if text.strip():
                    music[voice or voices[0]].append(text)
    return {voice: "\n".join(of_voice) + "\n" for voice, of_voice in music.items()}


def _name(match: re.Match[str]) -> str:
    """The name in a declaration, else its sign where that is no number."""
    name = _VOICE_NAME.search(match[2])
    if name is not None:
        return " ".join((name[1] or name[2] or "").replace("\\n", " ").split())
    return "" if match[1].isdigit() else match[1]


def _legal(program: re.Match[str] | None) -> int:
    return int(program[1]) if program is not None and int(program[1]) <= 127 else 0


def drop_invented_meters(part: Stream, text: str) -> None:
    """Remove the meters that music21 makes for bars that do not add up.

    Args:
        part: The parsed voice.
        text: What it was parsed from: where more than one meter is written, all are kept.
    """
    if len(re.findall(r"(?m)^M:|\[M:", text)) == 1:
        for signature in list(part.recurse().getElementsByClass("TimeSignature"))[1:]:
            if signature.activeSite is not None:
                signature.activeSite.remove(signature)
