insert into timeline_horizon (channel, seq)
select change.channel, max(change.seq)
from jsonb_each($1) as old
cross join timeline_score_change as change
    on change.channel = unhex(old.value ->> 'channel')
    and change.at < (old.value ->> 'before')
where true
group by change.channel
on conflict (channel) do update set seq = max(timeline_horizon.seq, excluded.seq)
