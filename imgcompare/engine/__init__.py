"""Everything that talks to a container engine; the rest of imgcompare knows only `interface`."""
