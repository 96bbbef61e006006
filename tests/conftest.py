"""No test may fail because the machine is busy: hypothesis' deadlines are off everywhere."""

from hypothesis import settings

settings.register_profile("musiclstm", deadline=None)
settings.load_profile("musiclstm")
