"""One module a noun."""

from __future__ import annotations

from api.routes import collector, consumption, institutions, session

NOUNS = (session.router, session.pages, institutions.router, consumption.router, collector.router)
"""Every router of the API."""
