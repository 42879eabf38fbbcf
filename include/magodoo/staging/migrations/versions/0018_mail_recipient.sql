-- Whom a mail reached: one row for each recipient, committed as the mail is handed over. A mail waits while a recipient is neither sent nor given up.
create table mail_recipient (
    mail_id bigint not null references mail (id) on delete cascade,
    recipient text not null,
    attempts integer not null default 0,
    begun_at timestamptz,                           -- the server was about to get the text for this recipient: without sent_at, whether it took it is unknown
    sent_at timestamptz, given_up_at timestamptz,
    reported_at timestamptz,                        -- when a later mail named the recipient as not reached
    last_error text,
    primary key (mail_id, recipient)
);
create index mail_recipient_open on mail_recipient (mail_id) where sent_at is null;
insert into mail_recipient (mail_id, recipient, attempts, sent_at, given_up_at, last_error)
select distinct on (m.id, r.recipient) m.id, r.recipient, m.attempts, m.sent_at,
    case when m.sent_at is null and m.attempts >= 50 then now() end, m.last_error
from mail m cross join lateral unnest(m.recipients) as r (recipient);
alter table mail drop column sent_at, drop column attempts, drop column last_error;
