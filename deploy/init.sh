#!/usr/bin/env bash
# Once before the rest starts, and at every upgrade: both databases to their newest schema, the pools, the first login.
set -euo pipefail
airflow db migrate
airflow fab-db migrate
python -m magodoo_airflow.migrate
airflow pools import /opt/magodoo/deploy/pools.json
if ! airflow users list | grep -qw admin; then
  airflow users create --role Admin --username admin --firstname Ad --lastname Min --email admin@example.com --password "$ADMIN_PASSWORD"
fi
