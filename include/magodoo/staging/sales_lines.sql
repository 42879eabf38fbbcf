-- The lines of some orders of one instance, and of its documents without order. See listed.py.
with magento as (
    select kind, source_id, order_key from document
    where instance = :instance and side = 'magento' and order_key = any(:orders) and deleted_at is null
    union all
    select kind, source_id, order_key from document
    where instance = :instance and side = 'magento' and order_key is null and :without_order and deleted_at is null
), odoo as (
    select kind, source_id, order_key, active from document
    where instance = :instance and side = 'odoo' and order_key = any(:orders) and deleted_at is null
    union all
    select kind, source_id, order_key, active from document
    where instance = :instance and side = 'odoo' and order_key is null and details ? 'without_order' and :without_order and deleted_at is null
), matched as (
    select kind, magento_id, odoo_id from pair
    where instance = :instance and ended_at is null and (order_key = any(:orders)
        or magento_id in (select source_id from magento where order_key is null)
        or odoo_id in (select source_id from odoo where order_key is null))
), found as (
    select id, type, kind, magento_id, odoo_id, severity,
        case severity when 'critical' then 1 when 'warning' then 2 else 3 end as rank
    from finding where instance = :instance and resolved_at is null and (order_key = any(:orders) or order_key is null and :without_order)
), found_magento as (
    select distinct on (kind, magento_id) * from found where magento_id is not null order by kind, magento_id, rank, id
), found_odoo as (
    select distinct on (kind, odoo_id) * from found where odoo_id is not null order by kind, odoo_id, rank, id
), entry as (
    select m.kind, m.source_id as magento_id, p.odoo_id, m.order_key, p.odoo_id is not null as paired
    from magento m left join matched p on p.kind = m.kind and p.magento_id = m.source_id
    union all
    select o.kind, null, o.source_id, o.order_key, false from odoo o
    where o.kind in ('order', 'invoice', 'shipment', 'credit_memo') and (o.active or o.kind <> 'shipment')
        and not exists (select 1 from matched p where p.kind = o.kind and p.odoo_id = o.source_id)
), sums as (
    select order_key,
        sum(grand_total) filter (where side = 'magento' and kind = 'invoice') as invoiced_magento,
        sum(grand_total) filter (where side = 'odoo' and kind = 'invoice') as invoiced_odoo,
        sum(grand_total - open_amount) filter (where side = 'odoo' and kind = 'invoice') as paid_odoo,
        sum(quantity) filter (where side = 'magento' and kind = 'shipment') as shipped_magento,
        sum(quantity) filter (where side = 'odoo' and kind = 'shipment') as shipped_odoo
    from document where instance = :instance and order_key = any(:orders) and kind in ('invoice', 'shipment')
        and active and deleted_at is null
    group by order_key
)
insert into listed (
    kind, instance, side, source_id, order_key, magento_id, odoo_id, match, finding_id, finding_type,
    number, magento_number, odoo_number, order_number, status, odoo_state, date, magento_date, order_date,
    document_date, due_date, accounting_date, customer, ship_to, email, phone, search,
    currency, untaxed, tax, total, difference, open_amount, quantity,
    invoiced_magento, invoiced_odoo, paid_magento, paid_odoo, shipped_magento, shipped_odoo,
    payment_method, transaction_id, journal, country, vat, tracking)
select e.kind, :instance, l.side, l.source_id, e.order_key, e.magento_id, e.odoo_id,
    case
        when e.paired or g.source_id is not null then case when f.severity in ('critical', 'warning') or not g.same_goods then 'differs' else 'matched' end
        when w.scope = 'excluded' then 'excluded'
        when f.id is null then 'not expected'
        when e.magento_id is not null then 'missing in Odoo'
        else 'missing in Magento'
    end,
    f.id, f.type, l.number, coalesce(m.number, g.counterparts), coalesce(o.number, g.counterparts), coalesce(r.number, ''),
    case e.kind
        when 'invoice' then case when o.source_id is null then 'not in Odoo' when o.state = 'posted' then coalesce(o.status, 'posted') else o.state end
        when 'credit_memo' then case m.state when '1' then 'open' when '2' then 'refunded' when '3' then 'canceled' else 'not in Magento' end
        when 'order' then coalesce(m.status, m.state, 'not in Magento')
        else coalesce(o.state, case when g.same_goods then 'done' else 'not in Odoo' end)
    end,
    o.state, coalesce(l.created_at, l.document_date, l.request_began_at), m.created_at, r.created_at,
    coalesce(o.document_date, m.document_date), o.due_date, o.accounting_date,
    coalesce(n.customer, ''), n.ship_to, n.email, n.phone,
    lower(concat_ws(' ', m.number, o.number, nullif(r.number, m.number), n.customer, nullif(n.ship_to, n.customer), n.email)),
    l.currency, l.untaxed, l.tax, l.grand_total, o.grand_total - m.grand_total, o.open_amount, l.quantity,
    case when e.kind = 'order' then coalesce(s.invoiced_magento, 0) end, case when e.kind = 'order' then coalesce(s.invoiced_odoo, 0) end,
    case when e.kind = 'order' then m.grand_total - m.open_amount end, case when e.kind = 'order' then coalesce(s.paid_odoo, 0) end,
    case when e.kind = 'order' then coalesce(s.shipped_magento, 0) end, case when e.kind = 'order' then coalesce(s.shipped_odoo, 0) end,
    coalesce(r.payment_method, m.payment_method), coalesce(m.transaction_id, r.transaction_id), o.journal,
    coalesce(r.country, m.country, o.country), coalesce(r.vat, m.vat, o.vat), array_to_string(l.tracking, ', ')
from entry e
left join document m on m.instance = :instance and m.side = 'magento' and m.kind = e.kind and m.source_id = e.magento_id
left join document o on o.instance = :instance and o.side = 'odoo' and o.kind = e.kind and o.source_id = e.odoo_id
left join document r on r.instance = :instance and r.side = 'magento' and r.kind = 'order' and r.source_id = e.order_key
left join order_work w on w.instance = :instance and w.order_key = e.order_key
left join found_magento fm on fm.kind = e.kind and fm.magento_id = e.magento_id
left join found_odoo fo on fo.kind = e.kind and fo.odoo_id = e.odoo_id
left join found f on f.id = case when coalesce(fo.rank, 9) < coalesce(fm.rank, 9) then fo.id else fm.id end
-- Odoo's and Magento's ids differ, and a pair in a group has its numbers already.
left join shipment_group g on g.instance = :instance and e.kind = 'shipment' and not e.paired
    and g.side = case when e.magento_id is null then 'odoo' else 'magento' end and g.source_id = coalesce(e.magento_id, e.odoo_id)
left join sums s on s.order_key = e.order_key and e.kind = 'order'
-- Invoices and shipments are known by Odoo's document, orders and memos by Magento's.
cross join lateral (select d.* from (select m.*) d where m.source_id is not null and (o.source_id is null or e.kind in ('order', 'credit_memo'))
    union all select d.* from (select o.*) d where o.source_id is not null and (m.source_id is null or e.kind in ('invoice', 'shipment'))) l
cross join lateral (select coalesce(r.customer_name, m.customer_name, o.customer_name) as customer,
    coalesce(r.ship_to_name, m.ship_to_name, o.ship_to_name, r.customer_name, o.customer_name) as ship_to,
    coalesce(r.customer_email, m.customer_email, o.customer_email) as email,
    coalesce(r.customer_phone, m.customer_phone, o.customer_phone) as phone) n
-- Two concurrent runs over records without order give the same result.
on conflict do nothing
