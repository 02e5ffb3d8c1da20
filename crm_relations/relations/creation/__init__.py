"""Creation of relations from party documents, and the merge of two relations into one."""
