"""The packages of each ecosystem, as its own records tell them: documents → packages with their files."""
