-- Schema 3, imports.
select 1;
