select name, version, generation, position, log_id, incarnation from projection_checkpoint
