"""What pieces are called: printable, and no two alike."""

import unicodedata
from collections.abc import Callable, Iterable

# control characters, halves of characters (bytes of a name that are no text), line separators
_UNPRINTABLE = frozenset({"Cc", "Cs", "Zl", "Zp"})


def printable(name: str) -> str:
    r"""The name with everything that no terminal and no JSON file should hold written out.

    Args:
        name: As the file system gives it: bytes that are no text are lone surrogates in it.

    >>> printable("caf\udce9\n.mid")
    'caf\\udce9\\n.mid'
    """
    return "".join(
        character.encode("unicode_escape").decode("ascii")
        if unicodedata.category(character) in _UNPRINTABLE
        else character
        for character in name
    )


def numbered(names: Iterable[str], same: Callable[[str], str] = str.lower) -> list[str]:
    """Number the second and later of one name.

    Args:
        names: In their order.
        same: Names are one name where this gives the same; default without case, since not every
            file system tells "Reel" from "reel".

    >>> numbered(["reel", "jig", "Reel", "reel-2"])
    ['reel', 'jig', 'Reel-2', 'reel-2-2']
    """
    counts: dict[str, int] = {}
    taken: set[str] = set()
    result = []
    for name in names:
        unique = name
        while same(unique) in taken:
            counts[same(name)] = counts.get(same(name), 1) + 1
            unique = f"{name}-{counts[same(name)]}"
        taken.add(same(unique))
        result.append(unique)
    return result
