select space from directory_invite where code = $1
