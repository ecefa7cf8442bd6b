select projection, generation, version, position, epoch, log_id, incarnation, event_id from checkpoint
