-- What the preflights found. The newest row of an instance decides whether it may write.
create table preflight (
    id bigint generated always as identity primary key,
    instance text not null, checked_at timestamptz not null default now(),
    ok boolean not null,                            -- no line is an error
    kinds text[] not null,                          -- the kinds of change that it was judged for
    settings_hash text not null,                    -- of the settings that the checks depend on
    lines jsonb not null                            -- [{instance, name, status, found, todo}]
);
create index preflight_latest on preflight (instance, id desc);
