"""How consent comes about and ends: double opt-in, sales to existing customers, the page of preferences, objections."""
