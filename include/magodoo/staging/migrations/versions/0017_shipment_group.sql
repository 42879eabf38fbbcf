-- Shipments that are no pair, but are compared in sum with the other side's of the same order. Written with the pairs of the order.
create table shipment_group (
    instance text not null, order_key text not null,
    side text not null, source_id text not null,
    counterparts text not null,                     -- numbers of the other side's shipments in the group, oldest first
    same_goods boolean not null,                    -- whether both sides moved the same in sum; if not, a finding says so
    primary key (instance, side, source_id)
);
create index shipment_group_by_order on shipment_group (instance, order_key);
