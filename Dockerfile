# The product on Airflow's constraints: Python, the pinned packages with their hashes, the project, a user without rights.
# `--target demo` adds the sandbox systems of the demo profile.
FROM python:3.13.15-slim-bookworm@sha256:ed86c82274b3c69b52fb5820f358f0bd7df0b603332063cb5c6e32bd220c3e6e AS base
RUN apt-get update && apt-get install -y --no-install-recommends curl dumb-init && rm -rf /var/lib/apt/lists/*
ENV AIRFLOW_HOME=/opt/airflow PYTHONUNBUFFERED=1
WORKDIR /opt/magodoo
COPY requirements.txt ./
RUN pip install --no-cache-dir --require-hashes -r requirements.txt
# KubernetesExecutor needs more: docker build --build-arg KUBERNETES=1
ARG KUBERNETES=""
COPY deploy deploy
RUN if [ -n "$KUBERNETES" ]; then pip install --no-cache-dir --require-hashes -r deploy/helm/requirements.txt; fi
COPY pyproject.toml setup.py README.md LICENSE ./
COPY include include
COPY plugins plugins
COPY dags dags
RUN pip install --no-cache-dir --no-deps --no-build-isolation -e . \
    && useradd --uid 50000 --gid 0 --home-dir /opt/airflow --create-home airflow \
    && mkdir -p /opt/airflow/logs /opt/magodoo/shared && chown -R airflow:0 /opt/airflow /opt/magodoo/shared \
    && chmod +x deploy/*.sh && ln -s /opt/magodoo/deploy/entrypoint.sh /entrypoint && ln -s /opt/magodoo/deploy/clean-logs.sh /clean-logs
USER airflow
ENTRYPOINT ["dumb-init", "--", "/entrypoint"]
CMD ["version"]

FROM base AS demo
USER root
COPY dev dev
RUN pip install --no-cache-dir --require-hashes -r dev/requirements.txt \
    && pip install --no-cache-dir --no-deps --no-build-isolation -e ./dev
USER airflow

FROM base AS product
