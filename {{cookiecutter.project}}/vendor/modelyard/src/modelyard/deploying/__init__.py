"""How `ops deploy` brings a version to a host, tries it on live requests, and promotes it or rolls it back."""
