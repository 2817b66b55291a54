"""The command line: what each command reads, shows and prints."""
