select projection, position from skipped order by projection, position
