#!/usr/bin/env bash
# As in Airflow's own image, and as its Helm chart expects: a program on PATH is run as it is, anything else is an airflow subcommand.
set -euo pipefail
case "${1:-}" in
  airflow | bash | sh | python | /*) exec "$@" ;;
  *) exec airflow "$@" ;;
esac
