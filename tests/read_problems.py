"""Reads the built-in problems once for all processes that `warm_python` starts, which have them from it."""

from judge.problems.catalogue import catalogue

catalogue()
