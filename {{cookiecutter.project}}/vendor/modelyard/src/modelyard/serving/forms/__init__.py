"""The forms of a request's body, and how they are read."""
