select table_name, key, rows, sum_high, sum_low from digest order by table_name, key
