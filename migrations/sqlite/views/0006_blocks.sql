-- channel_list: mentions by whom one has blocked are no news. The view is of a new version and is folded again, which fills the table.
create table channel_list_block (
    user blob not null,
    blocked blob not null,
    -- For `count_mentions.sql` and `insert_mentions.sql`.
    primary key (user, blocked)
) without rowid;
