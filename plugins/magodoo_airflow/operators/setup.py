"""Draft the settings of an instance from both systems, with the draft in the log."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowFailException

from magodoo_airflow.retries import STEP_RETRIES


class SetupOperator(BaseOperator):
    """Read both systems and return a draft of the settings; an instance that the settings have gets only what is new.

    :param instance: id of the instance (templated)
    :param magento_connection, odoo_connection: ids of the Airflow connections (templated)
    :param books_from: first local day of orders that are kept (templated)
    :param time_zone: IANA name (templated)

    Nothing is written to either system. The draft is written beside the settings file where that is possible and nothing is there yet.
    """

    template_fields: Sequence[str] = ("instance", "magento_connection", "odoo_connection", "books_from", "time_zone")
    ui_color = "#eef4fb"

    def __init__(
        self,
        *,
        instance: str,
        magento_connection: str,
        odoo_connection: str,
        books_from: str,
        time_zone: str,
        **kwargs: Any,
    ) -> None:
        super().__init__(**STEP_RETRIES | kwargs)
        self.instance, self.books_from, self.time_zone = instance, books_from, time_zone
        self.magento_connection, self.odoo_connection = magento_connection, odoo_connection

    def execute(self, context: Any) -> str:
        """Return the draft, or the lines that are new. Raises AirflowFailException for a form that cannot be used and for what a person mends."""
        from airflow.sdk.exceptions import AirflowException

        from magodoo.discovery.draft import Answers
        from magodoo.errors import FixConfiguration, MagodooError
        from magodoo.settings.read import settings_file
        from magodoo_airflow import init
        from magodoo_airflow.hooks.magento import MagentoHook
        from magodoo_airflow.hooks.odoo import OdooHook

        file = settings_file()
        try:
            known = init.known_instance(file, self.instance)
            answers = Answers(
                self.instance,
                self.magento_connection,
                self.odoo_connection,
                init.cut_over(self.books_from),
                init.zone(self.time_zone),
            )
            company = {"company_id": known.odoo.company_id} if known else {}
            with (
                MagentoHook(self.magento_connection).get_conn() as magento,
                OdooHook(self.odoo_connection, **company).get_conn() as odoo,
            ):
                look = init.look(magento, odoo, answers, known)
        except (AirflowException, FixConfiguration) as problem:
            raise AirflowFailException(str(problem)) from problem
        text = look.news(known, file) if known else look.draft()
        self.log.info("[%s]\n%s", self.instance, text)
        if not known:
            beside = file.with_name(f"{file.stem}.{self.instance}.yaml")
            try:
                init.write_new(beside, text)
                self.log.info("[%s] the draft is in %s", self.instance, beside)
            except MagodooError as problem:
                self.log.warning("[%s] the draft is only here: %s", self.instance, problem)
        return text
