delete from skipped where projection = $1
