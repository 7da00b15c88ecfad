"""The `jieneng` command: wires the parts."""
