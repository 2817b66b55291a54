"""What every entry point shares: its command line, exit codes and signals."""
