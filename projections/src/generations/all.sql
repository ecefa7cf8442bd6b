select projection, generation, version, state, paused, events_per_s, promote, reason from generation
order by projection, generation
