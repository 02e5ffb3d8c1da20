"""Tests on a real site with MariaDB and Redis."""
