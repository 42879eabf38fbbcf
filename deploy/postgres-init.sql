-- The staging database stands beside Airflow's own on the same server.
create database magodoo;
