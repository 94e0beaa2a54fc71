"""What happens after a release: logs, labels, performance, drift, and the return as a pull request."""
