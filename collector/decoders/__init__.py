"""One module a payload format: bytes become readings here and nowhere else."""
