"""Recorded sessions as a person sees them: listed, replayed, excluded, deleted, exported. Not here: HTTP, learning."""
