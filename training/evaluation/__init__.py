"""Measuring models on held-out sessions, and deciding which to use."""
