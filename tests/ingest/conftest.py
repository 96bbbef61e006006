"""MIDI files made of a few numbers, by mido (which reads nothing here that is under test)."""

import io
from pathlib import Path

import mido
import pytest

SHARED_DATA = Path(__file__).resolve().parents[3] / "shared" / "data"


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("MUSICLSTM_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def midi():
    """A function from tracks, lists of ``(tick, message)``, to the bytes of a file."""

    def build(*tracks, ticks_per_beat=480, kind=1):
        file = mido.MidiFile(type=kind, ticks_per_beat=ticks_per_beat)
        for events in tracks:
            track = mido.MidiTrack()
            now = 0
            for tick, message in events:  # in file order, which the test decides
                track.append(message.copy(time=tick - now))
                now = tick
            file.tracks.append(track)
        out = io.BytesIO()
        file.save(file=out)
        return out.getvalue()

    return build


@pytest.fixture
def on():
    return lambda tick, pitch, velocity=80, channel=0: (
        tick,
        mido.Message("note_on", note=pitch, velocity=velocity, channel=channel),
    )


@pytest.fixture
def off():
    return lambda tick, pitch, channel=0: (
        tick,
        mido.Message("note_off", note=pitch, channel=channel),
    )


@pytest.fixture
def pedal():
    return lambda tick, position, channel=0: (
        tick,
        mido.Message("control_change", control=64, value=position, channel=channel),
    )


@pytest.fixture
def program():
    return lambda tick, number, channel=0: (
        tick,
        mido.Message("program_change", program=number, channel=channel),
    )


@pytest.fixture
def meta():
    return lambda tick, kind, **values: (tick, mido.MetaMessage(kind, **values))


@pytest.fixture
def one_note(midi, on, off):
    """The smallest piece there is."""
    return midi([on(0, 60), off(480, 60)])


@pytest.fixture
def shared_data():
    if not SHARED_DATA.is_dir():
        pytest.skip("the music of ../shared/data is not on this machine")
    return SHARED_DATA
