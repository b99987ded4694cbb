"""What the watch finds."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
EXTERNAL_ID = sa.String(256).with_variant(sa.String(256, collation="C"), "postgresql")
TIME = sa.BigInteger()  # microseconds since 1970-01-01T00:00:00Z

SUBJECTS = "subject IN ('user', 'item', 'interaction', 'image', 'group', 'row', 'window')"
LABELS = "label IS NULL OR label IN ('right', 'false-alarm')"


def upgrade() -> None:
    op.create_table(
        "anomalies",
        sa.Column("anomaly_key", KEY, nullable=False),
        sa.Column("anomaly_id", EXTERNAL_ID, nullable=False),
        sa.Column("finder", EXTERNAL_ID, nullable=False),
        sa.Column("subject", sa.String(16), nullable=False),
        sa.Column("source", EXTERNAL_ID, nullable=False),
        sa.Column("user_key", KEY, nullable=True),
        sa.Column("item_key", KEY, nullable=True),
        sa.Column("place", sa.JSON(), nullable=True),
        sa.Column("score", sa.Double(), nullable=False),
        sa.Column("p_value", sa.Double(), nullable=False),
        sa.Column("is_anomaly", sa.Boolean(), nullable=False),
        sa.Column("contributions", sa.JSON(), nullable=False),
        sa.Column("run_id", EXTERNAL_ID, nullable=True),
        sa.Column("found_at", TIME, nullable=False),
        sa.Column("label", sa.String(16), nullable=True),
        sa.Column("labelled_at", TIME, nullable=True),
        sa.PrimaryKeyConstraint("anomaly_key", name="pk_anomalies"),
        sa.UniqueConstraint("anomaly_id", name="uq_anomalies_anomaly_id"),
        sa.ForeignKeyConstraint(
            ["user_key"],
            ["users.user_key"],
            name="fk_anomalies_user_key_users",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["item_key"],
            ["items.item_key"],
            name="fk_anomalies_item_key_items",
            ondelete="CASCADE",
        ),
        sa.CheckConstraint(SUBJECTS, name="ck_anomalies_subject"),
        sa.CheckConstraint(LABELS, name="ck_anomalies_label"),
    )
    for columns in (["p_value", "score", "anomaly_id"], ["finder", "subject"]):
        op.create_index(f"ix_anomalies_{'_'.join(columns)}", "anomalies", columns)
    for column in ("user_key", "item_key"):
        op.create_index(f"ix_anomalies_{column}", "anomalies", [column])


def downgrade() -> None:
    op.drop_table("anomalies")
