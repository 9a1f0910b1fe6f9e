call('PERSIST', KEYS[1]) -- fails where nothing can be written, and else changes nothing
return call('GET', KEYS[1]) or '0'
