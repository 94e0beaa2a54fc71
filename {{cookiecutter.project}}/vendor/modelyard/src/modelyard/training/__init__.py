"""Making a model: the stages ingest, train, evaluate and bundle, and their settings."""
