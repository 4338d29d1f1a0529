"""Alembic's entry: runs the migrations on the connection, and in the transaction, that the store opened for them."""

from alembic import context

from records.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()
