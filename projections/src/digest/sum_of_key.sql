select rows, sum_high, sum_low from digest where table_name = $1 and key = $2
