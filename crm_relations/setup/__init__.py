"""Install, uninstall, custom fields, roles, seed, readiness check."""
