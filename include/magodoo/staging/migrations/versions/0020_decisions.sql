-- What people decided. Rows are only added; they outlive what they are about, and hold no personal data of customers.
create table decision (
    id bigint generated always as identity primary key,
    at timestamptz not null default now(),
    instance text not null,
    who text not null,                   -- the name of the login, or of the operating system's user of a command
    decision text not null,
    about text not null,                 -- a table, and the id of its row
    about_id text not null,
    number text not null default '',     -- what people call it: the number of a document, a month
    before jsonb not null, after jsonb not null
);
create index decision_by_time on decision (instance, at desc);
create index decision_about on decision (about, about_id);
create function decision_is_frozen() returns trigger language plpgsql as $$
begin
    raise exception 'a decision stays recorded as it was';
end $$;
create trigger decision_frozen before update or delete on decision for each row execute function decision_is_frozen();
create trigger decision_kept before truncate on decision for each statement execute function decision_is_frozen();
