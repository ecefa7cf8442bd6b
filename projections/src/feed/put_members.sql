insert into feed_member (user, channel, joined)
select unhex(member.value ->> 'user'), channel.id, member.value ->> 'joined'
from jsonb_each($1) as member
inner join feed_channel as channel on channel.id = unhex(member.value ->> 'channel')
where true
on conflict (user, channel) do update set joined = excluded.joined
