"""imgcompare's own engine: started where no other answers, with base images made from packages."""
