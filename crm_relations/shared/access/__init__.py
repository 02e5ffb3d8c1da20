"""Access rules shared by all packages: permissions, system-managed fields, guest pages."""
