#!/usr/bin/env bash
# Deletes task logs by age, again and again. The names of the variables are those of Airflow's Helm chart, which runs /clean-logs.
set -euo pipefail
while true; do
  find "${AIRFLOW_HOME:?}/logs" -type f -mtime "+${AIRFLOW__LOG_RETENTION_DAYS:-15}" -delete
  find "$AIRFLOW_HOME/logs" -mindepth 1 -type d -empty -mtime +1 -delete
  touch "$AIRFLOW_HOME/logs/.cleaned"
  sleep "$((${AIRFLOW__LOG_CLEANUP_FREQUENCY_MINUTES:-15} * 60))"
done
