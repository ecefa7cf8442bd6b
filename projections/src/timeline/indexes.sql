-- For `thread_page.sql`.
create index timeline_message_thread on timeline_message (channel, thread, seq) where thread is not null;

-- For `comments_by_score.sql` and `comments_by_age.sql`: the comments that answer something, in a forum.
create index timeline_message_answers on timeline_message (channel, reply_to, seq) where depth > 0;
