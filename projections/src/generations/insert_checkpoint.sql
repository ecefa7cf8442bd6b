insert into checkpoint (only_row, projection, generation, version, position, epoch, log_id, incarnation)
values (1, $1, $2, $3, 0, $4, $5, $6)
