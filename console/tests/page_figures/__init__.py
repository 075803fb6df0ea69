"""How long pages take and how much they weigh beside much of everything: a command, `make page-figures`."""
