"""The Kafka client: addresses, settings from the environment, and ranges of a topic."""
