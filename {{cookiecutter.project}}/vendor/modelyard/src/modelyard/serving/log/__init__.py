"""What the service records: predictions, metrics and audit."""
