"""What any training run needs around learning: its folder, settings, signals, observers."""
