select call.position, call.kind, call.at, call."by", call.space, call.channel, call.message
from notification as call
where
    call.user = $1
    and call.position < $2
    and call.position > $3
    and call.hidden = 0
    and not exists (
        select 1 from notification_block as block where block.user = call.user and block.blocked = call."by"
    )
order by call.position desc
limit $4
