-- Of edited messages: whoever is not mentioned any more, or was not for a while in this run, is not called by the earlier mention.
delete from notification
where (user, position) in (
    select call.user, call.position
    from jsonb_each($1) as edit
    inner join notification as call on call.message = unhex(edit.value ->> 'message')
    where
        call.kind = 'mention'
        and not exists (
            select 1
            from json_each(edit.value -> 'kept') as kept
            where
                unhex(kept.value ->> 'user') = call.user
                and kept.value ->> 'if_blocked' = exists (
                    select 1
                    from notification_block as block
                    where block.user = call.user and block.blocked = call."by"
                )
        )
)
