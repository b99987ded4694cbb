"""The first tables.

What a revision creates is spelled out here, not taken from `pipelines/storage/tables.py`: that file
goes on changing, this one never does.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
EXTERNAL_ID = sa.String(256).with_variant(sa.String(256, collation="C"), "postgresql")
TIME = sa.BigInteger()  # microseconds since 1970-01-01T00:00:00Z
TABLES = ("users", "items", "interactions", "runs", "artifacts", "embeddings", "imports")


def upgrade() -> None:
    create_users()
    create_items()
    create_interactions()
    create_runs()
    create_artifacts()
    create_embeddings()
    create_imports()


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)


def create_users() -> None:
    op.create_table(
        "users",
        sa.Column("user_key", KEY, nullable=False),
        sa.Column("user_id", EXTERNAL_ID, nullable=False),
        sa.Column("attributes", sa.JSON(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("updated_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("user_key", name="pk_users"),
        sa.UniqueConstraint("user_id", name="uq_users_user_id"),
    )


def create_items() -> None:
    op.create_table(
        "items",
        sa.Column("item_key", KEY, nullable=False),
        sa.Column("item_id", EXTERNAL_ID, nullable=False),
        sa.Column("title", sa.Text(), nullable=True),
        sa.Column("categories", sa.JSON(), nullable=False),
        sa.Column("attributes", sa.JSON(), nullable=False),
        sa.Column("image_digest", sa.String(64), nullable=True),
        sa.Column("hidden", sa.Boolean(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("updated_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("item_key", name="pk_items"),
        sa.UniqueConstraint("item_id", name="uq_items_item_id"),
    )


def create_interactions() -> None:
    op.create_table(
        "interactions",
        sa.Column("user_key", KEY, nullable=False),
        sa.Column("item_key", KEY, nullable=False),
        sa.Column("action", sa.String(64), nullable=False),
        sa.Column("occurred_at", TIME, nullable=False),
        sa.Column("weight", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint(
            "user_key", "item_key", "action", "occurred_at", name="pk_interactions"
        ),
        sa.ForeignKeyConstraint(
            ["user_key"],
            ["users.user_key"],
            name="fk_interactions_user_key_users",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["item_key"],
            ["items.item_key"],
            name="fk_interactions_item_key_items",
            ondelete="CASCADE",
        ),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_interactions_item_key", "interactions", ["item_key"])


def create_runs() -> None:
    op.create_table(
        "runs",
        sa.Column("run_key", KEY, nullable=False),
        sa.Column("run_id", EXTERNAL_ID, nullable=False),
        sa.Column("config", sa.String(256), nullable=False),
        sa.Column("settings", sa.JSON(), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("phase", sa.String(64), nullable=True),
        sa.Column("progress", sa.JSON(), nullable=True),
        sa.Column("metrics", sa.JSON(), nullable=True),
        sa.Column("verdict", sa.JSON(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("artifact_id", EXTERNAL_ID, nullable=True),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("started_at", TIME, nullable=True),
        sa.Column("finished_at", TIME, nullable=True),
        sa.PrimaryKeyConstraint("run_key", name="pk_runs"),
        sa.UniqueConstraint("run_id", name="uq_runs_run_id"),
        sa.CheckConstraint(
            "status IN ('queued', 'running', 'finished', 'failed', 'cancelled')",
            name="ck_runs_status",
        ),
    )


def create_artifacts() -> None:
    op.create_table(
        "artifacts",
        sa.Column("artifact_key", KEY, nullable=False),
        sa.Column("artifact_id", EXTERNAL_ID, nullable=False),
        sa.Column("kind", sa.String(64), nullable=False),
        sa.Column("config", sa.String(256), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("manifest", sa.JSON(), nullable=False),
        sa.Column("run_id", EXTERNAL_ID, nullable=True),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("promoted_at", TIME, nullable=True),
        sa.PrimaryKeyConstraint("artifact_key", name="pk_artifacts"),
        sa.UniqueConstraint("artifact_id", name="uq_artifacts_artifact_id"),
        sa.CheckConstraint(
            "status IN ('candidate', 'active', 'rejected', 'retired')", name="ck_artifacts_status"
        ),
    )
    active = sa.text("status = 'active'")
    op.create_index(
        "uq_artifacts_active",
        "artifacts",
        ["status"],
        unique=True,
        sqlite_where=active,
        postgresql_where=active,
    )


def create_embeddings() -> None:
    op.create_table(
        "embeddings",
        sa.Column("artifact_key", KEY, nullable=False),
        sa.Column("item_key", KEY, nullable=False),
        sa.Column("vector", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("artifact_key", "item_key", name="pk_embeddings"),
        sa.ForeignKeyConstraint(
            ["artifact_key"],
            ["artifacts.artifact_key"],
            name="fk_embeddings_artifact_key_artifacts",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["item_key"],
            ["items.item_key"],
            name="fk_embeddings_item_key_items",
            ondelete="CASCADE",
        ),
    )
    op.create_index("ix_embeddings_item_key", "embeddings", ["item_key"])


def create_imports() -> None:
    op.create_table(
        "imports",
        sa.Column("import_key", KEY, nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("new", sa.BigInteger(), nullable=False),
        sa.Column("repeated", sa.BigInteger(), nullable=False),
        sa.Column("replaced", sa.BigInteger(), nullable=False),
        sa.Column("bad", sa.BigInteger(), nullable=False),
        sa.Column("imported_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("import_key", name="pk_imports"),
        sa.UniqueConstraint("digest", name="uq_imports_digest"),
    )
