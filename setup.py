"""Where the packages of the wheel are; all else stands in pyproject.toml. The DAG folder is packaged as `magodoo_airflow.dags`."""

from setuptools import find_namespace_packages, setup

FOLDERS = ("include", "plugins")
setup(
    packages=[*(name for folder in FOLDERS for name in find_namespace_packages(folder)), "magodoo_airflow.dags"],
    package_dir={
        "magodoo": "include/magodoo",
        "magodoo_airflow": "plugins/magodoo_airflow",
        "magodoo_airflow.dags": "dags",
    },
)
