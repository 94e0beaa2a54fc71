"""The online store: features with history by entity and time, for rows that do not carry them."""
