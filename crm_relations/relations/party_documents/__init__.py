"""Party documents of ERPNext as sources of relations. Writes nothing."""
