select *
from report
where space is $1 and state = $2 and subject <> $3 and opened > $4
order by opened
limit $5
