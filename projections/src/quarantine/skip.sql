insert into skipped (projection, position, at) values ($1, $2, $3) on conflict do nothing
