"""The person's own files and settings."""
