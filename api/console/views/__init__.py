"""One module a noun: what its pages show and what its forms do."""
