"""Notation files made of a few words: MusicXML, packed or not."""

import io
import zipfile

CONTAINER = "<container><rootfiles><rootfile full-path='{}'/></rootfiles></container>"


def note(step="C", octave=4, duration=2, more=""):
    """A note; a quarter lasts 2."""
    return (
        f"<note><pitch><step>{step}</step><octave>{octave}</octave></pitch>"
        f"<duration>{duration}</duration>{more}</note>"
    )


def attributes(beats=4, more=""):
    return (
        f"<attributes><divisions>2</divisions><time><beats>{beats}</beats>"
        f"<beat-type>4</beat-type></time>{more}</attributes>"
    )


def musicxml(*parts, doctype=""):
    """MusicXML of parts, each ``(name, measures, rest of its score-part)``."""
    named = "".join(
        f"<score-part id='P{n}'><part-name>{name}</part-name>{''.join(more)}</score-part>"
        for n, (name, _, *more) in enumerate(parts)
    )
    bodies = "".join(
        f"<part id='P{n}'>"
        + "".join(f"<measure number='{m}'>{body}</measure>" for m, body in enumerate(measures, 1))
        + "</part>"
        for n, (_, measures, *_) in enumerate(parts)
    )
    return (
        f"<?xml version='1.0' encoding='UTF-8'?>{doctype}<score-partwise version='3.1'>"
        f"<part-list>{named}</part-list>{bodies}</score-partwise>"
    ).encode()


FLUTE = musicxml(("Flute", [attributes() + note("C", 5, 8)]))


def packed(members, compression=zipfile.ZIP_DEFLATED):
    """A zip archive of names and contents."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return out.getvalue()


def mxl(score, name="score.xml"):
    return packed({"META-INF/container.xml": CONTAINER.format(name), name: score})
