"""Whose sessions models learned from (`trained_on` in their meta), and where such models lie. Not here: the files."""

from __future__ import annotations

NOTHING = "nothing"
"""Models that no phase has trained. They replace no others."""

NOT_A_PERSON = ("samples", "scripted", NOTHING)
"""Kinds of sessions whose models never replace a person's. Imported models count as a person's."""

IMPORTED = "imported"
"""Models of the existing system, which say nothing about whom they learned from."""
