"""The lists of what the pipeline found and did: findings, changes, quarantine, runs."""

from __future__ import annotations

from magodoo.decision_log import Decision
from magodoo.domain.kinds import ChangeKind
from magodoo.domain.labels import OWNERS, RUN_OUTCOMES
from magodoo.domain.vocabulary import MATCHED_KINDS, ChangeState, FindingType, Kind, Severity, Side, Verdict
from magodoo_airflow.pages.lists import Column, Filter, Listing, Tab

_KINDS = tuple(kind.value for kind in (*MATCHED_KINDS, Kind.RETURN))

_OUTCOME = f"case r.ok when true then '{RUN_OUTCOMES[True]}' when false then '{RUN_OUTCOMES[False]}' else '{RUN_OUTCOMES[None]}' end"
_CLOSED_UNTIL = "case c.state when 'leased' then c.lease_until when 'uncertain' then c.not_before end"
_STAGES = (
    "magento_extract", "odoo_extract", "reconcile", "quality", "load", "refresh", "backfill", "backfill_chunk",
)  # fmt: skip

FINDINGS = Listing(
    "findings", "Findings",
    table="finding f",
    where="true",
    key=(("f.id", "bigint"),),
    identity=(("f.id", "bigint"),),
    newest=Column("id", "Id", "f.id", "number", required=True),
    instance="f.instance",
    columns=(
        Column("type", "Finding", "f.type", "state", link="row"),
        Column("severity", "Severity", "f.severity", "state"),
        Column("order_number", "Order #", "f.order_number"),
        Column("magento_amount", "Magento amount", "f.magento_amount", "money"),
        Column("odoo_amount", "Odoo amount", "f.odoo_amount", "money"),
        Column("difference", "Difference", "f.difference", "money"),
        Column("first_seen", "Since", "f.first_seen::date", "date", required=True),
        Column("who", "Who acts", "f.who", "state"),
        Column("message", "What", "f.message", sortable=False),
        Column("id", "Id", "f.id", "number", extra=True, required=True),
        Column("age", "Age (days)", "greatest(cast(:now as date) - f.first_seen::date, 0)", "number", extra=True, sortable=False),
        Column("kind", "Document", "f.kind", "state", extra=True),
        Column("magento_number", "In Magento", "f.magento_number", extra=True),
        Column("odoo_number", "In Odoo", "f.odoo_number", extra=True),
        Column("part", "Part", "f.part", extra=True),
        Column("currency", "Currency", "f.currency", extra=True),
        Column("magento_value", "Magento says", "f.magento_value", extra=True),
        Column("odoo_value", "Odoo says", "f.odoo_value", extra=True),
        Column("effect", "Effect", "f.effect", extra=True, sortable=False),
        Column("next_step", "Next step", "f.next_step", extra=True, sortable=False),
        Column("no_change_reason", "Why no change is planned", "f.no_change_reason", extra=True, sortable=False),
        Column("last_seen", "Last seen", "f.last_seen", "moment", extra=True, required=True),
        Column("resolved_at", "Resolved", "f.resolved_at", "moment", extra=True),
        Column("muted_until", "Muted until", "f.muted_until", "moment", extra=True),
        Column("muted_reason", "Muted because", "f.muted_reason", extra=True),
        Column("instance", "Instance", "f.instance", extra=True),
    ),
    filters=(
        Filter("type", "Finding", "f.type = :type", tuple(sorted(one.value for one in FindingType))),
        Filter("severity", "Severity", "f.severity = :severity", tuple(one.value for one in Severity)),
        Filter("kind", "Document", "f.kind = :kind", _KINDS),
        Filter("who", "Who acts", ":who = any(string_to_array(f.who, ', '))", tuple(OWNERS)),
        Filter("since", "Since", "f.first_seen >= cast(:since as date)", type="date"),
        Filter("until", "To", "f.first_seen < cast(:until as date) + 1", type="date"),
    ),
    search="lower(concat_ws(' ', f.order_number, f.magento_number, f.odoo_number, f.message)) like :search",
    placeholder="order or document number, text",
    link="'/finding/' || f.id",
    hint="A difference is Odoo less Magento; days are UTC. A finding that is gone at the next look is resolved by itself.",
    currency="coalesce(f.currency, '')",
    sums=("difference",),
    tabs=(
        Tab("", "Open", "f.resolved_at is null and coalesce(f.muted_until, :now) <= :now and f.severity <> 'info'"),
        Tab("information", "Information", "f.resolved_at is null and coalesce(f.muted_until, :now) <= :now and f.severity = 'info'"),
        Tab("muted", "Muted", "f.resolved_at is null and f.muted_until > :now"),
        Tab("resolved", "Resolved", "f.resolved_at is not null"),
        Tab("all", "All", "true"),
    ),
    address="/findings",
)  # fmt: skip

