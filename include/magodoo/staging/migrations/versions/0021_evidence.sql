-- Under which tax, rule and rate a change was written, and on which transaction; no personal data, so that it outlives the request.
alter table change add column evidence jsonb;
