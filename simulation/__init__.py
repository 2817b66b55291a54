"""Playing: simulated people with goals, who writes the assistant's text, and sessions between them and an assistant."""
