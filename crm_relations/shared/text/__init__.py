"""Text from outside and its output: sandboxed templates, markup, PDF."""
