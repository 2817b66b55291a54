"""Studies: what is measured in docs/results.md, each a module with a command line."""
