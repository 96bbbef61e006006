"""The errors that a user can cause.

Every message is one line that names the offending value and says what to do. The command line
prints it after ``Error:`` and exits 1; anything else keeps its traceback, because it is our bug.
"""


class MusicLSTMError(Exception):
    """Something that the user can put right."""


class ScoreError(MusicLSTMError):
    """Numbers that are no music: a pitch of 200, a negative onset, a part that is not there."""


class UnreadableFileError(MusicLSTMError):
    """A music file that cannot be read, with the reason in words.

    Attributes:
        kind: Name of what is wrong, one of :class:`musiclstm.ingest.problems.Problem`.
        fix: What the user can do about it, in words.
    """

    def __init__(self, reason: str, *, kind: str = "", fix: str = "") -> None:
        super().__init__(reason)
        self.kind = kind
        self.fix = fix


class EncodingError(MusicLSTMError):
    """A score that this vocabulary cannot express, or rows that are no score."""


class BundleError(MusicLSTMError):
    """A model folder that is missing, damaged, or not ours."""


class RequestError(MusicLSTMError):
    """A wish that the model cannot meet: an unknown key, an unknown style, no bars at all."""


class TrainingError(MusicLSTMError):
    """Training that cannot begin or go on: too little data, a folder in use, a changed corpus."""
