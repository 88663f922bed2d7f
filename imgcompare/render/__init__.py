"""Reports, and what single commands show, as text; `registry` has the formats of a report."""
