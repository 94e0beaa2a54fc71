"""What talks to GitHub: standard library only, so that it runs with a bare Python from a checkout of main."""
