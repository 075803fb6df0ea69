"""What every journal promises, whatever it is kept on: the same assertions on the real disk and on a simulated one."""