CHANGES = Listing(
    "changes", "Changes",
    table="change c",
    where="true",
    key=(("c.id", "bigint"),),
    identity=(("c.id", "bigint"),),
    newest=Column("id", "Id", "c.id", "number", required=True),
    instance="c.instance",
    columns=(
        Column("kind", "Change", "c.kind", "state", link="row"),
        Column("order_number", "Order #", "c.order_number"),
        Column("source_number", "For document", "c.source_number"),
        Column("amount", "Amount", "nullif(c.amount, 0)", "money"),
        Column("state", "State", "c.state", "state"),
        Column("verdict", "Gate", "c.verdict", "state"),
        Column("held_by", "Held by", "c.held_by", "state"),
        Column("approval", "Approval", "c.approval", "state"),
        Column("target_number", "Made", "coalesce(c.target_number, c.target_id)"),
        Column("planned_at", "Planned", "c.planned_at", "moment", required=True),
        Column("reason", "Reason", "coalesce(c.reason, c.approval_reason)"),
        Column("id", "Id", "c.id", "number", extra=True, required=True),
        Column("document_kind", "Document", "c.document_kind", "state", extra=True),
        Column("currency", "Currency", "c.currency", extra=True),
        Column("company_amount", "In company currency", "c.company_amount", "number", extra=True),
        Column("approved_by", "Approved by", "c.approved_by", extra=True),
        Column("leased_by", "Worker that holds it", "case when c.state = 'leased' then c.leased_by end", extra=True),
        Column("closed_until", "Held or closed until", _CLOSED_UNTIL, "moment", extra=True),
        Column("attempts", "Attempts", "c.attempts", "number", extra=True),
        Column("finished_at", "Finished", "c.finished_at", "moment", extra=True),
        Column("dag_run", "DAG run", "c.dag_run", extra=True),
        Column("instance", "Instance", "c.instance", extra=True),
    ),
    filters=(
        Filter("kind", "Change", "c.kind = :kind", tuple(one.value for one in ChangeKind)),
        Filter("state", "State", "c.state = :state", tuple(one.value for one in ChangeState)),
        Filter("verdict", "Gate", "c.verdict = :verdict", tuple(Verdict)),
        Filter("since", "Planned from", "c.planned_at >= cast(:since as date)", type="date"),
        Filter("until", "To", "c.planned_at < cast(:until as date) + 1", type="date"),
    ),
    search="lower(concat_ws(' ', c.order_number, c.source_number, c.target_number)) like :search",
    placeholder="order or document number",
    link="'/change/' || c.id",
    hint="Only what the gate released and, beyond the limits, a person approved is written.",
    currency="c.currency",
    sums=("amount",),
    tabs=(
        Tab("", "All", "c.state <> 'superseded'"),
        Tab("waiting", "Waiting for approval", "c.state = 'planned' and c.approval = 'waiting'"),
        Tab("held", "Held by the gate", "c.state in ('planned', 'approved') and c.verdict = 'held'"),
        Tab("held_by_worker", "Held by a worker", "c.state in ('leased', 'uncertain')"),
        Tab("stuck", "Uncertain, failed, refused", "c.state in ('uncertain', 'failed', 'refused')"),
        Tab("done", "Done", "c.state = 'done'"),
        Tab("superseded", "Superseded", "c.state = 'superseded'"),
    ),
    address="/changes",
)  # fmt: skip

