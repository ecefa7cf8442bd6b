update head set position = $1
