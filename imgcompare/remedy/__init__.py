"""Better Dockerfiles: what is broken mended, what is fat made smaller, and both proved before they are shown."""
