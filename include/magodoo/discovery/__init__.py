"""What both systems hold, as a draft of the settings: facts are read (`shop`, `books`), each becomes a proposal (`proposals`), all a text (`draft`)."""
