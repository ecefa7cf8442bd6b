-- For `ranked_in_channels_*.sql`: each channel in each order.
create index feed_entry_channel_new on feed_entry (channel, position);
create index feed_entry_channel_top on feed_entry (channel, score, position);
create index feed_entry_channel_hot on feed_entry (channel, hot, position);

-- For `ranked_everywhere_*.sql`, which for the newest walks the key.
create index feed_entry_top on feed_entry (score, position);
create index feed_entry_hot on feed_entry (hot, position);

-- For the first change after a position.
create index feed_change_entry on feed_change (entry, position);
