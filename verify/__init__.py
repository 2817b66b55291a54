"""Checks that a fresh machine can run: does this installation compute, learn and remember what it promises?

Not here: tests of single functions (`tests/`), measurements of speed (`benchmarks/`).
"""
