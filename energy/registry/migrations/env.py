"""Runs the migrations on the connection that `energy.registry.migrate` hands over, inside its transaction."""

from __future__ import annotations

from alembic import context

from energy.registry import account_tables, breakdown_tables, decision_tables, task_tables  # noqa: F401  (their tables join the metadata)
from energy.registry.tables import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    render_as_batch=True,  # SQLite cannot alter a column in place
    transactional_ddl=True,
)
context.run_migrations()
