"""`manage.py up`: web server, task worker and notifier as one group that starts, stops and dies together.

storage_lock  one supervisor per storage        address      the socket, and whether it really answers
early         what is refused before anything is made
preparation   what is put in place before       child        one process group: start, restart, stop
guard         ends the groups when the supervisor was killed (guarding: the supervisor's side of it)
loop          keeps all of it going
"""
