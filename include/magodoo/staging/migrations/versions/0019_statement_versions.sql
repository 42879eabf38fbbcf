-- A month that was approved may be revised: the new statement has the next version, the earlier ones stay as they were.
alter table statement
    add column version integer not null default 1,  -- of the approved statements of the month, from 1
    add column verdict text not null default '',    -- in a few words; '' on statements of earlier versions of magodoo
    add column over boolean not null default true,  -- whether the month was over when it was made
    add column prepared_by text, add column prepared_at timestamptz,
    add column prepared_hash text,                  -- hash of the body that was prepared: made again with another one, it has to be prepared again
    add column notes jsonb;                         -- by key, what the approver noted on each open critical finding and each unreadable record
drop index statement_signed;
create unique index statement_signed on statement (instance, month, version) where signed_at is not null;

-- Where an approved statement was filed. Rows are only added.
create table statement_filing (
    id bigint generated always as identity primary key,
    statement_id bigint not null references statement (id),
    filed_at timestamptz not null, filed_by text not null,
    reference text not null                         -- the return or the file: "VAT October, receipt 4711"
);
create function statement_filing_is_frozen() returns trigger language plpgsql as $$
begin
    raise exception 'what was filed stays recorded';
end $$;
create trigger statement_filing_frozen before update or delete on statement_filing for each row execute function statement_filing_is_frozen();
