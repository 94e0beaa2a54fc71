"""How the report is made: its sections, and how they become Markdown with Mermaid, or HTML with plots."""
