#!/usr/bin/env bash
# Runs once before the other services start, and at every upgrade: migrates both databases, creates the pools and the first login.
set -euo pipefail
if [ -n "${MAGODOO_DEMO_ORDERS:-}" ] && [ ! -e "$MAGODOO_SETTINGS" ]; then
  python -m magodoo_sandbox.seed --folder "$(dirname "$MAGODOO_SETTINGS")" --orders "$MAGODOO_DEMO_ORDERS"
fi
airflow db migrate
airflow fab-db migrate
python -m magodoo_airflow.migrate
airflow pools import "$(dirname "$0")/pools.json"
if ! airflow users list --output plain | awk '{print $2}' | grep -qx admin; then
  # no argument, as those of a process are no secret: Airflow asks for it twice, and without a terminal it reads
  printf '%s\n' "$ADMIN_PASSWORD" "$ADMIN_PASSWORD" |
    setsid --wait airflow users create --role Admin --username admin --firstname Ad --lastname Min --email admin@example.com
fi
