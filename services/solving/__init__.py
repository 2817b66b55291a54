"""Runs of a person's code, and what came of their solutions."""
