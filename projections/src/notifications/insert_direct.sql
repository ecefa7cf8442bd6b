-- Who has blocked somebody gets no direct messages from them, by the rules of channels.
insert into notification (user, position, kind, at, "by", space, channel, message, hidden)
select
    peer.user,
    sent.value ->> 'position',
    'direct',
    sent.value ->> 'at',
    unhex(sent.value ->> 'by'),
    null,
    peer.channel,
    unhex(sent.value ->> 'message'),
    0
from jsonb_each($1) as sent
inner join notification_peer as peer
    on peer.channel = unhex(sent.value ->> 'channel') and peer.user <> unhex(sent.value ->> 'by')
where true
on conflict do nothing
