"""Roles and stages of a relation, and the playbook of activities for each role."""
