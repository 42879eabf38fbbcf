#!/usr/bin/env bash
# What Airflow's own image does, and its Helm chart counts on: a program is run as it is, anything else is a command of airflow.
set -euo pipefail
case "${1:-}" in
  airflow | bash | sh | python | /*) exec "$@" ;;
  *) exec airflow "$@" ;;
esac
