"""The door: files and messages become validated, immutable states and episodes; nothing behind it checks again.

Not here: the parsers themselves (`episodes/`, one module per format), features, rewards.
"""

from __future__ import annotations

from episodes.episode import Agent, Episode, Move, Transition
from episodes.summary import Summary
from errors import InputError
from state import Cursor, Env, Past, State

__all__ = ["Agent", "Cursor", "Env", "Episode", "InputError", "Move", "Past", "State", "Summary", "Transition"]
