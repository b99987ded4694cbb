"""Images of items, and what an artifact is about: one of each subject may be active."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.BigInteger()  # microseconds since 1970-01-01T00:00:00Z

ACTIVE = sa.text("status = 'active'")
SUBJECTS = "subject IN ('interactions', 'images')"


def upgrade() -> None:
    op.create_table(
        "item_images",
        sa.Column("item_key", KEY, nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("channels", sa.Integer(), nullable=False),
        sa.Column("stored_at", TIME, nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["item_key"],
            ["items.item_key"],
            name="fk_item_images_item_key_items",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("item_key", name="pk_item_images"),
    )
    op.create_index("ix_item_images_stored_at", "item_images", ["stored_at"])
    # All artifacts so far are about interactions.
    with op.batch_alter_table("artifacts") as artifacts:
        artifacts.add_column(
            sa.Column("subject", sa.String(16), nullable=False, server_default="interactions")
        )
    op.drop_index("uq_artifacts_active", "artifacts")
    with op.batch_alter_table("artifacts") as artifacts:
        artifacts.alter_column("subject", server_default=None, existing_type=sa.String(16))
        artifacts.create_check_constraint(op.f("ck_artifacts_subject"), SUBJECTS)
    op.create_index(
        "uq_artifacts_active",
        "artifacts",
        ["subject"],
        unique=True,
        sqlite_where=ACTIVE,
        postgresql_where=ACTIVE,
    )


def downgrade() -> None:
    about_images = "SELECT artifact_key FROM artifacts WHERE subject <> 'interactions'"
    op.execute(f"DELETE FROM embeddings WHERE artifact_key IN ({about_images})")
    op.execute("DELETE FROM artifacts WHERE subject <> 'interactions'")
    op.execute("UPDATE items SET image_digest = NULL")
    op.drop_index("uq_artifacts_active", "artifacts")
    with op.batch_alter_table("artifacts") as artifacts:
        artifacts.drop_constraint(op.f("ck_artifacts_subject"), type_="check")
        artifacts.drop_column("subject")
    op.create_index(
        "uq_artifacts_active",
        "artifacts",
        ["status"],
        unique=True,
        sqlite_where=ACTIVE,
        postgresql_where=ACTIVE,
    )
    op.drop_table("item_images")
