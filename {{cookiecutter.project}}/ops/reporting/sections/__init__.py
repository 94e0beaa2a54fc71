"""The parts of a report, each a function from the evidence to its sections."""
