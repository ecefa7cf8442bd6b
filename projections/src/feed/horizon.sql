select position from feed_horizon
