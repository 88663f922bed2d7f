"""The terminal: what it can show, progress, signals."""
