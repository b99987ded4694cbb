"""Detectors over series that are sent, and over what users did in time order."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

# Revision 0008 gave it a name to which the prefix of the convention was put again.
FORMER_NAME = "ck_detectors_ck_detectors_over"
NAME = "ck_detectors_over"
FORMER = "over IN ('table', 'users', 'items', 'images')"
OVER = "over IN ('table', 'users', 'items', 'images', 'series', 'sequences')"


def upgrade() -> None:
    _replace(FORMER_NAME, NAME, OVER)


def downgrade() -> None:
    op.execute(sa.text("DELETE FROM detectors WHERE over IN ('series', 'sequences')"))
    _replace(NAME, FORMER_NAME, FORMER)


def _replace(name: str, new_name: str, condition: str) -> None:
    with op.batch_alter_table("detectors") as detectors:
        detectors.drop_constraint(op.f(name), type_="check")
        detectors.create_check_constraint(op.f(new_name), condition)
