"""Who may ask the service: keys and OIDC tokens."""
