-- Schema 7, rules: since when a rule has stood as it is about what it is about. What others looked at before
-- then is not told by it: a rule that is renamed or switched on again has nothing to say about last week.
alter table alert_rule add column active_since timestamptz;
update alert_rule set active_since = created_at;
alter table alert_rule alter column active_since set not null;
