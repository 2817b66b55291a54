"""What servers of a test spare that need no good writer: each of the two takes two seconds of a core at a start.

Not here: tests of the writer, which has both.
"""

import numpy as np

from delegates.embedded.library_model import LibraryModel, idiom_model


def put_small_library(folder):
    """Puts one of a few idioms into the folder of writers, where a server finds it counted."""
    folder.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(LibraryModel(folder).path, allow_pickle=False, **idiom_model().arrays())


def start_no_jedi(jedi_process):
    """In place of `JediProcess.start`: as where jedi is not installed."""
