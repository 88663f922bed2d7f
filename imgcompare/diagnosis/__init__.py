"""Why a variant does not work: each module looks for one kind of cause; ``causes`` has them all, in order."""
