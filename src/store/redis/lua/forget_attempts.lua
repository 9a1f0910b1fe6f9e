call('UNLINK', user)
