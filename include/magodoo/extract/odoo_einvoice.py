"""Read the answer of the authority or network that a document was sent to, in whatever module of Odoo stores it.

Odoo has no common field: each country's module, and the common ones for formats and Peppol, keep a state of their
own.
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping

from magodoo.characters import visible
from magodoo.domain.states import OdooMoveState
from magodoo.extract import fields
from magodoo.extract.details import Details
from magodoo.extract.fields import Row

REJECTED: Mapping[str, tuple[str, ...]] = {
    # field of account.move: values that mean that it was refused (Odoo 17 to 19; the last are Enterprise's)
    "edi_blocking_level": ("error",),
    "peppol_move_state": ("error",),
    "nemhandel_move_state": ("error",),
    "l10n_it_edi_state": ("rejected", "rejected_by_pa_partner"),
    "l10n_es_edi_verifactu_state": ("rejected",),
    "l10n_hu_edi_state": ("rejected",),
    "l10n_ro_edi_state": ("invoice_refused",),
    "l10n_pl_edi_status": ("rejected",),
    "l10n_my_edi_state": ("rejected", "invalid"),
    "l10n_rs_edi_state": ("sending_failed",),
    "l10n_tr_nilvera_send_status": ("error",),
    "l10n_tw_edi_state": ("invalid",),
    "l10n_hr_business_document_status": ("1",),
    "l10n_hr_mer_document_status": ("50",),
    "l10n_cl_dte_status": ("rejected", "objected"),
    "l10n_co_dian_state": ("invoice_rejected", "invoice_sending_failed"),
    "l10n_br_last_edi_status": ("error",),
    "l10n_uy_edi_cfe_state": ("rejected", "error"),
    "l10n_ar_afip_result": ("R",),
}
REASONS = ("edi_error_message", "l10n_it_edi_header")
"""Fields that hold what was answered, as HTML."""
_TAG = re.compile(r"<[^>]*>")


def rejection(row: Row) -> Details:
    """Return `einvoice_rejected`, the state and the answer, of a posted document that was refused; {} for others."""
    if row.get("state") != OdooMoveState.POSTED:
        return {}
    found = [name for name, refused in REJECTED.items() if fields.words(row, name, fields.LONGEST_KEY) in refused]
    if not found:
        return {}
    answer = next((text for name in REASONS if (text := _plain(fields.words(row, name) or ""))), "")
    return {"einvoice_rejected": f"{found[0]} {fields.words(row, found[0])}{f': {answer}' if answer else ''}"}


def _plain(text: str) -> str:
    """Return the words of an HTML text on one line. An entity may stand for a character that nobody sees."""
    return " ".join(visible(html.unescape(_TAG.sub(" ", text))).split())[:500]
