select count(*) from sqlite_schema where type = 'table' and name in ('identity', 'head', 'streams', 'events')
