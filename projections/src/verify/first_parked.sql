select min(position) from parked where stream = $1