QUARANTINE = Listing(
    "quarantine", "Quarantine",
    table="quarantine q",
    where="true",
    key=(("q.id", "bigint"),),
    identity=(("q.id", "bigint"),),
    newest=Column("id", "Id", "q.id", "number", required=True),
    instance="q.instance",
    columns=(
        Column("source_id", "Record", "coalesce(q.number, q.source_id)", link="row"),
        Column("side", "System", "q.side", "state"),
        Column("kind", "Document", "q.kind", "state"),
        Column("reason", "Why it could not be read", "q.reason", sortable=False),
        Column("first_seen", "Since", "q.first_seen", "moment", required=True),
        Column("last_seen", "Last seen", "q.last_seen", "moment", required=True),
        Column("instance", "Instance", "q.instance"),
        Column("resolved_at", "Resolved", "q.resolved_at", "moment", extra=True),
    ),
    filters=(
        Filter("side", "System", "q.side = :side", tuple(Side)),
        Filter("kind", "Document", "q.kind = :kind", _KINDS),
    ),
    search="lower(concat_ws(' ', q.source_id, q.number, q.reason)) like :search",
    placeholder="id, number, reason",
    link="'/quarantine/' || q.id",
    hint="What could not be read is kept here, and read again whenever it changes in its system.",
    tabs=(Tab("", "Open", "q.resolved_at is null"), Tab("all", "All", "true")),
    address="/quarantine",
)  # fmt: skip

RUNS = Listing(
    "runs", "Runs",
    table="run r",
    where="true",
    key=(("r.id", "bigint"),),
    identity=(("r.id", "bigint"),),
    newest=Column("id", "Id", "r.id", "number", required=True),
    instance="r.instance",
    columns=(
        Column("stage", "Stage", "r.stage", "state"),
        Column("ended", "Ended", _OUTCOME, "state"),
        Column("started_at", "Started", "r.started_at", "moment", required=True),
        Column("finished_at", "Finished", "r.finished_at", "moment"),
        Column("counts", "What it did", "r.counts", "counts", sortable=False),
        Column("message", "Message", "r.message", sortable=False),
        Column("dag_run", "DAG run", "r.dag_run"),
        Column("window_from", "Window from", "r.window_from", "moment", extra=True),
        Column("window_to", "Window to", "r.window_to", "moment", extra=True),
        Column("instance", "Instance", "r.instance"),
    ),
    filters=(
        Filter("stage", "Stage", "r.stage = :stage", _STAGES),
        Filter("since", "From", "r.started_at >= cast(:since as date)", type="date"),
        Filter("until", "To", "r.started_at < cast(:until as date) + 1", type="date"),
    ),
    search="lower(concat_ws(' ', r.dag_run, r.message)) like :search",
    placeholder="run, message",
    link="null",
    tabs=(Tab("", "All", "true"), Tab("failed", "Failed", "r.ok = false")),
    address="/runs",
)  # fmt: skip

DECISIONS = Listing(
    "decisions", "Decisions",
    table="decision d",
    where="true",
    key=(("d.id", "bigint"),),
    identity=(("d.id", "bigint"),),
    newest=Column("id", "Id", "d.id", "number", required=True),
    instance="d.instance",
    columns=(
        Column("at", "When", "d.at", "moment", required=True),
        Column("who", "Who", "d.who"),
        Column("decision", "Decision", "d.decision", "state"),
        Column("about", "About", "d.about", "state", link="row"),
        Column("number", "Number", "d.number"),
        Column("before", "Before", "d.before", "counts", sortable=False),
        Column("after", "After", "d.after", "counts", sortable=False),
        Column("instance", "Instance", "d.instance"),
        Column("about_id", "Id of the row", "d.about_id", extra=True),
        Column("id", "Id", "d.id", "number", extra=True, required=True),
    ),
    filters=(
        Filter("decision", "Decision", "d.decision = :decision", tuple(Decision)),
        Filter("since", "From", "d.at >= cast(:since as date)", type="date"),
        Filter("until", "To", "d.at < cast(:until as date) + 1", type="date"),
    ),
    search="lower(concat_ws(' ', d.who, d.number)) like :search",
    placeholder="name, number",
    link="case d.about when 'change' then '/change/' || d.about_id when 'finding' then '/finding/' || d.about_id"
    " when 'statement' then '/statement/' || d.instance || '/' || d.number end",
    hint="What people decided. Rows are only added; the reason stands with what it is about.",
    tabs=(Tab("", "All", "true"),),
    address="/decisions",
)  # fmt: skip

WORK_LISTS = (FINDINGS, CHANGES, QUARANTINE, RUNS, DECISIONS)
