"""Pictures for people: plots, sheets, lettered figures, marked faces."""
