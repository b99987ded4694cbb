"""What labels were given to, weights that came of them, drift, and schedules that wait for it."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
EXTERNAL_ID = sa.String(256).with_variant(sa.String(256, collation="C"), "postgresql")
TIME = sa.BigInteger()  # microseconds since 1970-01-01T00:00:00Z

FORMER_TRIGGER = "(cron IS NULL) <> (after_interactions IS NULL)"
# Revision 0002 gave it a name to which the prefix of the convention was put again.
FORMER_NAME = "ck_schedules_ck_schedules_one_trigger"
ONE_TRIGGER = (
    "(CASE WHEN cron IS NULL THEN 0 ELSE 1 END)"
    " + (CASE WHEN after_interactions IS NULL THEN 0 ELSE 1 END)"
    " + (CASE WHEN on_drift THEN 1 ELSE 0 END) = 1"
)


def upgrade() -> None:
    with op.batch_alter_table("anomalies") as anomalies:
        anomalies.add_column(sa.Column("note", sa.Text(), nullable=True))
        anomalies.add_column(sa.Column("labelled_score", sa.Double(), nullable=True))
        anomalies.add_column(sa.Column("labelled_source", EXTERNAL_ID, nullable=True))
    op.create_table(
        "drifts",
        sa.Column("drift_key", KEY, nullable=False),
        sa.Column("finder", EXTERNAL_ID, nullable=False),
        sa.Column("source", EXTERNAL_ID, nullable=True),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("inputs", sa.JSON(), nullable=False),
        sa.Column("run_id", EXTERNAL_ID, nullable=True),
        sa.Column("measured_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("drift_key", name="pk_drifts"),
        sa.UniqueConstraint("finder", name="uq_drifts_finder"),
        sa.CheckConstraint(
            "status IN ('unknown', 'none', 'drifted')", name=op.f("ck_drifts_status")
        ),
    )
    op.create_table(
        "detector_weights",
        sa.Column("detector_key", KEY, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("weights", sa.JSON(), nullable=False),
        sa.Column("figures", sa.JSON(), nullable=False),
        sa.Column("run_id", EXTERNAL_ID, nullable=False),
        sa.Column("made_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("detector_key", "version", name="pk_detector_weights"),
        sa.ForeignKeyConstraint(
            ["detector_key"],
            ["detectors.detector_key"],
            name="fk_detector_weights_detector_key_detectors",
            ondelete="CASCADE",
        ),
    )
    with op.batch_alter_table("schedules") as schedules:
        schedules.add_column(
            sa.Column("on_drift", sa.Boolean(), nullable=False, server_default=sa.false())
        )
    with op.batch_alter_table("schedules") as schedules:
        schedules.alter_column("on_drift", server_default=None, existing_type=sa.Boolean())
        schedules.drop_constraint(op.f(FORMER_NAME), type_="check")
        schedules.create_check_constraint(op.f("ck_schedules_one_trigger"), ONE_TRIGGER)


def downgrade() -> None:
    op.execute(sa.text("DELETE FROM schedules WHERE on_drift"))
    with op.batch_alter_table("schedules") as schedules:
        schedules.drop_constraint(op.f("ck_schedules_one_trigger"), type_="check")
        schedules.drop_column("on_drift")
        schedules.create_check_constraint(op.f(FORMER_NAME), FORMER_TRIGGER)
    op.drop_table("detector_weights")
    op.drop_table("drifts")
    with op.batch_alter_table("anomalies") as anomalies:
        for column in ("labelled_source", "labelled_score", "note"):
            anomalies.drop_column(column)
