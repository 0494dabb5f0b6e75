"""Console: screens and doors across contexts: Now, Something is wrong, setup and own health, REST."""
