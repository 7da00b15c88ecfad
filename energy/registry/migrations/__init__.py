"""Alembic migrations of the registry, run by `energy.registry.migrate`."""
