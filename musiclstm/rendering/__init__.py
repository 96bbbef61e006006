"""A `Score` enters, and a place to write to. A file that people can play, see or print leaves.

Importing this package loads neither pretty_midi nor matplotlib: `write_midi` brings in the one and
the pictures the other, when they are called.
"""

from musiclstm.rendering.midi import midi_bytes, write_midi
from musiclstm.rendering.overview import Overview, draw_overview
from musiclstm.rendering.pianoroll import draw_piano_roll

__all__ = ["Overview", "draw_overview", "draw_piano_roll", "midi_bytes", "write_midi"]
