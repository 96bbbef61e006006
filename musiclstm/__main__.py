"""``python -m musiclstm`` is ``musiclstm``."""

from musiclstm.cli import main

if __name__ == "__main__":
    main(prog_name="musiclstm")
