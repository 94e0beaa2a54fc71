"""A stage on a Docker host: containers that compose keeps, behind HAProxy."""
