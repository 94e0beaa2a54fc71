"""GitHub: its API, comments and settings, and the steps of workflows. Requires the standard library only."""
