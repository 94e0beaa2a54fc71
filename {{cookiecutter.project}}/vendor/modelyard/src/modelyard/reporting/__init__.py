"""The report on a model, as Markdown and HTML."""
