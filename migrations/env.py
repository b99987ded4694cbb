"""What Alembic runs to migrate. Not an entry point: `pipelines/schema.py` hands in the connection.

That connection is in a transaction already, and the one who began it commits.
"""

from alembic import context

from pipelines.storage.watch_tables import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
