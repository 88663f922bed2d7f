"""imgcompare for Python programs and tests: what the package itself exports, and a plugin for pytest."""
