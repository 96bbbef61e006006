"""The bytes of a MIDI file enter, whole or damaged. Its pieces leave, and what was put right."""
