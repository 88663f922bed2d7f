"""A project's first config file and CI jobs, written from the Dockerfiles that it has."""
