"""A run from its plan to its report; `pipeline` tells the story."""
