delete from parked where stream = $1 and position < $2
