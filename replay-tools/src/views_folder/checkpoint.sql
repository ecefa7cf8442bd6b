select version, position, log_id, incarnation from checkpoint
