"""Text that is safe to print, quantities as people read them, secrets masked."""
