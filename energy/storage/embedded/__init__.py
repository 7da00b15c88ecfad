"""The embedded store: two SQLite files in the home folder, no server to install."""

from energy.storage.embedded.store import EmbeddedStore

__all__ = ["EmbeddedStore"]
