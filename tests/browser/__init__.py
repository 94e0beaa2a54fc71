"""A report's comment in a real Chromium with the real Mermaid, as GitHub shows it."""
