"""Damage to bytes, for fuzzing: what transfers, disks and bad writers do to MIDI files.

Every mutant is a function of its source, of one number, and of nothing else, so that a case found
by a long run is made again by a short one.
"""

import struct
from collections.abc import Callable, Sequence

import numpy as np

Mutator = Callable[[bytes, Sequence[bytes], np.random.Generator], bytes]

MAX_MUTATIONS = 6  # a file; more leave nothing that could go wrong in an interesting way
# bytes that mean something: status, running status, meta, end of track, the ends of the ranges
_TELLING = (0x00, 0x7F, 0x80, 0xFF)
_SIGNALS = (b"MTrk", b"MThd", b"\xff\x2f\x00", b"\xff\x51\x03", b"\xf0", b"\xf7", b"\x90", b"\xc0")
_FIELDS = (4, 8, 10, 12, 18)  # header length, type, tracks, division, first track's length


def mutant(sources: Sequence[bytes], seed: int, number: int) -> bytes:
    """Damage one of ``sources``.

    Args:
        sources: Files; one is damaged, and another may lend bytes.
        seed: Of the whole run.
        number: Of this case.
    """
    rng = np.random.default_rng([seed, number])
    data = sources[int(rng.integers(len(sources)))]
    for _ in range(int(rng.integers(1, MAX_MUTATIONS + 1))):
        data = MUTATORS[int(rng.integers(len(MUTATORS)))](data, sources, rng)
    return data


def flip_bits(data: bytes, _: Sequence[bytes], rng: np.random.Generator) -> bytes:
    """Change single bits in one byte in a hundred, at least in one."""
    changed = bytearray(data)
    for place in rng.integers(len(data) or 1, size=1 + len(data) // 100):
        if changed:
            changed[int(place)] ^= 1 << int(rng.integers(8))
    return bytes(changed)


def overwrite(data: bytes, _: Sequence[bytes], rng: np.random.Generator) -> bytes:
    """Replace a byte by any other, or by a telling one."""
    begin, _end = _slice(data, rng, 1)
    value = int(rng.integers(256)) if rng.random() < 0.5 else int(rng.choice(_TELLING))
    return data[:begin] + bytes([value]) + data[begin + 1 :]


def delete(data: bytes, _: Sequence[bytes], rng: np.random.Generator) -> bytes:
    """Lose some bytes."""
    begin, end = _slice(data, rng, 16)
    return data[:begin] + data[end:]


def insert(data: bytes, _: Sequence[bytes], rng: np.random.Generator) -> bytes:
    """Put telling bytes in, one or a row of them."""
    begin, _end = _slice(data, rng, 1)
    value = bytes([int(rng.choice(_TELLING))])
    return data[:begin] + value * int(rng.choice([1, 1, 2, 3, 20])) + data[begin:]


def insert_signal(data: bytes, _: Sequence[bytes], rng: np.random.Generator) -> bytes:
    """Put in what readers look for, where it should not be."""
    begin, _end = _slice(data, rng, 1)
    return data[:begin] + _SIGNALS[int(rng.integers(len(_SIGNALS)))] + data[begin:]


def duplicate(data: bytes, _: Sequence[bytes], rng: np.random.Generator) -> bytes:
    """Say a slice twice or more."""
    begin, end = _slice(data, rng, 64)
    return data[:begin] + data[begin:end] * int(rng.integers(2, 5)) + data[end:]


def splice(data: bytes, others: Sequence[bytes], rng: np.random.Generator) -> bytes:
    """Go on in another file."""
    other = others[int(rng.integers(len(others)))]
    return data[: _slice(data, rng, 1)[0]] + other[_slice(other, rng, 1)[0] :]


def truncate(data: bytes, _: Sequence[bytes], rng: np.random.Generator) -> bytes:
    """Cut the end off."""
    return data[: _slice(data, rng, 1)[0]]


def lie_in_a_field(data: bytes, _: Sequence[bytes], rng: np.random.Generator) -> bytes:
    """Write another number where a length, a type or a division stands."""
    at = int(rng.choice(_FIELDS))
    width = 4 if at in (4, 18) else 2
    value = int(rng.choice([0, 1, 2, 5, 0x7F, 0x8000, 0xE728, 0xFFFF, 2**31, 2**32 - 1]))
    return data[:at] + struct.pack(">I", value)[-width:] + data[at + width :]


MUTATORS: tuple[Mutator, ...] = (
    flip_bits,
    overwrite,
    overwrite,
    delete,
    insert,
    insert,
    insert_signal,
    duplicate,
    splice,
    truncate,
    lie_in_a_field,
)


def _slice(data: bytes, rng: np.random.Generator, longest: int) -> tuple[int, int]:
    begin = int(rng.integers(len(data) + 1))
    return begin, begin + int(rng.integers(1, longest + 1))


# --- small whole files to damage


def midi_file(*tracks: bytes, kind: int = 1, division: int = 480) -> bytes:
    """A MIDI file of the bytes of its tracks."""
    header = b"MThd" + struct.pack(">IHHH", 6, kind, len(tracks), division)
    return header + b"".join(midi_track(track) for track in tracks)


def midi_track(content: bytes) -> bytes:
    """A track chunk."""
    return b"MTrk" + struct.pack(">I", len(content)) + content


END = b"\x00\xff\x2f\x00"


def scale(channel: int = 0, notes: int = 8, first: int = 60) -> bytes:
    """Quarters upwards, at 480 ticks a quarter, each event with its status."""
    on, off = 0x90 | channel, 0x80 | channel
    return b"".join(
        bytes([0, on, first + n, 80, 0x83, 0x60, off, first + n, 64]) for n in range(notes)
    )


def small_files() -> list[bytes]:
    """Files of a few hundred bytes that use everything that MIDI has."""
    conductor = (
        b"\x00\xff\x03\x05Piece\x00\xff\x58\x04\x03\x02\x18\x08\x00\xff\x59\x02\xfe\x01"
        b"\x00\xff\x51\x03\x07\xa1\x20\x83\x60\xff\x51\x03\x06\x1a\x80" + END
    )
    running = b"\x00\xff\x21\x01\x01\x00\x93\x28\x46" + b"".join(
        bytes([0x60, 40 + n, 0, n % 3, 41 + n, 70]) for n in range(20)
    )
    pedal = b"\x00\xb0\x40\x7f" + scale(notes=6) + b"\x00\xb0\x40\x00\x00\xb0\x7b\x00"
    system = b"\x00\xf0\x05\x7e\x7f\x09\x01\xf7" + b"\x00\xe0\x00\x40\x00\xd0\x20\x00\xa0\x3c\x10"
    return [
        midi_file(scale() + END),
        midi_file(conductor, scale(1) + END, b"\x00\xc2\x28" + scale(2, first=48) + END),
        midi_file(running + END, kind=0, division=96),
        midi_file(pedal + END, system + scale(9, first=35) + END),
        midi_file(scale() + END, scale(3) + END, kind=2),
        midi_file(scale() + END, division=0xE728),  # 25 frames a second, 40 ticks each
        midi_file(b"\x00\x90\x3c\x50\x00\x40\x50\x00\x43\x50\x8f\x00\x3c\x00" + END),  # hanging
        midi_file(b"".join(scale(n, notes=2) for n in range(16)) + END),
    ]
