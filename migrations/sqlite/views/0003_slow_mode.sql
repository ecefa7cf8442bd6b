-- channel_list: how long people wait between two messages. The view is of a new version and is folded again, which fills the column.
alter table channel_list_channel add column slow_mode_s integer not null default 0;
