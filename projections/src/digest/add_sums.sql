insert into digest (table_name, key, rows, sum_high, sum_low)
values ($1, $2, $3, $4, $5)
on conflict (table_name, key) do update
set
    rows = rows + excluded.rows,
    sum_high = digest_sum(sum_high, excluded.sum_high),
    sum_low = digest_sum(sum_low, excluded.sum_low)
returning rows
