-- Fails if a login, a refresh or a revocation would: on a replica, when memory is full, and when the
-- access control list denies a command, the keys or the channel. It runs every command that the
-- scripts need, and leaves nothing behind.
call('HSET', user, 'ping', '') -- the first write, because Redis checks the memory only then
call('HGET', user, 'ping')
call('HDEL', user, '')
call('HMGET', user, 'ping')
call('HSCAN', user, 0)
call('EXPIRE', user, 60)
call('TTL', user)
call('UNLINK', user)
call('SET', user, 0)
call('GET', user)
call('PERSIST', user)
call('UNLINK', user)
call('ZADD', used, 0, 'ping')
call('ZSCORE', used, 'ping')
call('ZRANGE', used, 0, 0)
call('ZREVRANGE', used, 0, 0)
call('ZREVRANK', used, 'ping')
call('ZCARD', used)
call('ZREM', used, 'ping')
call('TIME')
call('PUBLISH', channel, '')
