"""What is in an image: its file system, packages, waste, and how it differs from another."""
