"""Which engine is used, and what named it."""
