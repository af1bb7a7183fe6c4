"""assay as an Airflow task, for Airflow 3, in a pod of its own.

The ledger is on the volume of the claim: it is what assay remembers. A pod that is
stopped has its grace to end cleanly, and the next try goes on from the ledger.
"""

from datetime import datetime, timedelta, timezone

from airflow.providers.cncf.kubernetes.operators.pod import KubernetesPodOperator
from airflow.sdk import DAG
from kubernetes.client import models as k8s

with DAG(
    dag_id="assay_kubernetes",
    schedule="5 * * * *",
    start_date=datetime(2026, 11, 1, tzinfo=timezone.utc),
    catchup=False,
    max_active_runs=1,
    dagrun_timeout=timedelta(hours=2),
    default_args={"retries": 2, "retry_delay": timedelta(minutes=5)},
    tags=["assay"],
):
    KubernetesPodOperator(
        task_id="run",
        name="assay",
        image="assay:1.0.0",
        arguments=[
            "run",
            "--project",
            "/srv/assay",
            "--as-of",
            "{{ data_interval_end | ts }}",
            "--log-format",
            "json",
        ],
        env_from=[k8s.V1EnvFromSource(secret_ref=k8s.V1SecretEnvSource(name="assay"))],
        volumes=[
            k8s.V1Volume(
                name="project",
                persistent_volume_claim=k8s.V1PersistentVolumeClaimVolumeSource(claim_name="assay"),
            ),
        ],
        volume_mounts=[k8s.V1VolumeMount(name="project", mount_path="/srv/assay")],
        container_resources=k8s.V1ResourceRequirements(
            requests={"cpu": "500m", "memory": "1Gi"}, limits={"memory": "4Gi"}
        ),
        security_context={"runAsNonRoot": True, "runAsUser": 65532, "fsGroup": 65532},
        automount_service_account_token=False,
        termination_grace_period=30,
        on_finish_action="delete_pod",
        get_logs=True,
        execution_timeout=timedelta(minutes=50),
    )
