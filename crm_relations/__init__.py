"""crm_relations: relationship management on top of ERPNext's own documents."""

__version__ = "0.1.0"
