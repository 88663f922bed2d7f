"""Making a machine ready, and saying what on it is not."""
