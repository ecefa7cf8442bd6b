insert into identity (only_row, id, incarnation) values (1, $1, 1) on conflict do nothing
