"""Features with history: what was known of an entity at the time of each row."""
