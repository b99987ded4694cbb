"""Schedules: when runs are asked for."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
EXTERNAL_ID = sa.String(256).with_variant(sa.String(256, collation="C"), "postgresql")
TIME = sa.BigInteger()  # microseconds since 1970-01-01T00:00:00Z


def upgrade() -> None:
    op.create_table(
        "schedules",
        sa.Column("schedule_key", KEY, nullable=False),
        sa.Column("name", EXTERNAL_ID, nullable=False),
        sa.Column("config", sa.String(256), nullable=False),
        sa.Column("cron", sa.String(256), nullable=True),
        sa.Column("timezone", sa.String(64), nullable=True),
        sa.Column("after_interactions", sa.BigInteger(), nullable=True),
        sa.Column("paused", sa.Boolean(), nullable=False),
        sa.Column("due_at", TIME, nullable=True),
        sa.Column("counted", sa.BigInteger(), nullable=True),
        sa.Column("fired_at", TIME, nullable=True),
        sa.Column("run_id", EXTERNAL_ID, nullable=True),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("updated_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("schedule_key", name="pk_schedules"),
        sa.UniqueConstraint("name", name="uq_schedules_name"),
        sa.CheckConstraint(
            "(cron IS NULL) <> (after_interactions IS NULL)", name="ck_schedules_one_trigger"
        ),
    )


def downgrade() -> None:
    op.drop_table("schedules")
