"""Tests by concept; those of pure rules need no site, all others run on a real one."""
