"""External text and output: sandboxed templates, markup, PDF."""
