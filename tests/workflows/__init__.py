"""The workflows of a generated project, run on a local GitHub."""
