"""Which process carries a run out by itself."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("runs", sa.Column("process", sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_column("runs", "process")
