-- Names this master, and all masters that the sender knows.
must_be_writable()
call('PUBLISH', channel, ARGV[2] .. ' ' .. call('CLUSTER', 'MYID') .. ' ' .. ARGV[3])
