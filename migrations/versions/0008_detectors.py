"""Detectors, and the tables that some are still to be fitted to."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
EXTERNAL_ID = sa.String(256).with_variant(sa.String(256, collation="C"), "postgresql")
TIME = sa.BigInteger()  # microseconds since 1970-01-01T00:00:00Z


def upgrade() -> None:
    op.create_table(
        "detectors",
        sa.Column("detector_key", KEY, nullable=False),
        sa.Column("detector_id", EXTERNAL_ID, nullable=False),
        sa.Column("over", sa.String(16), nullable=False),
        sa.Column("settings", sa.JSON(), nullable=False),
        sa.Column("manifest", sa.JSON(), nullable=True),
        sa.Column("run_id", EXTERNAL_ID, nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("fitted_at", TIME, nullable=True),
        sa.PrimaryKeyConstraint("detector_key", name="pk_detectors"),
        sa.UniqueConstraint("detector_id", name="uq_detectors_detector_id"),
        sa.CheckConstraint(
            "over IN ('table', 'users', 'items', 'images')", name="ck_detectors_over"
        ),
    )
    op.create_table(
        "detector_tables",
        sa.Column("detector_key", KEY, nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("detector_key", name="pk_detector_tables"),
        sa.ForeignKeyConstraint(
            ["detector_key"],
            ["detectors.detector_key"],
            name="fk_detector_tables_detector_key_detectors",
            ondelete="CASCADE",
        ),
    )


def downgrade() -> None:
    op.drop_table("detector_tables")
    op.drop_table("detectors")
