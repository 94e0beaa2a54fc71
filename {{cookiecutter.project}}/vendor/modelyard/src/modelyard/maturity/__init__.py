"""How mature the project's practice is, by what its runs have left."""
