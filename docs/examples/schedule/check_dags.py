"""Parses the DAGs of a folder with Airflow, and runs the one that needs no cluster."""

import json
import sys
from datetime import datetime, timezone

from airflow.dag_processing.dagbag import DagBag

AS_OF = datetime(2026, 11, 2, 0, 5, tzinfo=timezone.utc)

bag = DagBag(dag_folder=sys.argv[1])
if bag.import_errors:
    sys.exit(f"import errors: {bag.import_errors}")
if sorted(bag.dags) != ["assay", "assay_kubernetes"]:
    sys.exit(f"DAGs: {sorted(bag.dags)}")
for dag in bag.dags.values():
    task = dag.get_task("run")
    assert dag.max_active_runs == 1 and not dag.catchup, dag.dag_id
    assert task.retries == 2, dag.dag_id
assert bag.dags["assay"].get_task("run").skip_on_exit_code == [99]

# The pod's arguments, as Airflow renders them.
pod = bag.dags["assay_kubernetes"].get_task("run")
pod.render_template_fields({"data_interval_end": AS_OF, "ts": AS_OF.isoformat()})
assert "2026-11-02T00:05:00+00:00" in pod.arguments, pod.arguments

bag.dags["assay"].get_task("run").retries = 0  # what fails fails at once
run = bag.dags["assay"].test(logical_date=AS_OF)
if str(run.state) not in ("success", "DagRunState.SUCCESS"):
    sys.exit(f"the run ended as {run.state}")
told = run.get_task_instance("run").xcom_pull(task_ids="run", run_id=run.run_id)
summary = told if isinstance(told, dict) else json.loads(told)
assert summary["exit"] == 0 and summary["results"][0]["asOf"] == "2026-11-02T00:05:00Z", summary
