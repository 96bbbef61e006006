"""The bytes of a MusicXML, ABC or kern file enter, and go through music21. Its pieces leave."""
