"""Dockerfiles as text: read, variables put in, COPYs understood; what is wrong in one is the builder's to say."""
