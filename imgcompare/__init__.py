"""imgcompare proves that the smaller image still works, with numbers that mean the same on every engine."""

__version__ = "0.1.0"
