"""Teaching with imgcompare: exercises, and what a room without a network needs."""
