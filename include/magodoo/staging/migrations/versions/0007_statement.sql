-- The monthly statements. One row per instance and month that is not signed (made again in place), and at most one that is.
-- body: canonical JSON, numbers and amounts only, no names; hash: SHA-256 of it in UTF-8.
create table statement (
    id bigint generated always as identity primary key,
    instance text not null, month date not null,    -- its first day
    made_at timestamptz not null, dag_run text,
    body text not null, hash text not null,
    unexplained boolean not null,                   -- whether any line of it is
    figures_hash text not null,                     -- of its figures and documents alone: without what is open today
    mailed_hash text,                               -- figures_hash of what was mailed last
    signed_by text, signed_at timestamptz, note text
);
create unique index statement_unsigned on statement (instance, month) where signed_at is null;
create unique index statement_signed on statement (instance, month) where signed_at is not null;

-- The documents behind the figures: one row per document of the month and side, with the line of the statement that it stands on.
create table statement_document (
    statement_id bigint not null references statement (id) on delete cascade,
    side text not null, kind text not null, source_id text not null,
    number text not null, order_number text not null, day date, currency text not null,
    net bigint not null, tax bigint not null,
    line text not null,
    primary key (statement_id, side, kind, source_id)
);

-- What a person has signed stays as it was, whoever asks.
create function statement_is_frozen() returns trigger language plpgsql as $$
begin
    if old.signed_at is not null then
        raise exception using message = 'statement ' || old.id || ' was signed and is frozen';
    end if;
    return case tg_op when 'DELETE' then old else new end;
end $$;
create function statement_document_is_frozen() returns trigger language plpgsql as $$
declare
    changed statement_document := case tg_op when 'INSERT' then new else old end;
begin
    if exists (select 1 from statement where id = changed.statement_id and signed_at is not null) then
        raise exception using message = 'statement ' || changed.statement_id || ' was signed and is frozen';
    end if;
    return case tg_op when 'DELETE' then old else new end;
end $$;
create trigger statement_frozen before update or delete on statement for each row execute function statement_is_frozen();
create trigger statement_document_frozen before insert or update or delete on statement_document
    for each row execute function statement_document_is_frozen();

alter table mail add column pdf_name text, add column pdf bytea;
