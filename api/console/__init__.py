"""The web console: pages people act on."""
