"""The verbs, one module a family. Imports of heavy parts happen inside a verb, so that `--help` is quick."""
