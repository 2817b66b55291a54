"""Who writes the assistant's text, and what a writer may learn from."""
