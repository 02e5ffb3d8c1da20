"""Fields that a rule may use: relation, figures, events, custom fields."""
