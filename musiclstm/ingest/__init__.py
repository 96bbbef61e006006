"""A folder of music enters, or the name of a built-in corpus. `Score`s and a report leave."""

from musiclstm.ingest.builtin import BUILTIN, BuiltinCorpus, read_builtin
from musiclstm.ingest.folder import read_folder, read_score
from musiclstm.ingest.handed_in import HandedIn, read_handed_in, texts_of
from musiclstm.ingest.report import Corpus, FileReport, IngestReport
from musiclstm.ingest.settings import IngestSettings

__all__ = [
    "BUILTIN",
    "BuiltinCorpus",
    "Corpus",
    "FileReport",
    "HandedIn",
    "IngestReport",
    "IngestSettings",
    "read_builtin",
    "read_folder",
    "read_handed_in",
    "read_score",
    "texts_of",
]
