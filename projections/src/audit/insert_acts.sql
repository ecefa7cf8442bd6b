insert into audit_act (position, at, kind, actor, target_kind, target, name, space, channel, reason, event)
select
    act.value ->> 'position',
    act.value ->> 'at',
    act.value ->> 'kind',
    unhex(act.value ->> 'actor'),
    act.value ->> 'target_kind',
    unhex(act.value ->> 'target'),
    act.value ->> 'name',
    coalesce(unhex(act.value ->> 'space'), channel.space),
    unhex(act.value ->> 'channel'),
    act.value ->> 'reason',
    unhex(act.value ->> 'event')
from jsonb_each($1) as act
left join audit_channel as channel on channel.id = unhex(act.value ->> 'channel')
where true
on conflict do nothing
