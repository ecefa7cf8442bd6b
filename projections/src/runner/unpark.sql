delete from projection_parked where projection = $1
