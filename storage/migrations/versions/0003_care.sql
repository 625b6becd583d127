-- Schema 3, care: purges, retention.
select 1;
