delete from digest where table_name = $1 and key = $2 and rows = 0 and sum_high = 0 and sum_low = 0
