with recursive tree (id, seq, depth) as (
    select child.id, child.seq, child.depth
    from timeline_message as child
    where child.channel = $1 and child.reply_to = $2 and child.depth > 0 and child.seq <= $3
    union all
    select child.id, child.seq, child.depth
    from tree
    cross join timeline_message as child
        on child.channel = $1 and child.reply_to = tree.id and child.depth > 0 and child.seq <= $3
    -- The deepest first, so that what answers a comment stands right behind it.
    order by 3 desc, 2 desc
)
select id from tree limit $4 offset $5
