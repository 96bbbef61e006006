"""What holds in all tests: no deadlines, sixty examples, and one thread for small products.

No test may fail because the machine is busy; and more threads only wait for each other, so that the
commands that make music take one. It must be said before NumPy is imported.
"""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from hypothesis import settings

settings.register_profile("musiclstm", deadline=None, max_examples=60)
settings.load_profile("musiclstm")
