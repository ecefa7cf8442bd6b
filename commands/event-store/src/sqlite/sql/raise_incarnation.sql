update identity set incarnation = max(incarnation, $1) + 1
