select *
from audit_act
where
    position < $1
    and ($2 is null or kind = $2)
    and ($3 is null or actor = $3)
    and ($4 is null or target = $4)
order by position desc
limit $5
