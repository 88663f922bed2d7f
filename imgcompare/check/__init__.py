"""Whether a container does what it should: its route, its HEALTHCHECK, under restrictions."""
