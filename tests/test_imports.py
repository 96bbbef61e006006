"""What must not be loaded: TensorFlow takes seconds, and music needs none of it to be made."""

import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

import musiclstm

HEAVY = ("tensorflow", "keras", "music21", "matplotlib", "pretty_midi")
MAY_LOAD_KERAS = {"training", "lab"}
PACKAGES = sorted(
    module.name
    for module in pkgutil.iter_modules(musiclstm.__path__)
    if module.name not in MAY_LOAD_KERAS and module.name != "__main__"
)
CHORALES = Path(__file__).parents[1] / "trained" / "chorales"


def loaded_after(code, *arguments):
    """Run code in a Python of its own, and return which heavy modules it loaded."""
    report = f"\nimport sys\nprint('loaded', *(n for n in {HEAVY} if n in sys.modules))\n"
    result = subprocess.run(
        [sys.executable, "-c", code + report, *arguments],
        check=False,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout.splitlines()[-1].split()[1:]


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_is_light_until_it_is_used(package):
    assert loaded_after(f"import musiclstm.{package}") == []


def test_this_would_notice():
    assert loaded_after("import pretty_midi") == ["pretty_midi"]


@pytest.mark.skipif(not CHORALES.is_dir(), reason="trained/chorales is not in this checkout")
def test_generating_needs_neither_keras_nor_music21(tmp_path):
    code = "import sys\nfrom musiclstm.cli import main\nmain(sys.argv[1:], standalone_mode=False)\n"
    wish = ["generate", "-m", str(CHORALES), "-o", str(tmp_path), "-n", "1", "--bars", "2", "-q"]
    loaded = loaded_after(code, *wish)
    assert not {"tensorflow", "keras", "music21"} & set(loaded)
    assert list(tmp_path.rglob("*.mid"))
