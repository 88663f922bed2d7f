"""Reading exported images: a strict tar reader, the archive formats, and the cache of what was read."""
