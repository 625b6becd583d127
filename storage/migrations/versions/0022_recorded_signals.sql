-- Schema 22: when an act of an executive was recorded. Of those of before this schema nothing is known but when
-- they were first seen.
alter table signal add column recorded_at timestamptz;
