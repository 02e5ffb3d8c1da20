"""The books: attribution of voucher lines, accounting dimension, statement. Alone writes Relation Attribution."""
