"""HTTP: the API and the web console."""
