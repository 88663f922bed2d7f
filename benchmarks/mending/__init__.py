"""How many broken Dockerfiles ``imgcompare mend`` mends without a person."""
