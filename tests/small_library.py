"""A model of the standard library for servers of a test that need none: it takes two seconds of a core to count."""

import numpy as np

from delegates.embedded.library_model import LibraryModel, idiom_model


def put_small_library(folder):
    """Puts one of a few idioms into the folder of writers, where a server finds it counted."""
    folder.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(LibraryModel(folder).path, allow_pickle=False, **idiom_model().arrays())
