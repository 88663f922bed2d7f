"""What the commands share: the group, options, outputs, completion, and errors as exit codes."""
