-- What entries were before each vote, deletion and restoration of this run, one row each, so that it does not matter how a log is cut into
-- runs. A vote steps from the last one of the same person, in this run or before it.
insert into feed_change (position, entry, channel, score, hot, deleted)
with happened as (
    select
        event.value ->> 'position' as position,
        entry.position as entry,
        entry.channel,
        entry.at,
        entry.score,
        entry.deleted,
        unhex(event.value ->> 'user') as user,
        event.value ->> 'vote' as vote,
        event.value ->> 'deleted' as now_deleted
    from jsonb_each($1) as event
    inner join feed_entry as entry on entry.id = unhex(event.value ->> 'message')
),
stepped as (
    select
        happened.*,
        case
            when happened.vote is null then 0
            else happened.vote - coalesce(
                lag(happened.vote) over (partition by happened.entry, happened.user order by happened.position),
                stored.vote,
                0
            )
        end as step
    from happened
    left join feed_vote as stored on stored.entry = happened.entry and stored.user = happened.user
),
before as (
    select
        position,
        entry,
        channel,
        at,
        score + coalesce(sum(step) over earlier, 0) as score,
        coalesce(max(position * 2 + now_deleted) over earlier % 2, deleted) as deleted
    from stepped
    window earlier as (partition by entry order by position rows between unbounded preceding and 1 preceding)
)
select
    position,
    entry,
    channel,
    score,
    at + case when score < 0 then -1 else 1 end * (
            select bonus.bonus + (max(abs(score), 1) - bonus.votes) * bonus.step
            from feed_bonus as bonus
            where bonus.votes <= max(abs(score), 1)
            order by bonus.votes desc
            limit 1
        ),
    deleted
from before
where true
on conflict do nothing
