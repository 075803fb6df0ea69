"""Telling people what concerns them: in their inbox always, by e-mail as they choose. `up` has a notifier do it.

notice    one thing that one person should be told
waiting   what waits for a person: also home's list    decided  lapsing  ended   the other kinds
telling   rows of what is not told yet, and the end of what no longer waits
letters   the e-mail of a row                          sending  sends them, again and again until they are gone
own       what a person sees, marks as read, chooses   postbag  how the e-mails stand, for whoever looks after that

Every pass compares rows with what was told before. So nothing is missed whatever was killed in between, and the
database tells nobody twice, whoever else tells at the same moment. A row holds judged texts, never finished sentences:
each person reads it in their own language and zone. A link opens nothing without signing in.
"""
