-- Published only where a revocation could be written.
must_be_writable()
call('PUBLISH', channel, ARGV[2])
