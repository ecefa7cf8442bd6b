-- For `reports_of.sql`: those of one space, or of none, by state.
create index report_queue on report (space, state, opened);
