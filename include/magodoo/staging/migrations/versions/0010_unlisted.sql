-- Work list of the sales lists: orders that were reconciled since their lines were written. Noted in the transaction that
-- writes pairs and findings, taken out in the one that writes the lines. The same order may stand here twice.
create table unlisted (instance text not null, order_key text not null);
create index unlisted_by_order on unlisted (instance, order_key);
