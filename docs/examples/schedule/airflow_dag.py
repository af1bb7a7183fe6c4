"""assay as an Airflow task, for Airflow 3 on machines that have the binary.

A task that is tried again looks as of the same instant: a look that is already in
the ledger is shown from there, and nothing is sent twice. assay never exits with
99, which a BashOperator would take for "skip".
"""

from datetime import datetime, timedelta, timezone

from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG

with DAG(
    dag_id="assay",
    schedule="5 * * * *",
    start_date=datetime(2026, 11, 1, tzinfo=timezone.utc),
    catchup=False,
    max_active_runs=1,
    dagrun_timeout=timedelta(hours=2),
    default_args={"retries": 2, "retry_delay": timedelta(minutes=5)},
    tags=["assay"],
):
    BashOperator(
        task_id="run",
        # The line that -o json writes last is the task's XCom.
        bash_command=(
            "assay run --project /srv/assay --as-of {{ data_interval_end | ts }} "
            "--log-format json -o json"
        ),
        append_env=True,
        execution_timeout=timedelta(minutes=50),
    )
