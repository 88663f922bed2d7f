"""What was asked for: flags, environment and files become one Config that leaves no guess."""
