"""The reviewer that serves, reloaded when training has refitted it. Not here: how it judges (`models.reviewer`)."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

from actions import Action, Review
from delegates import Completion
from errors import InputError
from exploration import MODEL as EXPLORATION
from services.learning.current_models import file_stamp
from state import State

if TYPE_CHECKING:
    from models.reviewer import Reviewer

EXPLORING_SHARE = 0.5
"""Share of the texts below the threshold that is shown at least, while exploration decides: what nobody sees teaches
nothing, and a reviewer that knows nothing of the person would leave little to keep or to take back."""


class CurrentReviewer:
    """Decides whether texts are shown, for any number of threads; loads PyTorch with the first one.

    folder: of the models. threshold: least p(kept) that is shown. exploration: share of the others that is shown all
    the same. failure: why the person's own coefficients cannot be read, so that the start's decide; None: they can.
    """

    def __init__(self, folder: Path, *, threshold: float, exploration: float) -> None:
        self.threshold, self.exploration = threshold, exploration
        self.failure: str | None = None
        self.texts = 0
        """Of the person's, that it learned from."""
        self._folder = folder
        self._lock = threading.Lock()
        self._reviewer: Reviewer | None = None
        self._stamp: object = None

    def review(
        self, state: State, after: Sequence[str], action: Action, completion: Completion, generator: Random
    ) -> Review:
        """What it says of a text that `action` put into the file of `state`, so that it has the lines `after`."""
        reviewer = self.current()
        if action.model == EXPLORATION:
            reviewer = replace(reviewer, exploration=max(self.exploration, EXPLORING_SHARE))
        return reviewer.review(state, after, action, completion, generator)

    def current(self) -> Reviewer:
        """The reviewer of the latest training."""
        from models.reviewer import FILE, START, Reviewer, load_coefficients

        with self._lock:
            stamp = file_stamp(self._folder / FILE)
            if self._reviewer is None or stamp != self._stamp:
                coefficients, self.texts, self.failure = START, 0, None
                try:
                    coefficients, self.texts = load_coefficients(self._folder)
                except InputError as error:
                    self.failure = str(error)
                self._reviewer, self._stamp = Reviewer(coefficients, self.threshold, self.exploration), stamp
            return self._reviewer

    @property
    def description(self) -> str:
        """What it does, in a line of words."""
        learned = f", learned from {self.texts} of your texts" if self.texts else ""
        exploration = f", and {self.exploration:.0%} of the others, to learn from" if self.exploration else ""
        return f"shows texts of which it expects you to keep {self.threshold:.0%} or more{exploration}{learned}"
