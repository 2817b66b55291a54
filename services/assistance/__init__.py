"""Help: from the file and the person's state to the text that is shown."""
