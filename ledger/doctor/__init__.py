"""What is wrong with a journal, said in plain words, and what can be done about it."""
