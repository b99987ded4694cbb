"""What the last look compared scores with, so that labels can move its threshold."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

EXTERNAL_ID = sa.String(256).with_variant(sa.String(256, collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "looks",
        sa.Column("finder", EXTERNAL_ID, nullable=False),
        sa.Column("subject", sa.String(16), nullable=False),
        sa.Column("source", EXTERNAL_ID, nullable=False),
        sa.Column("among", sa.Boolean(), nullable=False),
        sa.Column("scores", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("finder", "subject", name="pk_looks"),
    )


def downgrade() -> None:
    op.drop_table("looks")
