delete from timeline_score_change
where
    (channel, message, seq) in (
        select change.channel, change.message, change.seq
        from jsonb_each($1) as old
        cross join timeline_score_change as change
            on change.channel = unhex(old.value ->> 'channel')
            and change.at < (old.value ->> 'before')
    )
