// The figures of a relation, on its form.
