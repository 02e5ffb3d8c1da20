"""Tests by concept; pure rules without a site, everything else on a real one."""
