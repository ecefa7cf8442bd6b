-- Each row holds only where its author is blocked by the person as before this run, or is not, whichever it says.
insert into notification (user, position, kind, at, "by", space, channel, message, hidden)
select
    unhex(call.value ->> 'user'),
    call.value ->> 'position',
    call.value ->> 'kind',
    call.value ->> 'at',
    unhex(call.value ->> 'by'),
    coalesce(unhex(call.value ->> 'space'), channel.space),
    unhex(call.value ->> 'channel'),
    unhex(call.value ->> 'message'),
    0
from jsonb_each($1) as call
left join notification_channel as channel on channel.id = unhex(call.value ->> 'channel')
where
    (call.value ->> 'kind' <> 'invite' or channel.kind is null or channel.kind <> 'direct')
    and call.value ->> 'if_blocked' = exists (
        select 1
        from notification_block as block
        where block.user = unhex(call.value ->> 'user') and block.blocked = unhex(call.value ->> 'by')
    )
on conflict do nothing
