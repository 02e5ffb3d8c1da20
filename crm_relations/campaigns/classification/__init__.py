"""Classification of incoming mail: reply, absence notice, bounce or objection. Pure Python, writes nothing."""
