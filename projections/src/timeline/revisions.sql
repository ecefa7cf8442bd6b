select version, seq, at from timeline_revision
where channel = $1 and message = $2 and version < $3
order by version desc
limit $4
