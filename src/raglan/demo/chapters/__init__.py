"""The chapters of the story: functions of the scene, so that every number that is said comes from the model."""
