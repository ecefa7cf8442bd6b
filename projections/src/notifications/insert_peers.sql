insert into notification_peer (channel, user)
select channel.id, unhex(member.value ->> 'user')
from jsonb_each($1) as member
inner join notification_channel as channel on channel.id = unhex(member.value ->> 'channel')
where channel.kind = 'direct'
on conflict do nothing
