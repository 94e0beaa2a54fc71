"""The model: its contract, its features, its pipeline, and what answers rows with it."""
